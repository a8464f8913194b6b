"""Twins: one event of a source that was posted twice, under two message ids. One of them may be reversed, not both:
a reversal and a correction stand for no event of their own."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, select

from hub.declarations import FlowDeclaration
from hub.store.schema import business_keys, corrections, reversals, transactions
from transactions.model import Status

_POSTED = (Status.PROCESSED, Status.PARTLY_PROCESSED, Status.RESOLVED)
_TAKEN_BACK = (Status.COMPENSATING, Status.COMPENSATED)


def last_of_its_event(connection: Connection, row: Any, flow: FlowDeclaration | None, planned: set[str]) -> str | None:
    """The twin that is reversed too, where this one is what has to stay of their event: the eldest.

    Args:
        connection: a reader's.
        row: the transaction that is to be reversed.
        flow: its flow; twins have the same values of its ``identity``, from the same source, at the same target.
        planned: ids that are reversed by the same plan.

    Returns:
        Id of the twin; None where there is none, or something of the event stays.
    """
    if flow is None or not flow.identity:
        return None
    keys = msgspec.json.decode(row.business_keys, type=dict[str, str])
    wanted = {name: keys.get(name) for name in flow.identity}
    first = wanted.get(flow.identity[0])
    if first is None:
        return None
    candidates = connection.execute(
        select(transactions)
        .join(business_keys, business_keys.c.tx_seq == transactions.c.seq)
        .where(
            business_keys.c.name == flow.identity[0],
            business_keys.c.value == first,
            transactions.c.flow == row.flow,
            transactions.c.source == row.source,
            transactions.c.target == row.target,
            transactions.c.id != row.id,
            transactions.c.status.in_([*_POSTED, *_TAKEN_BACK]),
            transactions.c.id.not_in(select(reversals.c.tx_id)),
            transactions.c.id.not_in(select(corrections.c.original)),
            transactions.c.id.not_in(select(corrections.c.tx_id)),
        )
        .order_by(transactions.c.seq)
    ).all()
    twins = [other for other in candidates if other.plant == row.plant and _values(other, flow) == wanted]
    going = [other for other in twins if other.status in _TAKEN_BACK or other.id in planned]
    if not twins or len(going) < len(twins):
        return None
    # Of several in one plan the eldest stays; where the others are gone already, this one does.
    if any(other.seq < row.seq and other.status in _POSTED for other in going):
        return None
    return str(going[0].id)


def _values(row: Any, flow: FlowDeclaration) -> dict[str, str | None]:
    keys = msgspec.json.decode(row.business_keys, type=dict[str, str])
    return {name: keys.get(name) for name in flow.identity}
