"""When stored transactions are due: set as they come in, and again when their document or the calendar changes."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, select

from hub.deadlines import Deadlines
from hub.store.journal import journal, upsert
from hub.store.ranking import rank_in
from hub.store.schema import meta, transactions
from hub.store.transitions import change, fetch
from transactions.model import Status
from transactions.states import CLOSED

CHUNK = 500
"""Transactions that are dated in one go: other writes come between."""

_NAME = "deadlines"
_OWED = sorted(set(Status) - CLOSED)
_T = transactions.c


def due_columns(
    deadlines: Deadlines, flow: str, plant: str | None, keys: dict[str, str], created: int
) -> dict[str, Any]:
    """What a row says of when its document is due.

    Args:
        deadlines: as declared.
        flow, plant, keys: of the document.
        created: when it came in, in microseconds since 1970-01-01 UTC.
    """
    due = deadlines.due(flow, plant, keys, created)
    return {
        "due_at": None if due is None else due.at,
        "due_because": None if due is None else due.because,
        "line_down": int(deadlines.says_line_down(flow, keys)),
    }


def date_again(connection: Connection, tx_id: str, deadlines: Deadlines) -> None:
    """A transaction has another document now: its deadline and its rank are those of that one."""
    row = fetch(connection, tx_id)
    if row is not None:
        _date(connection, row, deadlines)


def undated(connection: Connection, deadlines: Deadlines) -> bool:
    """Whether what is owed was dated by other declarations than those of now."""
    stored: str | None = connection.execute(select(meta.c.value).where(meta.c.name == _NAME)).scalar()
    return stored != deadlines.digest


def date_some(connection: Connection, deadlines: Deadlines, after: int) -> int | None:
    """Date the next of what is owed by the declarations of now.

    Args:
        connection: the writer's.
        deadlines: of now.
        after: ``seq`` of the last one that is done.

    Returns:
        The last one that is done now; None when all are.
    """
    rows = connection.execute(select(transactions).where(_T.seq > after).order_by(_T.seq).limit(CHUNK)).all()
    for row in rows:
        if row.status in _OWED:
            _date(connection, row, deadlines)
    if rows:
        return int(rows[-1].seq)
    remember_dating(connection, deadlines)
    return None


def remember_dating(connection: Connection, deadlines: Deadlines) -> None:
    """What is owed is dated by these declarations."""
    statement = upsert(connection.dialect.name, meta)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value}),
        {"name": _NAME, "value": deadlines.digest},
    )


def _date(connection: Connection, row: Any, deadlines: Deadlines) -> None:
    keys = msgspec.json.decode(row.business_keys, type=dict[str, str])
    dated = due_columns(deadlines, row.flow, row.plant, keys, row.created_at)
    if dated["due_at"] is None:  # nobody declares its flow any more: what was said of it stays
        return
    status = Status(row.status)
    dated["rank"] = rank_in(connection, row, status, **dated)
    changed = {name: value for name, value in dated.items() if value != getattr(row, name)}
    if not changed:
        return
    # beside the version, as a change of ownership: what a plan would do does not depend on it
    change(connection, row, owned=row.owned + 1, **changed)
    journal(connection).kpis.redated(connection, row, dated["due_at"])
    counts, plant = journal(connection).groups, row.plant or ""
    counts.count_due(status, row.fingerprint, plant, row.due_at, -1)
    counts.count_due(status, row.fingerprint, plant, dated["due_at"], 1)
