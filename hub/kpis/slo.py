"""The service levels of a week, from what was counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from hub.kpis import asking
from hub.kpis.asking import Cut
from hub.masks import Masks
from hub.store.journal import HALF_HOUR
from hub.store.reach import of_plan
from hub.store.schema import batches, group_failures_by_half_hour, group_plants, groups, holds
from hub.store.shown import shown_template
from transactions.clock import from_micros, to_micros
from transactions.kpis.counts import Measure, Span, Totals, summed
from transactions.kpis.definitions import OBJECTIVE
from transactions.kpis.slo import SloCause, SloChange, SloFlow, SloHour, SloReport, burn, met
from transactions.kpis.spans import quantile
from transactions.kpis.windows import Window

WORST, CAUSES, CHANGES = 3, 5, 40
_NEW_CAUSES = 20


def tell_week(
    connection: Connection, week: Window, now: datetime, cut: Cut, slos: Mapping[str, float], masks: Masks
) -> SloReport:
    """The report of a week, as far as it has come.

    Args:
        slos: of each declared flow, in seconds.
    """
    until = min(week.until, now)
    window = Window(label=week.label, begin=week.begin, until=until).aligned(now)
    last = Window(label="", begin=week.before().begin, until=week.begin).aligned(now)
    mine, earlier = _by_flow(connection, window, cut), _by_flow(connection, last, cut)
    worst = _worst(connection, window, now, cut)
    causes = _causes(connection, window, cut, masks)
    flows = []
    for flow in sorted(set(mine) | {name for name in slos if _wanted(name, cut)}):
        totals, before = mine.get(flow, Totals()), earlier.get(flow, Totals())
        owed, in_time = totals[Measure.OWED], totals[Measure.IN_TIME]
        if not owed and not totals.counts:
            continue
        flows.append(
            SloFlow(
                flow=flow,
                slo_seconds=slos.get(flow),
                owed=owed,
                in_time=in_time,
                met=met(owed, in_time),
                before=met(before[Measure.OWED], before[Measure.IN_TIME]),
                burn=burn(owed, in_time, OBJECTIVE),
                p95=quantile(totals.span(Span.POSTED), 0.95),
                worst=worst.get(flow, []),
                causes=causes.get(flow, []),
            )
        )
    changes = sorted(
        [*_holds(connection, window, cut), *_batches(connection, window, cut), *_new(connection, window, cut, masks)],
        key=lambda change: change.at,
    )
    return SloReport(
        week=week.label,
        begin=week.begin,
        until=until,
        at=now,
        ended=week.until <= now,
        plant=cut.plant,
        objective=OBJECTIVE,
        flows=flows,
        changes=changes[:CHANGES],
        changes_left_out=max(0, len(changes) - CHANGES),
        counted_since=asking.counted_since(connection),
    )


def _wanted(flow: str, cut: Cut) -> bool:
    return cut.reach.covers_flow(flow) and cut.flow in (None, flow)


def _by_flow(connection: Connection, window: Window, cut: Cut) -> dict[str, Totals]:
    by_flow: dict[str, list[Totals]] = defaultdict(list)
    for (_plant, flow, _target), totals in asking.totals(connection, window, cut).items():
        by_flow[flow].append(totals)
    return {flow: summed(parts) for flow, parts in by_flow.items()}


def _worst(connection: Connection, window: Window, now: datetime, cut: Cut) -> dict[str, list[SloHour]]:
    found: dict[str, list[SloHour]] = defaultdict(list)
    for flow, at, owed, in_time in asking.by_hour(connection, window, now, cut, Measure.OWED, Measure.IN_TIME):
        if owed > in_time:
            found[flow].append(SloHour(at=at, owed=owed, missed=owed - in_time))
    return {flow: sorted(hours, key=lambda hour: (-hour.missed, hour.at))[:WORST] for flow, hours in found.items()}


def _causes(connection: Connection, window: Window, cut: Cut, masks: Masks) -> dict[str, list[SloCause]]:
    table = group_failures_by_half_hour
    count = func.sum(table.c.count).label("total")
    question = (
        select(groups, count)
        .join(table, table.c.fingerprint == groups.c.fingerprint)
        .where(
            table.c.half_hour >= to_micros(window.begin) // HALF_HOUR,
            table.c.half_hour < -(-to_micros(window.until) // HALF_HOUR),
            *_group_conditions(cut, table.c.plant),
        )
        .group_by(*groups.c)
        .order_by(count.desc(), groups.c.fingerprint)
    )
    found: dict[str, list[SloCause]] = defaultdict(list)
    for row in connection.execute(question):
        if len(found[row.flow]) < CAUSES:
            found[row.flow].append(
                SloCause(
                    fingerprint=row.fingerprint,
                    target=row.target,
                    kind=row.kind,
                    code=row.code,
                    template=shown_template(row, masks),
                    count=int(row.total),
                )
            )
    return found


def _group_conditions(cut: Cut, plant: Any) -> list[Any]:
    found: list[Any] = [] if cut.reach.flows is None else [groups.c.flow.in_(sorted(cut.reach.flows))]
    found += [] if cut.reach.plants is None else [plant.in_(sorted(cut.reach.plants))]
    found += [] if cut.plant is None else [plant == cut.plant]
    return found + ([] if cut.flow is None else [groups.c.flow == cut.flow])


def _new(connection: Connection, window: Window, cut: Cut, masks: Masks) -> Iterable[SloChange]:
    """Causes that were seen for the first time."""
    first = func.min(group_plants.c.first_seen).label("first")
    question = (
        select(groups, first)
        .join(group_plants, group_plants.c.fingerprint == groups.c.fingerprint)
        .where(*_group_conditions(cut, group_plants.c.plant))
        .group_by(*groups.c)
        .having(first >= to_micros(window.begin), first < to_micros(window.until))
        .order_by(first)
        .limit(_NEW_CAUSES)
    )
    for row in connection.execute(question):
        words = shown_template(row, masks)
        yield SloChange(
            at=from_micros(row.first), by=row.target, what=f"first failure of {row.flow} with {row.code}: {words}"
        )


def _holds(connection: Connection, window: Window, cut: Cut) -> Iterable[SloChange]:
    for row in connection.execute(select(holds)):
        if not cut.reach.touches(row.plant, row.flow) or cut.plant not in (None, row.plant):
            continue
        where = ", ".join(name for name in (row.target, row.plant, row.flow) if name) or "everything"
        if window.begin <= from_micros(row.placed_at) < window.until:
            yield SloChange(at=from_micros(row.placed_at), by=row.placed_by, what=f"held {where}: {row.reason}")
        if row.released_at is not None and window.begin <= from_micros(row.released_at) < window.until:
            yield SloChange(at=from_micros(row.released_at), by=row.released_by or "hub", what=f"released {where}")


def _batches(connection: Connection, window: Window, cut: Cut) -> Iterable[SloChange]:
    if cut.plant is not None or cut.flow is not None:  # a batch may be about several
        return
    question = (
        select(batches.c.started_at, batches.c.started_by, batches.c.action, batches.c.total, batches.c.reason)
        .where(
            batches.c.started_at >= to_micros(window.begin),
            batches.c.started_at < to_micros(window.until),
            batches.c.action.not_in(("hold", "release")),
            *of_plan(cut.reach, batches.c.plan),
        )
        .order_by(batches.c.started_at)
    )
    for row in connection.execute(question):
        yield SloChange(
            at=from_micros(row.started_at), by=row.started_by, what=f"{row.action} of {row.total:,}: {row.reason}"
        )
