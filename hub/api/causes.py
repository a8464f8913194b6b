"""Causes: what lies behind trouble, ranked by what it blocks, and the order in which to work it off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from hub.api.routing import Call, Route
from transactions.causes.model import Causes
from transactions.people import Permission

if TYPE_CHECKING:
    from hub.app import Hub


class CausesParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which transactions are looked at (a filter; without it, all), and whether the systems are asked what they hold as
    well, which shows what no failure tells of and takes as long as they do."""

    filter: str | None = None
    reconcile: bool = False


async def list_causes(hub: Hub, call: Call) -> Causes:
    """Every cause within reach, the one that blocks most first."""
    params: CausesParams = call.params
    condition = None
    if params.filter is not None and params.filter.strip():
        condition = hub.condition(params.filter, hub.clock.now(), call.reach, call.principal.subject)
    return await hub.causes.causes(call.reach, condition, reconcile=params.reconcile)


ROUTES = (
    Route(
        method="GET",
        path="causes",
        summary="What lies behind trouble, what it blocks, who can help, and what to do first",
        handler=list_causes,
        permission=Permission.READ,
        params=CausesParams,
        answers=Causes,
        problems=("bad-filter",),
    ),
)
