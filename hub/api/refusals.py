"""What stopped a transaction at the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway_policies.explaining.stopped_call import StoppedCall
from hub.api.routing import Call, Route
from hub.gateway.stopping import what_stopped
from hub.store.questions import one_row
from transactions.people import Permission

if TYPE_CHECKING:
    from hub.app import Hub


async def show_refusal(hub: Hub, call: Call) -> StoppedCall:
    """Who called what, what was missing, since when, what helps."""
    now = hub.clock.now()
    return await hub.database.read(lambda c: what_stopped(c, one_row(c, call.path["id"], call.reach), now))


ROUTES = (
    Route(
        method="GET",
        path="transactions/{id}/refusal",
        summary="The policy of the gateway that stopped a transaction: what was missing, since when, what helps",
        handler=show_refusal,
        permission=Permission.READ,
        answers=StoppedCall,
        problems=("not-found", "refused"),
    ),
)
