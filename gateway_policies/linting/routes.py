"""Rules about routes and what stands behind them: which call goes where."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations

from gateway_policies.linting.rule import Book, Broken
from gateway_policies.linting.scene import Scene
from gateway_policies.model import Api, Layer, Operation, Severity
from gateway_policies.nearest import did_you_mean

BOOK = Book("Routes and upstreams")
HUB = "hub"
"""What policies call the hub among systems, for APIs whose documents it takes: ``system:hub``."""


@BOOK.rule(
    "base-path-duplicate",
    Severity.ERROR,
    "two APIs at one base path",
    why="Which of them gets a call would depend on the order in which a gateway happens to keep them.",
    advice="Give each a base path of its own.",
)
def base_path_duplicate(scene: Scene) -> Iterator[Broken]:
    """The same path, whoever owns it."""
    first: dict[str, Api] = {}
    for api in scene.apis:
        other = first.setdefault(api.base_path, api)
        if other is not api:
            yield Broken(api.address, f"{api.address} and {other.address} both begin at {api.base_path}.", "base_path")


@BOOK.rule(
    "base-path-overlap",
    Severity.WARNING,
    "an API inside another one's base path",
    why="Calls to the inner one can also be meant for the outer one. The longer path wins, and a parameter of the "
    "outer API never gets the value that is the inner one's name.",
    advice="Put them side by side.",
)
def base_path_overlap(scene: Scene) -> Iterator[Broken]:
    """``/erp`` and ``/erp/orders``."""
    at = {each.base_path: each for each in scene.apis}
    for api in scene.apis:
        parts = api.base_path.split("/")
        for length in range(len(parts) - 1, 1, -1):
            outer = at.get("/".join(parts[:length]))
            if outer is not None:
                yield Broken(
                    api.address,
                    f"{api.address} at {api.base_path} lies inside {outer.address} at {outer.base_path}.",
                    "base_path",
                )
                break


@BOOK.rule(
    "route-duplicate",
    Severity.ERROR,
    "two operations for the same calls",
    why="They differ only in how they call their parameters, so every call fits both, and which scope is wanted is "
    "left to chance.",
    advice="Leave one out.",
)
def route_duplicate(scene: Scene) -> Iterator[Broken]:
    """``/{order}`` and ``/{id}``."""
    for api in scene.apis:
        for one, other, method in _pairs(api):
            if _shape(one) == _shape(other):
                yield Broken(
                    api.address,
                    f"{api.address}: {method} {other.path} and {method} {one.path} are the same calls.",
                    f"operations[{other.key}]",
                )


@BOOK.rule(
    "route-ambiguous",
    Severity.WARNING,
    "two operations of which neither is the nearer one",
    why="A call can fit both, each with a parameter where the other has a word. Gateways decide that differently.",
    advice="Change one of the paths, so that one is nearer in every segment.",
)
def route_ambiguous(scene: Scene) -> Iterator[Broken]:
    """``/{order}/lines`` and ``/open/{line}``."""
    for api in scene.apis:
        for one, other, method in _pairs(api):
            if one.scope != other.scope and _crossing(_shape(one), _shape(other)):
                yield Broken(
                    api.address,
                    f"{api.address}: a call can fit {method} {one.path} and {method} {other.path}, "
                    "which want different scopes.",
                    f"operations[{other.key}]",
                )


def _shape(operation: Operation) -> tuple[str | None, ...]:
    """The segments of a path; None for a parameter."""
    return tuple(None if part.startswith("{") else part for part in operation.path.split("/")[1:])


def _crossing(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> bool:
    pairs = list(zip(one, other, strict=True))
    if any(a is not None and b is not None and a != b for a, b in pairs):
        return False
    return any(a is None and b is not None for a, b in pairs) and any(a is not None and b is None for a, b in pairs)


def _pairs(api: Api) -> Iterator[tuple[Operation, Operation, str]]:
    """Operations of an API that share a method, a version and the number of segments; only these can meet."""
    by_length: dict[int, list[Operation]] = defaultdict(list)
    for each in api.operations:
        if "{" in each.path:
            by_length[each.path.count("/")].append(each)
    for operations in by_length.values():
        for one, other in combinations(operations, 2):
            shared = next((each for each in one.methods if each in other.methods), None)
            if shared is not None and _share_version(one, other):
                yield one, other, shared


def _share_version(one: Operation, other: Operation) -> bool:
    if one.versions is None or other.versions is None:
        return True
    return not set(one.versions).isdisjoint(other.versions)


@BOOK.rule(
    "upstream-unknown",
    Severity.WARNING,
    "an upstream that is no known system",
    why="Calls would find no way on: the hub knows no system of that name.",
    advice="Name a system as the hub names it, in the same letters.",
)
def upstream_unknown(scene: Scene) -> Iterator[Broken]:
    """Neither the API's own system nor named by any other policy."""
    named = {name for _, name in scene.systems_said}
    for api in scene.apis:
        name = api.upstream.removeprefix("system:")
        if name == api.upstream or name in named or name in scene.systems or name == HUB:
            continue
        known = {*named, *scene.systems, HUB}
        yield Broken(
            api.address,
            f"{api.address} is passed on to the system {name!r}, and no policy names that.{did_you_mean(name, known)}",
            "upstream",
        )


@BOOK.rule(
    "upstream-other-system",
    Severity.WARNING,
    "a system API that is passed on to another system",
    why="Who owns the system answers for an API that ends somewhere else.",
    advice='Correct system or upstream; an API across systems has layer = "process".',
)
def upstream_other_system(scene: Scene) -> Iterator[Broken]:
    """``system = "ERP"`` and ``upstream = "system:WMS"``."""
    for api in scene.apis:
        name = api.upstream.removeprefix("system:")
        if api.layer is Layer.SYSTEM and api.system is not None and name not in (api.upstream, api.system):
            yield Broken(
                api.address, f"{api.address} is the system {api.system}'s and is passed on to {name}.", "upstream"
            )


@BOOK.rule(
    "system-alike",
    Severity.WARNING,
    "one system or plant in two spellings",
    why="'Erp' is not 'ERP': what is looked for by system or plant misses the other spelling, rules and reports too.",
    advice="Spell it as the hub does.",
)
def system_alike(scene: Scene) -> Iterator[Broken]:
    """Names that differ in case; the rarer spelling is told."""
    said = [(address, "system", name) for address, name in scene.systems_said]
    said += [(each.address, "plant", each.plant) for each in scene.consumers if each.plant is not None]
    counts = Counter((field, name) for _, field, name in said)
    # What the hub knows is right, however often files say otherwise.
    usual = {("system", each.casefold()): each for each in scene.systems}
    for field, name in sorted(counts, key=lambda pair: (-counts[pair], pair)):
        usual.setdefault((field, name.casefold()), name)
    for address, field, name in said:
        meant = usual[field, name.casefold()]
        if meant != name:
            yield Broken(address, f"{address} says the {field} {name!r}, which elsewhere is {meant!r}.", field)
