"""Compensate: take back in the target what a transaction posted, by the target's own reversal, newest first."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Connection, or_, select

from hub.declarations import FlowDeclaration
from hub.delivery.answers import Found
from hub.landscape import Endpoint
from hub.recovery.actions.evidence import refused
from hub.recovery.actions.kind import Decision, Question, under_hold
from hub.recovery.heard import NOTHING, PERIOD, Ask, Follower, Heard
from hub.recovery.items import set_state
from hub.recovery.reversals import begin_reversal, by_hand, is_reversal, key_is_taken, reversal_of
from hub.recovery.twins import last_of_its_event
from hub.store.schema import batch_items, corrections, transactions
from hub.store.transitions import TxRow, move
from transactions.batches import ItemState
from transactions.errors import Invalid
from transactions.model import Status
from transactions.plans import Action, PlanRequest, Verdict
from transactions.states import Event, allowed

_MAY_BE_POSTED = (Status.DELIVERING, Status.RETRYING, Status.SENT, Status.IN_DOUBT, Status.PARKED)
"""What is pending or held has not left, and waits in its lane for the compensation."""
_NOT_BEGUN = (ItemState.PLANNED, ItemState.PROCESSED)

_NOTHING_TO_REVERSE: dict[Status, str] = {
    Status.FAILED: "it was not applied, so there is nothing to reverse. Discard it if it is not to be sent any more",
    Status.DUPLICATE: "it posted nothing: it was there already. Compensate the transaction that posted it",
    Status.DISCARDED: "it was never posted",
    Status.IN_DOUBT: "in doubt: nobody knows whether it was applied. Look it up or resolve it first",
    Status.SENT: "sent, and its outcome is being looked up. Wait for that",
    Status.PARKED: "parked in the target: have it deleted there, and resolve it as not applied",
    Status.COMPENSATING: "it is being reversed right now",
    Status.COMPENSATED: "it was reversed already",
}


class Compensate:
    """Undo what was posted, by reversals of the targets."""

    action, past, event, sends = Action.COMPENSATE, "compensated", Event.COMPENSATE, True

    def check(self, request: PlanRequest) -> None:
        """A date that there is."""
        if request.options.date is not None:
            try:
                date.fromisoformat(request.options.date)
            except ValueError as error:
                raise Invalid(f"{request.options.date} is no day of the calendar. Write it like 2026-12-01.") from error

    def decide(self, row: Any, question: Question) -> Decision:
        """Whether the target can take it back now, and whether what came after it is taken back first."""
        decision = self._decide(row, question)
        if decision.verdict is Verdict.SEND:
            decision = under_hold(decision, row, question, sets_right=True)
        flow = question.landscape.flow(row.flow)
        stays = not decision.runs and (allowed(Status(row.status), self.event) or row.status in _MAY_BE_POSTED)
        # What no reversal exists for is set right by people, and keeps nothing else from being reversed.
        if stays and not is_reversal(question.connection, row) and (flow is None or reversible(flow.reversal)):
            for group in groups_of(row):
                question.standing.setdefault(group, f"{row.flow} {row.id} at {row.target} stays: {decision.because}")
        return decision

    def _decide(self, row: Any, question: Question) -> Decision:
        if not allowed(Status(row.status), self.event):
            return refused(
                _NOTHING_TO_REVERSE.get(Status(row.status), f"it is {row.status}: nothing of it is posted yet")
            )
        if is_reversal(question.connection, row):
            return refused("it is a reversal itself. Send the document anew to have it posted again")
        flow = question.landscape.flow(row.flow)
        endpoint = question.landscape.endpoint(row.target, row.plant)
        if flow is None or not reversible(flow.reversal):
            said = "" if flow is None else flow.reversal.removeprefix("none").lstrip(": ")
            return refused(f"{row.flow} has no reversal. By hand: {said or f'set it right in {row.target}'}")
        if endpoint is None or endpoint.reversal_url(row.idempotency_key) is None:
            return refused(f"{row.target} cannot be told to reverse. By hand: {by_hand(row, flow)}")
        standing = _standing(question.connection, row, question.batch) or _first(row, question.standing)
        earlier = reversal_of(question.connection, row.id)
        if earlier is None and (taken := key_is_taken(question.connection, row)):
            return refused(f"the key of its reversal is that of transaction {taken}. By hand: {by_hand(row, flow)}")
        if earlier is not None and earlier.status != Status.FAILED:
            first = "Restore" if earlier.status == Status.DISCARDED else "Resolve"
            return refused(f"its reversal {earlier.id} is {earlier.status}. {first} that one first")
        against = self._said_against(row, question, endpoint)
        if against is not None:
            return refused(against)
        twin = self._twin(row, flow, question)
        if twin is not None:
            return refused(
                f"its twin {twin} has the same {flow.identity[0]}, and is reversed too: nothing of it would stay. "
                "Reverse one of the two; --process takes back a process as a whole"
            )
        if standing is not None:
            return Decision(Verdict.HELD_BEHIND, f"newest first: {standing}")
        named = f"document {row.document}" if row.document else "its posting"
        on = f" on {question.options.date}" if question.options.date else ""
        return Decision(Verdict.SEND, f"reverses {named} in {endpoint.label} ({flow.reversal}){on}")

    def _twin(self, row: Any, flow: FlowDeclaration, question: Question) -> str | None:
        if question.options.process or self.action is not Action.COMPENSATE:
            return None  # a process is meant as a whole, and a correction posts its own
        return last_of_its_event(question.connection, row, flow, question.planned)

    def _said_against(self, row: Any, question: Question, endpoint: Endpoint) -> str | None:
        heard = question.heard.get(row.id, NOTHING)
        if endpoint.asks:
            if heard.lookup is None:
                return f"{endpoint.label} was not asked for it: {heard.silent.get(Ask.LOOKUP)}. Plan again"
            match heard.lookup.status:
                case Found.APPLIED:
                    pass
                case Found.UNKNOWN if row.status == Status.PARTLY_PROCESSED:
                    pass
                case Found.UNKNOWN:
                    return f"{endpoint.label} gives no clear answer ({heard.lookup.message}). Plan again later"
                case Found.ABSENT | Found.REJECTED:
                    return f"{endpoint.label} does not have it. Reopen it, so that it is not taken for posted"
                case found:
                    return f"{endpoint.label} says: {found}. Nothing is posted yet"
        if Ask.FOLLOWS in heard.silent:
            return (
                f"{endpoint.label} could not be asked what followed it: {heard.silent[Ask.FOLLOWS]}. Plan again later"
            )
        return self._followed(row, question, heard)

    def _followed(self, row: Any, question: Question, heard: Heard) -> str | None:
        for one in heard.follows or ():
            if one.kind == PERIOD:
                hint = "Name a day in an open one (--date)" if question.options.date is None else "Name another day"
                return f"{one.text}. {hint}"
            if not _is_reversed_with_it(row, one, question):
                number = f" as document {one.document}" if one.document else ""
                return f"{one.text}{number}. Reverse that first"
        return None

    def carry_out_heard(self, connection: Connection, batch: Any, item: Any, row: TxRow, question: Question) -> None:
        """Make the reversal, unless something newer that belongs to it was not reversed."""
        stopped = _newer_not_reversed(connection, batch.id, item, row)
        if stopped is not None:
            because = f"not begun: {stopped} was not reversed, and is newer"
            set_state(connection, batch.id, item.n, ItemState.SKIPPED, Status(row.status), because, question.now)
            return
        set_state(connection, batch.id, item.n, ItemState.INTENDED, Status.COMPENSATING, None, question.now)
        reversal = begin_reversal(connection, batch, row, question.options, question.landscape, question.now)
        move(
            connection,
            row,
            Event.COMPENSATE,
            now=question.now,
            by=batch.started_by,
            text=f"Compensation began, by {reversal}: {batch.reason}",
            values={"claimed_by": batch.id, "status_before": row.status, "waiting_on": f"reversal {reversal}"},
        )


def reversible(reversal: str) -> bool:
    """Whether a flow's declared reversal is one that a target can make."""
    return reversal != "none" and not reversal.startswith("none:")


