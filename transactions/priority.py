"""What comes first: a line that is down, then an order that waits on a line, then what is due, with money and quality a
shift ahead of the rest.

The order is one number, which is stored: it depends on nothing that moves by itself, so that a page of a million stays
a page. That is why "overdue" is no rank of its own: what is due first comes first, so the overdue lead by themselves.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from transactions.deadlines import why_due
from transactions.durations import short
from transactions.model import Priority, Risk, Status, Transaction
from transactions.states import OPEN

RANKED: frozenset[Status] = OPEN | {Status.HELD}
"""Statuses that have a rank; what moves by itself or is closed comes after all of them."""

HEAD_START: dict[Risk, timedelta] = {Risk.FINANCIAL: timedelta(hours=8), Risk.QUALITY: timedelta(hours=8)}
"""Money and quality count as due so much earlier: a shift."""

LINE, ORDER = "line", "order"
"""The business keys that name a production line, and the order that runs on it."""

STEP = 2**53
"""Ranks between one priority and the next: more than there are microseconds in two hundred years."""

_ORDER = (Priority.LINE_DOWN, Priority.LINE_WAITS, Priority.DUE)
_HEAD_START = {str(risk): int(span.total_seconds() * 1_000_000) for risk, span in HEAD_START.items()}
_LEAST = -(2**51)


def rank_of(priority: Priority, risk: str, due_at: int | None, created_at: int) -> int:
    """The place in the order; the lowest comes first.

    Args:
        priority: the class it is in.
        risk: of its flow.
        due_at, created_at: in microseconds since 1970-01-01 UTC.
    """
    moment = (created_at if due_at is None else due_at) - _HEAD_START.get(risk, 0)
    return _ORDER.index(priority) * STEP + min(max(moment - _LEAST, 0), STEP - 1)


def priority_of(rank: int) -> Priority:
    """The class that a rank is in."""
    return _ORDER[min(max(rank // STEP, 0), len(_ORDER) - 1)]


def ranks_of(priority: Priority) -> tuple[int, int]:
    """The ranks of a class: the first, and the first after them."""
    place = _ORDER.index(priority)
    return place * STEP, (place + 1) * STEP


def priority_now(*, says_line_down: bool, up_again: bool, on_a_line: bool, order_waits: bool) -> Priority:
    """The class of a transaction.

    Args:
        says_line_down: its document says that a line is down, and has not arrived.
        up_again: what says that the line runs again waits behind it.
        on_a_line: it names an order and the line on which that runs.
        order_waits: something of that order waits behind it.
    """
    if says_line_down:
        return Priority.DUE if up_again else Priority.LINE_DOWN
    return Priority.LINE_WAITS if on_a_line and order_waits else Priority.DUE


def why_first(transaction: Transaction, now: datetime) -> str:
    """Why it is where it is in the order, in words; empty for what has no place in it."""
    keys = transaction.business_keys
    match transaction.priority:
        case None:
            return ""
        case Priority.LINE_DOWN:
            where = keys.get(LINE) or keys.get("equipment")
            return f"{f'line {where}' if where else 'a line'} is down, and {transaction.target} does not know"
        case Priority.LINE_WAITS:
            return f"order {keys.get(ORDER, '')} on line {keys.get(LINE, '')} waits for it"
        case Priority.DUE:
            return _due(transaction, now)


def _due(transaction: Transaction, now: datetime) -> str:
    if transaction.due_at is None:
        return "nothing says by when it should be processed"
    span = transaction.due_at - now
    told = f"due in {short(span)}" if span >= timedelta() else f"was due {short(-span)} ago"
    because = why_due(transaction)
    told += f" ({because})" if because else ""
    ahead = HEAD_START.get(transaction.risk)
    return f"{told}; {transaction.risk}, so it counts as due {short(ahead)} earlier" if ahead else told
