"""Four eyes: when a plan wants a second person, and what that person said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from transactions.batches import Batch
from transactions.model import Risk
from transactions.plans import LONGEST_REASON, Action, Decision, PlanItem, PlanOptions, PlanState

ITEMS_WITHOUT_SECOND_PERSON = 1_000
"""What one person may start alone, by default; above it a second one is wanted whatever the risk."""
REVIEW_WITHIN = timedelta(hours=24)
SENSITIVE = frozenset({Risk.FINANCIAL, Risk.QUALITY})
"""Risks whose transactions are not closed, changed or forced by one person."""
_NOUNS = {
    Action.EDIT: "an edit",
    Action.CORRECT: "a correction",
    Action.COMPENSATE: "a compensation",
    Action.RESOLVE: "a resolution",
}
_ALONE = frozenset({Action.REPLAY, Action.RESTORE, Action.HOLD, Action.REOPEN})
"""Actions that one person may take on anything: they send what was sent before, or stop harm."""


class ApprovalKind(StrEnum):
    """What is wanted of somebody: leave before a run, or a look at one that ran without leave."""

    APPROVAL = "approval"
    REVIEW = "review"


class ApprovalItem(Struct, frozen=True, kw_only=True):
    """Something that waits for a second person.

    Attributes:
        hash: of the plan.
        requested_by: who asked, and so may not decide.
        expires_at: when the plan can no longer be approved, or the review is due.
        count: transactions that it acts on, or resources of the gateway.
        because: why a second person is wanted, each reason a sentence.
        overdue: a review that should have been done.
        own: the caller asked for it.
    """

    hash: str
    kind: ApprovalKind
    action: Action
    requested_by: str
    reason: str
    asked_at: datetime
    expires_at: datetime
    count: int
    because: list[str]
    overdue: bool
    own: bool


class DecisionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a second person sends."""

    reason: Annotated[str, Meta(max_length=LONGEST_REASON)]


class Decided(Struct, frozen=True, kw_only=True):
    """What came of a decision; ``batch`` is the run that an approval started, ``revision`` the change of the gateway
    that it made."""

    hash: str
    kind: ApprovalKind
    decision: Decision
    state: PlanState
    batch: Batch | None = None
    revision: int | None = None


def why_second(
    action: Action, options: PlanOptions, items: Iterable[PlanItem], place_risks: frozenset[Risk], most: int
) -> list[str]:
    """Why a plan wants a second person; empty where one is enough.

    Args:
        action: what it does.
        options: how.
        items: what it does it with; only those that it acts on count.
        place_risks: risks of the flows at the place of a release.
        most: items that one person may start alone.
    """
    acting = [item for item in items if item.runs]
    because = []
    forced = options.force_superseded or options.force_schema or options.force_maybe_posted
    if action is Action.RELEASE:
        found = sorted(place_risks & SENSITIVE)
        if found:
            because.append(f"It releases a hold of {' and '.join(found)} transactions.")
    elif action not in _ALONE or forced:
        found = sorted({item.risk for item in acting} & SENSITIVE)
        count = sum(item.risk in SENSITIVE for item in acting)
        if found:
            what = f"forces {action}" if forced else f"is {_NOUNS.get(action, f'a {action}')}"
            because.append(f"It {what} of {count:,} {' and '.join(found)} transaction{'' if count == 1 else 's'}.")
    if len(acting) > most:
        because.append(f"It acts on {len(acting):,} transactions, and more than {most:,} want two people.")
    return because
