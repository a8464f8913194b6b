"""The one place where a transaction's status changes: table, row, tallies, timeline, events, batch item, waiters."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Update, bindparam, select, update

from hub.store import reposts
from hub.store.journal import HALF_HOUR, Ready, journal
from hub.store.ranking import rank_in
from hub.store.schema import batch_items, batches, groups, reversals, transactions
from transactions import states
from transactions.batches import ItemState
from transactions.clock import to_micros
from transactions.grouping import fingerprint, template
from transactions.model import Failure, FailureKind, Status
from transactions.priority import RANKED
from transactions.states import Event

TxRow = Row[Any]

REVERSES = "reverse:"
"""How the keys of reversals begin; those of others may as well, so that the table of reversals decides."""

# Statements are made once: building one costs more than running it.
_BY_ID = select(transactions).where(transactions.c.id == bindparam("id"))
_WAITING = select(transactions).where(transactions.c.blocked_by == bindparam("id"))
_SET_ITEM = (
    update(batch_items)
    .where(batch_items.c.batch == bindparam("of_batch"), batch_items.c.tx_id == bindparam("of_tx"))
    .values(
        state=bindparam("new_state"),
        status=bindparam("new_status"),
        reason=bindparam("new_reason"),
        updated_at=bindparam("now"),
    )
)
_SEEN_GROUP = update(groups).where(groups.c.fingerprint == bindparam("group")).values(last_seen=bindparam("now"))
_NEW_GROUP = groups.insert()
_ENDED = select(batches.c.finished_at).where(batches.c.id == bindparam("batch"))
_REVERSED = select(reversals).where(reversals.c.tx_id == bindparam("id"))


@lru_cache(maxsize=256)
def _change(names: tuple[str, ...], touch: bool) -> Update:
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    if touch:
        values["version"] = transactions.c.version + 1
    return update(transactions).where(transactions.c.seq == bindparam("of_seq")).values(values)


_SEARCHED = frozenset({"failure_message", "payload_sha256", "business_keys"})
"""What words are searched in, of all that changes."""


def change(connection: Connection, row: TxRow, *, touch: bool = False, **values: Any) -> None:
    """Set columns of a transaction's row; ``touch`` makes its ETag a new one."""
    if not _SEARCHED.isdisjoint(values) and any(values.get(name) is not None for name in _SEARCHED):
        journal(connection).searched.add(row.seq)
    statement = _change(tuple(values), touch)
    connection.execute(statement, {"of_seq": row.seq, **{f"new_{name}": value for name, value in values.items()}})


CLEAR_FAILURE: dict[str, Any] = {
    "failure_kind": None,
    "failure_help": None,
    "failure_code": None,
    "failure_message": None,
    "failure_system": None,
    "failure_policy_ref": None,
    "fingerprint": None,
    "failed_at": None,
}
_REVERSED_NOW: dict[str, Any] = {**CLEAR_FAILURE, "waiting_on": None, "due_next": None}
NOT_HELD: dict[str, Any] = {"hold_kind": None, "blocked_by": None, "waiting_on": None, "due_next": None}

_ITEM_STATE: dict[Status, ItemState] = {
    Status.SENT: ItemState.SENT,
    Status.IN_DOUBT: ItemState.IN_DOUBT,
    Status.PROCESSED: ItemState.PROCESSED,
    Status.DUPLICATE: ItemState.PROCESSED,
    Status.FAILED: ItemState.FAILED,
    Status.PARKED: ItemState.FAILED,
    Status.PARTLY_PROCESSED: ItemState.FAILED,
    Status.COMPENSATED: ItemState.PROCESSED,
    Status.COMPENSATION_FAILED: ItemState.FAILED,
}
_EFFECTS = {
    Status.COMPENSATED: "transaction.compensated",
    Status.COMPENSATION_FAILED: "transaction.compensation-failed",
}
_REVERSAL_DONE = frozenset({Status.PROCESSED, Status.DUPLICATE, Status.RESOLVED})
_REVERSAL_STUCK = frozenset({Status.FAILED, Status.PARKED, Status.PARTLY_PROCESSED, Status.DISCARDED})

# Without an answer from the target or a person it goes no further.
_STAYS = frozenset({Status.FAILED, Status.PARKED, Status.PARTLY_PROCESSED, Status.COMPENSATION_FAILED})


def fetch(connection: Connection, tx_id: str) -> TxRow | None:
    """The transaction's row, as the running group sees it."""
    return connection.execute(_BY_ID, {"id": tx_id}).first()


