"""Reversals: transactions of their own that take back what others posted, and the record of which reverses which."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update

from hub.declarations import FlowDeclaration
from hub.ids import new_id
from hub.landscape import Landscape
from hub.store.dating import due_columns
from hub.store.journal import Ready, journal, upsert
from hub.store.schema import business_keys, payloads, reversals, revisions, transactions
from hub.store.transitions import REVERSES, TxRow, fetch, move
from transactions.canonical import sha256_bytes
from transactions.clock import to_micros
from transactions.model import KeyOrigin, Status
from transactions.plans import PlanOptions
from transactions.states import Event

_KEY_LENGTH = 255
_TYPE = "application/json"


def reversal_key(key: str) -> str:
    """The idempotency key of the reversal of what was posted under ``key``; the same one however often it is asked."""
    made = f"{REVERSES}{key}"
    return made if len(made) <= _KEY_LENGTH else f"{made[: _KEY_LENGTH - 65]}~{sha256_bytes(key.encode())}"


def is_reversal(connection: Connection, row: Any) -> bool:
    """Whether a transaction reverses another. Its key alone does not say so: a source may name its keys as it likes."""
    return (
        row.idempotency_key.startswith(REVERSES)
        and connection.execute(select(reversals.c.tx_id).where(reversals.c.tx_id == row.id)).first() is not None
    )


def reversal_of(connection: Connection, tx_id: str) -> TxRow | None:
    """The transaction that reverses ``tx_id``, begun or done; None where there is none."""
    found = connection.execute(select(reversals.c.tx_id).where(reversals.c.original == tx_id)).first()
    return None if found is None else fetch(connection, found.tx_id)


def key_is_taken(connection: Connection, row: Any) -> str | None:
    """The transaction that a source sent under the key that the reversal of ``row`` would have."""
    found = connection.execute(
        select(transactions.c.id).where(
            transactions.c.target == row.target, transactions.c.idempotency_key == reversal_key(row.idempotency_key)
        )
    ).first()
    return None if found is None else str(found.id)


def by_hand(row: Any, flow: FlowDeclaration | None) -> str:
    """What a person does in the target where the hub cannot."""
    what = f"document {row.document}" if row.document else f"what was posted under key {row.idempotency_key}"
    how = f" ({flow.reversal.removeprefix('none:').strip()})" if flow is not None and flow.reversal != "none" else ""
    return f"in {row.target}, reverse {what}{how}"


def begin_reversal(
    connection: Connection, batch: Any, row: TxRow, options: PlanOptions, landscape: Landscape, now: datetime
) -> str:
    """Make the transaction that reverses ``row``, or take up the one that failed, claimed for the batch.

    Returns:
        its id.
    """
    content = _document(row, options, batch.reason)
    before = reversal_of(connection, row.id)
    if before is not None:
        return _again(connection, batch, before, content, now)
    moment, tx_id = to_micros(now), new_id(now)
    keys = msgspec.json.decode(row.business_keys, type=dict[str, str])
    digest = _keep(connection, content)
    values = {
        "id": tx_id,
        "flow": row.flow,
        "plant": row.plant,
        "source": row.source,
        "target": row.target,
        "status": Status.PENDING,
        "risk": row.risk,
        "created_at": moment,
        **due_columns(landscape.deadlines, row.flow, row.plant, keys, moment),
        "attempts": 0,
        "business_keys": row.business_keys,
        "correlation_id": row.correlation_id,
        "causation_id": row.id,
        "idempotency_key": reversal_key(row.idempotency_key),
        "key_origin": KeyOrigin.RECIPE,
        "content_type": _TYPE,
        "payload_sha256": digest,
        "revision": 1,
        "owner": row.owner,
        "version": 1,
        "lane": row.lane,
        "definitive": 1,
        "lookups": 0,
        "tries": 0,
        "claimed_by": batch.id,
    }
    inserted = connection.execute(transactions.insert(), values).inserted_primary_key
    assert inserted is not None
    if keys:
        connection.execute(
            business_keys.insert(),
            [{"name": name, "value": value, "tx_seq": inserted[0]} for name, value in keys.items()],
        )
    _revise(connection, tx_id, 1, digest, content, batch, moment)
    connection.execute(
        reversals.insert(),
        {
            "tx_id": tx_id,
            "original": row.id,
            "original_key": row.idempotency_key,
            "by_hand": by_hand(row, landscape.flow(row.flow)),
            "batch": batch.id,
        },
    )
    book = journal(connection)
    book.tallies[Status.PENDING, row.plant or "", row.flow, row.target, ""] += 1
    book.story(tx_id, now, f"Made to reverse {row.id}: {batch.reason}", by=batch.started_by, status=Status.PENDING)
    told = {"id": tx_id, "flow": row.flow, "plant": row.plant, "target": row.target}
    book.event(now, "transaction", tx_id, told | {"status": Status.PENDING, "before": None})
    book.ready.append(Ready(row.target, row.plant, tx_id, again=True))
    return tx_id


def _again(connection: Connection, batch: Any, reversal: TxRow, content: bytes, now: datetime) -> str:
    """Send the reversal that failed once more, under its key; with another date it says something else."""
    digest = _keep(connection, content)
    values: dict[str, Any] = {
        "claimed_by": batch.id,
        "status_before": reversal.status,
        "group_before": reversal.fingerprint,
        "tries": 0,
        "due_next": None,
        "waiting_on": None,
    }
    if digest != reversal.payload_sha256:
        values |= {"payload_sha256": digest, "revision": reversal.revision + 1}
        _revise(connection, reversal.id, reversal.revision + 1, digest, content, batch, to_micros(now))
    connection.execute(update(reversals).where(reversals.c.tx_id == reversal.id).values(batch=batch.id))
    move(
        connection,
        reversal,
        Event.RUN,
        now=now,
        by=batch.started_by,
        text=f"Compensated again: {batch.reason}",
        values=values,
    )
    journal(connection).ready.append(Ready(reversal.target, reversal.plant, reversal.id, again=True))
    return str(reversal.id)


def _document(row: TxRow, options: PlanOptions, reason: str) -> bytes:
    """What a reversal says: what it takes back, on which day, and why."""
    said = {
        "reverses": {
            "idempotency_key": row.idempotency_key,
            "document": row.document,
            "flow": row.flow,
            "transaction": row.id,
        },
        "date": options.date,
        "reason": reason,
    }
    return msgspec.json.encode({name: value for name, value in said.items() if value is not None})


def _keep(connection: Connection, content: bytes) -> str:
    digest = sha256_bytes(content)
    connection.execute(
        upsert(connection.dialect.name, payloads).on_conflict_do_nothing(), {"sha256": digest, "content": content}
    )
    return digest


def _revise(
    connection: Connection, tx_id: str, revision: int, digest: str, content: bytes, batch: Any, moment: int
) -> None:
    connection.execute(
        revisions.insert(),
        {
            "tx_id": tx_id,
            "revision": revision,
            "sha256": digest,
            "size": len(content),
            "content_type": _TYPE,
            "headers": "{}",
            "created_at": moment,
            "created_by": batch.started_by,
            "reason": batch.reason,
        },
    )
