"""Replay: deliver it again, under the same idempotency key."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from hub.delivery import guards
from hub.delivery.similar import maybe_posted
from hub.edits.making import unfit
from hub.landscape import Landscape
from hub.recovery.actions.kind import SEND, Decision, Question, under_hold
from hub.recovery.heard import Ask
from hub.recovery.items import set_state
from hub.store.journal import Ready, journal
from hub.store.schema import ledger, payloads, transactions
from hub.store.transitions import TxRow, move
from transactions.batches import ItemState
from transactions.edits import Finding
from transactions.model import Status
from transactions.plans import Action, PlanRequest, Verdict
from transactions.states import BLOCKING, Event

_BLOCKING = sorted(BLOCKING)

_NO_REPLAY: dict[Status, str] = {
    Status.IN_DOUBT: "in doubt: nobody knows whether it was applied. Look it up or resolve it first",
    Status.SENT: "sent, and its outcome is being looked up. Wait for that",
    Status.PARKED: "parked in the target: repair it there; sending it again would double it",
    Status.PARTLY_PROCESSED: "partly posted: sending it whole would double the part that was",
    Status.PROCESSED: "already processed",
    Status.DUPLICATE: "already there",
    Status.DISCARDED: "discarded: restore it first",
    Status.PENDING: "on its way by itself",
    Status.RETRYING: "on its way by itself",
    Status.DELIVERING: "under way right now",
    Status.HELD: "held: it goes on by itself when what it waits for is done",
}


class Replay:
    """Deliver it again, under the same idempotency key."""

    action, past, event, sends = Action.REPLAY, "replayed", Event.RUN, True

    def check(self, request: PlanRequest) -> None:
        """Nothing more than any action."""

    def decide(self, row: Any, question: Question) -> Decision:
        """What stands against sending it."""
        return decide_sending(row, question)

    def carry_out(self, connection: Connection, batch: Any, item: Any, row: TxRow, now: datetime) -> None:
        """Claim it and let delivery take it."""
        claim(connection, batch, item, row, now, text=f"Replay: {batch.reason}")


def claim(connection: Connection, batch: Any, item: Any, row: TxRow, now: datetime, *, text: str) -> None:
    """Claim a transaction for a batch, with the intent to send it written in the same go."""
    set_state(connection, batch.id, item.n, ItemState.INTENDED, Status.PENDING, None, now)
    move(
        connection,
        row,
        Event.RUN,
        now=now,
        by=batch.started_by,
        text=text,
        values={
            "claimed_by": batch.id,
            "status_before": row.status,
            "group_before": row.fingerprint,
            "tries": 0,
            "due_next": None,
            "waiting_on": None,
        },
    )
    journal(connection).ready.append(Ready(row.target, row.plant, row.id, again=True))


def decide_sending(row: Any, question: Question, *, edited: bool = False) -> Decision:
    """The verdict for sending what a failed transaction has as its payload; ``edited`` where it will have another."""
    connection, options, landscape = question.connection, question.options, question.landscape
    if row.status != Status.FAILED:
        return Decision(Verdict.REFUSED, _NO_REPLAY.get(Status(row.status), f"it is {row.status}"))
    posted = _applied_as(connection, row)
    if posted is not None:
        return Decision(Verdict.DUPLICATE, f"{row.target} applied it already as {posted}")
    if not edited:
        unfit = _why_unfit(connection, row, landscape, forced=options.force_schema)
        if unfit is not None:
            return Decision(Verdict.REFUSED, unfit)
    flow = landscape.flow(row.flow)
    newer = guards.superseded_by(connection, row, flow)
    if newer is not None and not options.force_superseded:
        return Decision(Verdict.SUPERSEDED, f"a newer version was applied by {newer}")
    endpoint = landscape.endpoint(row.target, row.plant)
    if row.attempts and not row.definitive and (endpoint is None or not endpoint.asks):
        return Decision(Verdict.REFUSED, f"{row.target} cannot be asked whether it was applied. Resolve it by evidence")
    heard = question.heard.get(row.id)
    if heard is not None and heard.by_hand and not options.force_maybe_posted:
        return Decision(Verdict.MAYBE_POSTED, maybe_posted(row.target, heard.by_hand))
    decision = behind(connection, row, landscape, question.planned)
    if decision is not SEND:
        return decision
    if heard is not None and Ask.SEARCH in heard.silent:
        unsaid = f"not searched for a posting made by hand: {heard.silent[Ask.SEARCH]}. It is before it is sent"
        decision = Decision(Verdict.SEND, unsaid)
    return under_hold(decision, row, question)


def _applied_as(connection: Connection, row: Any) -> str | None:
    found = connection.execute(
        select(ledger.c.document, ledger.c.revision).where(
            ledger.c.target == row.target,
            ledger.c.idempotency_key == row.idempotency_key,
            ledger.c.applied_at.is_not(None),
        )
    ).first()
    return None if found is None else f"{found.document or 'a document'} (revision {found.revision})"


def _why_unfit(connection: Connection, row: Any, landscape: Landscape, *, forced: bool) -> str | None:
    """Why the payload is not sent as it is: it is empty, or does not fit its schema."""
    content: bytes | None = connection.execute(
        select(payloads.c.content).where(payloads.c.sha256 == row.payload_sha256)
    ).scalar()
    if not content or not content.strip():
        return "its payload is empty; an empty document is never sent"
    return None if forced else told(unfit(row.flow, content, row.content_type, landscape))


def told(findings: list[Finding]) -> str | None:
    """What does not fit a schema, as the reason of a verdict; None where everything does."""
    if not findings:
        return None
    first, more = findings[0], f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"it does not fit its schema: {first.path} {first.message}{more}. Edit it, or override with --force-schema"


def behind(connection: Connection, row: Any, landscape: Landscape, planned: set[str]) -> Decision:
    """Whether something that is not in the plan holds its lane, or is required first."""
    flow = landscape.flow(row.flow)
    reverses = guards.reversed_key(connection, row)
    if row.lane is not None:
        ahead = connection.execute(
            select(
                transactions.c.id,
                transactions.c.flow,
                transactions.c.status,
                transactions.c.definitive,
                transactions.c.object_key,
                transactions.c.seq,
                transactions.c.idempotency_key,
            )
            .where(transactions.c.lane == row.lane, transactions.c.seq < row.seq, transactions.c.status.in_(_BLOCKING))
            .order_by(transactions.c.seq)
        )
        for other in ahead:
            gives_way = guards.gives_way(other, row, flow) or (
                reverses is not None and guards.gives_way_to_reversals(connection, other, row, reverses)
            )
            if other.id not in planned and not gives_way:
                return Decision(Verdict.HELD_BEHIND, f"{other.flow} {other.id} is {other.status} ahead of it")
    needed = None if reverses is not None else guards.required_first(connection, row, flow)
    if needed is not None and needed.by not in planned:
        return Decision(Verdict.HELD_BEHIND, needed.text)
    return SEND
