"""Discard and restore: closing a transaction unprocessed, and bringing it back. Neither sends anything."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.recovery.actions.kind import SEND, Decision, Question
from hub.recovery.items import set_state
from hub.store.journal import journal
from hub.store.transitions import TxRow, fail, move
from transactions.batches import ItemState
from transactions.clock import to_micros
from transactions.model import Failure, FailureKind, Status
from transactions.plans import Action, PlanRequest, Verdict
from transactions.states import Event, allowed


def by_status(row: Any, event: Event, past: str) -> Decision:
    """Whether the life cycle has the step from where the transaction is."""
    if allowed(Status(row.status), event):
        return SEND
    return Decision(Verdict.REFUSED, f"it is {row.status}, which cannot be {past}")


def settled(
    connection: Connection,
    batch: Any,
    item: Any,
    row: TxRow,
    status: Status,
    action: str,
    now: datetime,
    told: dict[str, Any] | None = None,
) -> None:
    """An item that is done with the step that was just taken: its state, and the entry in the audit chain, with what
    is ``told`` besides."""
    set_state(connection, batch.id, item.n, ItemState.PROCESSED, status, None, now)
    journal(connection).effect(
        now,
        batch.started_by,
        action,
        row.id,
        batch.reason,
        {"status": Status(row.status), "revision": row.revision},
        {"status": status, "batch": batch.id} | (told or {}),
    )


class Discard:
    """Close it unprocessed."""

    action, past, event, sends = Action.DISCARD, "discarded", Event.DISCARD, False

    def check(self, request: PlanRequest) -> None:
        """Nothing more than any action."""

    def decide(self, row: Any, question: Question) -> Decision:
        """Whether it can be closed from where it is."""
        return by_status(row, self.event, self.past)

    def carry_out(self, connection: Connection, batch: Any, item: Any, row: TxRow, now: datetime) -> None:
        """Close it; where it was is remembered."""
        status = move(
            connection,
            row,
            Event.DISCARD,
            now=now,
            by=batch.started_by,
            text=f"Discarded: {batch.reason}",
            values={"status_before": Status(row.status), "due_next": None, "waiting_on": None},
        )
        settled(connection, batch, item, row, status, f"transaction.{status}", now)


class Restore:
    """Bring a discarded one back to where it was."""

    action, past, event, sends = Action.RESTORE, "restored", Event.RESTORE, False

    def check(self, request: PlanRequest) -> None:
        """Nothing more than any action."""

    def decide(self, row: Any, question: Question) -> Decision:
        """Whether it was discarded."""
        return by_status(row, self.event, self.past)

    def carry_out(self, connection: Connection, batch: Any, item: Any, row: TxRow, now: datetime) -> None:
        """Bring it back."""
        if row.failure_kind is None:
            status = fail(
                connection,
                row,
                _never_sent(row),
                now=now,
                by=batch.started_by,
                event=Event.RESTORE,
                text=f"Restored: {batch.reason}",
                values={"status_before": None, "definitive": 1},
            )
        else:
            remembered = Status(row.status_before) if row.status_before else Status.FAILED
            values: dict[str, Any] = {"status_before": None}
            if remembered in (Status.PARKED, Status.PARTLY_PROCESSED):  # the target is asked for it again, as before
                due = to_micros(now)
                values["due_next"] = due
                journal(connection).timer(due)
            status = move(
                connection,
                row,
                Event.RESTORE,
                now=now,
                by=batch.started_by,
                text=f"Restored: {batch.reason}",
                to=remembered,
                values=values,
            )
        settled(connection, batch, item, row, status, "transaction.restored", now)


def _never_sent(row: TxRow) -> Failure:
    """Discarded before it was tried: nothing failed, yet somebody has to send it."""
    return Failure(
        kind=FailureKind.CONFLICT,
        help=FailureKind.CONFLICT.help,
        code="restored",
        message=f"It was discarded before it went to {row.target}, and restored. Replay it to send it",
        system="hub",
    )
