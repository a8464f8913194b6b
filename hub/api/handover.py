"""The handover of a shift, and remarks to the next one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct
from sqlalchemy import Connection, and_

from hub.api.routing import Call, Route
from hub.handover.telling import Known, Shift, tell
from hub.store.group_matching import Asked
from hub.store.journal import journal
from hub.store.reach import within
from hub.store.schema import remarks, transactions
from transactions.clock import to_micros
from transactions.errors import Invalid, NotFound
from transactions.handover.model import Handover, Remark, RemarkRequest
from transactions.model import Status
from transactions.people import Permission, Reach
from transactions.shifts import read_shift, shift_at

if TYPE_CHECKING:
    from hub.app import Hub

LONGEST = timedelta(days=31)
Moment = Annotated[datetime, Meta(tz=True)]


class Which(StrEnum):
    """A shift, seen from now."""

    CURRENT = "current"
    PREVIOUS = "previous"


class HandoverParams(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"begin": "from", "until": "to"}
):
    """Which shift: the running one unless told, or a span of time; of one plant, or of all within reach by the clock of
    the hub's default plant."""

    shift: Which | None = None
    begin: Moment | None = None
    until: Moment | None = None
    plant: str | None = None


async def show_handover(hub: Hub, call: Call) -> Handover:
    """The handover."""
    params: HandoverParams = call.params
    now, reach = hub.clock.now(), call.reach
    _check_plant(hub, reach, params.plant)
    shift = _shift(hub, reach, params, now)
    if params.plant is not None:
        reach = Reach(plants=frozenset({params.plant}), flows=reach.flows)
    flows = hub.landscape.catalogue.flow
    failed = and_(transactions.c.status == Status.FAILED, *within(reach, transactions))
    asked = Asked(
        condition=failed,
        tallied=True,
        reach=reach,
        owners={name: flow.owner for name, flow in flows.items()},
        now=now,
    )
    causes = (await hub.causes.causes(reach)).items
    known = Known(
        platform=hub.platform,
        titles={name: flow.title for name, flow in flows.items()},
        systems=sorted(hub.landscape.catalogue.system),
        causes=causes,
        breakers={label: state for label, state in hub.engine.breakers().items() if state != "closed"},
        masks=hub.landscape.masks,
        who=call.principal.subject,
        whole_audit=call.reach.everything and Permission.AUDIT in call.principal.permissions,
    )
    return await hub.database.read(lambda c: tell(c, shift, asked, known))


async def add_remark(hub: Hub, call: Call) -> Remark:
    """Leave words to the next shift; they are in the handover of the shift in which they were said."""
    request: RemarkRequest = call.body
    text = request.text.strip()
    if not text:
        raise Invalid("A remark needs words. Nothing was kept.")
    _check_plant(hub, call.reach, request.plant)
    now, who = hub.clock.now(), call.principal.subject
    row = {"at": to_micros(now), "by": who, "plant": request.plant, "text": text}

    def keep(connection: Connection) -> None:
        connection.execute(remarks.insert(), row)
        journal(connection).effect(now, who, "handover.remarked", request.plant or "all", text, None, None)

    await hub.database.write(keep)
    return Remark(at=now, by=who, plant=request.plant, text=text)


def _check_plant(hub: Hub, reach: Reach, plant: str | None) -> None:
    plants = hub.landscape.catalogue.plant
    if plant is not None and (plant not in plants or not reach.touches(plant, None)):
        known = [name for name in sorted(plants) if reach.touches(name, None)]
        raise NotFound(f"There is no plant {plant!r} that you may see. There is: {', '.join(known) or 'none'}.")


def _shift(hub: Hub, reach: Reach, params: HandoverParams, now: datetime) -> Shift:
    """What the handover is about, by the clock of its plant, else of the default plant, else of the first in reach."""
    plants = hub.landscape.catalogue.plant
    reached = [name for name in sorted(plants) if reach.touches(name, None)]
    default = hub.landscape.catalogue.default_plant
    by = params.plant or (default if default in reached else next(iter(reached), None))
    zone = plants[by].timezone if by is not None else "UTC"
    if params.begin is not None or params.until is not None:
        return _span(params, now, zone)
    if by is None or not plants[by].shifts:
        raise Invalid("No plant with shifts is within reach. Say from when to when with `from` and `to`.")
    starts = [read_shift(start) for start in plants[by].shifts]
    found = shift_at(now, ZoneInfo(zone), starts)
    if params.shift is Which.PREVIOUS:
        found = shift_at(found.begins_at - timedelta(microseconds=1), ZoneInfo(zone), starts)
    day = found.begins_at.astimezone(ZoneInfo(zone))
    label = f"{found.name} shift of {day:%Y-%m-%d}" + (f", {params.plant}" if params.plant else "")
    return Shift(label=label, begin=found.begins_at, until=min(found.ends_at, now), zone=zone, plant=params.plant)


def _span(params: HandoverParams, now: datetime, zone: str) -> Shift:
    if params.shift is not None:
        raise Invalid("A shift or a span of time, not both. Leave out `shift`, or `from` and `to`.")
    until = now if params.until is None else min(params.until.astimezone(UTC), now)
    if params.begin is None or params.begin >= until:
        raise Invalid("A span of time begins with `from`, which lies before `to` and before now.")
    if until - params.begin > LONGEST:
        raise Invalid(f"A handover is about {LONGEST.days} days at most. Choose a later `from`.")
    label = "a span of time" + (f", {params.plant}" if params.plant else "")
    return Shift(label=label, begin=params.begin.astimezone(UTC), until=until, zone=zone, plant=params.plant)


ROUTES: tuple[Any, ...] = (
    Route(
        method="GET",
        path="handover",
        summary="What came in during a shift, what was done by whom, what is left and for whom it waits, what to watch",
        handler=show_handover,
        permission=Permission.READ,
        params=HandoverParams,
        answers=Handover,
        problems=("not-found",),
    ),
    Route(
        method="POST",
        path="handover/remarks",
        summary="Leave words to the next shift",
        handler=add_remark,
        permission=Permission.ACT,
        body=RemarkRequest,
        answers=Remark,
        status=201,
        problems=("not-found",),
    ),
)
