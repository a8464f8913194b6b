"""What a plan decides for each transaction."""

from __future__ import annotations

from typing import Any

from hub.recovery.actions import KINDS
from hub.recovery.actions.kind import Decision, Question
from transactions.plans import Action, Verdict


def decide(action: Action, row: Any, question: Question) -> Decision:
    """The verdict for one transaction: nobody else may be at work on it, and then what the action says."""
    if row.claimed_by:
        return Decision(Verdict.REFUSED, f"batch {row.claimed_by} is at work on it")
    return KINDS[action].decide(row, question)
