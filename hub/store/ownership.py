"""Assigning and noting: columns of a transaction and lines of its timeline, audited; no step of its life cycle."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.masks import Masks
from hub.masks.stored import secrets_of
from hub.store import questions
from hub.store.journal import Journal, journal
from hub.store.rows import etag_of
from hub.store.shown import shown
from hub.store.transitions import TxRow, change, fetch
from transactions.errors import Refused, Stale
from transactions.model import Status, Transaction
from transactions.people import Reach

_WAITS_FOR_PEOPLE = (Status.FAILED, Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED, Status.COMPENSATION_FAILED)
"""Where nothing goes on without a person. Elsewhere ``waiting_on`` is the hub's: it goes on by what stands there."""

_REPEATS = "what was written repeats a masked field"


def assign(
    connection: Connection,
    tx_id: str,
    changes: dict[str, str | None],
    *,
    who: str,
    now: datetime,
    reach: Reach,
    masks: Masks,
    expected: str | None = None,
) -> Transaction:
    """Set assignee, ticket, waiting-on; what is so already is left alone.

    Args:
        connection: the writer's.
        tx_id: the transaction.
        changes: columns and their new values.
        who: the one who asks.
        now: when.
        reach: how far that one's rights reach.
        masks: those of now; a text that repeats a masked value is not kept.
        expected: the ``If-Match`` header; None where nothing was looked at before.

    Raises:
        NotFound: there is none within reach.
        Stale: it is not the one that was looked at.
        Refused: the hub itself says what it waits for.
    """
    row = questions.one_row(connection, tx_id, reach)
    _check_match(row, expected)
    flow = masks.flow(row.flow)
    if flow is not None:
        secrets = secrets_of(connection, flow, row.id)
        changes = {
            name: value if value is None or name == "assignee" else secrets.sentence(value, _REPEATS)
            for name, value in changes.items()
        }
    changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
    if "waiting_on" in changed and Status(row.status) not in _WAITS_FOR_PEOPLE:
        raise Refused(
            f"{row.id} is {row.status}: it waits for nobody, or the hub itself knows what for. Nothing was changed. "
            "Write it down as a note instead."
        )
    if changed:
        before = {name: getattr(row, name) for name in changed}
        columns: dict[str, Any] = {**changed, "owned": row.owned + 1}
        change(connection, row, **columns)
        book = journal(connection)
        book.effect(now, who, "transaction.assigned", row.id, None, before, changed)
        book.story(row.id, now, _told(before, changed), by=who, kind="action")
        _tell(book, row, now)
    found = fetch(connection, row.id)
    assert found is not None
    return shown(connection, found, now, masks)


def note(connection: Connection, tx_id: str, text: str, *, who: str, now: datetime, reach: Reach, masks: Masks) -> None:
    """Add a note, which nothing removes. The audit has its hash: words may name people, and a chain forgets nothing.

    Raises:
        NotFound: there is none within reach.
    """
    row = questions.one_row(connection, tx_id, reach)
    flow = masks.flow(row.flow)
    if flow is not None:
        text = secrets_of(connection, flow, row.id).sentence(text, _REPEATS)
    book = journal(connection)
    digest = hashlib.sha256(text.encode()).hexdigest()
    book.effect(now, who, "transaction.noted", row.id, None, None, {"sha256": digest, "characters": len(text)})
    book.story(row.id, now, text, by=who, kind="note")
    _tell(book, row, now)


def _check_match(row: TxRow, expected: str | None) -> None:
    if expected is None or expected.strip() == "*":
        return
    wanted = [one.strip().removeprefix("W/").strip('"') for one in expected.split(",")]
    if etag_of(row) not in wanted:
        owner = f"{row.assignee} works on it now. " if row.assignee else ""
        raise Stale(
            f"{row.id} has changed since you looked at it. {owner}Nothing was changed. Look at it again.",
            assignee=row.assignee,
        )


_WORDS = {"assignee": "assigned to", "ticket": "ticket", "waiting_on": "waiting on"}
_CLEARED = {"assignee": "given back", "ticket": "without a ticket", "waiting_on": "waiting on nobody"}


def _told(before: dict[str, str | None], after: dict[str, str | None]) -> str:
    """``Assigned to kim (was ann), ticket INC-1``."""
    parts = []
    for name, value in after.items():
        was = f" (was {before[name]})" if before[name] else ""
        parts.append((_CLEARED[name] if value is None else f"{_WORDS[name]} {value}") + was)
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def _tell(book: Journal, row: TxRow, now: datetime) -> None:
    where = {"id": row.id, "flow": row.flow, "plant": row.plant, "target": row.target}
    book.event(now, "transaction", row.id, {**where, "status": row.status, "before": row.status})
