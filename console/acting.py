"""What is asked before an action on some transactions becomes a plan: the same from their list and from the page of
one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from console.drafts import Draft
from console.text import one_line
from transactions.model import Status, Transaction
from transactions.plans import Action, PlanOptions

if TYPE_CHECKING:
    from console.app import AndonApp

UNCLEAR = frozenset(
    {Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED, Status.FAILED, Status.COMPENSATION_FAILED}
)
"""What somebody may resolve."""
POSTED = frozenset({Status.PROCESSED, Status.PARTLY_PROCESSED, Status.RESOLVED, Status.COMPENSATION_FAILED})
"""What can be taken back, or corrected."""


class Chosen(Struct, frozen=True):
    """Transactions that somebody chose.

    Attributes:
        some: those at hand; of all that match a filter the one under the cursor.
        filter: all that match it; None where they are named.
        count: how many there are.
    """

    some: list[Transaction]
    filter: str | None
    count: int

    @property
    def targets(self) -> str:
        """Where they went; several are told by their number."""
        found = sorted({one_line(one.target) for one in self.some})
        return found[0] if len(found) == 1 and self.filter is None else "their targets"

    def only(self, statuses: frozenset[Status]) -> bool:
        """Whether one of them at least may be in one of these; a filter may find others than the one at hand."""
        return self.filter is not None or any(one.status in statuses for one in self.some)

    @property
    def are(self) -> str:
        """Of what no status fits, for the beginning of a sentence."""
        return f"It is {self.some[0].status}" if self.count == 1 else f"None of these {self.count} is right for it"

    def draft(self, action: Action, options: PlanOptions) -> Draft:
        """The action on them."""
        ids = None if self.filter is not None else [one.id for one in self.some]
        count = None if options.process else self.count
        return Draft(action=action, ids=ids, filter=self.filter, options=options, count=count)


def resolve(app: AndonApp, chosen: Chosen) -> None:
    """Say what became of unclear ones, with what shows it; then the plan."""
    if not app.session.may_act("Resolving"):
        return
    if not chosen.only(UNCLEAR):
        app.notify(f"{chosen.are}, and nothing about it is unclear.", title="resolve")
        return
    from console.screens.undoing import ResolveScreen

    app.push_screen(ResolveScreen(chosen), lambda options: _plan(app, chosen, Action.RESOLVE, options))


def compensate(app: AndonApp, chosen: Chosen) -> None:
    """Take back what was posted: these or their processes; then the plan with its steps."""
    if not app.session.may_act("Compensating"):
        return
    if not chosen.only(POSTED):
        app.notify(f"{chosen.are}: nothing is posted that could be taken back.", title="compensate")
        return
    from console.screens.undoing import CompensateScreen

    app.push_screen(CompensateScreen(chosen), lambda options: _plan(app, chosen, Action.COMPENSATE, options))


def change(app: AndonApp, chosen: Chosen, action: Action) -> None:
    """Set fields in the documents of some: to send failed ones again with them, or to post the right ones instead of
    what was posted."""
    correcting = action is Action.CORRECT
    if not app.session.may_act("Correcting" if correcting else "Editing"):
        return
    if not chosen.only(POSTED if correcting else frozenset({Status.FAILED})):
        wanted = "only what was posted is corrected" if correcting else "only a failed one is edited"
        app.notify(f"{chosen.are}: {wanted}.", title=str(action))
        return
    from console.screens.change import ChangeScreen

    app.push_screen(ChangeScreen(chosen, action), lambda options: _plan(app, chosen, action, options))


def _plan(app: AndonApp, chosen: Chosen, action: Action, options: PlanOptions | None) -> None:
    if options is not None:
        app.draft(chosen.draft(action, options))
