"""What the console has the platform do. Effects belong to the app: no page that is left cuts one off."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING

from textual.message import Message

from console.second_person import HASH_CELLS
from console.text import clean
from transactions.errors import AndonError, SecondPersonWanted

if TYPE_CHECKING:
    from console.app import AndonApp
    from console.screens.approval import ApprovalScreen
    from transactions.approvals import Decided
    from transactions.batches import Batch
    from transactions.history import StreamEvent
    from transactions.plans import Decision, Plan


class RunAnswered(Message):
    """A plan was run, or the answer to that is missing."""

    def __init__(self, plan: Plan, batch: Batch | None, error: AndonError | None) -> None:
        super().__init__()
        self.plan = plan
        self.batch = batch
        self.error = error


class DecisionAnswered(Message):
    """A plan was approved or rejected, or the answer to that is missing."""

    def __init__(self, plan: Plan, decided: Decided | None, error: AndonError | None) -> None:
        super().__init__()
        self.plan = plan
        self.decided = decided
        self.error = error


class Effects:
    """Starts effects in workers of the app, and brings their answers to where the person is by then."""

    def __init__(self, app: AndonApp) -> None:
        self._app = app
        self._asked_for: set[str] = set()

    def _begin(self, effect: Coroutine[None, None, None], group: str = "effects") -> None:
        self._app.run_worker(effect, group=group, exit_on_error=False)

    # Running a plan

    def run(self, plan: Plan) -> None:
        """Run a stored plan; :class:`RunAnswered` follows."""
        self._begin(self._run(plan))

    async def _run(self, plan: Plan) -> None:
        try:
            batch = await self._app.source.run(plan.hash)
        except AndonError as error:
            self._app.post_message(RunAnswered(plan, None, error))
        else:
            self._app.post_message(RunAnswered(plan, batch, None))

    def run_answered(self, message: RunAnswered) -> None:
        """Follow the batch, wherever the person is by now."""
        from console.screens.batch import BatchScreen
        from console.screens.plan import PlanScreen

        app, page, error = self._app, self._app.screen, message.error
        waiting = page if isinstance(page, PlanScreen) else None
        here = waiting is not None and waiting.plan is not None and waiting.plan.hash == message.plan.hash
        if isinstance(error, SecondPersonWanted):
            self._asked(message.plan, here=here)
        elif message.batch is not None and here:
            app.switch_screen(BatchScreen(message.batch))
            if message.plan.second_person:
                due = "Somebody else owes a review of this within 24 hours. Tell them; it is under approvals (p)."
                app.notify(due, title="It ran without a second person", severity="warning", timeout=12)
        elif message.batch is not None:
            app.notify(f"Batch {message.batch.id} runs. Follow it under batches (b).", title="Running")
        elif waiting is not None and error is not None:
            waiting.refused(error)
        elif error is not None:
            app.notify(clean(error.detail), title="The plan did not run", severity="error", timeout=15)

    def _asked(self, plan: Plan, *, here: bool) -> None:
        from console.screens.approval import ApprovalScreen

        self._asked_for.add(plan.hash)
        self._app.happened("approval")
        if here:
            self._app.switch_screen(ApprovalScreen(plan.hash))
        else:
            said = f"The plan {plan.hash[:HASH_CELLS]} waits for a second person. Nothing was sent."
            self._app.notify(f"{said} It is under approvals (p).", title="Asked for approval")

    # Deciding what somebody else asked for

    def decide(self, plan: Plan, decision: Decision, reason: str) -> None:
        """Approve or reject; :class:`DecisionAnswered` follows."""
        self._begin(self._decide(plan, decision, reason))

    async def _decide(self, plan: Plan, decision: Decision, reason: str) -> None:
        source = self._app.source
        send = source.approve if decision == "approve" else source.reject
        try:
            decided = await send(plan.hash, reason)
        except AndonError as error:
            self._app.post_message(DecisionAnswered(plan, None, error))
        else:
            self._app.post_message(DecisionAnswered(plan, decided, None))

    def decision_answered(self, message: DecisionAnswered) -> None:
        """Follow what an approval started; tell the rest."""
        from console.screens.approval import ApprovalScreen
        from console.screens.batch import BatchScreen
        from transactions.approvals import ApprovalKind

        app, page, decided = self._app, self._app.screen, message.decided
        here = page if isinstance(page, ApprovalScreen) and page.plan_hash == message.plan.hash else None
        if decided is None:
            self._not_decided(message, here)
            return
        app.happened("approval")
        asker = clean(message.plan.requested_by)
        if decided.batch is not None:
            app.notify(f"It runs now, in the name of {asker}.", title="Approved")
            if here is not None:
                app.switch_screen(BatchScreen(decided.batch))
            return
        if decided.revision is not None:
            said = f"The gateway is at revision {decided.revision} now, in the name of {asker}."
            app.notify(said, title="Approved")
            if here is not None:
                app.pop_screen()
            return
        rejected = decided.kind is ApprovalKind.APPROVAL
        nothing = "Nothing was sent" if message.plan.policy is None else "Nothing was changed"
        said = f"{nothing}, and {asker} can read why." if rejected else "What was found is on record."
        app.notify(said, title="Rejected" if rejected else "The review is closed")
        if here is not None:
            app.pop_screen()

    def _not_decided(self, message: DecisionAnswered, here: ApprovalScreen | None) -> None:
        error = message.error
        self._app.told(error)
        if here is not None and error is not None:
            here.refused(error)
        elif error is not None:
            self._app.notify(clean(error.detail), title="The decision was not taken", severity="error", timeout=15)

    def decided_elsewhere(self, event: StreamEvent) -> None:
        """What was asked for from here, and somebody decided while another page shows."""
        from console.screens.approval import ApprovalScreen
        from transactions.plans import PlanState

        state, page = event.data.get("state"), self._app.screen
        if event.id not in self._asked_for or state not in (PlanState.RUN, PlanState.REJECTED):
            return
        self._asked_for.discard(event.id)
        if isinstance(page, ApprovalScreen) and page.plan_hash == event.id:
            return
        done = "approved, and it runs" if state == PlanState.RUN else "rejected; nothing was sent"
        self._app.notify(f"Your plan {clean(event.id)[:HASH_CELLS]} was {done}.", title="A second person decided")

    # Batches

    def cancel(self, batch: Batch) -> None:
        """Stop a batch: what was not sent goes back to where it was."""
        self._begin(self._change(self._app.source.cancel(batch.id), "cancelled"))

    def pause(self, batch: Batch) -> None:
        """Let a batch take up nothing more until it is resumed."""
        self._begin(self._change(self._app.source.pause(batch.id), "paused"))

    def resume(self, batch: Batch) -> None:
        """Go on with a paused batch."""
        self._begin(self._change(self._app.source.resume(batch.id), "resumed"))

    async def _change(self, change: Coroutine[None, None, Batch], past: str) -> None:
        try:
            await change
        except AndonError as error:
            self._app.notify(clean(error.detail), title=f"The batch was not {past}", severity="error", timeout=10)
        else:
            self._app.happened("batch")

    def follow(self, batch: str) -> None:
        """Open a batch that only the id is known of."""
        self._begin(self._follow(batch), group="batch-to-follow")

    async def _follow(self, batch: str) -> None:
        from console.screens.batch import BatchScreen

        try:
            found = await self._app.source.batch(batch)
        except AndonError as error:
            self._app.notify(clean(error.detail), title="The batch cannot be shown", severity="warning", timeout=10)
        else:
            self._app.open(BatchScreen(found))
