"""Calls about plans: the only way to act."""

from __future__ import annotations

from platforms.calls import Call, json_body, params, segments
from transactions.batches import Batch
from transactions.pages import Page
from transactions.plans import Action, Plan, PlanOptions, PlanRequest, PlanState, PlanSummary


def create(request: PlanRequest) -> Call[Plan]:
    """Store a plan; nothing is sent until it is run."""
    return Call(method="POST", path="plans", answers=Plan, body=json_body(request), changes=True)


def create_hold(
    action: Action,
    reason: str,
    *,
    target: str | None = None,
    plant: str | None = None,
    flow: str | None = None,
    drain_rate: float | None = None,
) -> Call[Plan]:
    """Store a plan that places a hold or releases one."""
    options = PlanOptions(target=target, plant=plant, flow=flow, drain_rate=drain_rate)
    return create(PlanRequest(action=action, reason=reason, options=options))


def list_page(
    state: PlanState | None = None, limit: int | None = None, cursor: str | None = None
) -> Call[Page[PlanSummary]]:
    """Plans without their items, newest first."""
    return Call(
        method="GET", path="plans", answers=Page[PlanSummary], params=params(state=state, limit=limit, cursor=cursor)
    )


def show(hash: str) -> Call[Plan]:  # noqa: A002
    """One plan; a unique prefix of its hash, 12 characters or more, is enough."""
    return Call(method="GET", path=segments("plans", hash), answers=Plan)


def run(hash: str) -> Call[Batch]:  # noqa: A002
    """Run a stored plan; answers with the batch that has begun."""
    return Call(method="POST", path=segments("plans", hash, "run"), answers=Batch, changes=True)
