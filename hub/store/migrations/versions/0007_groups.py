"""What is counted of groups: seen where, trend, due when, and how replays ended."""

from collections import Counter
from typing import Any

import msgspec
from alembic import op
from sqlalchemy import Connection, func, insert, inspect, literal, select, update

from hub.store.counting import HALF_HOUR
from hub.store.group_counts import SLOT
from hub.store.migrations.adding import add_columns
from hub.store.schema import (
    attempts,
    batch_items,
    batches,
    group_due,
    group_failures_by_half_hour,
    group_plants,
    metadata,
    transactions,
)
from transactions.grouping import fingerprint, template
from transactions.model import Failure

revision = "0007"
down_revision = "0006"

TABLES = ("group_plants", "group_failures_by_half_hour", "group_due")
INDEXES = ("tx_group_due", "tx_groups")

_T = transactions.c
_PLANT = func.coalesce(_T.plant, "")
_SEEN = func.coalesce(_T.failed_at, _T.created_at)
_SENT_AGAIN = ("replay", "edit")
_ATTEMPTS = select(attempts.c.batch, attempts.c.failure).order_by(attempts.c.n)


def upgrade() -> None:
    """Make the tables and count what is stored. A transaction that failed several times is known by its newest failure
    only, so that the trend begins with those."""
    connection = op.get_bind()
    metadata.create_all(connection, tables=[metadata.tables[name] for name in TABLES])
    add_columns("transactions", "group_before")
    there = {index["name"] for index in inspect(connection).get_indexes("transactions")}
    for index in metadata.tables["transactions"].indexes:
        if index.name in INDEXES and index.name not in there:
            index.create(connection)
    grouped = _T.fingerprint.is_not(None)
    connection.execute(
        update(transactions)
        .where(grouped, _T.claimed_by.is_not(None), _T.status_before.is_not(None))
        .values(group_before=_T.fingerprint)
    )
    zero = literal(0)
    connection.execute(
        insert(group_plants).from_select(
            ["fingerprint", "plant", "first_seen", "last_seen", "replayed", "repeated"],
            select(_T.fingerprint, _PLANT, func.min(_SEEN), func.max(_SEEN), zero, zero)
            .where(grouped)
            .group_by(_T.fingerprint, _PLANT),
        )
    )
    half_hour = _T.failed_at // HALF_HOUR
    connection.execute(
        insert(group_failures_by_half_hour).from_select(
            ["fingerprint", "half_hour", "plant", "count"],
            select(_T.fingerprint, half_hour, _PLANT, func.count())
            .where(grouped, _T.failed_at.is_not(None))
            .group_by(_T.fingerprint, half_hour, _PLANT),
        )
    )
    slot = _T.due_at // SLOT
    connection.execute(
        insert(group_due).from_select(
            ["status", "fingerprint", "plant", "slot", "count"],
            select(_T.status, _T.fingerprint, _PLANT, slot, func.count())
            .where(grouped, _T.due_at.is_not(None))
            .group_by(_T.status, _T.fingerprint, _PLANT, slot),
        )
    )
    _count_replays(connection)


def _count_replays(connection: Connection) -> None:
    """How those ended that were sent again: what failed before, and what the batch's last attempt says."""
    sent_again = (
        select(batch_items.c.batch, batch_items.c.tx_id, _T.flow, _T.target, _PLANT.label("plant"))
        .join(batches, batches.c.id == batch_items.c.batch)
        .join(transactions, _T.id == batch_items.c.tx_id)
        .where(batches.c.action.in_(_SENT_AGAIN), batch_items.c.state.in_(("processed", "failed")))
    )
    ended: Counter[tuple[str, str]] = Counter()
    repeated: Counter[tuple[str, str]] = Counter()
    for item in connection.execute(sent_again).all():
        before = after = None
        begun = False
        for attempt in connection.execute(_ATTEMPTS.where(attempts.c.tx_id == item.tx_id)):
            if attempt.batch == item.batch:
                begun, after = True, attempt.failure
            elif not begun and attempt.failure is not None:
                before = attempt.failure
        if before is None:
            continue
        group = _group(item, before)
        ended[group, item.plant] += 1
        repeated[group, item.plant] += after is not None and _group(item, after) == group
    for (group, plant), count in ended.items():
        connection.execute(
            update(group_plants)
            .where(group_plants.c.fingerprint == group, group_plants.c.plant == plant)
            .values(replayed=count, repeated=repeated[group, plant])
        )


def _group(item: Any, failure: str) -> str:
    told = msgspec.json.decode(failure, type=Failure)
    return fingerprint(item.flow, item.target, told.kind, told.code, template(told.message))
