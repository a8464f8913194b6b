"""What became of an action: one object for machines, a short summary for people, and its exit code."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from commands.batch_view import ITEMS
from commands.exits import Exit
from commands.output import Detail, Listing
from commands.output.table_form import render
from commands.paging import LARGEST_PAGE, every
from commands.plan_view import in_words
from commands.session import Session
from commands.terminal import Look, one_line, plain, state
from platforms.hub import batches
from transactions.batches import Batch, BatchItem, BatchState, ItemState
from transactions.plans import Action, Plan, PlanState

SHOWN_ITEMS = 20
_PLACED = {Action.HOLD: "The hold is placed.", Action.RELEASE: "The hold is released."}


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of an action.

    Attributes:
        batch: id of the run; None where nothing was run.
        second_person: why the plan wants one; empty where none is wanted.
        total: items of the run, else of the plan.
        verdicts: what the plan decided, by verdict.
        counts: what the run did, by item state.
        not_processed: every item of the run that was not processed, with its reason; for a plan that was not run,
            every item with what stands against it.
    """

    plan: str
    plan_state: PlanState
    action: Action
    batch: str | None
    state: BatchState | None
    total: int
    verdicts: dict[str, int]
    counts: dict[str, int]
    not_processed: list[NotProcessed]
    second_person: list[str] = msgspec.field(default_factory=list)

    @classmethod
    def without_run(cls, plan: Plan) -> Outcome:
        """Of a plan that was not run."""
        return cls(
            plan=plan.hash,
            plan_state=plan.state,
            action=plan.action,
            batch=None,
            state=None,
            total=len(plan.items),
            verdicts=plan.verdicts,
            counts={},
            second_person=plan.second_person,
            not_processed=[
                NotProcessed(
                    id=item.id,
                    flow=item.flow,
                    plant=item.plant,
                    target=item.target,
                    state=item.verdict,
                    reason=item.because,
                )
                for item in plan.items
            ],
        )


class NotProcessed(Struct, frozen=True, kw_only=True):
    """An item that was not processed; ``state`` is its state in the run, or the plan's verdict."""

    id: str
    flow: str
    plant: str | None
    target: str
    state: str
    reason: str | None


def outcome_of(session: Session, plan: Plan, batch: Batch) -> Outcome:
    """The outcome of a run; its items are asked for only where some were not processed."""
    items: list[BatchItem] = []
    if any(count for name, count in batch.counts.items() if name != ItemState.PROCESSED):
        items = every(session, lambda cursor: batches.items(batch.id, LARGEST_PAGE, cursor)).items
    return Outcome(
        plan=plan.hash,
        plan_state=PlanState.RUN,
        action=plan.action,
        batch=batch.id,
        state=batch.state,
        total=batch.total,
        verdicts=plan.verdicts,
        counts=batch.counts,
        second_person=plan.second_person,
        not_processed=[
            NotProcessed(
                id=item.id,
                flow=item.flow,
                plant=item.plant,
                target=item.target,
                state=item.state,
                reason=item.reason,
            )
            for item in items
            if item.state is not ItemState.PROCESSED
        ],
    )


def exit_of_outcome(outcome: Outcome, *, waited: bool) -> Exit:
    """5 where some items were not processed; what is not known yet, because nobody waited, is no failure."""
    if not waited:
        return Exit.DONE
    if outcome.action in _PLACED:
        return Exit.DONE if outcome.state is BatchState.DONE else Exit.FAILED
    if outcome.not_processed or outcome.state is not BatchState.DONE:
        return Exit.SOME
    return Exit.DONE


def show_outcome(session: Session, outcome: Outcome) -> None:
    """Print an outcome."""
    session.show(
        Detail(
            value=outcome,
            human=lambda look: describe_outcome(outcome, look),
            identify=lambda each: each.batch or each.plan,
        )
    )


def describe_outcome(outcome: Outcome, look: Look) -> str:
    """A line, then what was not processed."""
    if outcome.batch is None and outcome.total == 0 and outcome.action not in _PLACED:
        return "Nothing matches: there was nothing to do."
    if outcome.action in _PLACED and outcome.state is BatchState.DONE:
        return f"{_PLACED[outcome.action]}  batch {outcome.batch}"
    word = outcome.plan_state if outcome.state is None else outcome.state
    counts = outcome.counts
    if outcome.batch is None:
        counts = {in_words(outcome.action, verdict): count for verdict, count in outcome.verdicts.items()}
    told = ", ".join(f"{name} {count}" for name, count in counts.items() if count) or "nothing"
    shown, style = state(word)
    name = f"batch {outcome.batch}" if outcome.batch else f"plan {outcome.plan[:12]}…"
    text = f"{look.paint(shown, style)}  {outcome.action} of {outcome.total}: {told}  ({plain(name)})\n"
    if outcome.not_processed:
        items = [
            msgspec.structs.replace(item, state=in_words(outcome.action, item.state))
            for item in outcome.not_processed[:SHOWN_ITEMS]
        ]
        listing = Listing(of=NotProcessed, items=items, columns=ITEMS, empty="", identify=lambda each: each.id)
        text += "\n" + render(listing, look)
        if len(outcome.not_processed) > len(items):
            rest = len(outcome.not_processed) - len(items)
            more = f"andon batches show {outcome.batch} --items" if outcome.batch else "-o json"
            text += look.paint(f"and {rest} more: {one_line(more)}\n", "dim")
    return text
