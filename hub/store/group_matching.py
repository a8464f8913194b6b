"""Which groups a filter matches, and how many transactions of each: from the tallies where the filter asks for nothing
but what is tallied, and from the transactions otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Connection, and_, case, func, literal, null, select, true
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from hub.store.group_counts import SLOT
from hub.store.reach import within
from hub.store.schema import group_due, groups, tallies, transactions
from transactions.clock import to_micros
from transactions.model import FailureKind, Help, Status
from transactions.people import Reach
from transactions.states import CLOSED

TALLIED = frozenset(
    {"status", "plant", "flow", "target", "group", "failure.kind", "failure.code", "failure.help", "owner"}
)
"""Fields of the filter language that need no look at transactions."""

_T = transactions.c
_COVERED = frozenset(
    {"seq", *(column.name for index in transactions.indexes if index.name == "tx_groups" for column in index.columns)}
)
"""What the index that scans go over has in it; the number of the row is in every one."""
_OPEN = sorted(str(status) for status in set(Status) - CLOSED)


class Asked(Struct, frozen=True, kw_only=True):
    """What is asked of groups.

    Attributes:
        condition: on the transactions that count; reach and status are part of it.
        tallied: it is about nothing but what is tallied (:data:`TALLIED`).
        reach: how far the rights of whoever asks reach.
        owners: the owner team of each flow.
        now: the present moment.
    """

    condition: ColumnElement[bool]
    tallied: bool
    reach: Reach
    owners: dict[str, str | None]
    now: datetime

    @property
    def micros(self) -> int:
        """The present moment in microseconds."""
        return to_micros(self.now)


class Found:
    """The transactions of a group that match: how many at each plant, how many past their time, when they failed."""

    def __init__(self) -> None:
        self.plants: dict[str, int] = {}
        self.overdue = 0
        self.oldest: int | None = None
        self.newest: int | None = None

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.plants.values())


def find(connection: Connection, asked: Asked, fingerprints: Collection[str] | None = None) -> dict[str, Found]:
    """Every group that has transactions that match; of ``fingerprints`` only, where these are given."""
    return _tallied(connection, asked, fingerprints) if asked.tallied else _scanned(connection, asked, fingerprints)


def _tallied(connection: Connection, asked: Asked, fingerprints: Collection[str] | None) -> dict[str, Found]:
    query = (
        select(tallies.c.fingerprint, tallies.c.plant, func.sum(tallies.c.count).label("total"))
        .join(groups, groups.c.fingerprint == tallies.c.fingerprint)
        .where(_over(asked, tallies), *_among(tallies.c.fingerprint, fingerprints))
        .group_by(tallies.c.fingerprint, tallies.c.plant)
    )
    found: dict[str, Found] = defaultdict(Found)
    for row in connection.execute(query):
        found[row.fingerprint].plants[row.plant] = int(row.total)
    return found


def _scanned(connection: Connection, asked: Asked, fingerprints: Collection[str] | None) -> dict[str, Found]:
    late = and_(_T.due_at < asked.micros, _T.status.in_(_OPEN))
    condition = asked.condition
    if columns_of(condition) <= _COVERED:  # then one index holds all that is asked, and the others lead to the rows
        condition = unindexed(condition)
    query = (
        select(
            _T.fingerprint,
            _T.plant,
            func.count().label("total"),
            func.sum(case((late, 1), else_=0)).label("late"),
            func.min(_T.failed_at).label("oldest"),
            func.max(_T.failed_at).label("newest"),
        )
        .where(condition, _T.fingerprint.is_not(None), *_among(_T.fingerprint, fingerprints))
        .group_by(_T.fingerprint, _T.plant)
    )
    found: dict[str, Found] = defaultdict(Found)
    for row in connection.execute(query):
        group = found[row.fingerprint]
        group.plants[row.plant or ""] = row.total
        group.overdue += row.late
        group.oldest = min((at for at in (group.oldest, row.oldest) if at is not None), default=None)
        group.newest = max((at for at in (group.newest, row.newest) if at is not None), default=None)
    return found


def overdue(connection: Connection, asked: Asked, fingerprints: Collection[str] | None = None) -> dict[str, int]:
    """How many of the transactions that match are past their ``due_at``, where the filter is tallied: the slots that
    have passed are added up, and only the running one is looked at."""
    slot = asked.micros // SLOT
    passed = (
        select(group_due.c.fingerprint, func.sum(group_due.c.count))
        .join(groups, groups.c.fingerprint == group_due.c.fingerprint)
        .where(
            group_due.c.status.in_(_OPEN),
            group_due.c.slot < slot,
            _over(asked, group_due),
            *_among(group_due.c.fingerprint, fingerprints),
        )
        .group_by(group_due.c.fingerprint)
    )
    running = (
        select(_T.fingerprint, func.count())
        .where(
            asked.condition,
            _T.fingerprint.is_not(None),
            _T.status.in_(_OPEN),
            _T.due_at >= slot * SLOT,
            _T.due_at < asked.micros,
            *_among(_T.fingerprint, fingerprints),
        )
        .group_by(_T.fingerprint)
    )
    return _summed((*connection.execute(passed), *connection.execute(running)))


def blocked(connection: Connection, asked: Asked, fingerprints: Collection[str] | None = None) -> dict[str, int]:
    """How many held transactions within reach wait for a transaction that matches, through however many others."""
    waiting = transactions.alias("waiting")
    # few are waited for, so those are looked at first, whatever index the condition could use
    first = (
        select(waiting.c.id.label("id"), _T.fingerprint.label("fingerprint"))
        .select_from(waiting.join(transactions, waiting.c.blocked_by == _T.id))
        .where(
            waiting.c.blocked_by.is_not(None),
            unindexed(and_(asked.condition, _T.fingerprint.is_not(None), *_among(_T.fingerprint, fingerprints))),
        )
    )
    behind = first.cte("behind", recursive=True)
    further = transactions.alias("further")
    behind = behind.union(  # not all of them: who waits in a circle is counted once
        select(further.c.id, behind.c.fingerprint).join(behind, further.c.blocked_by == behind.c.id)
    )
    counted = select(behind.c.fingerprint, func.count()).group_by(behind.c.fingerprint)
    if not asked.reach.everything:
        seen = transactions.alias("seen")
        counted = counted.join(seen, seen.c.id == behind.c.id).where(*within(asked.reach, seen))
    return _summed(connection.execute(counted))


def _summed(rows: Iterable[Any]) -> dict[str, int]:
    total: dict[str, int] = defaultdict(int)
    for key, count in rows:
        total[key] += int(count)
    return total


def _among(column: ColumnElement[str], fingerprints: Collection[str] | None) -> list[ColumnElement[bool]]:
    return [] if fingerprints is None else [column.in_(list(fingerprints))]


def _over(asked: Asked, table: Any) -> ColumnElement[bool]:
    """The condition, which is one on transactions, on a table of counts (``status``, ``plant``, ``fingerprint``) joined
    with ``groups``."""
    helps = {one: [str(kind) for kind in FailureKind if kind.help is one] for one in Help}
    instead: dict[str, Any] = {
        "status": table.c.status,
        "plant": func.nullif(table.c.plant, ""),
        "fingerprint": table.c.fingerprint,
        "flow": groups.c.flow,
        "target": groups.c.target,
        "failure_kind": groups.c.kind,
        "failure_code": groups.c.code,
        "failure_help": case(*((groups.c.kind.in_(kinds), literal(str(one))) for one, kinds in helps.items() if kinds)),
        "owner": case(*((groups.c.flow == flow, literal(owner)) for flow, owner in asked.owners.items() if owner))
        if any(asked.owners.values())
        else null(),
    }

    return _replaced(asked.condition, lambda column: instead[column.name])


def unindexed(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same condition, for which a database uses no index: where another way to the rows is the short one."""
    return _replaced(condition, lambda column: func.coalesce(column, null()))


def columns_of(condition: ColumnElement[bool]) -> frozenset[str]:
    """Names of the columns of transactions that a condition asks for."""
    found = set()
    for element in iterate(condition):
        if isinstance(element, Column) and element.table is transactions:
            found.add(element.name)
    return frozenset(found)


def _replaced(condition: ColumnElement[bool], instead: Callable[[Column[Any]], Any]) -> ColumnElement[bool]:
    """A condition on transactions with something else in the place of each column."""

    def replace(element: Any, **_kept: Any) -> Any:
        return instead(element) if isinstance(element, Column) and element.table is transactions else None

    return and_(true(), replacement_traverse(condition, {}, replace))
