"""Rules about least privilege: who is too near to what, by risk and by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway_policies.linting.rule import Book, Broken
from gateway_policies.linting.scene import Scene, Use
from gateway_policies.model import Consumer, Grant, Layer, Risk, Severity

BOOK = Book("Least privilege")

_FLOOR = frozenset({"cmms", "historian", "mes", "qms", "scada", "wms"})
"""Systems of ISA-95 level 3 and below: they run the plant, and tell level 4 what happened."""

_OUTSIDE = frozenset({"customer-portal", "edi", "supplier-portal"})
"""Where partners come in."""

_READERS = frozenset({"analytics"})


def _is(consumer: Consumer, systems: frozenset[str]) -> bool:
    return consumer.system is not None and consumer.system.casefold() in systems


def _on_the_floor(consumer: Consumer) -> bool:
    return _is(consumer, _FLOOR) or (consumer.system is None and consumer.plant is not None)


def _who(consumer: Consumer) -> str:
    if consumer.system is not None:
        return f"{consumer.address} ({consumer.system})"
    return f"{consumer.address} (plant {consumer.plant})"


def _reached(
    scene: Scene, which: Callable[[Consumer], bool], wanted: Callable[[Use, Risk], bool]
) -> Iterator[tuple[Grant, Consumer, str, Use]]:
    """Grants of such consumers that open such operations, each with the first."""
    # What a scope opens does not depend on who has it, and is found once.
    opens: dict[str, tuple[Use, ...]] = {}
    for consumer in scene.consumers:
        if not which(consumer):
            continue
        for grant in scene.grants_of.get(consumer.name, ()):
            for scope in scene.scopes_in(grant):
                if scope not in opens:
                    risk = scene.scope_named[scope].risk
                    opens[scope] = tuple(
                        each for each in scene.uses.get(scope, ()) if wanted(each, risk) and scene.is_served(each)
                    )
                use = next((each for each in opens[scope] if not _own(consumer, each)), None)
                if use is not None:
                    yield grant, consumer, scope, use
                    break


def _own(consumer: Consumer, use: Use) -> bool:
    system = use.api.system or use.api.upstream.removeprefix("system:")
    return consumer.system is not None and consumer.system.casefold() == system.casefold()


@BOOK.rule(
    "grant-layer",
    Severity.ERROR,
    "a shop-floor system that writes with financial risk at another system's own API",
    why="In ISA-95 terms a system of level 3 tells what happened, and level 4 decides what that means in money. With a "
    "financial scope at the system API itself, one wrong mapping in an MES posts values without anything between. A "
    "process API in between checks, translates and can be stopped.",
    advice="Let it call a process API, with a scope of that API's; where it has to be so, suppress it with the reason.",
)
def grant_layer(scene: Scene) -> Iterator[Broken]:
    """An MES with finance write."""
    wanted = lambda use, risk: risk is Risk.FINANCIAL and use.writes and use.api.layer is Layer.SYSTEM  # noqa: E731
    for grant, consumer, scope, use in _reached(scene, _on_the_floor, wanted):
        yield Broken(
            grant.address,
            f"{_who(consumer)} may write with the financial scope {scope} at a system API: {use}.",
            "scope",
        )


@BOOK.rule(
    "grant-outside",
    Severity.WARNING,
    "a partner's way in that reaches a system API",
    why="Portals and EDI speak for people outside. System APIs show a system as it is; experience and process APIs "
    "show what partners may see of it.",
    advice="Let it call an experience or process API, with a scope of that API's.",
)
def grant_outside(scene: Scene) -> Iterator[Broken]:
    """A portal that is granted what a system's own API wants."""
    wanted = lambda use, risk: use.api.layer is Layer.SYSTEM  # noqa: E731
    for grant, consumer, scope, use in _reached(scene, lambda each: _is(each, _OUTSIDE), wanted):
        yield Broken(grant.address, f"{_who(consumer)} reaches a system API with {scope}: {use}.", "scope")


@BOOK.rule(
    "grant-reader",
    Severity.WARNING,
    "a reader that may write",
    why="Analytics reads. A writing scope there is most often one that came along with the reading one.",
    advice="Grant a scope that only reads; split the scope where one does both.",
)
def grant_reader(scene: Scene) -> Iterator[Broken]:
    """Analytics with a scope that writes."""
    for grant, consumer, scope, use in _reached(scene, lambda each: _is(each, _READERS), lambda use, risk: use.writes):
        yield Broken(grant.address, f"{_who(consumer)} may write with {scope}: {use}.", "scope")
