"""Questions to the store, each a function of a reader's connection."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, func, select
from sqlalchemy.exc import OperationalError

from hub.masks import Masks
from hub.masks.stored import secrets_of
from hub.store.paging import Order, order_of, page
from hub.store.reach import within
from hub.store.rows import attempt_entry, to_attempt, to_timeline
from hub.store.schema import attempts, tallies, timeline, transactions
from hub.store.shown import shown, shown_entry
from hub.store.time_limit import interrupted, time_limit
from transactions.errors import NotFound
from transactions.history import TimelineEntry
from transactions.model import Status, Transaction
from transactions.pages import Page
from transactions.people import EVERYTHING, Reach

_SOME = 10_000  # rows that are counted together

SORTABLE = ("created_at", "failed_at", "due_at", "priority", "flow", "plant", "target", "status", "id")
STORED = {"priority": "rank"}
"""Columns of those fields that are stored under another name."""


_WALKS = {
    "created_at": "tx_created",
    "failed_at": "tx_failed",
    "due_at": "tx_due",
    "priority": "tx_rank",
}
"""The indexes that have an order in them."""
_BY_ID = "sqlite_autoindex_transactions_1"
_FEW_VALUES = {"flow": "tx_flow", "plant": "tx_plant", "target": "tx_target", "status": "tx_status_failed"}
"""The indexes that have the values of an order that has few."""


def transaction_order(sort: str) -> Order:
    """An order of transactions, with the way along it.

    Raises:
        Invalid: not a field that they can be sorted by.
    """
    order = order_of(transactions, SORTABLE, sort, "id", STORED)
    index, values = _WALKS.get(order.name, _BY_ID), _FEW_VALUES.get(order.name)
    return msgspec.structs.replace(order, index=index, values=values)


def transaction_page(
    connection: Connection,
    condition: Callable[[bool], ColumnElement[bool] | None],
    order: Order,
    limit: int,
    cursor: str | None,
    now: datetime,
    masks: Masks,
) -> Page[Transaction]:
    """One page of transactions that match.

    Args:
        connection: a reader's.
        condition: what matches; asked with whether there is a value in the column that is sorted by.
        order, limit, cursor: which page.
        now: the present moment.
        masks: those of now.
    """

    def base(has_value: bool) -> Select[Any]:
        cut = condition(has_value)
        return select(transactions) if cut is None else select(transactions).where(cut)

    return page(connection, base, order, limit, cursor, lambda row: shown(connection, row, now, masks))


class Counted(Struct, frozen=True):
    """How many there are; ``exact`` is false where counting took too long, and there are that many at least."""

    count: int
    exact: bool = True


def count_transactions(connection: Connection, condition: ColumnElement[bool] | None, seconds: float) -> Counted:
    """How many transactions match ``condition``; where counting takes longer than ``seconds``, as many as are met in a
    quarter of that."""
    each: Select[Any] = select(transactions.c.seq)
    each = each if condition is None else each.where(condition)
    try:
        with time_limit(connection, seconds):
            total: int = connection.execute(select(func.count()).select_from(each.subquery())).scalar_one()
            return Counted(total)
    except OperationalError as error:
        if not interrupted(error):
            raise
    found = 0
    try:
        with time_limit(connection, seconds / 4):
            for some in connection.execute(each).partitions(_SOME):
                found += len(some)
    except OperationalError as error:
        if not interrupted(error):
            raise
        return Counted(found, exact=False)
    return Counted(found)


def count_tallies(connection: Connection, condition: ColumnElement[bool] | None) -> Counted:
    """How many transactions are counted in the tallies that match ``condition``."""
    query = select(func.coalesce(func.sum(tallies.c.count), 0))
    found: int = connection.execute(query if condition is None else query.where(condition)).scalar_one()
    return Counted(found)


def status_counts(connection: Connection, reach: Reach) -> dict[Status, int]:
    """How many transactions are in each status."""
    query = select(tallies.c.status, func.sum(tallies.c.count)).where(*within(reach, tallies))
    rows = connection.execute(query.group_by(tallies.c.status))
    counts = {Status(status): int(count) for status, count in rows}
    return {status: counts.get(status, 0) for status in Status}


def one_row(connection: Connection, tx_id: str, reach: Reach) -> Any:
    """The row of a transaction.

    Raises:
        NotFound: there is none with this id within reach.
    """
    row = connection.execute(select(transactions).where(transactions.c.id == tx_id)).first()
    if row is None or not reach.covers(row.plant, row.flow):
        raise NotFound(
            f"There is no transaction {tx_id!r}{'' if reach.everything else ' that you may see'}. "
            "Check the id; `andon tx list` shows those that are here.",
        )
    return row


def by_key(connection: Connection, target: str, key: str, reach: Reach = EVERYTHING) -> Any:
    """The row of the transaction that went to ``target`` under ``key``.

    Raises:
        NotFound: there is none within ``reach``.
    """
    row = connection.execute(
        select(transactions).where(transactions.c.target == target, transactions.c.idempotency_key == key)
    ).first()
    if row is None or not reach.covers(row.plant, row.flow):
        raise NotFound(f"Nothing went to {target} under the key {key!r}. Check the key: it is the one that was sent.")
    return row


def timeline_of(connection: Connection, tx_id: str, reach: Reach, masks: Masks) -> Page[TimelineEntry]:
    """Everything that happened to a transaction, oldest first."""
    row = one_row(connection, tx_id, reach)
    told = connection.execute(select(timeline).where(timeline.c.tx_id == tx_id).order_by(timeline.c.seq)).all()
    tried = connection.execute(select(attempts).where(attempts.c.tx_id == tx_id).order_by(attempts.c.n)).all()
    lines = [to_timeline(row) for row in told] + [attempt_entry(to_attempt(row)) for row in tried]
    flow = masks.flow(row.flow)
    if flow is not None:
        secrets = secrets_of(connection, flow, tx_id)
        lines = [shown_entry(line, secrets) for line in lines]
    return Page(items=sorted(lines, key=lambda line: line.at))
