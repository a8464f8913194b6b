"""What the gateway let pass again: replays tied to the changes of policies that came between failure and replay."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from gateway_policies.explaining.changes_before import is_of
from hub.store.gateway_schema import gateway_revisions
from hub.store.journal import journal
from hub.store.schema import batch_items, transactions
from transactions.batches import ItemState

_CHANGES: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])


def tie(connection: Connection, batch: str, actor: str, now: datetime) -> list[int]:
    """Write into the timelines of a batch's transactions which change of the policy that had stopped them came since.

    Args:
        connection: the writer's, in the write that begins the batch.
        batch: its id; its items stand.
        actor: in whose name it runs.
        now: the present moment.

    Returns:
        The revisions of the gateway, for the audit chain.
    """
    stopped: dict[str, list[tuple[str, int]]] = defaultdict(list)
    rows = connection.execute(
        select(transactions.c.id, transactions.c.failure_policy_ref, transactions.c.failed_at)
        .join(batch_items, batch_items.c.tx_id == transactions.c.id)
        .where(
            batch_items.c.batch == batch,
            batch_items.c.state == ItemState.PLANNED,
            transactions.c.failure_policy_ref.is_not(None),
        )
    )
    for id_, policy, failed_at in rows:
        stopped[policy].append((id_, failed_at or 0))
    if not stopped:
        return []
    since = min(at for each in stopped.values() for _, at in each)
    changed = [
        (row.number, row.at, row.by, list(_CHANGES.decode(row.changes)))
        for row in connection.execute(
            select(
                gateway_revisions.c.number, gateway_revisions.c.at, gateway_revisions.c.by, gateway_revisions.c.changes
            )
            .where(gateway_revisions.c.at >= since)
            .order_by(gateway_revisions.c.number.desc())
        )
    ]
    book, tied = journal(connection), set[int]()
    for policy, items in stopped.items():
        found = next((each for each in changed if any(is_of(address, policy) for address in each[3])), None)
        if found is None:
            continue
        number, at, by, _ = found
        text = f"Goes on after revision {number} of the gateway, by {by}, which changed what had stopped it: {policy}"
        for id_, failed_at in items:
            if failed_at <= at:
                book.story(id_, now, text, by=actor)
                tied.add(number)
    return sorted(tied)
