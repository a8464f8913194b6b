"""What waits behind trouble, through any number of steps: held ones, counted at what they wait for in the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from hub.causes.cells import TROUBLE, Place, shown_keys
from hub.masks import Masks
from hub.store.reach import within
from hub.store.schema import transactions
from transactions.causes.symptoms import Behind, Symptom
from transactions.clock import from_micros
from transactions.model import FailureKind, Risk, Status
from transactions.people import Reach

MOST_HELD = 20_000
_CHUNK = 500
_BREAKER = "breaker"

_COLUMNS = (
    transactions.c.id,
    transactions.c.status,
    transactions.c.blocked_by,
    transactions.c.hold_kind,
    transactions.c.flow,
    transactions.c.target,
    transactions.c.plant,
    transactions.c.source,
    transactions.c.fingerprint,
    transactions.c.business_keys,
    transactions.c.risk,
    transactions.c.due_at,
    transactions.c.created_at,
)


def waiting(
    connection: Connection, reach: Reach, masks: Masks, now: int
) -> tuple[dict[tuple[Place, str], Behind], list[Symptom]]:
    """What waits behind the transactions of each place and source; and what a breaker holds, as symptoms.

    Args:
        reach: how far the rights of the one who asks go; what is beyond is not counted.
        now: microseconds.
    """
    held = {
        row.id: row
        for row in connection.execute(
            select(*_COLUMNS)
            .where(transactions.c.status == Status.HELD, *within(reach, transactions))
            .order_by(transactions.c.created_at, transactions.c.id)
            .limit(MOST_HELD)
        )
    }
    roots = _roots(held)
    ahead = {row.id: row for row in _fetched(connection, {root for root in roots.values() if root not in held}, reach)}
    members: dict[tuple[Place, str], list[Any]] = defaultdict(list)
    for name, root in roots.items():
        row = ahead.get(root) or held.get(root)
        if row is None or (row.id == name and row.blocked_by is None):
            continue
        if row.status in TROUBLE or (row.status == Status.HELD and row.hold_kind == _BREAKER):
            members[_place(row), row.source].append(held[name])
    behind = {key: _behind(rows, masks, now) for key, rows in members.items()}
    return behind, _at_breakers([row for row in held.values() if row.hold_kind == _BREAKER], behind, masks, now)


def _roots(held: dict[str, Any]) -> dict[str, str]:
    """For each held one, what it waits for in the end: itself, where that is no transaction."""
    known: dict[str, str] = {}
    for name in held:
        path = []
        here = name
        while here in held and here not in known and held[here].blocked_by is not None and here not in path:
            path.append(here)
            here = held[here].blocked_by
        root = known.get(here, here)
        for each in path or [name]:
            known[each] = root
    return known


def _fetched(connection: Connection, ids: set[str], reach: Reach) -> Iterator[Any]:
    every = sorted(ids)
    for start in range(0, len(every), _CHUNK):
        chunk = every[start : start + _CHUNK]
        yield from connection.execute(
            select(*_COLUMNS).where(transactions.c.id.in_(chunk), *within(reach, transactions))
        )


def _place(row: Any) -> Place:
    return Place(
        status=row.status, plant=row.plant or "", flow=row.flow, target=row.target, group=row.fingerprint or ""
    )


def _behind(rows: list[Any], masks: Masks, now: int) -> Behind:
    keys = [shown_keys(row.business_keys, row.flow, masks) for row in rows]
    return Behind(
        transactions=len(rows),
        overdue=sum(row.due_at is not None and row.due_at < now for row in rows),
        orders=frozenset(each["order"] for each in keys if "order" in each),
        lots=frozenset(each["lot"] for each in keys if "lot" in each),
        risks=dict(Counter(Risk(row.risk) for row in rows)),
    )


def _at_breakers(rows: list[Any], behind: dict[tuple[Place, str], Behind], masks: Masks, now: int) -> list[Symptom]:
    cells: dict[tuple[Place, str], list[Any]] = defaultdict(list)
    for row in rows:
        cells[_place(row), row.source].append(row)
    found = []
    for (place, source), members in cells.items():
        about = _behind(members, masks, now)
        found.append(
            Symptom(
                status=Status.HELD,
                kind=FailureKind.UNREACHABLE,
                code="breaker-open",
                flow=place.flow,
                target=place.target,
                plant=place.plant or None,
                source=source,
                count=len(members),
                risk=Risk(members[0].risk),
                first_seen=from_micros(min(row.created_at for row in members)),
                last_seen=from_micros(max(row.created_at for row in members)),
                overdue=about.overdue,
                orders=about.orders,
                lots=about.lots,
                behind=behind.get((place, source), Behind()),
            )
        )
    return found
