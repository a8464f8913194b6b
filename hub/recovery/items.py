"""Items of batches: setting their state."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, update

from hub.store.schema import batch_items, transactions
from transactions.batches import ItemState
from transactions.clock import to_micros
from transactions.model import Status

UNDER_WAY = (ItemState.INTENDED, ItemState.SENT, ItemState.IN_DOUBT)
NOBODY_CAN_SAY = "evidence:%"
"""How ``waiting_on`` begins when asking has ended and only a person can tell."""
_SET = (
    update(batch_items)
    .where(batch_items.c.batch == bindparam("of_batch"), batch_items.c.n == bindparam("of_n"))
    .values(
        state=bindparam("new_state"),
        status=bindparam("new_status"),
        reason=bindparam("new_reason"),
        updated_at=bindparam("now"),
    )
)


def still_under_way() -> ColumnElement[bool]:
    """That an item, joined to its transaction, has an effect under way or a question open that may be answered."""
    return batch_items.c.state.in_(UNDER_WAY) & (
        (batch_items.c.state != ItemState.IN_DOUBT)
        | transactions.c.waiting_on.is_(None)
        | transactions.c.waiting_on.not_like(NOBODY_CAN_SAY)
    )


def set_state(
    connection: Connection,
    batch_id: str,
    n: int,
    state: ItemState,
    status: Status | None,
    reason: str | None,
    now: datetime,
) -> None:
    """Write where an item is now."""
    connection.execute(
        _SET,
        {
            "of_batch": batch_id,
            "of_n": n,
            "new_state": state,
            "new_status": status,
            "new_reason": reason,
            "now": to_micros(now),
        },
    )
