"""Edit: deliver a new revision of the payload, under the same idempotency key. The plan has the document itself, by its
hash, so that what was looked at and approved is what is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from hub.edits.making import Made, merged, patched
from hub.edits.refusal import CannotEdit
from hub.edits.stored import base_of, content_of, draft_of, planned_for, put_in_use
from hub.recovery.actions.kind import Decision, Question
from hub.recovery.actions.replay import claim, decide_sending, told
from hub.store.schema import batches
from hub.store.transitions import TxRow
from transactions.edits import PlannedEdit, check_steps
from transactions.model import Status
from transactions.plans import Action, PlanRequest, Verdict
from transactions.states import Event


class Edit:
    """Deliver it again with another document, under the same idempotency key."""

    action, past, event, sends = Action.EDIT, "edited", Event.RUN, True

    def check(self, request: PlanRequest) -> None:
        """Steps that can be applied to something."""
        check_steps(request.options.patch)

    def decide(self, row: Any, question: Question) -> Decision:
        """What stands against sending it, and the document that would be sent."""
        sending = decide_sending(row, question, edited=True)
        if row.status != Status.FAILED:
            return sending
        try:
            made, by = self._document(row, question)
        except CannotEdit as error:
            return Decision(Verdict.REFUSED, error.reason)
        if made.sha256 == row.payload_sha256:
            return Decision(Verdict.REFUSED, "the edit changes nothing in it; replay it to send it as it is")
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
            return Decision(Verdict.REFUSED, f"edited, {unfit}", edit)
        question.documents[row.id] = made
        return msgspec.structs.replace(sending, edit=edit)

    def _document(self, row: Any, question: Question) -> tuple[Made, str]:
        """The document, and who wrote it."""
        base = base_of(question.connection, row)
        if question.options.patch:
            return patched(base, question.options.patch, question.landscape), question.actor
        draft = draft_of(question.connection, row.id)
        if draft is None:
            raise CannotEdit("it has no draft, and the plan names no patch. Edit its payload first, or say what to set")
        if draft.base != row.revision:
            raise CannotEdit(
                f"its draft is of revision {draft.base}, and revision {row.revision} is in use now. Edit it again"
            )
        content = content_of(question.connection, draft.sha256)
        # What is masked went through the door once, when the draft was stored.
        return merged(base, content, draft.content_type, question.landscape, may_reveal=True), draft.created_by

    def carry_out(self, connection: Connection, batch: Any, item: Any, row: TxRow, now: datetime) -> None:
        """Put the document in use, claim it and let delivery take it."""
        plan: str = connection.execute(select(batches.c.plan).where(batches.c.id == batch.id)).scalar_one()
        planned = planned_for(connection, plan, row.id)
        edited = put_in_use(connection, row, planned, batch.started_by, batch.reason, now)
        claim(connection, batch, item, edited, now, text=f"Edit and replay: {batch.reason}")
