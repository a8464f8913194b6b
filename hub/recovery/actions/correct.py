"""Correct: reverse what was posted, and post the right document under a key of its own. One plan, one intent: the
reversal and what comes after it are written down together, so that neither is lost, whatever ends in between."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select

from hub.edits.making import Made, merged, patched
from hub.edits.refusal import CannotEdit
from hub.edits.stored import applied_base, content_of, draft_of, planned_for
from hub.recovery.actions.compensate import Compensate
from hub.recovery.actions.evidence import refused
from hub.recovery.actions.kind import Decision, Question
from hub.recovery.actions.replay import told
from hub.recovery.corrections import begin_correction, correction_of
from hub.store.schema import batches, drafts
from hub.store.transitions import TxRow, fetch
from transactions.edits import PlannedEdit, check_steps
from transactions.model import Status
from transactions.plans import Action, PlanRequest, Verdict


class Correct(Compensate):
    """Reverse it, and post the right thing as a new transaction."""

    action, past = Action.CORRECT, "corrected"

    def check(self, request: PlanRequest) -> None:
        """Steps that can be applied to something; without any, the drafts that are stored say what is right."""
        super().check(request)
        check_steps(request.options.patch)

    def decide(self, row: Any, question: Question) -> Decision:
        """Whether it can be reversed now, and the document that is posted instead."""
        decision = super().decide(row, question)
        if not decision.runs:
            return decision
        other = correction_of(question.connection, row)
        if other is not None:
            return refused(f"{other} corrects it already, or has the key of a correction")
        try:
            made, by = self._document(row, question)
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
            made_by=by,
            difference=made.compared.differences,
            more=made.compared.more,
            findings=made.findings,
        )
        unfit = None if question.options.force_schema else told(made.findings)
        if unfit is not None:
            return Decision(Verdict.REFUSED, f"corrected, {unfit}", edit)
        question.documents[row.id] = made
        return msgspec.structs.replace(decision, because=f"{decision.because}, and posts the right document", edit=edit)

    def _document(self, row: Any, question: Question) -> tuple[Made, str]:
        """The right document, and who wrote it."""
        base = applied_base(question.connection, row)
        if question.options.patch:
            return patched(base, question.options.patch, question.landscape), question.actor
        draft = draft_of(question.connection, row.id)
        if draft is None or draft.base != row.revision:
            raise CannotEdit(
                "nothing says what is right: it has no draft, and the plan names no patch. Write the right document "
                "first, or say what to set"
            )
        content = content_of(question.connection, draft.sha256)
        # What is masked went through the door once, when the draft was stored.
        return merged(base, content, draft.content_type, question.landscape, may_reveal=True), draft.created_by

    def carry_out_heard(self, connection: Connection, batch: Any, item: Any, row: TxRow, question: Question) -> None:
        """Make the reversal, and what waits for it."""
        super().carry_out_heard(connection, batch, item, row, question)
        begun = fetch(connection, row.id)
        if begun is None or begun.status != Status.COMPENSATING:
            return
        plan: str = connection.execute(select(batches.c.plan).where(batches.c.id == batch.id)).scalar_one()
        begin_correction(
            connection, batch, row, planned_for(connection, plan, row.id), question.landscape, question.now
        )
        connection.execute(delete(drafts).where(drafts.c.tx_id == row.id))
