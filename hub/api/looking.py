"""The landscape, the board, and who one is."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from hub.api.routing import Call, Route
from hub.declarations import PlantDeclaration
from hub.delivery.breaker import BreakerState
from hub.store import board as boards
from hub.store import questions
from hub.store.reach import within
from hub.store.schema import tallies
from transactions.landscape import Board, Flow, Health, Hold, HubStatus, Plant, System, WhoAmI
from transactions.model import Status
from transactions.pages import Page
from transactions.people import Permission, Reach
from transactions.shifts import read_shift, shift_at
from transactions.states import MOVING, OPEN

if TYPE_CHECKING:
    from hub.app import Hub

_CAUSES = 12
"""Those that the board shows."""


async def list_systems(hub: Hub, call: Call) -> Page[System]:
    """Every instance, and how it is doing. Somebody with limits sees those of the plants within reach, and what serves
    all plants, with counts of what is within reach only."""
    reach = call.reach
    counts = await hub.database.read(
        lambda c: c.execute(
            select(tallies.c.target, tallies.c.plant, tallies.c.status, func.sum(tallies.c.count))
            .where(*within(reach, tallies))
            .group_by(tallies.c.target, tallies.c.plant, tallies.c.status)
        ).all()
    )
    holds = await hub.database.read(lambda c: boards.active_holds(c, reach))
    found: dict[tuple[str, str | None], dict[Status, int]] = {}
    for target, plant, status, count in counts:
        statuses = found.setdefault(hub.landscape.instance(target, plant or None), {})
        statuses[Status(status)] = statuses.get(Status(status), 0) + int(count)
    return Page(
        items=[
            _system(hub, name, plant, found.get((name, plant), {}), holds, reach)
            for name, plant in hub.instances()
            if plant is None or reach.plants is None or plant in reach.plants
        ]
    )


def _system(
    hub: Hub, name: str, plant: str | None, counts: dict[Status, int], holds: list[Hold], reach: Reach
) -> System:
    declaration = hub.landscape.catalogue.system[name]
    outlet = hub.engine.outlet(name, plant)
    endpoint = hub.landscape.endpoint(name, plant)
    held_here = any(hold.flow is None and hold.target in (None, name) and hold.plant in (None, plant) for hold in holds)
    return System(
        name=name,
        title=declaration.title,
        plant=plant,
        health=_health(outlet.breaker.state, outlet.last_success, outlet.last_failure, held_here),
        breaker=outlet.breaker.state,
        idempotent=declaration.idempotent,
        lookup=endpoint is not None and endpoint.asks,
        settle_after_seconds=declaration.settle_seconds(),
        quota_per_second=declaration.quota_per_second(),
        owner=declaration.owner,
        open=sum(counts.get(status, 0) for status in OPEN),
        held=counts.get(Status.HELD, 0),
        moving=sum(counts.get(status, 0) for status in MOVING - {Status.HELD}),
        last_success_at=outlet.last_success,
        last_failure_at=outlet.last_failure,
        # what the system said last may have been about anything
        last_failure=outlet.last_failure_text if reach.everything else None,
    )


def _health(breaker: BreakerState, success: datetime | None, failure: datetime | None, held: bool) -> Health:
    if held:
        return Health.HELD
    if breaker is not BreakerState.CLOSED:
        return Health.DOWN
    if success is None and failure is None:
        return Health.IDLE
    if failure is not None and (success is None or failure > success):
        return Health.WARNING
    return Health.OK


async def list_flows(hub: Hub, call: Call) -> Page[Flow]:
    """Every flow within reach, as declared."""
    flows = hub.landscape.catalogue.flow
    masks = hub.landscape.masks
    return Page(
        items=[masks.describe(flow.describe(name)) for name, flow in flows.items() if call.reach.touches(None, name)]
    )


async def list_plants(hub: Hub, call: Call) -> Page[Plant]:
    """Every plant within reach, with the shift that runs now."""
    now = hub.clock.now()
    plants = hub.landscape.catalogue.plant
    return Page(items=[_plant(name, plant, now) for name, plant in plants.items() if call.reach.touches(name, None)])


def _plant(name: str, plant: PlantDeclaration, now: datetime) -> Plant:
    shift = shift_at(now, ZoneInfo(plant.timezone), [read_shift(start) for start in plant.shifts])
    return Plant(
        name=name,
        title=plant.title,
        timezone=plant.timezone,
        lines=plant.lines,
        shift=shift.name,
        shift_ends_at=shift.ends_at,
    )


async def list_holds(hub: Hub, call: Call) -> Page[Hold]:
    """Holds that people placed and nobody released."""
    return Page(items=await hub.database.read(lambda c: boards.active_holds(c, call.reach)))


async def show_board(hub: Hub, call: Call) -> Board:
    """The board of what is within reach."""
    causes = (await hub.causes.causes(call.reach)).items[:_CAUSES]
    return await hub.database.read(lambda c: boards.board(c, hub.platform, causes, hub.clock.now(), call.reach))


async def show_status(hub: Hub, call: Call) -> HubStatus:
    """How the hub is set up and how much it holds."""
    counts = await hub.database.read(lambda c: questions.status_counts(c, call.reach))
    behind = await hub.database.read(hub.search.index.behind)
    refusal, gateway = hub.watch.refusal, hub.enforcement.status()
    return HubStatus(
        platform=hub.platform,
        version=hub.version,
        started_at=hub.started_at,
        database=hub.database.description,
        schema=hub.database.revision,
        simulate=hub.simulator is not None,
        profile=hub.profile.name,
        transactions=sum(counts.values()),
        counts=counts,
        search_behind=behind,
        no_writes_since=None if refusal is None else refusal.since,
        no_writes_because=None if refusal is None else refusal.because,
        gateway=gateway.state,
        gateway_because=gateway.because,
    )


async def who_am_i(_hub: Hub, call: Call) -> WhoAmI:
    """Who the token belongs to."""
    who = call.principal
    return WhoAmI(
        subject=who.subject,
        kind=who.kind,
        roles=sorted(who.roles),
        permissions=sorted(who.permissions),
        expires_at=who.expires_at,
        limits=who.limits,
        name=who.name,
        issuer=who.issuer,
    )


ROUTES = (
    Route(
        method="GET",
        path="systems",
        summary="Systems and their health",
        handler=list_systems,
        permission=Permission.READ,
        answers=Page[System],
    ),
    Route(
        method="GET",
        path="flows",
        summary="Flows as declared",
        handler=list_flows,
        permission=Permission.READ,
        answers=Page[Flow],
    ),
    Route(
        method="GET",
        path="plants",
        summary="Plants and their shifts",
        handler=list_plants,
        permission=Permission.READ,
        answers=Page[Plant],
    ),
    Route(
        method="GET",
        path="holds",
        summary="Holds placed by people",
        handler=list_holds,
        permission=Permission.READ,
        answers=Page[Hold],
    ),
    Route(
        method="GET",
        path="board",
        summary="Everything the board shows",
        handler=show_board,
        permission=Permission.READ,
        answers=Board,
    ),
    Route(
        method="GET",
        path="status",
        summary="The hub itself",
        handler=show_status,
        permission=Permission.READ,
        answers=HubStatus,
    ),
    Route(
        method="GET",
        path="whoami",
        summary="Who the token belongs to",
        handler=who_am_i,
        permission=None,
        answers=WhoAmI,
    ),
)
