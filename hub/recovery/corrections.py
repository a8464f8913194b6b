"""Corrections: the right document as a transaction of its own, under a key of its own, that waits until what was posted
in its place is reversed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from hub.ids import new_id
from hub.intake import lane_of, object_of
from hub.landscape import Landscape
from hub.store.dating import due_columns
from hub.store.journal import journal
from hub.store.reposts import CORRECTS, add_item
from hub.store.schema import business_keys, corrections, revisions, transactions
from hub.store.transitions import TxRow
from transactions.canonical import sha256_bytes
from transactions.clock import to_micros
from transactions.model import KeyOrigin, Priority, Status
from transactions.priority import rank_of

_KEY_LENGTH = 255


def correction_key(key: str) -> str:
    """The idempotency key of what corrects the posting under ``key``; the same one however often it is asked."""
    made = f"{CORRECTS}{key}"
    return made if len(made) <= _KEY_LENGTH else f"{made[: _KEY_LENGTH - 65]}~{sha256_bytes(key.encode())}"


def correction_of(connection: Connection, row: Any) -> str | None:
    """The transaction that corrects this one, or has the key that such a one would have; None where there is none."""
    found = connection.execute(
        select(transactions.c.id).where(
            transactions.c.target == row.target, transactions.c.idempotency_key == correction_key(row.idempotency_key)
        )
    ).scalar()
    return None if found is None else str(found)


def begin_correction(
    connection: Connection, batch: Any, row: TxRow, planned: Any, landscape: Landscape, now: datetime
) -> str:
    """Make the transaction that posts the right document; it is held until ``row`` is compensated.

    Args:
        planned: the document, as the plan has it.

    Returns:
        its id.
    """
    flow = landscape.flow(row.flow)
    assert flow is not None  # it was decided just now that it can be reversed
    moment, tx_id = to_micros(now), new_id(now)
    keys = msgspec.json.decode(planned.business_keys, type=dict[str, str])
    due = due_columns(landscape.deadlines, row.flow, row.plant, keys, moment)
    waiting = f"the reversal of {row.id}"
    inserted = connection.execute(
        transactions.insert(),
        {
            "id": tx_id,
            "flow": row.flow,
            "plant": row.plant,
            "source": row.source,
            "target": row.target,
            "status": Status.HELD,
            "risk": row.risk,
            "created_at": moment,
            **due,
            "rank": rank_of(Priority.DUE, row.risk, due["due_at"], moment),
            "attempts": 0,
            "business_keys": planned.business_keys,
            "correlation_id": row.correlation_id,
            "causation_id": row.id,
            "idempotency_key": correction_key(row.idempotency_key),
            "key_origin": KeyOrigin.RECIPE,
            "content_type": planned.content_type,
            "payload_sha256": planned.sha256,
            "revision": 1,
            "owner": row.owner,
            "version": 1,
            "lane": lane_of(flow, row.target, row.plant, keys),
            "object_key": object_of(row.flow, flow, row.target, row.plant, keys),
            "object_version": keys.get(flow.version) if flow.version else None,
            "hold_kind": "requires",
            "blocked_by": row.id,
            "waiting_on": waiting,
            "definitive": 1,
            "lookups": 0,
            "tries": 0,
        },
    ).inserted_primary_key
    assert inserted is not None
    if keys:
        connection.execute(
            business_keys.insert(),
            [{"name": name, "value": value, "tx_seq": inserted[0]} for name, value in keys.items()],
        )
    headers = connection.execute(
        select(revisions.c.headers).where(revisions.c.tx_id == row.id, revisions.c.revision == row.revision)
    ).scalar_one()
    connection.execute(
        revisions.insert(),
        {
            "tx_id": tx_id,
            "revision": 1,
            "sha256": planned.sha256,
            "size": planned.size,
            "content_type": planned.content_type,
            "headers": headers,
            "created_at": moment,
            "created_by": planned.made_by,
            "reason": batch.reason,
        },
    )
    connection.execute(corrections.insert(), {"tx_id": tx_id, "original": row.id, "batch": batch.id})
    add_item(connection, batch.id, tx_id, row, f"waits for {waiting}", now)
    book = journal(connection)
    book.tallies[Status.HELD, row.plant or "", row.flow, row.target, ""] += 1
    by = batch.started_by
    book.story(tx_id, now, f"Made to correct {row.id}; waits for {waiting}: {batch.reason}", by=by, status=Status.HELD)
    book.story(row.id, now, f"Corrected by {tx_id}, when this is reversed: {batch.reason}", by=by, kind="action")
    book.effect(
        now,
        by,
        "transaction.corrected",
        row.id,
        batch.reason,
        {"revision": row.revision, "sha256": row.payload_sha256},
        {"corrected_by": tx_id, "sha256": planned.sha256, "made_by": planned.made_by},
    )
    told = {"id": tx_id, "flow": row.flow, "plant": row.plant, "target": row.target}
    book.event(now, "transaction", tx_id, told | {"status": Status.HELD, "before": None})
    return tx_id
