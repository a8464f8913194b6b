"""The life cycle as one table: the only way a status changes.

A row reads: from any of these statuses, on this event, to that status. ``restore`` and ``release`` lead back to a
status that was remembered, so the table names the statuses allowed there.
"""

from __future__ import annotations

from enum import StrEnum

from transactions.errors import TransitionRefused
from transactions.model import Status as S


class Event(StrEnum):
    """What happens to a transaction."""

    DISPATCH = "dispatch"
    HOLD = "hold"
    RELEASE = "release"
    WAIT_EXCEEDED = "wait-exceeded"
    PROCESSED = "processed"
    DUPLICATE = "duplicate"
    PARKED = "parked"
    PARTLY_PROCESSED = "partly-processed"
    ACCEPTED = "accepted"
    RETRY = "retry"
    FAIL = "fail"
    LOST = "lost"
    RUN = "run"
    CANCEL = "cancel"
    DISCARD = "discard"
    RESTORE = "restore"
    RESOLVE_APPLIED = "resolve-applied"
    RESOLVE_NOT_APPLIED = "resolve-not-applied"
    REOPEN = "reopen"
    COMPENSATE = "compensate"
    COMPENSATED = "compensated"
    COMPENSATION_FAILED = "compensation-failed"


_UNCLEAR = (S.IN_DOUBT, S.PARKED, S.PARTLY_PROCESSED, S.FAILED)

ROWS: tuple[tuple[tuple[S, ...], Event, tuple[S, ...]], ...] = (
    ((S.PENDING, S.RETRYING), Event.DISPATCH, (S.DELIVERING,)),
    ((S.PENDING, S.RETRYING), Event.HOLD, (S.HELD,)),
    ((S.HELD,), Event.RELEASE, (S.PENDING,)),
    ((S.HELD,), Event.WAIT_EXCEEDED, (S.FAILED,)),
    ((S.DELIVERING, S.SENT, S.IN_DOUBT, S.PARKED, S.PARTLY_PROCESSED), Event.PROCESSED, (S.PROCESSED,)),
    ((S.DELIVERING,), Event.DUPLICATE, (S.DUPLICATE,)),
    ((S.DELIVERING, S.SENT, S.IN_DOUBT), Event.PARKED, (S.PARKED,)),
    ((S.DELIVERING, S.IN_DOUBT), Event.PARTLY_PROCESSED, (S.PARTLY_PROCESSED,)),
    ((S.DELIVERING,), Event.ACCEPTED, (S.SENT,)),
    ((S.DELIVERING,), Event.RETRY, (S.RETRYING,)),
    ((S.DELIVERING, S.SENT, S.IN_DOUBT, S.PARKED, S.PARTLY_PROCESSED), Event.FAIL, (S.FAILED,)),
    ((S.DELIVERING, S.SENT), Event.LOST, (S.IN_DOUBT,)),
    ((S.FAILED, S.PARTLY_PROCESSED), Event.RUN, (S.PENDING,)),
    ((S.PENDING, S.HELD, S.RETRYING), Event.CANCEL, (S.FAILED, S.PARTLY_PROCESSED)),
    ((S.PENDING, S.HELD, S.RETRYING, S.FAILED, S.PARKED, S.PARTLY_PROCESSED), Event.DISCARD, (S.DISCARDED,)),
    ((S.DISCARDED,), Event.RESTORE, (S.FAILED, S.PARKED, S.PARTLY_PROCESSED)),
    (_UNCLEAR, Event.RESOLVE_APPLIED, (S.RESOLVED,)),
    (_UNCLEAR, Event.RESOLVE_NOT_APPLIED, (S.FAILED,)),
    ((S.PROCESSED,), Event.REOPEN, (S.FAILED,)),
    ((S.PROCESSED, S.PARTLY_PROCESSED, S.RESOLVED, S.COMPENSATION_FAILED), Event.COMPENSATE, (S.COMPENSATING,)),
    ((S.COMPENSATING,), Event.COMPENSATED, (S.COMPENSATED,)),
    ((S.COMPENSATING,), Event.COMPENSATION_FAILED, (S.COMPENSATION_FAILED,)),
    ((S.COMPENSATION_FAILED,), Event.RESOLVE_APPLIED, (S.RESOLVED,)),
)

_TABLE: dict[tuple[S, Event], tuple[S, ...]] = {
    (start, event): ends for starts, event, ends in ROWS for start in starts
}

CLOSED: frozenset[S] = frozenset({S.PROCESSED, S.DUPLICATE, S.DISCARDED, S.RESOLVED, S.COMPENSATED})
"""Nothing is owed any more."""

MOVING: frozenset[S] = frozenset({S.PENDING, S.HELD, S.DELIVERING, S.RETRYING, S.SENT})
"""The hub is at work on it, or waits for something it knows."""

OPEN: frozenset[S] = frozenset({S.FAILED, S.IN_DOUBT, S.PARKED, S.PARTLY_PROCESSED, S.COMPENSATION_FAILED})
"""A person is needed, or an answer from the target."""


BLOCKING: frozenset[S] = MOVING | OPEN | {S.COMPENSATING}
"""It holds back what comes after it in its lane, and what requires it."""


def allowed(status: S, event: Event) -> tuple[S, ...]:
    """Statuses that ``event`` may lead to from ``status``; empty when the table has no such row."""
    return _TABLE.get((status, event), ())


def next_status(status: S, event: Event, to: S | None = None) -> S:
    """The status after ``event``.

    Args:
        status: where the transaction is.
        event: what happened.
        to: the remembered status, for events that lead back to one (cancel, restore). A remembered status that the
            row does not allow becomes ``failed``, as the table says for restore.

    Raises:
        TransitionRefused: the table has no row for this status and event.
    """
    ends = allowed(status, event)
    if not ends:
        raise TransitionRefused(status, event)
    if to is None or to not in ends:
        return ends[0]
    return to
