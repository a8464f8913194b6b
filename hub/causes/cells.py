"""Trouble by place and group: counts from the tallies, and of each a sample that is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, bindparam, func, select

from hub.declarations import FlowDeclaration
from hub.delivery.guards import version_order
from hub.masks import Masks
from hub.store.reach import within
from hub.store.schema import groups, tallies, transactions
from hub.store.shown import shown_template
from transactions.causes.symptoms import Behind, Event, Symptom
from transactions.clock import from_micros
from transactions.model import FailureKind, Risk, Status
from transactions.people import Reach

TROUBLE = (
    Status.FAILED,
    Status.IN_DOUBT,
    Status.PARKED,
    Status.PARTLY_PROCESSED,
    Status.COMPENSATION_FAILED,
)
MOST_CELLS, MOST_SAMPLED = 5_000, 150
_LOOKED_AT, _OF_ONE, _AT_LEAST = 2_000, 200, 8
OBJECTS = ("material", "lot", "order", "shipment", "equipment")
_CHUNK = 400
_APPLIED = (Status.PROCESSED, Status.DUPLICATE, Status.RESOLVED)
_KEPT = 20  # values of a business key that are kept of one cell


class Place(Struct, frozen=True, kw_only=True):
    """Where transactions are in one trouble; ``''`` is the plant of what has none."""

    status: str
    plant: str
    flow: str
    target: str
    group: str


class Cell(Struct, frozen=True, kw_only=True):
    """A place, how many there are, and the group they are in."""

    place: Place
    count: int
    kind: FailureKind
    code: str
    template: str
    first_seen: int
    last_seen: int


def cells_of(
    connection: Connection, reach: Reach, masks: Masks, condition: ColumnElement[bool] | None
) -> tuple[list[Cell], int]:
    """The largest cells, and how many transactions are in others.

    Args:
        condition: cuts down which transactions count; without one, what was counted all along is the answer.
    """
    table: Any = tallies if condition is None else transactions
    count = tallies.c.count if condition is None else func.count()
    query = (
        select(
            table.c.status,
            func.coalesce(table.c.plant, "").label("of_plant"),
            table.c.flow,
            table.c.target,
            table.c.fingerprint,
            count.label("total"),
            groups.c.kind,
            groups.c.code,
            groups.c.template,
            groups.c.first_seen,
            groups.c.last_seen,
        )
        .join(groups, groups.c.fingerprint == table.c.fingerprint)
        .where(table.c.status.in_(TROUBLE), *within(reach, table))
        .order_by(count.desc(), table.c.fingerprint, table.c.plant, table.c.status)
    )
    if condition is not None:  # of the tallies every row is a cell already
        names = (table.c.status, table.c.plant, table.c.flow, table.c.target, table.c.fingerprint)
        query = query.where(condition).group_by(*names)
    rows = connection.execute(query).all()
    found = [
        Cell(
            place=Place(
                status=row.status, plant=row.of_plant, flow=row.flow, target=row.target, group=row.fingerprint or ""
            ),
            count=int(row.total),
            kind=FailureKind(row.kind),
            code=row.code,
            template=shown_template(row, masks),
            first_seen=row.first_seen,
            last_seen=row.last_seen,
        )
        for row in rows[:MOST_CELLS]
    ]
    return found, sum(int(row.total) for row in rows[MOST_CELLS:])


def symptoms_of(
    connection: Connection,
    cells: list[Cell],
    behind: dict[tuple[Place, str], Behind],
    condition: ColumnElement[bool] | None,
    flows: Mapping[str, FlowDeclaration],
    masks: Masks,
    now: int,
) -> tuple[list[Symptom], list[Event]]:
    """Each cell, by source, with what its newest transactions are about; and those of them that nobody is owed, since
    a newer version of their object was applied.

    Args:
        behind: what waits behind the transactions of a place and source.
        flows: as declared.
        now: microseconds, for what is past its time.
    """
    some = max(_AT_LEAST, min(_OF_ONE, _LOOKED_AT // max(1, min(len(cells), MOST_SAMPLED))))
    found: list[Symptom] = []
    old: list[Event] = []
    for cell in cells[:MOST_SAMPLED]:
        rows = _newest(connection, cell.place, condition, some)
        replaced = _replaced(connection, rows) if cell.place.status == Status.FAILED else set()
        old += [event_of(row) for row in rows if row.id in replaced]
        kept = [row for row in rows if row.id not in replaced]
        whole = len(rows) == cell.count
        if kept:
            left = msgspec.structs.replace(cell, count=cell.count - len(replaced))
            found += _by_source(left, kept, behind, masks, now, whole=whole)
    return found + [_unsampled(cell, flows, behind) for cell in cells[MOST_SAMPLED:]], old


def _unsampled(cell: Cell, flows: Mapping[str, FlowDeclaration], behind: dict[tuple[Place, str], Behind]) -> Symptom:
    """A small cell among very many: what it is about is not looked at, and its source is the one that is declared."""
    place, flow = cell.place, flows.get(cell.place.flow)
    source = flow.sources[0] if flow is not None else ""
    return Symptom(
        status=Status(place.status),
        kind=cell.kind,
        code=cell.code,
        flow=place.flow,
        target=place.target,
        plant=place.plant or None,
        source=source,
        count=cell.count,
        risk=flow.risk if flow is not None else Risk.LOW,
        group=place.group,
        template=cell.template,
        first_seen=from_micros(cell.first_seen),
        last_seen=from_micros(cell.last_seen),
        behind=behind.get((place, source), Behind()),
    )


def _replaced(connection: Connection, rows: list[Any]) -> set[str]:
    """Ids of those rows over which a newer version of the same object was applied."""
    mine = {row.object_key: row for row in rows if row.object_key is not None and row.object_version is not None}
    keys, newer = sorted(mine), dict[str, str]()
    for start in range(0, len(keys), _CHUNK):
        applied = connection.execute(
            select(transactions.c.object_key, transactions.c.object_version).where(
                transactions.c.object_key.in_(keys[start : start + _CHUNK]),
                transactions.c.object_version.is_not(None),
                transactions.c.status.in_(_APPLIED),
            )
        )
        for key, version in applied:
            if key not in newer or version_order(version) > version_order(newer[key]):
                newer[key] = version
    return {
        row.id
        for row in rows
        if row.object_version is not None
        and row.object_key in newer
        and version_order(newer[row.object_key]) > version_order(row.object_version)
    }


def event_of(row: Any) -> Event:
    """A transaction as evidence, by itself."""
    return Event(
        id=row.id,
        flow=row.flow,
        target=row.target,
        plant=row.plant,
        source=row.source,
        created_at=from_micros(row.created_at),
        group=row.fingerprint or "",
    )


_SAMPLE = (
    select(
        transactions.c.id,
        transactions.c.flow,
        transactions.c.target,
        transactions.c.plant,
        transactions.c.source,
        transactions.c.created_at,
        transactions.c.fingerprint,
        transactions.c.object_key,
        transactions.c.object_version,
        transactions.c.business_keys,
        transactions.c.risk,
        transactions.c.failed_at,
        transactions.c.due_at,
    )
    .where(
        transactions.c.fingerprint == bindparam("of_group"),
        transactions.c.status == bindparam("of_status"),
        func.coalesce(transactions.c.plant, "") == bindparam("of_plant"),
    )
    .order_by(transactions.c.failed_at.desc())
    .limit(bindparam("some"))
)


def _newest(connection: Connection, place: Place, condition: ColumnElement[bool] | None, some: int) -> list[Any]:
    query = _SAMPLE if condition is None else _SAMPLE.where(condition)
    asked = {"of_group": place.group, "of_status": place.status, "of_plant": place.plant, "some": some}
    return list(connection.execute(query, asked).all())


def _by_source(
    cell: Cell, rows: list[Any], behind: dict[tuple[Place, str], Behind], masks: Masks, now: int, *, whole: bool
) -> list[Symptom]:
    found = []
    shares = Counter(row.source for row in rows)
    left = cell.count
    for number, (source, share) in enumerate(sorted(shares.items()), 1):
        # Of a cell that was looked at whole this is exact; of a larger one it is the share of its newest.
        count = left if number == len(shares) else min(left, max(1, cell.count * share // len(rows)))
        left -= count
        mine = [row for row in rows if row.source == source]
        late = sum(row.due_at is not None and row.due_at < now for row in mine)
        objects = _objects(mine, cell.place.flow, masks)
        moments = [row.failed_at for row in mine if row.failed_at is not None]
        found.append(
            Symptom(
                status=Status(cell.place.status),
                kind=cell.kind,
                code=cell.code,
                flow=cell.place.flow,
                target=cell.place.target,
                plant=cell.place.plant or None,
                source=source,
                count=count,
                risk=Risk(mine[0].risk),
                group=cell.place.group,
                template=cell.template,
                first_seen=from_micros(min(moments) if whole and moments else cell.first_seen),
                last_seen=from_micros(max(moments, default=cell.last_seen)),
                overdue=count * late // len(mine),
                objects={name: list(values)[:_KEPT] for name, values in objects.items()},
                orders=frozenset(objects.get("order", ())),
                lots=frozenset(objects.get("lot", ())),
                behind=behind.get((cell.place, source), Behind()),
            )
        )
    return found


def _objects(rows: list[Any], flow: str, masks: Masks) -> dict[str, dict[str, None]]:
    """Values of business keys, none of which is masked."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, value in shown_keys(row.business_keys, flow, masks).items():
            if name in OBJECTS:
                found.setdefault(name, {})[value] = None
    return found


def shown_keys(stored: str, flow: str, masks: Masks) -> dict[str, str]:
    """The business keys of a row without those that are masked."""
    keys = msgspec.json.decode(stored, type=dict[str, str])
    hidden = masks.flow(flow)
    return keys if hidden is None else {name: v for name, v in hidden.hide_keys(keys).items() if v == keys[name]}