def move(
    connection: Connection,
    row: TxRow,
    event: Event,
    *,
    now: datetime,
    by: str,
    text: str | None,
    to: Status | None = None,
    values: dict[str, Any] | None = None,
) -> Status:
    """Take one step of the life cycle; the only way a status changes.

    Args:
        connection: the writer's.
        row: the transaction as read in this job.
        event: what happened.
        now: when.
        by: who or what made it happen.
        text: the line for the timeline; None where the attempt says it all.
        to: the remembered status, for steps that lead back to one.
        values: further columns to set.

    Raises:
        TransitionRefused: the table has no such step.
    """
    before = Status(row.status)
    status = states.next_status(before, event, to)
    changes = dict(values or {})
    if before is Status.HELD:
        changes = {**NOT_HELD, **changes}
    if status in RANKED or row.rank is not None:
        changes["rank"] = rank_in(connection, row, status, **changes)
    book = journal(connection)
    changes |= book.kpis.step(connection, row, event, before, status, changes, to_micros(now))
    change(connection, row, touch=True, status=status, **changes)
    plant = row.plant or ""
    book.tallies[before, plant, row.flow, row.target, row.fingerprint or ""] -= 1
    group = changes.get("fingerprint", row.fingerprint)
    book.tallies[status, plant, row.flow, row.target, group or ""] += 1
    book.groups.count_due(before, row.fingerprint, plant, row.due_at, -1)
    book.groups.count_due(status, group, plant, changes.get("due_at", row.due_at), 1)
    if text is not None:
        book.story(row.id, now, text, by=by, status=status, before=before)
    if status is not Status.DELIVERING:
        book.event(
            now,
            "transaction",
            row.id,
            {
                "id": row.id,
                "flow": row.flow,
                "plant": row.plant,
                "target": row.target,
                "status": status,
                "before": before,
            },
        )
    if row.claimed_by and status in _ITEM_STATE:
        _settle_item(connection, row, status, now, by)
    elif row.claimed_by and Status.HELD in (before, status):
        waits = changes.get("waiting_on")
        set_item(connection, row.claimed_by, row.id, ItemState.INTENDED, status=status, reason=waits, now=now)
    elif row.claimed_by is None and row.idempotency_key.startswith(reposts.CORRECTS):
        reposts.tell_batch(connection, row, status, {**row._mapping, **changes}, now)
    if row.idempotency_key.startswith(REVERSES):
        _settle_original(connection, row, status, now, by)
    if status not in states.BLOCKING:
        wake_waiters(connection, row, now, closed=True)
    elif status in _STAYS:
        wake_waiters(connection, row, now, closed=False)
    if before is Status.HELD and row.blocked_by and status is not Status.PENDING:
        rank_again(connection, row.blocked_by)  # it waits no more, and what it waited for stays
    return status


def rank_again(connection: Connection, tx_id: str) -> None:
    """Something began to wait for a transaction, or does no more: that may be a line that waits."""
    row = fetch(connection, tx_id)
    if row is not None and row.rank is not None:
        rank = rank_in(connection, row, Status(row.status))
        if rank != row.rank:
            change(connection, row, rank=rank)


