"""Rules about the version to go to."""

from __future__ import annotations

from collections.abc import Iterator

from gateway_policies.edits import Edit, SetField
from gateway_policies.linting.ordering import newest_first, order_of
from gateway_policies.linting.rule import Book, Broken
from gateway_policies.linting.scene import LEAVING, Scene, stands
from gateway_policies.model import Lifecycle, Severity, Version

BOOK = Book("Successors")


@BOOK.rule(
    "successor-missing",
    Severity.WARNING,
    "a version that goes, and does not say to where",
    why="Callers follow the successor that the answers name (Link, RFC 5829). Without one they are told to leave and "
    "not where to.",
    advice="Name the version to go to with successor.",
    fixes="names the only active version that is newer",
)
def successor_missing(scene: Scene) -> Iterator[Broken]:
    """Deprecated or in brownout without a successor, where there is one to name."""
    for version in scene.versions:
        if version.lifecycle in LEAVING and version.successor is None:
            yield Broken(
                version.address,
                f"{version.address} {stands(version.lifecycle)} and names no successor.",
                edits=_only(scene, version),
            )


@BOOK.rule(
    "successor-of-active",
    Severity.WARNING,
    "an older active major version without a successor",
    why="Two majors are active, and nothing tells callers of the older one that there is a newer one: they stay until "
    "the day it is deprecated.",
    advice="Name the version to go to with successor, or deprecate the older one.",
    fixes="names the only active version that is newer",
)
def successor_of_active(scene: Scene) -> Iterator[Broken]:
    """Several active majors: each but the newest has to say where to go."""
    for versions in scene.versions_of.values():
        active = newest_first([each for each in versions if each.lifecycle is Lifecycle.ACTIVE])
        if not active:
            continue
        newest, latest = active[0]
        for order, version in active[1:]:
            if order.major != newest.major and version.successor is None:
                yield Broken(
                    version.address,
                    f"{version.address} is active beside {latest.name}, and names no successor.",
                    edits=_only(scene, version),
                )


def _only(scene: Scene, version: Version) -> tuple[Edit, ...]:
    """The successor, where only one can be meant."""
    mine = order_of(version.name)
    if mine is None:
        return ()
    active = [
        each
        for each in scene.versions_of[version.api]
        if each is not version
        and each.lifecycle is Lifecycle.ACTIVE
        and (theirs := order_of(each.name)) is not None
        and theirs.dated == mine.dated
        and theirs.numbers > mine.numbers
    ]
    # One that names a successor itself may lead back here.
    if len(active) != 1 or active[0].successor is not None:
        return ()
    return (SetField(version.address, "successor", active[0].name),)


@BOOK.rule(
    "successor-gone",
    Severity.ERROR,
    "a successor that is retired",
    why="Callers are sent to a version that answers 410.",
    advice="Name a version that stays.",
)
def successor_gone(scene: Scene) -> Iterator[Broken]:
    """Of a version that is itself not retired."""
    for version, successor in _successors(scene):
        if successor.lifecycle is Lifecycle.RETIRED and version.lifecycle is not Lifecycle.RETIRED:
            yield Broken(
                version.address,
                f"{version.address} sends its callers to {successor.name}, which is retired.",
                "successor",
            )


@BOOK.rule(
    "successor-unready",
    Severity.WARNING,
    "a successor that cannot be called yet, or goes itself",
    why="Callers cannot move to a draft, and from a deprecated version they would have to move again.",
    advice="Activate it, or name another one.",
)
def successor_unready(scene: Scene) -> Iterator[Broken]:
    """A draft, or deprecated, for callers that have to move."""
    for version, successor in _successors(scene):
        if version.lifecycle in LEAVING and successor.lifecycle in (Lifecycle.DRAFT, *LEAVING):
            yield Broken(
                version.address,
                f"{version.address} sends its callers to {successor.name}, which {stands(successor.lifecycle)}.",
                "successor",
            )


@BOOK.rule(
    "successor-circle",
    Severity.ERROR,
    "versions that succeed each other in a circle",
    why="Whoever follows them never arrives.",
    advice="Let the newest name no successor.",
)
def successor_circle(scene: Scene) -> Iterator[Broken]:
    """Told once for a circle, at the first of its versions."""
    for versions in scene.versions_of.values():
        following = {each.name: each.successor for each in versions}
        done: set[str] = set()
        for version in versions:
            path: list[str] = []
            name: str | None = version.name
            while name is not None and name in following and name not in done:
                if name in path:
                    circle = path[path.index(name) :]
                    yield Broken(
                        f"api.{version.api}.version.{circle[0]}",
                        f"Versions of api.{version.api} succeed each other in a circle: "
                        f"{' → '.join((*circle, circle[0]))}.",
                        "successor",
                    )
                    break
                path.append(name)
                name = following[name]
            done.update(path)


def _successors(scene: Scene) -> Iterator[tuple[Version, Version]]:
    for versions in scene.versions_of.values():
        named = {each.name: each for each in versions}
        for version in versions:
            if version.successor is not None and version.successor in named:
                yield version, named[version.successor]
