"""The process of a transaction as the store knows it: who belongs to it, what caused what, and what each waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, literal_column, or_, select

from hub.masks import Masks
from hub.store.questions import one_row
from hub.store.reach import within
from hub.store.rows import moment
from hub.store.schema import batches, corrections, holds, reversals, revisions, timeline, transactions
from hub.store.shown import shown
from transactions.errors import BadCursor
from transactions.lineage import Knot, Lineage, LineageItem, Link, LinkKind, Place, Waiting, arrange
from transactions.model import Status
from transactions.pages import Cursor, decode_cursor, encode_cursor
from transactions.people import Reach
from transactions.states import CLOSED

MOST = 2_000
"""So many transactions of a process are looked at: half before the one that was asked about, half after."""
_COUNTED = 100_000
_CHUNK = 500
_T = transactions.c
_ORDER = "lineage"


def lineage_of(
    connection: Connection, tx_id: str, limit: int, cursor: str | None, now: datetime, reach: Reach, masks: Masks
) -> Lineage:
    """A page of the process that a transaction belongs to.

    Args:
        connection: a reader's.
        tx_id: the transaction.
        limit: items on the page.
        cursor: from the page before.
        now: what is overdue now.
        reach: of the one who asks; the rest is only counted.
        masks: those of now.

    Raises:
        NotFound: there is no such transaction within reach.
        BadCursor: it is not one of this process.
    """
    asked = one_row(connection, tx_id, reach)
    rows = _around(connection, asked)
    covered = {row.id for row in rows if reach.covers(row.plant, row.flow)}
    tree = arrange((_knot(row) for row in rows), covered.__contains__)
    begin = 0 if cursor is None else _after(tree, cursor, asked.correlation_id)
    page = tree[begin : begin + limit]
    more = begin + limit < len(tree)
    return Lineage(
        process=asked.correlation_id,
        of=tx_id,
        total=len(tree),
        beyond=len(rows) - len(covered),
        left_out=_left_out(connection, asked, len(rows)),
        items=_items(connection, page, now, reach, masks),
        next_cursor=encode_cursor(Cursor(_key(asked.correlation_id), None, page[-1].id)) if more else None,
    )


def _key(process: str) -> str:
    return f"{_ORDER}:{process}"


def _after(tree: list[Place], cursor: str, process: str) -> int:
    last = decode_cursor(cursor, _key(process)).id
    found = next((at for at, place in enumerate(tree) if place.id == last), None)
    if found is None:
        raise BadCursor(
            "The cursor names a transaction that is not among those of this process that are shown any more. "
            "Start again without a cursor."
        )
    return found + 1


def _around(connection: Connection, asked: Any) -> list[Any]:
    """The transactions of a process, those nearest to the one that was asked about where there are too many."""
    base = (
        select(_T.id, _T.seq, _T.flow, _T.plant, _T.target, _T.causation_id, revisions.c.headers)
        .outerjoin(revisions, (revisions.c.tx_id == _T.id) & (revisions.c.revision == 1))
        .where(_T.correlation_id == asked.correlation_id)
    )
    up_to = base.where(_T.seq <= asked.seq).order_by(_T.seq.desc())
    after = base.where(_T.seq > asked.seq).order_by(_T.seq)
    before = connection.execute(up_to.limit(MOST)).all()
    later = connection.execute(after.limit(MOST - min(len(before), MOST // 2))).all()
    return [*reversed(before[: MOST - len(later)]), *later]


def _left_out(connection: Connection, asked: Any, known: int) -> int:
    if known < MOST:
        return 0
    some: Select[Any] = (
        select(literal_column("1")).where(_T.correlation_id == asked.correlation_id).limit(_COUNTED + known)
    )
    counted: int = connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()
    return counted - known


def _knot(row: Any) -> Knot:
    headers = {} if row.headers is None else msgspec.json.decode(row.headers, type=dict[str, str])
    return Knot(id=row.id, seq=row.seq, target=row.target, event=headers.get("ce-id"), cause=row.causation_id)


def _items(connection: Connection, page: list[Place], now: datetime, reach: Reach, masks: Masks) -> list[LineageItem]:
    ids = [place.id for place in page]
    rows: dict[str, Any] = {}
    for chunk in _chunks(ids):
        rows |= {row.id: row for row in connection.execute(select(transactions).where(_T.id.in_(chunk)))}
    closed = _closed(connection, [tx_id for tx_id in ids if rows[tx_id].status in CLOSED])
    behind = _behind(connection, ids, reach)
    links = _links(connection, ids, reach)
    blockers = _within_reach(connection, [row.blocked_by for row in rows.values() if row.blocked_by], reach)
    placed = connection.execute(select(holds).where(holds.c.released_at.is_(None))).all()
    runs = {row.claimed_by for row in rows.values() if row.claimed_by}
    started = dict(connection.execute(select(batches.c.id, batches.c.started_by).where(batches.c.id.in_(runs))).all())
    return [
        _item(
            shown(connection, rows[place.id], now, masks),
            rows[place.id],
            place,
            closed.get(place.id),
            behind.get(place.id, 0),
            links.get(place.id, []),
            blockers,
            placed,
            started,
        )
        for place in page
    ]


def _item(
    told: Any,
    row: Any,
    place: Place,
    closed: int | None,
    behind: int,
    links: list[Link],
    blockers: set[str],
    placed: Sequence[Any],
    started: dict[str, str],
) -> LineageItem:
    return LineageItem(
        id=told.id,
        parent=place.parent,
        depth=place.depth,
        flow=told.flow,
        plant=told.plant,
        source=told.source,
        target=told.target,
        status=told.status,
        created_at=told.created_at,
        failed_at=told.failed_at,
        closed_at=moment(closed),
        due_at=told.due_at,
        due_because=told.due_because,
        overdue=told.overdue,
        priority=told.priority,
        business_keys=told.business_keys,
        document=told.document,
        revision=told.revision,
        failure=None if told.failure is None else f"{told.failure.code} {told.failure.message}",
        waiting=_waiting(told, row, blockers, placed),
        holds_back=behind,
        links=links,
        assignee=told.assignee,
        batch=row.claimed_by,
        batch_by=started.get(row.claimed_by),
    )


def _waiting(told: Any, row: Any, blockers: set[str], placed: Sequence[Any]) -> Waiting | None:
    if told.waiting_on is None or told.status in CLOSED:
        return None
    held = told.status is Status.HELD
    by = next((hold.placed_by for hold in placed if _covers(hold, row)), None) if row.hold_kind == "people" else None
    return Waiting(
        text=told.waiting_on,
        kind=row.hold_kind if held else None,
        id=row.blocked_by if held and row.blocked_by in blockers else None,
        by=by if held else None,
    )


def _covers(hold: Any, row: Any) -> bool:
    return all(getattr(hold, name) in (None, getattr(row, name)) for name in ("target", "plant", "flow"))


def _closed(connection: Connection, ids: list[str]) -> dict[str, int]:
    """When each was closed, as its timeline says."""
    found: dict[str, int] = {}
    for chunk in _chunks(ids):
        query = (
            select(timeline.c.tx_id, func.max(timeline.c.at))
            .where(timeline.c.tx_id.in_(chunk), timeline.c.status.in_(sorted(CLOSED)))
            .group_by(timeline.c.tx_id)
        )
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


def _behind(connection: Connection, ids: list[str], reach: Reach) -> dict[str, int]:
    """How many wait for each."""
    found: dict[str, int] = {}
    for chunk in _chunks(ids):
        query = (
            select(_T.blocked_by, func.count())
            .where(_T.blocked_by.in_(chunk), *within(reach, transactions))
            .group_by(_T.blocked_by)
        )
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


def _links(connection: Connection, ids: list[str], reach: Reach) -> dict[str, list[Link]]:
    """What reverses or corrects what, seen from both sides."""
    found: dict[str, list[Link]] = defaultdict(list)
    for table, does, is_done in (
        (reversals, LinkKind.REVERSES, LinkKind.REVERSED_BY),
        (corrections, LinkKind.CORRECTS, LinkKind.CORRECTED_BY),
    ):
        for chunk in _chunks(ids):
            query = select(table.c.tx_id, table.c.original).where(
                or_(table.c.tx_id.in_(chunk), table.c.original.in_(chunk))
            )
            for one, original in connection.execute(query):
                found[one].append(Link(kind=does, id=original))
                found[original].append(Link(kind=is_done, id=one))
    linked = _within_reach(connection, [link.id for links in found.values() for link in links], reach)
    return {tx_id: [link for link in dict.fromkeys(links) if link.id in linked] for tx_id, links in found.items()}


def _within_reach(connection: Connection, ids: list[str], reach: Reach) -> set[str]:
    found: set[str] = set()
    for chunk in _chunks(ids):
        query = select(_T.id).where(_T.id.in_(chunk), *within(reach, transactions))
        found.update(connection.execute(query).scalars())
    return found


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
