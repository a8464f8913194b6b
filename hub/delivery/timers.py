"""What is due: one column holds the next moment of every transaction, so that a restart needs nothing else."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, func, select, update

from hub.landscape import Landscape
from hub.store.journal import Ready, journal
from hub.store.newest import newest_moment
from hub.store.schema import transactions
from hub.store.transitions import change, fail, fetch, release
from transactions.clock import Step, to_micros
from transactions.landscape import Verify
from transactions.model import Failure, FailureKind, Status
from transactions.states import Event

_BATCH = 500
_LEASE = 180.0  # seconds after which a target is asked again, should a question get lost on the hub's side
_DELIVERABLE = (Status.PENDING, Status.RETRYING)
ASKED_ABOUT = (Status.SENT, Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED)


class Due(Struct, frozen=True, kw_only=True):
    """What a look at the clock found."""

    deliver: list[Ready]
    ask: list[Ready]
    more: bool


def take_due(connection: Connection, landscape: Landscape, now: datetime) -> Due:
    """Take what is due out of the column and sort it by what has to happen."""
    rows = connection.execute(
        select(
            transactions.c.seq,
            transactions.c.id,
            transactions.c.status,
            transactions.c.target,
            transactions.c.plant,
            transactions.c.claimed_by,
        )
        .where(transactions.c.due_next <= to_micros(now))
        .order_by(transactions.c.due_next)
        .limit(_BATCH)
    ).all()
    deliver, ask, asked = [], [], []
    if rows:
        connection.execute(
            update(transactions).where(transactions.c.seq.in_([row.seq for row in rows])).values(due_next=None)
        )
    for row in rows:
        ready = Ready(row.target, row.plant, row.id, row.claimed_by is not None)
        endpoint = landscape.endpoint(row.target, row.plant)
        if row.status in _DELIVERABLE:
            deliver.append(ready)
        elif row.status in ASKED_ABOUT and endpoint is not None and endpoint.asks:
            ask.append(ready)
            asked.append(row.seq)
        elif row.status == Status.SENT:
            _no_reply(connection, row.id, now)
        elif row.status == Status.HELD:
            _waited_too_long(connection, row.id, now)
    if asked:
        later = to_micros(now) + int(_LEASE * 1_000_000)
        connection.execute(update(transactions).where(transactions.c.seq.in_(asked)).values(due_next=later))
    return Due(deliver=deliver, ask=ask, more=len(rows) == _BATCH)


def next_due(connection: Connection) -> int | None:
    """The earliest moment at which something is due, in microseconds."""
    found: int | None = connection.execute(
        select(func.min(transactions.c.due_next)).where(transactions.c.due_next.is_not(None))
    ).scalar()
    return found


def move_along(connection: Connection, step: Step, now: datetime) -> int:
    """The clock was set: what is due moves with it, so that what had seconds to wait has seconds to wait still.

    Set back by an hour, it would wait an hour; set forward, all waits would end at once. Only moments that were written
    before the clock was set are moved: those that it cannot have reached yet, or has long passed.

    Returns:
        How many were moved.
    """
    moment, by = to_micros(now), int(step.by * 1_000_000)
    if by < 0:
        stale = transactions.c.due_next >= moment - by - int(step.within * 1_000_000)
    else:
        stale = transactions.c.due_next < moment - int(step.within * 1_000_000)
    moved = connection.execute(update(transactions).where(stale).values(due_next=transactions.c.due_next + by))
    journal(connection).timer(moment)
    return moved.rowcount


def ask_now(connection: Connection, now: datetime) -> int:
    """Bring forward every question to a target that is due later.

    Returns:
        How many there are.
    """
    moment = to_micros(now)
    asked = connection.execute(
        update(transactions)
        .where(transactions.c.status.in_(ASKED_ABOUT), transactions.c.due_next > moment)
        .values(due_next=moment)
    )
    if asked.rowcount:
        journal(connection).timer(moment)
    return asked.rowcount


def _no_reply(connection: Connection, tx_id: str, now: datetime) -> None:
    row = fetch(connection, tx_id)
    if row is None:
        return
    failure = Failure(
        kind=FailureKind.UNKNOWN_OUTCOME,
        help=FailureKind.UNKNOWN_OUTCOME.help,
        code="no-reply",
        message=f"{row.target} accepted it and sent no reply in time, and it cannot be asked",
        system=row.target,
    )
    fail(
        connection,
        row,
        failure,
        now=now,
        by="hub",
        event=Event.LOST,
        values={"waiting_on": f"evidence: {row.target} cannot be asked"},
    )


def _waited_too_long(connection: Connection, tx_id: str, now: datetime) -> None:
    row = fetch(connection, tx_id)
    if row is None or row.status != Status.HELD or row.hold_kind != "breaker":
        return
    label = (row.waiting_on or row.target).removeprefix("breaker ")
    failure = Failure(
        kind=FailureKind.UNREACHABLE,
        help=FailureKind.UNREACHABLE.help,
        code="breaker-open",
        message=f"{label} has not answered; its breaker stayed open longer than the hub waits",
        system=label,
    )
    fail(connection, row, failure, now=now, by="hub", event=Event.WAIT_EXCEEDED)


def release_breaker(connection: Connection, label: str, now: datetime, *, one: bool) -> int:
    """Release what waits for a target's breaker: the oldest as a probe, or all of it.

    Returns:
        How many were released.
    """
    waiting = (
        select(transactions)
        .where(transactions.c.hold_kind == "breaker", transactions.c.waiting_on == f"breaker {label}")
        .order_by(transactions.c.seq)
    )
    rows = connection.execute(waiting.limit(1) if one else waiting).all()
    for row in rows:
        text = f"Released: probing {label}" if one else f"Released: {label} answers again"
        release(connection, row, now=now, by="hub", text=text)
    return len(rows)


def recover(connection: Connection, landscape: Landscape, now: datetime) -> int:
    """After a start: what was leaving is in doubt, what was asked about is asked again, what was queued is due.

    Returns:
        How many deliveries were cut off.
    """
    moment = to_micros(now)
    newest = newest_moment(connection)
    if newest is not None and newest > moment:  # the clock was set back while nobody looked
        by = (moment - newest) / 1_000_000
        move_along(connection, Step(by=by, within=-by), now)
    cut_off = connection.execute(select(transactions).where(transactions.c.status == Status.DELIVERING)).all()
    for row in cut_off:
        endpoint = landscape.endpoint(row.target, row.plant)
        failure = Failure(
            kind=FailureKind.UNKNOWN_OUTCOME,
            help=FailureKind.UNKNOWN_OUTCOME.help,
            code="hub-ended",
            message="The hub ended while the request was under way; nobody knows whether it was applied",
            system="hub",
        )
        asks = endpoint is not None and endpoint.asks
        fail(
            connection,
            row,
            failure,
            now=now,
            by="hub",
            event=Event.LOST,
            values={
                "due_next": moment if asks else None,
                "lookups": 0,
                "waiting_on": f"lookup at {row.target}" if asks else f"evidence: {row.target} cannot be asked",
            },
        )
    connection.execute(
        update(transactions)
        .where(transactions.c.status.in_([*_DELIVERABLE, *ASKED_ABOUT]), transactions.c.due_next.is_(None))
        .values(due_next=moment)
    )
    _ask_soon(connection, landscape, moment)
    for row in connection.execute(select(transactions).where(transactions.c.hold_kind == "breaker")).all():
        release(connection, row, now=now, by="hub", text="Released: the hub started anew")
    journal(connection).timer(moment)
    return len(cut_off)


def _ask_soon(connection: Connection, landscape: Landscape, moment: int) -> None:
    """Questions whose answers the end of the hub cut off are asked again at once, and not when their turn would come;
    a reply that is waited for keeps its time."""
    later = transactions.c.due_next > moment
    connection.execute(
        update(transactions)
        .where(transactions.c.status.in_([status for status in ASKED_ABOUT if status != Status.SENT]), later)
        .values(due_next=moment)
    )
    for row in connection.execute(select(transactions).where(transactions.c.status == Status.SENT, later)).all():
        endpoint = landscape.endpoint(row.target, row.plant)
        if endpoint is None or not endpoint.asks:
            continue
        if landscape.verify(landscape.flow(row.flow), endpoint) not in (Verify.REPLY, Verify.CONFIRM):
            change(connection, row, due_next=moment)
