"""Correct: reverse what was posted, and post the right document under a key of its own. One plan, one intent: the
reversal and what comes after it are written down together, so that neither is lost, whatever ends in between."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, select

from hub.edits.making import Base, patched
from hub.edits.refusal import CannotEdit
from hub.edits.stored import base_of, content_of, planned_for
from hub.recovery.actions.compensate import Compensate
from hub.recovery.actions.evidence import refused
from hub.recovery.actions.kind import Decision, Question
from hub.recovery.actions.replay import told
from hub.recovery.corrections import begin_correction, correction_of
from hub.store.schema import batches, ledger
from hub.store.transitions import TxRow, fetch
from transactions.edits import PlannedEdit, check_steps
from transactions.errors import Invalid
from transactions.model import Status
from transactions.plans import Action, PlanRequest, Verdict


class Correct(Compensate):
    """Reverse it, and post the right thing as a new transaction."""

    action, past = Action.CORRECT, "corrected"

    def check(self, request: PlanRequest) -> None:
        """What is right has to be said."""
        super().check(request)
        if not request.options.patch:
            raise Invalid("A correction wants to know what is right: name it in patch (--set, --patch).")
        check_steps(request.options.patch)

    def decide(self, row: Any, question: Question) -> Decision:
        """Whether it can be reversed now, and the document that is posted instead."""
        decision = super().decide(row, question)
        if not decision.runs:
            return decision
        other = correction_of(question.connection, row)
        if other is not None:
            return refused(f"{other} corrects it already, or has the key of a correction")
        base = _applied(question.connection, row)
        try:
            made = patched(base, question.options.patch, question.landscape)
        except CannotEdit as error:
            return refused(error.reason)
        if made.compared.same:
            return refused("the right document would say what the posted one says")
        edit = PlannedEdit(
            id=row.id,
            base=row.revision,
            sha256=made.sha256,
            size=len(made.content),
            content_type=made.content_type,
            made_by=question.actor,
            difference=made.compared.differences,
            more=made.compared.more,
            findings=made.findings,
        )
        unfit = None if question.options.force_schema else told(made.findings)
        if unfit is not None:
            return Decision(Verdict.REFUSED, f"corrected, {unfit}", edit)
        question.documents[row.id] = made
        return msgspec.structs.replace(decision, because=f"{decision.because}, and posts the right document", edit=edit)

    def carry_out_heard(self, connection: Connection, batch: Any, item: Any, row: TxRow, question: Question) -> None:
        """Make the reversal, and what waits for it."""
        super().carry_out_heard(connection, batch, item, row, question)
        begun = fetch(connection, row.id)
        flow = question.landscape.flow(row.flow)
        if begun is None or begun.status != Status.COMPENSATING or flow is None:
            return
        plan: str = connection.execute(select(batches.c.plan).where(batches.c.id == batch.id)).scalar_one()
        begin_correction(connection, batch, row, planned_for(connection, plan, row.id), flow, question.now)


def _applied(connection: Connection, row: Any) -> Base:
    """The document that the target posted, which may be an earlier revision."""
    base = base_of(connection, row)
    sha256 = connection.execute(
        select(ledger.c.sha256)
        .where(
            ledger.c.target == row.target,
            ledger.c.idempotency_key == row.idempotency_key,
            ledger.c.applied_at.is_not(None),
        )
        .order_by(ledger.c.revision.desc())
        .limit(1)
    ).scalar()
    if sha256 in (None, row.payload_sha256):
        return base
    return msgspec.structs.replace(base, content=content_of(connection, sha256))
