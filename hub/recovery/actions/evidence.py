"""Resolve and reopen: a person says what became of a transaction, and the target is asked whether that can be.

What the target says counts. Evidence decides only where it cannot be asked, or does not know.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, update

from hub.delivery.answers import Found, LookupAnswer
from hub.recovery.actions.closing import settled
from hub.recovery.actions.kind import SEND, Decision, Question
from hub.recovery.heard import NOTHING, Ask, Heard
from hub.recovery.reversals import is_reversal
from hub.store.schema import ledger
from hub.store.transitions import CLEAR_FAILURE, TxRow, fail, move
from transactions.clock import to_micros
from transactions.errors import Invalid
from transactions.model import Failure, FailureKind, Status
from transactions.plans import Action, PlanRequest, Resolution, Verdict
from transactions.states import Event, allowed

_NUMBER = re.compile(r"[\w./-]*\d[\w./-]*")
_DOCUMENT = 120  # characters of a document number that are kept


def refused(because: str) -> Decision:
    """It cannot be done, and why."""
    return Decision(Verdict.REFUSED, because)


class Resolve:
    """Close an unclear one by evidence, or say that it was not applied and can be sent."""

    action, past, event, sends = Action.RESOLVE, "resolved", Event.RESOLVE_APPLIED, False

    def check(self, request: PlanRequest) -> None:
        """What became of it, and what shows that."""
        if request.options.resolve_as is None:
            raise Invalid("A resolve says what became of it: resolve_as applied or not-applied (--as).")
        if not (request.options.evidence or "").strip():
            raise Invalid(
                "A resolve wants evidence: what shows that it is so, such as the number of a document in the target "
                '(--evidence "document 4900012345").'
            )

    def decide(self, row: Any, question: Question) -> Decision:
        """Whether what is claimed can be true, as far as the target says."""
        claimed = question.options.resolve_as
        event = Event.RESOLVE_APPLIED if claimed == Resolution.APPLIED else Event.RESOLVE_NOT_APPLIED
        if not allowed(Status(row.status), event):
            return _no_resolve(row)
        heard = question.heard.get(row.id, NOTHING)
        if row.status == Status.COMPENSATION_FAILED:
            return SEND  # it is about what was reversed by hand, which has no key
        evidence = question.options.evidence or ""
        if heard.lookup is None:
            endpoint = question.landscape.endpoint(row.target, row.plant)
            if endpoint is not None and endpoint.asks:
                return refused(
                    f"{endpoint.label} can be asked, and was not: {heard.silent.get(Ask.LOOKUP)}. Plan again"
                )
            return Decision(Verdict.SEND, f"{row.target} cannot be asked, so the evidence counts")
        return _held_against(row.target, claimed, evidence, heard, heard.lookup)

    def carry_out_heard(self, connection: Connection, batch: Any, item: Any, row: TxRow, question: Question) -> None:
        """Resolve it; the evidence stays in its timeline and in the audit."""
        heard, options = question.heard.get(row.id, NOTHING), question.options
        evidence = options.evidence or ""
        if options.resolve_as == Resolution.APPLIED:
            status = self._applied(connection, batch, row, heard, evidence, question)
        else:
            endpoint = question.landscape.endpoint(row.target, row.plant)
            # Where it could be asked and gave no clear answer, it is asked again before anything is sent.
            certain = heard.certainly_absent or endpoint is None or not endpoint.asks
            failure = Failure(
                kind=FailureKind.TIMEOUT,
                help=FailureKind.TIMEOUT.help,
                code="resolved-not-applied",
                message=f"It was not applied: {evidence}. Replay it to send it",
                system=row.target,
            )
            status = fail(
                connection,
                row,
                failure,
                now=question.now,
                by=batch.started_by,
                event=Event.RESOLVE_NOT_APPLIED,
                text=f"Resolved as not applied: {batch.reason}. Evidence: {evidence}. {_said(row.target, heard)}",
                values={"definitive": int(certain), "waiting_on": None},
            )
        told = {"as": options.resolve_as, "evidence": evidence, "target": _said(row.target, heard)}
        settled(connection, batch, item, row, status, "transaction.resolved", question.now, told)

    def _applied(
        self, connection: Connection, batch: Any, row: TxRow, heard: Heard, evidence: str, question: Question
    ) -> Status:
        document = _document_of(heard, evidence) or row.document
        if heard.lookup is not None and heard.lookup.status is Found.APPLIED:
            connection.execute(
                update(ledger)
                .where(
                    ledger.c.target == row.target,
                    ledger.c.idempotency_key == row.idempotency_key,
                    ledger.c.revision == row.revision,
                )
                .values(applied_at=to_micros(question.now), document=document)
            )
        return move(
            connection,
            row,
            Event.RESOLVE_APPLIED,
            now=question.now,
            by=batch.started_by,
            text=f"Resolved as applied: {batch.reason}. Evidence: {evidence}. {_said(row.target, heard)}",
            values={**CLEAR_FAILURE, "document": document, "definitive": 1, "due_next": None, "waiting_on": None},
        )


class Reopen:
    """Open again what was acknowledged and is not there."""

    action, past, event, sends = Action.REOPEN, "reopened", Event.REOPEN, False

    def check(self, request: PlanRequest) -> None:
        """Nothing more than any action: evidence is wanted only where the target cannot be asked."""

    def decide(self, row: Any, question: Question) -> Decision:
        """Whether the target, asked now, says that it is not there."""
        if row.status != Status.PROCESSED:
            return refused(f"it is {row.status}; only what is processed, and is not in the target, is reopened")
        if is_reversal(question.connection, row):
            return refused("it is a reversal: what it reversed is closed by it. Send the document anew instead")
        heard = question.heard.get(row.id, NOTHING)
        if heard.lookup is None:
            return self._by_evidence(row, question, heard)
        match heard.lookup.status:
            case Found.ABSENT if heard.settled:
                return Decision(Verdict.SEND, f"{row.target} acknowledged it and does not have it")
            case Found.ABSENT:
                return refused(f"{row.target} does not have it yet, and a late posting can still land. Ask again soon")
            case Found.REJECTED:
                return Decision(Verdict.SEND, f"{row.target} acknowledged it and rejected it later")
            case Found.UNKNOWN:
                return refused(f"{row.target} gives no clear answer ({heard.lookup.message}). Ask again later")
            case found:
                return refused(f"{row.target} says: {found}{_as(heard.lookup)}. There is nothing to reopen")

    def _by_evidence(self, row: Any, question: Question, heard: Heard) -> Decision:
        endpoint = question.landscape.endpoint(row.target, row.plant)
        if endpoint is not None and endpoint.asks:
            return refused(f"{endpoint.label} can be asked, and was not: {heard.silent.get(Ask.LOOKUP)}. Plan again")
        if not (question.options.evidence or "").strip():
            return refused(f"{row.target} cannot be asked. Say what shows that it is not there (--evidence)")
        return Decision(Verdict.SEND, f"{row.target} cannot be asked, so the evidence counts")

    def carry_out_heard(self, connection: Connection, batch: Any, item: Any, row: TxRow, question: Question) -> None:
        """Let it fail as acknowledged and not applied; a replay sends it again."""
        heard, evidence = question.heard.get(row.id, NOTHING), question.options.evidence
        shown = f" Evidence: {evidence}." if evidence else ""
        failure = Failure(
            kind=FailureKind.ACKNOWLEDGED_NOT_APPLIED,
            help=FailureKind.ACKNOWLEDGED_NOT_APPLIED.help,
            code="acknowledged-not-applied",
            message=f"{row.target} acknowledged it"
            + (f" as {row.document}" if row.document else "")
            + " and does not have it",
            system=row.target,
        )
        connection.execute(
            update(ledger)
            .where(ledger.c.target == row.target, ledger.c.idempotency_key == row.idempotency_key)
            .values(applied_at=None, document=None)
        )
        status = fail(
            connection,
            row,
            failure,
            now=question.now,
            by=batch.started_by,
            event=Event.REOPEN,
            text=f"Reopened: {batch.reason}.{shown} {_said(row.target, heard)}",
            values={"definitive": 1, "document": None, "waiting_on": None},
        )
        told = {"evidence": evidence, "target": _said(row.target, heard)}
        settled(connection, batch, item, row, status, "transaction.reopened", question.now, told)


def _no_resolve(row: Any) -> Decision:
    match Status(row.status):
        case Status.COMPENSATION_FAILED:
            return refused("its reversal failed, so it is applied still. Compensate it again, or resolve it as applied")
        case Status.SENT:
            return refused("sent, and its outcome is being looked up. Wait for that")
        case status:
            return refused(f"it is {status}, and nothing about it is unclear")


def _held_against(
    target: str, claimed: Resolution | None, evidence: str, heard: Heard, lookup: LookupAnswer
) -> Decision:
    """The claim and the target's own word: where they contradict, both are shown and nothing is done."""
    applied = claimed == Resolution.APPLIED
    match lookup.status:
        case Found.APPLIED if applied:
            return Decision(Verdict.SEND, f"{target} says the same: applied{_as(lookup)}")
        case Found.APPLIED:
            return refused(
                f"{target} says: applied{_as(lookup)}; you say: not applied ({evidence}). What the target says counts: "
                "resolve it as applied, or have it reversed there first"
            )
        case Found.ABSENT if not heard.settled:
            return refused(f"{target} does not have it yet, and a late posting can still land. Ask again soon")
        case Found.ABSENT | Found.REJECTED if not applied:
            return Decision(Verdict.SEND, f"{target} says the same: {lookup.status}")
        case Found.ABSENT | Found.REJECTED:
            return _posted_by_hand(target, evidence, heard, lookup)
        case Found.PARKED:
            return refused(
                f"{target} says: parked{_as(lookup)}; you say: {claimed} ({evidence}). Have it posted there, or "
                "deleted, and it is looked up again by itself"
            )
        case Found.IN_PROGRESS:
            return refused(f"{target} is at work on it. Wait for that; it is looked up by itself")
        case Found.UNKNOWN:
            return Decision(Verdict.SEND, f"{target} gives no clear answer ({lookup.message}), so the evidence counts")


