"""What every action on transactions says of itself: what it wants, its verdict for each, and how it is carried out."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from hub.delivery import guards
from hub.edits.making import Made
from hub.landscape import Landscape
from hub.recovery.heard import Heard
from hub.store.transitions import TxRow
from transactions.edits import PlannedEdit
from transactions.plans import Action, PlanItem, PlanOptions, PlanRequest, Verdict
from transactions.states import Event


class Decision(Struct, frozen=True):
    """A verdict and its reason in words; of an edit also the document that will be sent.

    Attributes:
        waits: nothing but a hold that people placed stands against it: it is taken up, and goes when that is released.
    """

    verdict: Verdict
    because: str | None = None
    edit: PlannedEdit | None = None
    waits: bool = False

    @property
    def runs(self) -> bool:
        """Whether a run takes it up."""
        return self.verdict is Verdict.SEND or self.waits


SEND = Decision(Verdict.SEND)


class Question(Struct, frozen=True, kw_only=True):
    """What a verdict is asked with.

    Attributes:
        connection: a reader's.
        options: what the caller forces or names.
        landscape: flows and targets.
        planned: ids in the same plan; what waits behind one of them goes in sequence.
        now: the present moment.
        actor: who asks.
        documents: where a kind puts the documents that it made, by the id of their transaction: the plan keeps them.
        heard: what targets said when they were asked for this, by the id of the transaction.
        standing: what was decided before and stays posted, by the process or lane that it holds; a kind's own notes.
        holds: those that people placed and nobody released; none when it is run, since then it waits for them.
        batch: the one that runs; None while it is planned.
    """

    connection: Connection
    options: PlanOptions
    landscape: Landscape
    planned: set[str]
    now: datetime
    actor: str = ""
    documents: dict[str, Made] = msgspec.field(default_factory=dict)
    heard: dict[str, Heard] = msgspec.field(default_factory=dict)
    standing: dict[str, str] = msgspec.field(default_factory=dict)
    holds: list[Any] = msgspec.field(default_factory=list)
    batch: str | None = None


class Kind(Protocol):
    """One action on transactions.

    Attributes:
        action: its name.
        past: what was done, in a word that follows 'cannot be'.
        event: the step of the life cycle that begins it; what cannot take it any more has drifted.
        sends: whether it makes requests, so that waves, rate and concurrency hold for it.
    """

    action: Action
    past: str
    event: Event
    sends: bool

    def check(self, request: PlanRequest) -> None:
        """Hold a request against what the action wants.

        Raises:
            Invalid: an option is missing or too much.
        """
        ...

    def decide(self, row: Any, question: Question) -> Decision:
        """The verdict for one transaction that nobody else has claimed."""
        ...


class AtOnce(Kind, Protocol):
    """An action that is begun from what the store knows; what guards its requests is asked in delivery."""

    def carry_out(self, connection: Connection, batch: Any, item: Any, row: TxRow, now: datetime) -> None:
        """Begin it for one item, in the write that takes the item up: its new state is set here or by the steps of the
        life cycle that follow from what is begun here.

        Args:
            batch: row of ``batches``.
            item: row of ``batch_items``.
            row: the transaction, as the plan saw it.
        """
        ...


class Asking(Kind, Protocol):
    """An action that hangs on what the target says: it is asked when the plan is made, and again when it runs."""

    def carry_out_heard(self, connection: Connection, batch: Any, item: Any, row: TxRow, question: Question) -> None:
        """Begin it for one item that :meth:`decide` let through just now; ``question`` has what the target said."""
        ...


def said(item: PlanItem) -> str:
    """An item's verdict and its reason, as a skipped item shows it."""
    return f"{item.verdict}: {item.because}"


def under_hold(decision: Decision, row: Any, question: Question, *, sets_right: bool | None = None) -> Decision:
    """The decision to send something, where a hold that people placed covers it: it is taken up, and waits.

    Args:
        sets_right: whether what would leave sets right what was posted; None to look.
    """
    if not question.holds:
        return decision
    right = guards.sets_right(question.connection, row) if sets_right is None else sets_right
    blocked = guards.held_by_people(row, question.holds, sets_right=right)
    if blocked is None:
        return decision
    first = f"{decision.because}. " if decision.because else ""
    since = "" if blocked.since is None else f", since {blocked.since:%Y-%m-%d %H:%M} UTC"
    return Decision(
        Verdict.HELD_BEHIND, f"{first}{blocked.text}{since}; it goes when that is released", decision.edit, waits=True
    )
