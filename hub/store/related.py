"""Transactions that share a business key, by the index of the keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from hub.masks import Masks
from hub.store.paging import Order, page
from hub.store.questions import one_row
from hub.store.reach import within
from hub.store.schema import business_keys, transactions
from hub.store.shown import shown
from transactions.errors import Invalid
from transactions.model import Transaction
from transactions.pages import Page
from transactions.people import Reach
from transactions.related import COUNTED, Related, RelatedGroup, relating

SOME = 5
"""So many of each group are shown where no key is named."""


def related_to(
    connection: Connection,
    tx_id: str,
    by: str | None,
    limit: int,
    cursor: str | None,
    now: datetime,
    reach: Reach,
    masks: Masks,
) -> Related:
    """What shares a business key with a transaction.

    Args:
        connection: a reader's.
        tx_id: the transaction.
        by: the key; None for the newest few of every key.
        limit: items of the group, where a key is named.
        cursor: from its page before.
        now: what is overdue now.
        reach: of the one who asks.
        masks: those of now.

    Raises:
        NotFound: there is no such transaction within reach.
        Invalid: it has no such key, or one that relates nothing; or a cursor without a key.
        BadCursor: it is not one of this list.
    """
    row = one_row(connection, tx_id, reach)
    keys = msgspec.json.decode(row.business_keys, type=dict[str, str])
    names = relating(keys, masks.keys)
    if by is None and cursor is not None:
        raise Invalid("A cursor is of one group: name its key with by.")
    if by is not None and by not in names:
        some = ", ".join(names) or "none"
        raise Invalid(f"{tx_id} is not related to others by {by!r}. It is by: {some}.")
    chosen = names if by is None else [by]
    size = SOME if by is None else limit
    groups = [_group(connection, row, name, keys[name], size, cursor, now, reach, masks) for name in chosen]
    return Related(of=tx_id, items=[group for group in groups if group.count or by is not None])


def _group(
    connection: Connection,
    row: Any,
    name: str,
    value: str,
    limit: int,
    cursor: str | None,
    now: datetime,
    reach: Reach,
    masks: Masks,
) -> RelatedGroup:
    shares = (business_keys.c.name == name) & (business_keys.c.value == value) & (business_keys.c.tx_seq != row.seq)
    newest = select(business_keys.c.tx_seq).where(shares).order_by(business_keys.c.tx_seq.desc()).limit(COUNTED + 1)
    some = newest.subquery()
    counting = select(func.count()).select_from(some)
    if not reach.everything:
        counting = counting.join(transactions, transactions.c.seq == some.c.tx_seq).where(*within(reach, transactions))
    looked_at: int = connection.execute(select(func.count()).select_from(some)).scalar_one()
    count: int = connection.execute(counting).scalar_one()
    found: Page[Transaction] = page(
        connection,
        select(transactions, business_keys.c.tx_seq)
        .join(business_keys, business_keys.c.tx_seq == transactions.c.seq)
        .where(shares, *within(reach, transactions)),
        Order("seq", business_keys.c.tx_seq, transactions.c.id, True, f"related:{name}:{value}"),
        limit,
        cursor,
        lambda each: shown(connection, each, now, masks),
    )
    return RelatedGroup(
        by=name,
        value=value,
        count=min(count, COUNTED),
        more=looked_at > COUNTED,
        items=found.items,
        next_cursor=found.next_cursor,
    )
