"""Rules about who answers for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gateway_policies.linting.rule import Book, Broken
from gateway_policies.linting.scene import Scene
from gateway_policies.model import Risk, Severity

BOOK = Book("Ownership")

_NOBODY = frozenset(
    {
        "-",
        ".",
        "?",
        "changeme",
        "example",
        "everybody",
        "everyone",
        "fixme",
        "foo",
        "me",
        "n/a",
        "na",
        "nobody",
        "none",
        "null",
        "owner",
        "placeholder",
        "tba",
        "tbc",
        "tbd",
        "team",
        "test",
        "todo",
        "unassigned",
        "unknown",
        "unowned",
        "xxx",
    }
)


def _owners(scene: Scene) -> Iterator[tuple[str, str]]:
    yield from ((each.address, each.owner) for each in scene.apis)
    yield from ((each.address, each.owner) for each in scene.consumers)
    yield from ((each.address, each.owner) for each in scene.scopes if each.owner is not None)


@BOOK.rule(
    "owner-nobody",
    Severity.WARNING,
    "an owner that is nobody",
    why="At night somebody has to be called. 'todo' does not answer.",
    advice="Name the team that answers for it.",
)
def owner_nobody(scene: Scene) -> Iterator[Broken]:
    """A word that holds the place of a name."""
    for address, owner in _owners(scene):
        if owner.strip().casefold() in _NOBODY:
            yield Broken(address, f"{address} has the owner {owner!r}, which is nobody.", "owner")


@BOOK.rule(
    "owner-alike",
    Severity.WARNING,
    "one owner in two spellings",
    why="Reviews, reports and approvals go by the owner's name; what is spelled otherwise is missed.",
    advice="Spell the owner alike everywhere.",
)
def owner_alike(scene: Scene) -> Iterator[Broken]:
    """Owners that differ in case, hyphens or spaces only; the rarer spelling is told."""
    counts = Counter(owner for _, owner in _owners(scene))
    usual: dict[str, str] = {}
    for owner in sorted(counts, key=lambda each: (-counts[each], each)):
        usual.setdefault(_plain(owner), owner)
    meant = {owner: usual[_plain(owner)] for owner in counts}
    for address, owner in _owners(scene):
        if meant[owner] != owner:
            yield Broken(address, f"{address} has the owner {owner!r}, which elsewhere is {meant[owner]!r}.", "owner")


def _plain(owner: str) -> str:
    return "".join(char for char in owner.casefold() if char.isalnum())


@BOOK.rule(
    "scope-owner",
    Severity.WARNING,
    "a scope of high risk that nobody owns",
    why="Who may release lots or post values is for quality or finance to say, and not for whoever wants it.",
    advice="Say with owner which team decides who gets it.",
)
def scope_owner(scene: Scene) -> Iterator[Broken]:
    """A financial or quality scope without an owner."""
    for scope in scene.scopes:
        if scope.owner is None and scope.risk in (Risk.FINANCIAL, Risk.QUALITY):
            yield Broken(scope.address, f"{scope.address} is of {scope.risk} risk and has no owner.")
