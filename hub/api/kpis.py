"""Key figures of a window, and the service levels of a week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from hub.api.routing import Call, Route
from hub.kpis.asking import Cut
from hub.kpis.reporting import tell
from hub.kpis.slo import tell_week
from transactions.durations import parse_duration
from transactions.errors import Invalid, NotFound
from transactions.kpis.model import KpiReport
from transactions.kpis.slo import SloReport
from transactions.kpis.windows import SHIFT, Window, parse_week, parse_window
from transactions.people import Permission
from transactions.shifts import read_shift, shift_at

if TYPE_CHECKING:
    from hub.app import Hub


class KpiParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The window (``1h``, ``8h``, ``24h``, ``7d``, ``shift``, or ``FROM..TO``); one plant or flow of what is within
    reach. ``shift`` is the running shift of the plant that is named, else of the hub's default plant."""

    window: Annotated[str, Meta(max_length=100)] = "24h"
    plant: str | None = None
    flow: str | None = None


class SloParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The week (``2026-W47``, ``last``, ``this``; from Monday to Monday in UTC); one plant or flow."""

    week: Annotated[str, Meta(max_length=40)] = "last"
    plant: str | None = None
    flow: str | None = None


async def show_kpis(hub: Hub, call: Call) -> KpiReport:
    """Every key figure of a window, of what is within reach."""
    params: KpiParams = call.params
    cut, now = _cut(hub, call, params.plant, params.flow), hub.clock.now()
    if params.window == SHIFT:
        window = _shift(hub, call, params.plant)
    else:
        try:
            window = parse_window(params.window, now)
        except ValueError as error:
            raise Invalid(f"The window cannot be used: {error}.", parameter="window") from error
    slos = _slos(hub)
    return await hub.database.read(lambda c: tell(c, window, now, cut, slos))


async def show_week(hub: Hub, call: Call) -> SloReport:
    """How the flows within reach kept their service levels in a week."""
    params: SloParams = call.params
    cut, now = _cut(hub, call, params.plant, params.flow), hub.clock.now()
    try:
        week = parse_week(params.week, now)
    except ValueError as error:
        raise Invalid(f"The week cannot be used: {error}.", parameter="week") from error
    slos = _slos(hub)
    return await hub.database.read(lambda c: tell_week(c, week, now, cut, slos, hub.landscape.masks))


def _slos(hub: Hub) -> dict[str, float]:
    return {name: parse_duration(flow.slo).total_seconds() for name, flow in hub.landscape.catalogue.flow.items()}


def _cut(hub: Hub, call: Call, plant: str | None, flow: str | None) -> Cut:
    catalogue, reach = hub.landscape.catalogue, call.reach
    if plant is not None and (plant not in catalogue.plant or not reach.touches(plant, None)):
        known = [name for name in sorted(catalogue.plant) if reach.touches(name, None)]
        raise NotFound(f"There is no plant {plant!r} that you may see. There is: {', '.join(known) or 'none'}.")
    if flow is not None and (flow not in catalogue.flow or not reach.covers_flow(flow)):
        known = [name for name in sorted(catalogue.flow) if reach.covers_flow(name)]
        raise NotFound(f"There is no flow {flow!r} that you may see. There is: {', '.join(known) or 'none'}.")
    return Cut(reach, plant, flow)


def _shift(hub: Hub, call: Call, named: str | None) -> Window:
    plants = hub.landscape.catalogue.plant
    reached = [name for name in sorted(plants) if call.reach.touches(name, None)]
    default = hub.landscape.catalogue.default_plant
    plant = named or (default if default in reached else next(iter(reached), None))
    if plant is None:
        raise Invalid(
            "The window cannot be used: no plant is within reach, and only plants have shifts.", parameter="window"
        )
    now, declared = hub.clock.now(), plants[plant]
    shift = shift_at(now, ZoneInfo(declared.timezone), [read_shift(start) for start in declared.shifts])
    return Window(label=f"{shift.name} shift of {plant}", begin=shift.begins_at, until=now)


ROUTES = (
    Route(
        method="GET",
        path="kpis",
        summary="Key figures of a window, compared with the window before",
        handler=show_kpis,
        permission=Permission.READ,
        params=KpiParams,
        answers=KpiReport,
        problems=("not-found",),
    ),
    Route(
        method="GET",
        path="kpis/slo",
        summary="How the flows kept their service levels in a week",
        handler=show_week,
        permission=Permission.READ,
        params=SloParams,
        answers=SloReport,
        problems=("not-found",),
    ),
)
