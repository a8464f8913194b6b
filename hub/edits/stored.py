"""Drafts and planned documents in the store, and the revision that comes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select

from hub.edits.making import Base, Made
from hub.store.journal import journal, upsert
from hub.store.schema import business_keys, drafts, ledger, payloads, planned_edits, revisions
from hub.store.transitions import TxRow, change, fetch
from transactions.clock import to_micros
from transactions.edits import PlannedEdit
from transactions.model import Status

_CHUNK = 500


def base_of(connection: Connection, row: Any) -> Base:
    """The document that a transaction has now."""
    content: bytes = connection.execute(
        select(payloads.c.content).where(payloads.c.sha256 == row.payload_sha256)
    ).scalar_one()
    return Base(
        flow=row.flow,
        content=content,
        content_type=row.content_type,
        keys=msgspec.json.decode(row.business_keys, type=dict[str, str]),
    )


def applied_base(connection: Connection, row: Any) -> Base:
    """The document that the target posted, which may be an earlier revision."""
    base = base_of(connection, row)
    sha256 = connection.execute(
        select(ledger.c.sha256)
        .where(
            ledger.c.target == row.target,
            ledger.c.idempotency_key == row.idempotency_key,
            ledger.c.applied_at.is_not(None),
        )
        .order_by(ledger.c.revision.desc())
        .limit(1)
    ).scalar()
    if sha256 in (None, row.payload_sha256):
        return base
    return msgspec.structs.replace(base, content=content_of(connection, sha256))


def draft_of(connection: Connection, tx_id: str) -> Any | None:
    """The row of a transaction's draft."""
    return connection.execute(select(drafts).where(drafts.c.tx_id == tx_id)).first()


def content_of(connection: Connection, sha256: str) -> bytes:
    """The bytes of a payload."""
    found: bytes = connection.execute(select(payloads.c.content).where(payloads.c.sha256 == sha256)).scalar_one()
    return found


def keep_draft(connection: Connection, row: TxRow, made: Made, actor: str, reason: str, now: datetime) -> TxRow:
    """Store a draft in place of the one before it; the transaction's ETag is a new one then, so that an editor who saw
    less comes too late.

    Returns:
        The transaction's row after it.
    """
    _keep(connection, {made.sha256: made.content})
    headers = connection.execute(
        select(revisions.c.headers).where(revisions.c.tx_id == row.id, revisions.c.revision == row.revision)
    ).scalar_one()
    before = draft_of(connection, row.id)
    connection.execute(delete(drafts).where(drafts.c.tx_id == row.id))
    connection.execute(
        drafts.insert(),
        {
            "tx_id": row.id,
            "base": row.revision,
            "sha256": made.sha256,
            "size": len(made.content),
            "content_type": made.content_type,
            "headers": headers,
            "created_at": to_micros(now),
            "created_by": actor,
            "reason": reason,
        },
    )
    change(connection, row, touch=True)
    book = journal(connection)
    count = len(made.compared.differences) + made.compared.more
    what = f"a draft of revision {row.revision + 1}" if row.status == Status.FAILED else "the right document as a draft"
    book.story(
        row.id,
        now,
        f"{actor} stored {what}, with {count} difference{'' if count == 1 else 's'}: {reason}",
        by=actor,
        kind="action",
    )
    book.effect(
        now,
        actor,
        "payload.drafted",
        row.id,
        reason,
        {"revision": row.revision, "sha256": row.payload_sha256, "draft": None if before is None else before.sha256},
        {"sha256": made.sha256, "paths": [each.path for each in made.compared.differences], "more": made.compared.more},
    )
    book.event(
        now,
        "transaction",
        row.id,
        {
            "id": row.id,
            "flow": row.flow,
            "plant": row.plant,
            "target": row.target,
            "status": row.status,
            "before": row.status,
        },
    )
    fresh = fetch(connection, row.id)
    assert fresh is not None
    return fresh


def keep_planned(connection: Connection, plan: str, edits: list[PlannedEdit], documents: dict[str, Made]) -> None:
    """Keep the documents that a plan will send; those that it refuses are in none of ``documents``."""
    kept = [edit for edit in edits if edit.id in documents]
    for start in range(0, len(kept), _CHUNK):
        chunk = kept[start : start + _CHUNK]
        _keep(connection, {edit.sha256: documents[edit.id].content for edit in chunk})
        connection.execute(
            planned_edits.insert(),
            [
                {
                    "plan": plan,
                    "tx_id": edit.id,
                    "base": edit.base,
                    "sha256": edit.sha256,
                    "size": edit.size,
                    "content_type": edit.content_type,
                    "made_by": edit.made_by,
                    "business_keys": msgspec.json.encode(documents[edit.id].keys).decode(),
                }
                for edit in chunk
            ],
        )


def planned_for(connection: Connection, plan: str, tx_id: str) -> Any:
    """The document that a plan sends for one of its items."""
    return connection.execute(
        select(planned_edits).where(planned_edits.c.plan == plan, planned_edits.c.tx_id == tx_id)
    ).one()


def put_in_use(connection: Connection, row: TxRow, planned: Any, actor: str, reason: str, now: datetime) -> TxRow:
    """Make a planned document the newest revision of its transaction; the earlier ones stay for ever.

    Returns:
        The transaction's row after it.
    """
    newest: int = connection.execute(
        select(func.max(revisions.c.revision)).where(revisions.c.tx_id == row.id)
    ).scalar_one()
    headers = connection.execute(
        select(revisions.c.headers).where(revisions.c.tx_id == row.id, revisions.c.revision == row.revision)
    ).scalar_one()
    connection.execute(
        revisions.insert(),
        {
            "tx_id": row.id,
            "revision": newest + 1,
            "sha256": planned.sha256,
            "size": planned.size,
            "content_type": planned.content_type,
            "headers": headers,
            "created_at": to_micros(now),
            "created_by": planned.made_by,
            "reason": reason,
        },
    )
    change(
        connection,
        row,
        touch=True,
        revision=newest + 1,
        payload_sha256=planned.sha256,
        content_type=planned.content_type,
        business_keys=planned.business_keys,
    )
    keys = msgspec.json.decode(planned.business_keys, type=dict[str, str])
    connection.execute(delete(business_keys).where(business_keys.c.tx_seq == row.seq))
    if keys:
        connection.execute(
            business_keys.insert(), [{"name": name, "value": value, "tx_seq": row.seq} for name, value in keys.items()]
        )
    connection.execute(delete(drafts).where(drafts.c.tx_id == row.id))
    book = journal(connection)
    book.story(
        row.id, now, f"Edited: revision {newest + 1} by {planned.made_by} is in use. {reason}", by=actor, kind="action"
    )
    book.effect(
        now,
        actor,
        "payload.edited",
        row.id,
        reason,
        {"revision": row.revision, "sha256": row.payload_sha256},
        {"revision": newest + 1, "sha256": planned.sha256, "made_by": planned.made_by},
    )
    fresh = fetch(connection, row.id)
    assert fresh is not None
    return fresh


def _keep(connection: Connection, documents: dict[str, bytes]) -> None:
    for sha256, content in documents.items():
        connection.execute(
            upsert(connection.dialect.name, payloads).on_conflict_do_nothing(), {"sha256": sha256, "content": content}
        )
