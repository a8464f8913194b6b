"""Rows as somebody may see them: with the masks of now.

Words of a target are cleared before they are stored; those that were stored before the masks of now came into force
are cleared here, with the document at hand.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from hub.masks import FlowMasks, Masks
from hub.masks.flow import REPEATS, Secrets, withheld_words
from hub.masks.stored import secrets_of
from hub.store.rows import to_transaction
from transactions.batches import BatchItem
from transactions.clock import to_micros
from transactions.history import MASK, TimelineEntry
from transactions.model import Transaction

WITHHELD = f"{MASK} withheld: it repeats a masked field"
OLDER = f"{MASK} withheld: it is older than the masks of its flow"


def shown(connection: Connection, row: Any, now: datetime, masks: Masks) -> Transaction:
    """A row of ``transactions`` as the admin API shows it.

    Args:
        connection: a reader's; asked for the document only where its words are older than the masks.
        row: the row.
        now: the present moment.
        masks: those of now.
    """
    transaction = to_transaction(row, now)
    flow = masks.flow(row.flow)
    if flow is None:
        return transaction
    changes: dict[str, Any] = {}
    keys = flow.hide_keys(transaction.business_keys)
    if keys is not transaction.business_keys:
        changes["business_keys"] = keys
    if words_are_older(row, flow) and (transaction.failure is not None or transaction.waiting_on is not None):
        secrets = secrets_of(connection, flow, row.id)
        if transaction.failure is not None:
            changes["failure"] = secrets.failure(transaction.failure)
        if transaction.waiting_on is not None:
            changes["waiting_on"] = secrets.sentence(transaction.waiting_on, REPEATS)
    return msgspec.structs.replace(transaction, **changes) if changes else transaction


def words_are_older(row: Any, flow: FlowMasks) -> bool:
    """Whether words about a transaction may have been stored before the masks of its flow came into force."""
    return bool((row.failed_at or row.created_at) < flow.since)


def shown_item(item: BatchItem, masks: Masks) -> BatchItem:
    """An item of a batch as it is shown; its reason may be a target's words."""
    flow = masks.flow(item.flow)
    if flow is None or item.reason is None or to_micros(item.updated_at) >= flow.since:
        return item
    return msgspec.structs.replace(item, reason=OLDER)


def shown_entry(entry: TimelineEntry, secrets: Secrets) -> TimelineEntry:
    """A line of a timeline as it is shown."""
    return msgspec.structs.replace(
        entry,
        text=secrets.sentence(entry.text, WITHHELD),
        attempt=None if entry.attempt is None else secrets.attempt(entry.attempt),
    )


def shown_template(row: Any, masks: Masks) -> str:
    """The template of a row of ``groups``; one that is older than the masks of its flow may have a masked value in
    it."""
    flow = masks.flow(row.flow)
    return str(row.template) if flow is None or row.first_seen >= flow.since else withheld_words(row.code)


def shown_words(connection: Connection, row: Any, text: str, masks: Masks) -> str:
    """What somebody wrote about a transaction, as it is shown."""
    flow = masks.flow(row.flow)
    return text if flow is None else secrets_of(connection, flow, row.id).sentence(text, WITHHELD)
