"""Lineage: the transactions of one process as a tree of causes, with times, what each waits for, and who holds what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from transactions.model import DueBecause, Priority, Status

DEEPEST = 100
"""Levels of a tree; what is caused deeper down stands beside its ancestor on the last of them."""


class LinkKind(StrEnum):
    """What a transaction is to another one, besides its effect."""

    REVERSES = "reverses"
    REVERSED_BY = "reversed-by"
    CORRECTS = "corrects"
    CORRECTED_BY = "corrected-by"


class Link(Struct, frozen=True, kw_only=True):
    """A transaction that belongs to another one."""

    kind: LinkKind
    id: str


class Waiting(Struct, frozen=True, kw_only=True):
    """What a transaction waits for.

    Attributes:
        text: in words.
        kind: ``lane``, ``requires``, ``breaker`` or ``people`` while it is held; None for anything else.
        id: the transaction it waits for, where it is one within reach.
        by: who holds it, where people do.
    """

    text: str
    kind: str | None = None
    id: str | None = None
    by: str | None = None


class LineageItem(Struct, frozen=True, kw_only=True):
    """One transaction of a process, in the order of the tree: each before what it caused, and that by time.

    Attributes:
        parent: what caused it, or the nearest that did and is within reach; None for what began by itself, and where
            the cause is not here.
        depth: levels above it.
        closed_at: when nothing was owed any more: processed, discarded, resolved or compensated.
        revision: of its payload; above 1 it was edited.
        waiting: what it waits for.
        holds_back: how many wait for it.
        batch, batch_by: the run that has an action on it in flight, and who started that.
    """

    id: str
    parent: str | None
    depth: int
    flow: str
    plant: str | None
    source: str
    target: str
    status: Status
    created_at: datetime
    failed_at: datetime | None
    closed_at: datetime | None
    due_at: datetime | None
    due_because: DueBecause | None
    overdue: bool
    priority: Priority | None
    business_keys: dict[str, str]
    document: str | None
    revision: int
    failure: str | None
    waiting: Waiting | None = None
    holds_back: int = 0
    links: list[Link] = []
    assignee: str | None = None
    batch: str | None = None
    batch_by: str | None = None


class Lineage(Struct, frozen=True, kw_only=True):
    """A process, a page at a time.

    Attributes:
        process: its correlation id.
        of: the transaction that was asked about.
        total: transactions in it that are within reach and shown on its pages.
        beyond: how many more are out of reach.
        left_out: how many more there are, since only so many around the one that was asked about are shown; 100,000
            stands for that and more.
    """

    process: str
    of: str
    total: int
    beyond: int
    left_out: int
    items: list[LineageItem]
    next_cursor: str | None = None


class Knot(Struct, frozen=True, kw_only=True):
    """What the tree is tied from.

    Attributes:
        seq: the order in which they came in.
        event: how its source names the message, which is what causes are named by.
        cause: the transaction or the message that caused it.
    """

    id: str
    seq: int
    target: str
    event: str | None
    cause: str | None


class Place(Struct, frozen=True):
    """Where a transaction stands in the tree."""

    id: str
    parent: str | None
    depth: int


def arrange(knots: Iterable[Knot], visible: Callable[[str], bool] = lambda _: True) -> list[Place]:
    """The tree, each before what it caused, siblings by time.

    Causes that are not there, and causes that go in a circle, begin a tree of their own. What is not visible is left
    out, and what it caused stands where it would have stood.

    Args:
        knots: in any order.
        visible: whether the transaction with an id is shown.
    """
    by_id = {knot.id: knot for knot in sorted(knots, key=lambda knot: knot.seq)}
    parents = _without_circles(_parents(by_id), by_id)
    children: dict[str | None, list[str]] = defaultdict(list)
    for one in by_id:
        if visible(one):
            children[_nearest(parents, one, visible)].append(one)
    placed: list[Place] = []
    waiting = [(one, None, 0) for one in reversed(children[None])]
    while waiting:
        one, parent, depth = waiting.pop()
        placed.append(Place(one, parent, depth))
        deeper = depth + 1 < DEEPEST
        below = (one, depth + 1) if deeper else (parent, depth)
        waiting += [(child, *below) for child in reversed(children[one])]
    return placed


def _parents(by_id: dict[str, Knot]) -> dict[str, str | None]:
    by_event: dict[str, list[Knot]] = defaultdict(list)
    for knot in by_id.values():
        if knot.event is not None:
            by_event[knot.event].append(knot)
    return {knot.id: _parent(knot, by_id, by_event) for knot in by_id.values()}


def _parent(knot: Knot, by_id: dict[str, Knot], by_event: dict[str, list[Knot]]) -> str | None:
    if knot.cause is None or knot.cause == knot.event:
        return None
    if knot.cause in by_id:
        return None if knot.cause == knot.id else knot.cause
    causes = by_event.get(knot.cause, [])
    # one message became a transaction for every target: the one for the same target leads here
    return next((cause.id for cause in causes if cause.target == knot.target), causes[0].id if causes else None)


def _without_circles(parents: dict[str, str | None], by_id: dict[str, Knot]) -> dict[str, str | None]:
    """Every circle is opened at its first transaction."""
    found = dict(parents)
    safe: set[str] = set()
    for start in parents:
        path: list[str] = []
        seen: set[str] = set()
        one: str | None = start
        while one is not None and one not in safe and one not in seen:
            path.append(one)
            seen.add(one)
            one = found[one]
        if one is not None and one in seen:
            circle = path[path.index(one) :]
            found[min(circle, key=lambda each: by_id[each].seq)] = None
        safe.update(path)
    return found


def _nearest(parents: dict[str, str | None], one: str, visible: Callable[[str], bool]) -> str | None:
    above = parents[one]
    while above is not None and not visible(above):
        above = parents[above]
    return above


class Branch(LineageItem, frozen=True, kw_only=True):
    """A transaction with what it caused."""

    children: list[Branch] = []


def nested(items: Iterable[LineageItem]) -> list[Branch]:
    """Items in the order of the tree as branches within branches."""
    roots: list[Branch] = []
    open_branches: list[Branch] = []
    for item in items:
        branch = Branch(**{name: getattr(item, name) for name in LineageItem.__struct_fields__}, children=[])
        del open_branches[item.depth :]
        (open_branches[-1].children if open_branches else roots).append(branch)
        open_branches.append(branch)
    return roots


class Stem(Struct, frozen=True):
    """What is drawn before a transaction, and before what is told below it."""

    beside: str
    below: str


def stems(items: Sequence[LineageItem]) -> list[Stem]:
    """The branches of the tree: ``├─``, ``└─`` and what leads past to later ones."""
    last = _last_of_their_parents(items)
    trunk: list[str] = []
    found = []
    for place, item in enumerate(items):
        del trunk[item.depth :]
        past = "".join(trunk[1:])
        trunk.append("   " if place in last else "│  ")
        more = place + 1 < len(items) and items[place + 1].depth > item.depth
        beside = past + ("└─ " if place in last else "├─ ") if item.depth else ""
        found.append(Stem(beside, "".join(trunk[1:]) + ("│  " if more else "   ")))
    return found


def _last_of_their_parents(items: Sequence[LineageItem]) -> set[int]:
    """Places after which their parent has no more."""
    found, begun = set(), set[int]()
    for place in range(len(items) - 1, -1, -1):
        depth = items[place].depth
        begun = {each for each in begun if each <= depth}
        if depth not in begun:
            found.add(place)
            begun.add(depth)
    return found


def remarks(item: LineageItem) -> list[str]:
    """What else is to say of it, in words: what it waits for, what it holds back, what it belongs to, who has it."""
    told = []
    if item.waiting is not None:
        told.append(f"waits for {item.waiting.text}")
    if item.holds_back:
        told.append(f"{item.holds_back} wait{'s' if item.holds_back == 1 else ''} for it")
    told += [f"{link.kind.replace('-', ' ')} {link.id}" for link in item.links]
    if item.revision > 1:
        told.append(f"edited, revision {item.revision}")
    if item.batch is not None:
        told.append(f"in batch {item.batch}{f' of {item.batch_by}' if item.batch_by else ''}")
    if item.assignee is not None:
        told.append(f"with {item.assignee}")
    return told


def of_one_page(lineage: Lineage, items: list[LineageItem]) -> Lineage:
    """The same process with the items of all its pages."""
    return msgspec.structs.replace(lineage, items=items, next_cursor=None)
