"""What posts the right thing in place of another is an item of the batch that made it: nobody claims it, so that it
goes as any other does, and its batch is told of each of its steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from hub.store.journal import journal
from hub.store.schema import batch_items, batches, corrections, transactions
from transactions.batches import ITEM_DONE, BatchState, ItemState
from transactions.clock import to_micros
from transactions.model import Status
from transactions.states import OPEN

CORRECTS = "correct:"
"""How the keys of such transactions begin; those of others may as well, so that the table of corrections decides."""
NOBODY_CAN_SAY = "evidence:"
"""How ``waiting_on`` begins where only a person can tell."""

_ENDED = (BatchState.DONE, BatchState.CANCELLED, BatchState.STOPPED)
_STATE: dict[Status, ItemState] = {
    Status.SENT: ItemState.SENT,
    Status.IN_DOUBT: ItemState.IN_DOUBT,
    Status.PROCESSED: ItemState.PROCESSED,
    Status.DUPLICATE: ItemState.PROCESSED,
    Status.RESOLVED: ItemState.PROCESSED,
    Status.FAILED: ItemState.FAILED,
    Status.PARKED: ItemState.FAILED,
    Status.PARTLY_PROCESSED: ItemState.FAILED,
    Status.DISCARDED: ItemState.CANCELLED,
}
_TELLS: dict[Status, str] = {
    Status.PROCESSED: "document",
    Status.DUPLICATE: "document",
    Status.RESOLVED: "document",
    Status.FAILED: "failure_message",
    Status.PARKED: "failure_message",
    Status.PARTLY_PROCESSED: "failure_message",
}
"""The column that says why, where that is not what it waits for."""
_ITEM = (
    select(batch_items.c.batch, batch_items.c.n, batch_items.c.state, batches.c.state.label("run"))
    .select_from(
        corrections.join(
            batch_items, (batch_items.c.batch == corrections.c.batch) & (batch_items.c.tx_id == corrections.c.tx_id)
        ).join(batches, batches.c.id == corrections.c.batch)
    )
    .where(corrections.c.tx_id == bindparam("id"))
)
_OF_ORIGINAL = (
    select(transactions)
    .join(corrections, corrections.c.tx_id == transactions.c.id)
    .where(corrections.c.original == bindparam("id"))
)
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


def add_item(connection: Connection, batch: str, tx_id: str, row: Any, reason: str, now: datetime) -> None:
    """Make what posts the right thing an item of its batch, in its last wave: no other wave waits for it.

    Args:
        batch: id of the batch.
        tx_id: the new transaction.
        row: the one that it stands in for.
        reason: what it waits for.
    """
    n, wave = connection.execute(
        select(func.max(batch_items.c.n), func.max(batch_items.c.wave)).where(batch_items.c.batch == batch)
    ).one()
    connection.execute(
        insert(batch_items),
        {
            "batch": batch,
            "n": (n or 0) + 1,
            "wave": wave or 0,
            "tx_id": tx_id,
            "flow": row.flow,
            "plant": row.plant,
            "target": row.target,
            "etag": "",
            "state": ItemState.INTENDED,
            "status": Status.HELD,
            "reason": reason,
            "updated_at": to_micros(now),
        },
    )
    connection.execute(update(batches).where(batches.c.id == batch).values(total=batches.c.total + 1))
    journal(connection).batches.add(batch)


def tell_batch(connection: Connection, row: Any, status: Status, columns: dict[str, Any], now: datetime) -> None:
    """A transaction took a step that no other batch made it take: where it posts the right thing for a batch, its item
    says so.

    Args:
        row: as it was before.
        status: where it is now.
        columns: the row as it is now.
    """
    item = connection.execute(_ITEM, {"id": row.id}).first()
    state = _STATE.get(status, ItemState.INTENDED)
    if item is None or item.state == ItemState.PROCESSED or (item.run in _ENDED and state not in ITEM_DONE):
        return
    _write(connection, item, state, status, columns[_TELLS.get(status, "waiting_on")], now)


def rest(connection: Connection, row: Any, reason: str, now: datetime) -> None:
    """What posts the right thing goes no further by itself: its batch does not wait for it. It stays held, and goes
    when what it waits for is over."""
    if row.claimed_by is not None or not row.idempotency_key.startswith(CORRECTS):
        return
    item = connection.execute(_ITEM, {"id": row.id}).first()
    if item is not None and item.state == ItemState.INTENDED:
        _write(connection, item, ItemState.SKIPPED, Status.HELD, reason, now)


def goes_on(connection: Connection, row: Any, ahead: str) -> bool:
    """Whether what a transaction waits for goes on by itself, where it posts the right thing instead of another: what
    that one waits for in turn may be for people."""
    seen: set[str] = set()
    waits: str | None = ahead if row.idempotency_key.startswith(CORRECTS) else None
    while waits is not None and waits not in seen:
        seen.add(waits)
        other = connection.execute(select(transactions).where(transactions.c.id == waits)).first()
        if other is None or other.claimed_by is not None or other.status != Status.HELD:
            return other is None or other.claimed_by is not None or Status(other.status) not in OPEN
        waits = other.blocked_by
    return waits is None


def rest_behind(connection: Connection, original: str, reason: str, now: datetime) -> None:
    """The reversal of ``original`` goes no further: neither does what is to be posted instead."""
    for row in connection.execute(_OF_ORIGINAL, {"id": original}).all():
        if row.status == Status.HELD:
            rest(connection, row, reason, now)


def _write(
    connection: Connection, item: Any, state: ItemState, status: Status, reason: str | None, now: datetime
) -> None:
    connection.execute(
        _SET,
        {
            "of_batch": item.batch,
            "of_n": item.n,
            "new_state": state,
            "new_status": status,
            "new_reason": reason,
            "now": to_micros(now),
        },
    )
    journal(connection).batches.add(item.batch)