def _posted_by_hand(target: str, evidence: str, heard: Heard, lookup: LookupAnswer) -> Decision:
    """Under its key nothing was posted: it may have been by hand, if the target has the document that is named."""
    named = set(_NUMBER.findall(evidence))
    for one in heard.by_hand:
        if one.document in named:
            return Decision(Verdict.SEND, f"{target} has document {one.document} of the same values, without a key")
    if heard.by_hand:
        others = ", ".join(one.document or "one without a number" for one in heard.by_hand[:3])
        also = f". Without a key it has, of the same values: {others}"
    else:
        also = f". It could not be searched: {heard.silent[Ask.SEARCH]}" if Ask.SEARCH in heard.silent else ""
    return refused(
        f"{target} says: {lookup.status}; you say: applied ({evidence}). What the target says counts{also}. Name the "
        "document as the target numbers it, or discard the transaction"
    )


def _as(lookup: LookupAnswer) -> str:
    return f" as {lookup.document}" if lookup.document else ""


def _said(target: str, heard: Heard) -> str:
    if heard.lookup is None:
        return f"{target} cannot be asked"
    return f"{target} says: {heard.lookup.status}{_as(heard.lookup)}"


def _document_of(heard: Heard, evidence: str) -> str | None:
    """The number of the document: the target's, else the one that the evidence names."""
    if heard.lookup is not None and heard.lookup.document and heard.lookup.status is Found.APPLIED:
        return heard.lookup.document
    found = _NUMBER.findall(evidence)
    return found[-1][:_DOCUMENT] if found else None
