"""What the systems themselves say of trouble that no failure tells of: losses, and quantities that are off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import jsonpath_rfc9535
from sqlalchemy import Connection, select

from hub.causes.cells import event_of
from hub.documents import Form, json_texts, read_document
from hub.landscape import Landscape
from hub.reconciliation.declared import FieldDeclaration
from hub.store.reach import within
from hub.store.schema import business_keys, payloads, transactions
from transactions.causes.quantities import wrong_among
from transactions.causes.symptoms import Event, Skewed
from transactions.clock import from_micros
from transactions.errors import AndonError
from transactions.model import Status
from transactions.people import Reach
from transactions.reconciliation.accounting import MAYBE_NOT, NOT_IN_TARGET
from transactions.reconciliation.comparing import read_amount
from transactions.reconciliation.model import Difference, Reconciliation

_CHUNK = 400
_ABOUT_ONE = 60  # transactions about one object that are looked at
MOST_OBJECTS = 500
_POSTED = (Status.PROCESSED,)
_PERHAPS = (Status.DISCARDED,)
_OWED = tuple(sorted(NOT_IN_TARGET - {Status.COMPENSATED, Status.DISCARDED}))
_UNKNOWN = tuple(sorted(MAYBE_NOT - {Status.COMPENSATION_FAILED}))


def lost_in(connection: Connection, told: Iterable[Reconciliation], reach: Reach) -> list[Event]:
    """The transactions that were acknowledged and are not there."""
    ids = list(dict.fromkeys(name for one in told for name in one.reopenable))
    found: list[Event] = []
    for start in range(0, len(ids), _CHUNK):
        query = select(transactions).where(
            transactions.c.id.in_(ids[start : start + _CHUNK]),
            transactions.c.status == Status.PROCESSED,
            *within(reach, transactions),
        )
        found += [event_of(row) for row in connection.execute(query)]
    return found


def skewed_in(
    connection: Connection, told: Iterable[Reconciliation], landscape: Landscape, reach: Reach
) -> list[Skewed]:
    """The posted transactions whose quantities are off by a power of ten."""
    found: dict[str, Skewed] = {}
    left = MOST_OBJECTS
    for one in told:
        declared = landscape.catalogue.reconciliation.get(one.kind)
        for difference in one.items if declared is not None else ():
            field = declared.field.get(difference.field) if declared is not None else None
            if field is None or not field.amount or field.alike or difference.amount is None or left <= 0:
                continue
            left -= 1
            found |= {each.id: each for each in _skewed(connection, difference, field, landscape, reach)}
    return list(found.values())


def _skewed(
    connection: Connection, difference: Difference, field: FieldDeclaration, landscape: Landscape, reach: Reach
) -> Iterator[Skewed]:
    sources = {source for name in field.flows if (flow := landscape.flow(name)) is not None for source in flow.sources}
    leading = [read_amount(side.value or "0") for side in difference.said if _system(side.system) in sources]
    if not leading or any(amount is None for amount in leading):
        return
    rows = _about(connection, difference, field, reach)
    for side in difference.said:
        has = read_amount(side.value or "0")
        if not side.differs or has is None or _system(side.system) in sources:
            continue
        mine = [row for row in rows if row.target == _system(side.system)]
        if any(row.status in _UNKNOWN for row in mine):
            continue
        lacking = sum((amount for amount in leading if amount is not None), Decimal(0)) - has
        yield from _told(connection, difference, field, landscape, mine, lacking)


def _told(
    connection: Connection,
    difference: Difference,
    field: FieldDeclaration,
    landscape: Landscape,
    rows: list[Any],
    lacking: Decimal,
) -> Iterator[Skewed]:
    amounts = {row.id: _amount(connection, row, difference, field, landscape) for row in rows}
    posted = [row for row in rows if row.status in _POSTED and amounts[row.id] is not None]
    owed = [each for row in rows if row.status in _OWED and (each := amounts[row.id]) is not None]
    perhaps = [each for row in rows if row.status in _PERHAPS and (each := amounts[row.id]) is not None]
    wrong = wrong_among(lacking, [amounts[row.id] or Decimal(0) for row in posted], owed, perhaps)
    if wrong is None:
        return
    for place in wrong.posted:
        row = posted[place]
        yield Skewed(
            id=row.id,
            flow=row.flow,
            target=row.target,
            plant=row.plant,
            source=row.source,
            factor=format(wrong.factor, "f"),
            object=f"{next(iter(difference.keys))} {difference.name}",
            created_at=from_micros(row.created_at),
        )


def _system(label: str) -> str:
    return label.partition("/")[0]


def _about(connection: Connection, difference: Difference, field: FieldDeclaration, reach: Reach) -> list[Any]:
    name, value = next((name, value) for name, value in reversed(list(difference.keys.items())) if value)
    rows = connection.execute(
        select(transactions)
        .join(business_keys, business_keys.c.tx_seq == transactions.c.seq)
        .where(
            business_keys.c.name == name,
            business_keys.c.value == value,
            transactions.c.flow.in_(field.flows),
            *within(reach, transactions),
        )
        .order_by(transactions.c.seq.desc())
        .limit(_ABOUT_ONE)
    ).all()
    return [row for row in rows if not difference.plant or row.plant in (None, difference.plant)]


def _amount(
    connection: Connection, row: Any, difference: Difference, field: FieldDeclaration, landscape: Landscape
) -> Decimal | None:
    """What the document adds; None where it cannot be read, hides it, or its sign is not known."""
    sign = field.sign(row.flow)
    path = field.quantities_of({name: value for name, value in difference.keys.items() if value})
    content = connection.execute(select(payloads.c.content).where(payloads.c.sha256 == row.payload_sha256)).scalar()
    masks = landscape.masks.flow(row.flow)
    if content is not None and masks is not None:
        content = masks.hide(content, row.content_type).content
    if path is None or sign == 0 or content is None:
        return None
    try:
        document = read_document(content, row.content_type)
        texts = json_texts(path)(document.tree) if document.form is Form.JSON else []
    except (AndonError, jsonpath_rfc9535.JSONPathError):
        return None  # it may be what is wrong with it that it cannot be read
    amounts = [read_amount(text) for text in texts]
    if not amounts or any(amount is None for amount in amounts):
        return None
    return sign * sum((amount for amount in amounts if amount is not None), Decimal(0))
