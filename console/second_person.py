"""Four eyes in words: what waits for whom, what a decision does, and the command that does the same."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from console.looks import Look, Tone
from console.text import number, one_line
from transactions.approvals import ApprovalItem, ApprovalKind
from transactions.durations import short
from transactions.plans import Action, Decision

HASH_CELLS = 12
"""As much of a hash as names a plan to the platform."""
SHOWN = 200
"""Approvals that are asked for at once."""
YOURS = "yours: somebody else decides"


class Waiting(NamedTuple):
    """How much waits for a second person, for one who looks at it.

    Attributes:
        approve: plans of others that wait for approval.
        review: runs of others whose review is owed, overdue ones too.
        overdue: those of them that are overdue.
        own: what the person asked for and somebody else decides.
        oldest: since when the oldest plan of others waits.
    """

    approve: int = 0
    review: int = 0
    overdue: int = 0
    own: int = 0
    oldest: datetime | None = None


def waiting(items: Iterable[ApprovalItem], now: datetime) -> Waiting:
    """Count what is open at ``now``: a plan that expired since it was fetched waits no more."""
    kept = [item for item in items if open_at(item, now)]
    others = [item for item in kept if not item.own]
    reviews = [item for item in others if item.kind is ApprovalKind.REVIEW]
    return Waiting(
        approve=len(others) - len(reviews),
        review=len(reviews),
        overdue=sum(overdue(item, now) for item in reviews),
        own=len(kept) - len(others),
        oldest=min((item.asked_at for item in others if item.kind is ApprovalKind.APPROVAL), default=None),
    )


def open_at(item: ApprovalItem, now: datetime) -> bool:
    """Whether there is still something to decide."""
    return item.kind is ApprovalKind.REVIEW or item.expires_at >= now


def overdue(item: ApprovalItem, now: datetime) -> bool:
    """Whether a review should have been done."""
    return item.kind is ApprovalKind.REVIEW and (item.overdue or item.expires_at < now)


def urgency(item: ApprovalItem, now: datetime) -> tuple[int, datetime]:
    """For sorting: what is overdue, then what somebody can decide, then what others decide; by age within."""
    return (0 if overdue(item, now) else 2 if item.own else 1), item.asked_at


def look_of(item: ApprovalItem, now: datetime) -> Look:
    """How it looks in a list."""
    if overdue(item, now):
        return Look("■", "overdue", Tone.FAILED)
    if item.kind is ApprovalKind.REVIEW:
        return Look("▲", "review", Tone.QUIET if item.own else Tone.LATE)
    return Look("◆", "approval", Tone.QUIET if item.own else Tone.HELD)


def left(item: ApprovalItem, now: datetime) -> str:
    """How long there is to decide: ``23h``; ``2h late`` for a review that is."""
    span = item.expires_at - now
    return f"{short(-span)} late" if span.total_seconds() < 0 else short(span)


def told(counts: Waiting, *, parts: int) -> list[tuple[str, Tone]]:
    """For the bar: ``2 to approve``; empty where nothing waits for this person.

    Args:
        counts: what waits.
        parts: how many there is room for. What is overdue comes first, the rest is counted together.
    """
    late, reviews = counts.overdue, counts.review - counts.overdue
    every = [
        (f"■ {number(late)} late review{'' if late == 1 else 's'}" if late else "", Tone.FAILED),
        (f"{number(reviews)} to review" if reviews else "", Tone.LATE),
        (f"{number(counts.approve)} to approve" if counts.approve else "", Tone.ACCENT),
    ]
    kept = [(said, tone) for said, tone in every if said]
    if len(kept) <= parts:
        return kept
    rest = (f"{number(reviews + counts.approve)} to decide", Tone.ACCENT)
    return [*kept[:1], rest][:parts] if late else [rest]


def word(decision: Decision, kind: ApprovalKind) -> str:
    """What the decision is called where it is made."""
    if kind is ApprovalKind.REVIEW:
        return "find nothing wrong" if decision is Decision.APPROVE else "object"
    return str(decision)


def consequence(decision: Decision, kind: ApprovalKind, action: Action, count: int, asker: str) -> str:
    """What happens when this is decided, before it is."""
    who = one_line(asker)
    if kind is ApprovalKind.REVIEW:
        said = "that nothing was wrong with it" if decision is Decision.APPROVE else "that it should not have been done"
        return f"It goes on record {said}, with the reason, and the review is closed. What ran stays as it is."
    if action is Action.POLICY:
        many = "1 resource" if count == 1 else f"{number(count)} resources"
        if decision is Decision.REJECT:
            return f"It can never be applied: nothing is changed, and {who} can read why."
        return f"{many} of the gateway change now, all or none, in the name of {who} and with the rights of {who}."
    if decision is Decision.REJECT:
        return f"The plan can never run: nothing is sent, and {who} can read why."
    if action in (Action.HOLD, Action.RELEASE):
        # A release has no items until it runs: what is held by then goes.
        return f"The {action} starts now, in the name of {who}."
    return f"A {action} of {number(count)} starts now, in the name of {who} and with the rights of {who}."


def equivalent(plan: str, decision: Decision, reason: str | None) -> str:
    """The command line that decides; without a reason, with a word in its place for somebody else to fill in."""
    words = ["andon", "approvals", str(decision), plan[:HASH_CELLS], "--reason"]
    return shlex.join([*words, reason, "--yes"]) if reason is not None else f"{shlex.join(words)} TEXT"
