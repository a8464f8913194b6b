"""The blast radius of a plan: the orders and lots it is about, and what waits behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from sqlalchemy import Connection, select

from hub.masks.flow import Masks
from hub.store.reach import within
from hub.store.schema import transactions
from transactions.people import Reach
from transactions.plans import BlastRadius, Plan, Touched

_CHUNK = 500
_SOME = 20
_MOST_BEHIND = 10_000


def radius_of(connection: Connection, plan: Plan, masks: Masks, reach: Reach) -> BlastRadius:
    """What a plan touches besides the transactions that it names.

    Args:
        connection: a reader's.
        plan: as it is stored.
        masks: keys that are hidden are not told here either.
        reach: how far the rights of the one who looks reach.
    """
    ids = [item.id for item in plan.items]
    orders: dict[str, None] = {}
    lots: dict[str, None] = {}
    for chunk in _chunks(ids):
        query = select(transactions.c.flow, transactions.c.business_keys).where(transactions.c.id.in_(chunk))
        for row in connection.execute(query):
            keys = msgspec.json.decode(row.business_keys, type=dict[str, str])
            hidden = masks.flow(row.flow)
            shown = keys if hidden is None else {n: v for n, v in hidden.hide_keys(keys).items() if v == keys[n]}
            if "order" in shown:
                orders[shown["order"]] = None
            if "lot" in shown:
                lots[shown["lot"]] = None
    return BlastRadius(orders=_touched(orders), lots=_touched(lots), behind=_touched(_behind(connection, ids, reach)))


def _behind(connection: Connection, ids: list[str], reach: Reach) -> list[str]:
    """Transactions that wait for one of these, or for one that does."""
    planned, found, ahead = set(ids), dict.fromkeys(ids), ids
    while ahead and len(found) - len(planned) < _MOST_BEHIND:
        waiting: list[str] = []
        for chunk in _chunks(ahead):
            query = select(transactions.c.id).where(transactions.c.blocked_by.in_(chunk), *within(reach, transactions))
            waiting += connection.execute(query.order_by(transactions.c.seq)).scalars().all()
        ahead = [tx_id for tx_id in dict.fromkeys(waiting) if tx_id not in found]
        found |= dict.fromkeys(ahead)
    return [tx_id for tx_id in found if tx_id not in planned]


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))


def _touched(names: Iterable[str]) -> Touched:
    every = list(names)
    return Touched(count=len(every), some=every[:_SOME])