def fail(
    connection: Connection,
    row: TxRow,
    failure: Failure,
    *,
    now: datetime,
    by: str,
    event: Event = Event.FAIL,
    text: str | None = None,
    values: dict[str, Any] | None = None,
) -> Status:
    """Let a transaction fail: :func:`move` with the failure written down and its group counted."""
    moment = to_micros(now)
    shape = template(failure.message)
    group = fingerprint(row.flow, row.target, failure.kind, failure.code, shape)
    _see_group(connection, row, failure, shape, group, moment)
    book, plant = journal(connection), row.plant or ""
    book.groups.saw(group, plant, moment)
    if event is not Event.LOST:  # in doubt is no failure yet; most are cleared up by a lookup
        book.trend[moment // HALF_HOUR, plant, row.flow] += 1
        book.groups.failed(group, plant, moment)
    changes = {
        **failure_columns(failure),
        "fingerprint": group,
        "failed_at": max(moment, row.created_at),  # a clock may have been set back since
        "due_next": None,
        **(values or {}),
    }
    text = text or f"Failed: {failure.kind} {failure.code}. {failure.system} says: {failure.message}"
    status = move(connection, row, event, now=now, by=by, text=text, values=changes)
    if event is Event.LOST and changes["due_next"] is None:
        left_to_people(connection, row, now)
    return status


def left_to_people(connection: Connection, row: TxRow, now: datetime) -> None:
    """Only people can say what became of a transaction: nothing waits for it any more, and a batch that has ended has
    no claim on it."""
    if row.claimed_by:
        _let_go(connection, row)
    wake_waiters(connection, row, now, closed=False)


def _let_go(connection: Connection, row: TxRow) -> None:
    ended: int | None = connection.execute(_ENDED, {"batch": row.claimed_by}).scalar()
    if ended is not None:
        release_claim(connection, row)


def failure_columns(failure: Failure) -> dict[str, Any]:
    """A failure as columns of the transaction's row."""
    return {f"failure_{name}": getattr(failure, name) for name in Failure.__struct_fields__}


def _see_group(connection: Connection, row: TxRow, failure: Failure, shape: str, group: str, moment: int) -> None:
    seen = connection.execute(_SEEN_GROUP, {"group": group, "now": moment})
    if seen.rowcount == 0:
        connection.execute(
            _NEW_GROUP,
            {
                "fingerprint": group,
                "flow": row.flow,
                "target": row.target,
                "kind": failure.kind,
                "code": failure.code,
                "template": shape,
                "first_seen": moment,
                "last_seen": moment,
            },
        )


def _settle_item(connection: Connection, row: TxRow, status: Status, now: datetime, by: str) -> None:
    """Carry the outcome of a claimed transaction to its batch item, and let the claim go when it is final."""
    state = _ITEM_STATE[status]
    current = fetch(connection, row.id)
    assert current is not None
    reason = current.failure_message if state is ItemState.FAILED else current.document
    set_item(connection, row.claimed_by, row.id, state, status=status, reason=reason, now=now)
    book = journal(connection)
    if state in (ItemState.SENT, ItemState.IN_DOUBT):
        return
    release_claim(connection, row)
    if row.group_before:
        again = state is ItemState.FAILED and current.fingerprint == row.group_before
        book.groups.replay_ended(row.group_before, row.plant or "", repeated=again)
    book.effect(
        now,
        by,
        _EFFECTS.get(status) or ("transaction.replayed" if row.status_before else "transaction.reversed"),
        row.id,
        f"batch {row.claimed_by}",
        {"status": row.status_before, "revision": row.revision},
        {"status": status, "document": current.document, "failure": current.failure_code},
    )


def _settle_original(connection: Connection, row: TxRow, status: Status, now: datetime, by: str) -> None:
    """Carry the outcome of a reversal to what it reverses, whoever brought it about."""
    record = connection.execute(_REVERSED, {"id": row.id}).first()
    original = None if record is None else fetch(connection, record.original)
    reversal = fetch(connection, row.id)
    if record is None or original is None or reversal is None:
        return
    if status in _REVERSAL_DONE and original.status in (Status.COMPENSATING, Status.COMPENSATION_FAILED):
        if original.status == Status.COMPENSATION_FAILED:  # somebody replayed or resolved the reversal itself
            move(connection, original, Event.COMPENSATE, now=now, by=by, text=None)
            original = fetch(connection, original.id)
            assert original is not None
        number = f" as document {reversal.document}" if reversal.document else ""
        text = f"Compensated: {row.target} reversed it{number}, by {row.id}"
        batch = original.claimed_by
        move(connection, original, Event.COMPENSATED, now=now, by=by, text=text, values=_REVERSED_NOW)
        if batch:
            done, state = Status.COMPENSATED, ItemState.PROCESSED
            reason = f"reversed{number}"
            set_item(connection, batch, original.id, state, status=done, reason=reason, now=now)
    elif status in _REVERSAL_STUCK and original.status == Status.COMPENSATING:
        said = reversal.failure_message or "it was not sent"
        kind = FailureKind(reversal.failure_kind or FailureKind.CONFLICT)
        failure = Failure(
            kind=kind,
            help=kind.help,
            code=reversal.failure_code or "not-reversed",
            message=f"Its reversal is {status}: {said}",
            system=reversal.failure_system or row.target,
        )
        values = {"waiting_on": f"by hand: {record.by_hand}; or compensate it again"}
        reposts.rest_behind(connection, original.id, f"not posted: {original.id} was not reversed", now)
        fail(connection, original, failure, now=now, by=by, event=Event.COMPENSATION_FAILED, values=values)
    elif status is Status.IN_DOUBT and original.status == Status.COMPENSATING:
        tell_original(connection, reversal, reversal.waiting_on, now)
    elif original.claimed_by and original.status == Status.COMPENSATING and Status.HELD in (row.status, status):
        waits = f"its reversal {row.id} waits: {reversal.waiting_on}" if status is Status.HELD else None
        batch, going = original.claimed_by, Status.COMPENSATING
        set_item(connection, batch, original.id, ItemState.INTENDED, status=going, reason=waits, now=now)


def tell_original(connection: Connection, row: TxRow, waiting_on: str | None, now: datetime) -> None:
    """A reversal is in doubt: what it reverses waits for the same, and so does its batch."""
    record = connection.execute(_REVERSED, {"id": row.id}).first()
    original = None if record is None else fetch(connection, record.original)
    if original is None or original.status != Status.COMPENSATING:
        return
    change(connection, original, waiting_on=waiting_on or f"reversal {row.id}")
    if waiting_on is not None and waiting_on.startswith(reposts.NOBODY_CAN_SAY):
        reposts.rest_behind(connection, original.id, f"not posted: whether {original.id} was reversed is in doubt", now)
    if original.claimed_by:
        reason = f"its reversal {row.id} is in doubt"
        set_item(
            connection,
            original.claimed_by,
            original.id,
            ItemState.IN_DOUBT,
            status=Status.COMPENSATING,
            reason=reason,
            now=now,
        )
        if waiting_on is not None and waiting_on.startswith(reposts.NOBODY_CAN_SAY):
            _let_go(connection, original)


def set_item(
    connection: Connection,
    batch: str,
    tx_id: str,
    state: ItemState,
    *,
    status: Status | None,
    reason: str | None,
    now: datetime,
) -> None:
    """Write the state of one batch item and tell the batch's runner."""
    connection.execute(
        _SET_ITEM,
        {
            "of_batch": batch,
            "of_tx": tx_id,
            "new_state": state,
            "new_status": status,
            "new_reason": reason,
            "now": to_micros(now),
        },
    )
    journal(connection).batches.add(batch)


def release_claim(connection: Connection, row: TxRow) -> None:
    """No action is in flight on the transaction any more."""
    change(connection, row, claimed_by=None, status_before=None, group_before=None)


def give_back(connection: Connection, row: TxRow, *, now: datetime, by: str, reason: str) -> None:
    """Return a claimed transaction that was not sent to the status before the claim; its batch item is skipped."""
    before = Status(row.status_before) if row.status_before else Status.FAILED
    batch = row.claimed_by
    release_claim(connection, row)
    unclaimed = fetch(connection, row.id)
    assert unclaimed is not None
    values = NOT_HELD
    if unclaimed.failure_kind is None:  # a reversal that was never tried: it failed for this reason alone
        kind = FailureKind.CONFLICT
        never = Failure(kind=kind, help=kind.help, code="not-sent", message=f"Not sent: {reason}", system="hub")
        values = {**NOT_HELD, **failure_columns(never), "failed_at": max(to_micros(now), unclaimed.created_at)}
    status = move(
        connection, unclaimed, Event.CANCEL, now=now, by=by, text=f"Not sent: {reason}", to=before, values=values
    )
    set_item(connection, batch, row.id, ItemState.SKIPPED, status=status, reason=reason, now=now)


def wake_waiters(connection: Connection, row: TxRow, now: datetime, *, closed: bool) -> None:
    """Let those look again that wait for ``row``.

    Where it is not closed and stays as it is, newer versions of its object look again as well, since a failed version
    may give way to them, and claimed ones are given back: their batch would wait for people.
    """
    for waiting in connection.execute(_WAITING, {"id": row.id}).all():
        if closed:
            release(connection, waiting, now=now, by="hub", text=f"Released: {row.id} is closed")
        elif row.object_key is not None and waiting.object_key == row.object_key:
            release(connection, waiting, now=now, by="hub", text=f"Looks again: {row.id} is not on its way any more")
        elif waiting.claimed_by:
            reason = f"it waits behind {row.id}, which is not on its way any more"
            give_back(connection, waiting, now=now, by="hub", reason=reason)
        else:
            reposts.rest(connection, waiting, f"it waits behind {row.id}, which is not on its way any more", now)
    if not closed and row.object_key is not None:
        rank_again(connection, row.id)  # those that look again wait for it no more


def release(connection: Connection, row: TxRow, *, now: datetime, by: str, text: str, after: float = 0.0) -> None:
    """Let a held transaction go on, now or ``after`` seconds from now."""
    due = None if after <= 0 else to_micros(now) + int(after * 1_000_000)
    move(connection, row, Event.RELEASE, now=now, by=by, text=text, values={"due_next": due})
    if due is None:
        journal(connection).ready.append(Ready(row.target, row.plant, row.id, row.claimed_by is not None))


def encode(value: Any) -> str:
    """A value as JSON text for a column."""
    return msgspec.json.encode(value).decode()
