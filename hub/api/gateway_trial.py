"""Policies on trial: what they would refuse of the calls that the gateway lets through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway_policies.changeset import Changeset
from gateway_policies.enforcement import Trial
from hub.api.routing import Call, Route
from hub.api.sizes import CHANGES_LIMIT
from transactions.people import Permission

if TYPE_CHECKING:
    from hub.app import Hub


async def begin_trial(hub: Hub, call: Call) -> Trial:
    """Count what a change would refuse, without making it; a trial that there was ends."""
    return await hub.trials.begin(call.body, call.principal.subject, hub.clock.now())


async def show_trial(hub: Hub, _call: Call) -> Trial:
    """What was counted since it began."""
    return await hub.trials.show()


async def end_trial(hub: Hub, call: Call) -> Trial:
    """End it; the answer is what was counted."""
    return await hub.trials.end(call.principal.subject, hub.clock.now())


ROUTES = (
    Route(
        method="POST",
        path="gateway/trial",
        summary="Try a change on live traffic: what it would refuse is counted, and nothing is changed",
        handler=begin_trial,
        permission=Permission.POLICY_PLAN,
        whole_hub=True,
        body=Changeset,
        body_bytes=CHANGES_LIMIT,
        answers=Trial,
        status=201,
        problems=("stale", "refused", "plan-altered"),
    ),
    Route(
        method="GET",
        path="gateway/trial",
        summary="What the policies on trial would have refused so far",
        handler=show_trial,
        permission=Permission.READ,
        whole_hub=True,
        answers=Trial,
        problems=("not-found",),
    ),
    Route(
        method="DELETE",
        path="gateway/trial",
        summary="End the trial of policies",
        handler=end_trial,
        permission=Permission.POLICY_PLAN,
        whole_hub=True,
        answers=Trial,
        problems=("not-found",),
    ),
)
