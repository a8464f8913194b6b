"""What was seen at the gateway of the hub: who called what, how often, when last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from gateway_policies.traffic.outcomes import Outcome
from gateway_policies.traffic.report import (
    Arrivals,
    Imported,
    ImportedCalls,
    Imports,
    SeenCalls,
    UsageReport,
    grouping,
)
from hub.api.routing import Call, Route
from hub.api.transactions import Limit
from hub.usage.arrivals import arrivals
from hub.usage.asking import LET_THROUGH_WORD, Wanted, report, usage_of
from hub.usage.importing import imports, take
from transactions.errors import Invalid
from transactions.kpis.windows import Window, parse_window
from transactions.people import Permission

if TYPE_CHECKING:
    from datetime import datetime

    from hub.app import Hub

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Since = Annotated[str, Meta(min_length=1, max_length=60, description="7d, 24h, or a moment")]
OUTCOMES = (*Outcome, LET_THROUGH_WORD)


class GatewayUsageParams(Struct, frozen=True, forbid_unknown_fields=True):
    """What is added up, and by what.

    Attributes:
        by: consumer, api, version, operation, scope, outcome, with commas between them.
        outcome: one of them, or let-through, or refused for all that the gateway refused.
    """

    since: Since = "7d"
    by: Annotated[str, Meta(min_length=1, max_length=100)] = "consumer,api"
    consumer: Name | None = None
    api: Name | None = None
    version: Name | None = None
    scope: Name | None = None
    outcome: Name | None = None
    limit: Limit = 1_000


class GatewayCallsParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Since when."""

    since: Since = "30d"


async def show_usage(hub: Hub, call: Call) -> UsageReport:
    """Calls of a window, added up."""
    params: GatewayUsageParams = call.params
    now = hub.clock.now()
    window = _window(params.since, now)
    try:
        by = grouping(params.by)
    except ValueError as error:
        raise Invalid(f"Calls cannot be added up so: {error}.", parameter="by") from error
    if params.outcome is not None and params.outcome not in OUTCOMES:
        raise Invalid(f"There is no outcome {params.outcome!r}. There is: {', '.join(OUTCOMES)}.", parameter="outcome")
    wanted = Wanted(
        consumer=params.consumer, api=params.api, version=params.version, scope=params.scope, outcome=params.outcome
    )
    return await hub.database.read(lambda c: report(c, window, now, by, wanted, params.limit))


async def show_calls(hub: Hub, call: Call) -> SeenCalls:
    """What was seen, as plans of policies take it."""
    now = hub.clock.now()
    window = _window(call.params.since, now)
    return SeenCalls(usage=await hub.database.read(lambda c: usage_of(c, window, now)))


def _window(since: str, now: datetime) -> Window:
    try:
        return parse_window(since if ".." in since else f"{since}..", now)
    except ValueError as error:
        raise Invalid(f"The time cannot be used: {error}.", parameter="since") from error


class GatewayArrivalsParams(Struct, frozen=True, forbid_unknown_fields=True):
    """From when; ``begin`` (seconds since 1970) goes on where the answer before ended."""

    since: Since = "7d"
    begin: Annotated[int, Meta(ge=0)] | None = None


async def show_arrivals(hub: Hub, call: Call) -> Arrivals:
    """What came to the throttles, second by second."""
    params: GatewayArrivalsParams = call.params
    window = _window(params.since, hub.clock.now())
    begin, until = int(window.begin.timestamp()), int(window.until.timestamp()) + 1
    begin -= begin % 60
    first = begin if params.begin is None else max(begin, params.begin)
    return await hub.database.read(lambda c: arrivals(c, first, until))


async def take_import(hub: Hub, call: Call) -> Imported:
    """Count a piece of another gateway's log, once."""
    piece: ImportedCalls = call.body
    by, now = call.principal.subject, hub.clock.now()
    return await hub.database.write(lambda c: take(c, piece, by, now))


async def list_imports(hub: Hub, _call: Call) -> Imports:
    """The pieces that were counted."""
    return Imports(items=await hub.database.read(imports))


ROUTES = (
    Route(
        method="GET",
        path="gateway/usage",
        summary="Who called what at the gateway, how often, when last, and what was refused",
        handler=show_usage,
        permission=Permission.READ,
        whole_hub=True,
        params=GatewayUsageParams,
        answers=UsageReport,
    ),
    Route(
        method="GET",
        path="gateway/usage/calls",
        summary="What was seen at the gateway, as plans of policies take it",
        handler=show_calls,
        permission=Permission.READ,
        whole_hub=True,
        params=GatewayCallsParams,
        answers=SeenCalls,
    ),
    Route(
        method="GET",
        path="gateway/usage/arrivals",
        summary="What came to the gateway's throttles, second by second, for eight days",
        handler=show_arrivals,
        permission=Permission.READ,
        whole_hub=True,
        params=GatewayArrivalsParams,
        answers=Arrivals,
    ),
    Route(
        method="GET",
        path="gateway/usage/imports",
        summary="Which logs of other gateways were counted, newest first",
        handler=list_imports,
        permission=Permission.READ,
        whole_hub=True,
        answers=Imports,
    ),
    Route(
        method="POST",
        path="gateway/usage/imports",
        summary="Count a piece of another gateway's log; the same piece counts once",
        handler=take_import,
        permission=Permission.POLICY_APPLY,
        whole_hub=True,
        body=ImportedCalls,
        answers=Imported,
        problems=("stale",),
    ),
)
