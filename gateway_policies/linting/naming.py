"""Rules about names: what is called by them for years."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gateway_policies.linting.ordering import order_of
from gateway_policies.linting.rule import Book, Broken
from gateway_policies.linting.scene import Scene
from gateway_policies.model import Severity
from gateway_policies.nearest import listed

BOOK = Book("Naming")

_VERSION = re.compile(r"v[0-9]+")


@BOOK.rule(
    "api-name-version",
    Severity.WARNING,
    "an API with a version in its name",
    why="Its versions belong together: with a name for each, no plan can tell what replaces what, and no caller is "
    "told of a successor.",
    advice="Name the API without it, and describe the version in a [[version]].",
)
def api_name_version(scene: Scene) -> Iterator[Broken]:
    """An API named like one of its versions."""
    for api in scene.apis:
        found = next((part for part in api.name.split("-") if _VERSION.fullmatch(part)), None)
        if found is not None:
            yield Broken(api.address, f"{api.address} has the version {found!r} in its name.", "name")


@BOOK.rule(
    "version-name",
    Severity.WARNING,
    "a version whose name says no order",
    why="Names like 'next' or 'legacy' move their meaning, and which version is newer cannot be told from them.",
    advice="Name versions v1, v2, or by a date: 2026-11.",
)
def version_name(scene: Scene) -> Iterator[Broken]:
    """A version that is neither numbered nor dated."""
    for version in scene.versions:
        if order_of(version.name) is None:
            yield Broken(version.address, f"{version.address}: {version.name!r} is no number and no date.", "name")


@BOOK.rule(
    "scope-name",
    Severity.WARNING,
    "a scope whose name does not say of what",
    why="A token carries nothing of a scope but its name. 'release' alone says neither what is released nor in which "
    "system, and the next team will want the same word.",
    advice="Name it by a thing and what is done with it: orders.release.",
)
def scope_name(scene: Scene) -> Iterator[Broken]:
    """A scope of a single word."""
    for scope in scene.scopes:
        if "." not in scope.name:
            yield Broken(scope.address, f"{scope.address} is a single word.")


@BOOK.rule(
    "name-alike",
    Severity.WARNING,
    "two names that are nearly the same",
    why="'order.release' beside 'orders.release' is most often one scope that was written twice. A grant of the wrong "
    "one reads right and opens nothing.",
    advice="Keep one of them.",
)
def name_alike(scene: Scene) -> Iterator[Broken]:
    """Scopes, consumers or APIs that differ in a hyphen or a plural."""
    kinds: tuple[Iterable[str], ...] = (
        [each.address for each in scene.scopes],
        [each.address for each in scene.consumers],
        [each.address for each in scene.apis],
    )
    for addresses in kinds:
        first: dict[str, str] = {}
        for address in addresses:
            other = first.setdefault(_sound(address), address)
            if other != address:
                yield Broken(address, f"{address} is nearly {other}.")


def _sound(address: str) -> str:
    return ".".join("".join(word.removesuffix("s") for word in part.split("-")) for part in address.split("."))


@BOOK.rule(
    "consumer-name",
    Severity.WARNING,
    "a consumer named after another plant or system",
    why="A file that was copied from another plant's and not changed to the end gives one plant the access of another.",
    advice="Correct the name, or what it says of plant and system.",
)
def consumer_name(scene: Scene) -> Iterator[Broken]:
    """A consumer whose name has a plant or a system in it that it is not of."""
    plants = {each.plant.casefold(): each.plant for each in scene.consumers if each.plant}
    systems = {each.casefold(): each for each in scene.systems}
    systems |= {name.casefold(): name for _, name in scene.systems_said}
    for consumer in scene.consumers:
        parts = consumer.name.split("-")
        for field, said, known in (("plant", consumer.plant, plants), ("system", consumer.system, systems)):
            # A system's name may be several words: they are compared as they stand in the name.
            if said is None or said.casefold() in consumer.name:
                continue
            named = [known[part] for part in parts if part in known]
            if named:
                yield Broken(
                    consumer.address,
                    f"{consumer.address} is of the {field} {said}, and its name has {listed(named)} in it.",
                    field,
                )


@BOOK.rule(
    "base-path-version",
    Severity.WARNING,
    "a base path with a version in it",
    why="The gateway puts the version behind the base path by itself, and callers would have to write it twice. With "
    "versions in a header, the path contradicts them.",
    advice="Leave it out of base_path.",
)
def base_path_version(scene: Scene) -> Iterator[Broken]:
    """``/erp/orders/v1``."""
    for api in scene.apis:
        found = next((part for part in api.base_path.split("/") if _VERSION.fullmatch(part)), None)
        if found is not None:
            yield Broken(
                api.address,
                f"{api.address} begins at {api.base_path}, which has the version {found!r} in it.",
                "base_path",
            )
