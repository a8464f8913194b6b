"""Calls about four eyes: what waits for a second person, and what that person says."""

from __future__ import annotations

from platforms.calls import Call, json_body, params, segments
from transactions.approvals import ApprovalItem, Decided, DecisionRequest
from transactions.pages import Page


def list_page(limit: int | None = None, cursor: str | None = None) -> Call[Page[ApprovalItem]]:
    """Plans that wait for approval, and reviews that are owed, oldest first."""
    return Call(method="GET", path="approvals", answers=Page[ApprovalItem], params=params(limit=limit, cursor=cursor))


def approve(hash: str, reason: str) -> Call[Decided]:  # noqa: A002
    """Approve somebody else's plan, which starts it; or close the review of one that ran without approval."""
    return _decide(hash, "approve", reason)


def reject(hash: str, reason: str) -> Call[Decided]:  # noqa: A002
    """Reject somebody else's plan; or object to one that ran without approval."""
    return _decide(hash, "reject", reason)


def _decide(plan: str, word: str, reason: str) -> Call[Decided]:
    return Call(
        method="POST",
        path=segments("plans", plan, word),
        answers=Decided,
        body=json_body(DecisionRequest(reason=reason)),
        changes=True,
    )