def groups_of(row: Any) -> list[str]:
    """What a transaction has to be reversed in order with: its process, and its lane."""
    return [f"process {row.correlation_id}"] + ([f"lane {row.lane}"] if row.lane is not None else [])


def _first(row: Any, standing: dict[str, str]) -> str | None:
    return next((standing[group] for group in groups_of(row) if group in standing), None)


def _standing(connection: Connection, row: Any, batch: str | None) -> str | None:
    """Something newer of its process or lane that may be posted, or may be any moment. What ``batch`` posts in place of
    others is meant to stay."""
    together = transactions.c.correlation_id == row.correlation_id
    if row.lane is not None:
        together = or_(together, transactions.c.lane == row.lane)
    found = connection.execute(
        select(transactions.c.id, transactions.c.flow, transactions.c.target, transactions.c.status)
        .where(
            together,
            transactions.c.seq > row.seq,
            transactions.c.target == row.target,
            transactions.c.status.in_(_MAY_BE_POSTED),
            transactions.c.causation_id.is_distinct_from(row.id),
            transactions.c.id.not_in(select(corrections.c.tx_id).where(corrections.c.batch == batch)),
        )
        .order_by(transactions.c.seq.desc())
        .limit(1)
    ).first()
    return None if found is None else f"{found.flow} {found.id} at {found.target} is {found.status}"


def _is_reversed_with_it(row: Any, one: Follower, question: Question) -> bool:
    """Whether what followed is in the same plan, which reverses it first."""
    if one.key is None:
        return False
    found = question.connection.execute(
        select(transactions.c.id, transactions.c.status).where(
            transactions.c.target == row.target, transactions.c.idempotency_key == one.key
        )
    ).first()
    return found is not None and found.id in question.planned and found.status != Status.COMPENSATED


def _newer_not_reversed(connection: Connection, batch: str, item: Any, row: TxRow) -> str | None:
    together = transactions.c.correlation_id == row.correlation_id
    if row.lane is not None:
        together = or_(together, transactions.c.lane == row.lane)
    found: str | None = connection.execute(
        select(transactions.c.id)
        .select_from(batch_items.join(transactions, transactions.c.id == batch_items.c.tx_id))
        .where(
            batch_items.c.batch == batch,
            batch_items.c.wave > 0,
            batch_items.c.wave < item.wave,
            batch_items.c.state.not_in([str(state) for state in _NOT_BEGUN]),
            together,
        )
        .order_by(batch_items.c.n)
        .limit(1)
    ).scalar()
    return found
