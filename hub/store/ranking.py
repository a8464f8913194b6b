"""The rank of a transaction's row: kept while it needs somebody or waits, so that a page by priority reads an index."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, select

from hub.store.schema import transactions
from transactions.model import Status
from transactions.priority import LINE, ORDER, RANKED, priority_now, rank_of
from transactions.states import OPEN

_T = transactions.c
_WAITS = select(_T.seq).where(_T.blocked_by == bindparam("id")).limit(1)
_UP_AGAIN = (
    select(_T.seq)
    .where(_T.blocked_by == bindparam("id"), _T.flow == bindparam("flow"), _T.lane == bindparam("lane"))
    .where(_T.line_down == 0)
    .limit(1)
)
_NAMES = (f'"{LINE}":', f'"{ORDER}":')


def rank_in(connection: Connection, row: Any, status: Status, **changes: Any) -> int | None:
    """The rank of a row in ``status``; None where it has none.

    Args:
        connection: asked for what waits behind it, only where that matters.
        row: as it was read.
        changes: columns that are about to change.
    """
    if status not in RANKED:
        return None
    values = {name: changes.get(name, getattr(row, name)) for name in ("line_down", "due_at", "business_keys")}
    down, behind = bool(values["line_down"]), status in OPEN
    on_a_line = not down and behind and all(name in values["business_keys"] for name in _NAMES)
    priority = priority_now(
        says_line_down=down,
        up_again=down and behind and _any(connection, _UP_AGAIN, id=row.id, flow=row.flow, lane=row.lane),
        on_a_line=on_a_line,
        order_waits=on_a_line and _any(connection, _WAITS, id=row.id),
    )
    return rank_of(priority, row.risk, values["due_at"], row.created_at)


def _any(connection: Connection, question: Any, **values: Any) -> bool:
    return connection.execute(question, values).first() is not None
