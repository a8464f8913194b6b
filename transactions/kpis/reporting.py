"""From counts to key figures: pure arithmetic, so that a report can be told again from the same numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from transactions.kpis.counts import Totals, summed
from transactions.kpis.definitions import AGES, DEFINITIONS, Definition, Figure, Source
from transactions.kpis.model import Kpi, KpiPart, KpiReport, Reconciled, WindowShown
from transactions.kpis.windows import Window
from transactions.reconciliation.model import Kind

Place = tuple[str, str, str]
"""Plant (empty for none), flow, target (empty for a document's targets together)."""

_OLD = 4.0  # hours from which an open exception is told as old


class Numbers(Struct, frozen=True, kw_only=True):
    """Everything that a report is made of.

    Attributes:
        totals, before: of the window and the one before it, by place.
        slices: by slice of the window and by flow and target.
        open: how many are open in each bucket of age, by plant and flow.
        reconciled: the newest of each kind and plant within reach.
        beyond: why nothing that systems said is told, where it is not.
        slos: of each flow, in seconds.
        since: the first moment that anything was counted at.
    """

    totals: Mapping[Place, Totals]
    before: Mapping[Place, Totals]
    slices: Mapping[int, Mapping[tuple[str, str], Totals]]
    open: Mapping[tuple[str, str], list[int]]
    reconciled: list[Reconciled]
    beyond: str | None
    slos: Mapping[str, float]
    since: datetime | None


def report(numbers: Numbers, *, window: Window, now: datetime, plant: str | None, flow: str | None) -> KpiReport:
    """Every key figure.

    Args:
        window: aligned.
        plant, flow: what the numbers were cut down to.
    """
    previous, slices = window.before(), window.slices(now)
    return KpiReport(
        items=[_kpi(definition, numbers, window, slices, plant, flow) for definition in DEFINITIONS],
        next_cursor=None,
        at=now,
        window=WindowShown(label=window.label, begin=window.begin, until=window.until),
        before=WindowShown(label=previous.label, begin=previous.begin, until=previous.until),
        step_seconds=window.step(now),
        plant=plant,
        flow=flow,
        counted_since=numbers.since,
    )


def _kpi(
    one: Definition, numbers: Numbers, window: Window, slices: list[float], plant: str | None, flow: str | None
) -> Kpi:
    match one.source:
        case Source.STOCK:
            return _stock(one, numbers, window, plant, flow)
        case Source.RECONCILED:
            return _reconciled(one, numbers, flow)
    assert one.compute is not None
    compute = one.compute
    mine = {place: totals for place, totals in numbers.totals.items() if one.concerns(place[1], place[2])}
    earlier = [totals for place, totals in numbers.before.items() if one.concerns(place[1], place[2])]
    figure = compute(summed(mine.values()), window.hours)
    covered = numbers.since is not None and numbers.since <= window.before().begin
    bar = numbers.slos.get(flow) if one.name == "posting-latency-p95" and flow is not None else one.bar
    trend = []
    for place, hours in enumerate(slices):
        parts = (totals for key, totals in numbers.slices.get(place, {}).items() if one.concerns(*key))
        trend.append(compute(summed(parts), hours).value)
    return Kpi(
        name=one.name,
        title=one.title,
        unit=one.unit,
        better=one.better,
        value=figure.value,
        count=figure.count,
        of=figure.of,
        before=compute(summed(earlier), window.hours).value if covered or earlier else None,
        bar=bar,
        met=one.met(figure.value, bar),
        trend=trend,
        plants=_parts(one, mine, lambda place: place[0], compute, window.hours, {}),
        flows=_parts(
            one,
            mine,
            lambda place: place[1],
            compute,
            window.hours,
            numbers.slos if one.name == "posting-latency-p95" else {},
        ),
        note=_waiting(figure) if one.flow and figure.of is not None else None,
        filter=_drill(one, window, plant, flow),
    )


def _waiting(figure: Figure) -> str | None:
    waiting = (figure.of or 0) - (figure.count or 0)
    return f"{waiting:,} have not reached every target" if waiting > 0 else None


def _parts(
    one: Definition,
    mine: Mapping[Place, Totals],
    name: Callable[[Place], str],
    compute: Callable[[Totals, float], Figure],
    hours: float,
    bars: Mapping[str, float],
) -> list[KpiPart]:
    by_name: dict[str, list[Totals]] = defaultdict(list)
    for place, totals in mine.items():
        by_name[name(place)].append(totals)
    found = []
    for label, parts in sorted(by_name.items()):
        figure = compute(summed(parts), hours)
        if figure.value is None and not figure.of:
            continue
        bar = bars.get(label, one.bar)
        found.append(
            KpiPart(
                name=label,
                value=figure.value,
                count=figure.count,
                of=figure.of,
                bar=bar,
                met=one.met(figure.value, bar),
            )
        )
    return found


def _drill(one: Definition, window: Window, plant: str | None, flow: str | None) -> str | None:
    if one.drill is None:
        return None
    words = [one.drill(window)]
    words += [f"plant:{plant}"] if plant is not None else []
    words += [f"flow:{flow}"] if flow is not None and one.flow is None else []
    return " ".join(words)


def _stock(one: Definition, numbers: Numbers, window: Window, plant: str | None, flow: str | None) -> Kpi:
    old = [hours is None or hours > _OLD for _, hours in AGES]

    def aged(found: Iterable[list[int]]) -> int:
        return sum(count for ages in found for count, is_old in zip(ages, old, strict=True) if is_old)

    value = aged(numbers.open.values())
    by_plant: dict[str, list[list[int]]] = defaultdict(list)
    by_flow: dict[str, list[list[int]]] = defaultdict(list)
    for (where, what), ages in numbers.open.items():
        by_plant[where].append(ages)
        by_flow[what].append(ages)
    totals = [sum(ages[place] for ages in numbers.open.values()) for place in range(len(AGES))]
    return Kpi(
        name=one.name,
        title=one.title,
        unit=one.unit,
        better=one.better,
        value=float(value),
        count=value,
        of=sum(totals),
        before=None,
        bar=one.bar,
        met=one.met(float(value)),
        trend=[],
        plants=[_count(one, name, aged(found)) for name, found in sorted(by_plant.items())],
        flows=[_count(one, name, aged(found)) for name, found in sorted(by_flow.items())],
        parts=[
            KpiPart(name=label, value=float(count), count=count) for (label, _), count in zip(AGES, totals, strict=True)
        ],
        note="now, whatever the window",
        filter=_drill(one, window, plant, flow),
    )


def _count(one: Definition, name: str, count: int) -> KpiPart:
    return KpiPart(name=name, value=float(count), count=count, bar=one.bar, met=one.met(float(count)))


def _reconciled(one: Definition, numbers: Numbers, flow: str | None) -> Kpi:
    results = [each for each in numbers.reconciled if each.kind in one.kinds]
    note = numbers.beyond
    if flow is not None:
        results, note = [], note or "not told by flow: systems are compared by object"
    elif not results and note is None:
        note = f"unknown: nobody reconciled {' or '.join(one.kinds) if len(one.kinds) == 1 else 'anything'} yet"
    elif any(not each.complete for each in results):
        note = "some systems gave no answer"
    by_plant: dict[str, list[Reconciled]] = defaultdict(list)
    for each in results:
        by_plant[each.plant].append(each)
    figure = _said(one, results)
    by_kind = {kind: [each for each in results if each.kind == kind] for kind in one.kinds}
    return Kpi(
        name=one.name,
        title=one.title,
        unit=one.unit,
        better=one.better,
        value=figure.value,
        count=figure.count,
        of=figure.of,
        before=None,
        bar=one.bar,
        met=one.met(figure.value),
        trend=[],
        plants=[_reconciled_part(one, name, found) for name, found in sorted(by_plant.items())],
        flows=[],
        parts=[_reconciled_part(one, kind, found) for kind, found in by_kind.items() if found]
        if len(one.kinds) > 1
        else [],
        as_of=min((each.at for each in results), default=None),
        note=note,
    )


def _reconciled_part(one: Definition, name: str, results: list[Reconciled]) -> KpiPart:
    figure = _said(one, results)
    return KpiPart(
        name=name, value=figure.value, count=figure.count, of=figure.of, bar=one.bar, met=one.met(figure.value)
    )


def _said(one: Definition, results: list[Reconciled]) -> Figure:
    """What the systems said; unknown, and never zero, where nobody asked them."""
    compared = sum(each.compared for each in results)
    differing = sum(each.differences for each in results)
    if not results:
        return Figure(None)
    if len(one.kinds) > 1:
        return Figure(float(differing), differing)
    if compared <= 0:
        return Figure(None, None, 0)
    agree = Kind.ORDERS in one.kinds
    count = compared - differing if agree else differing
    return Figure(count / compared * 100.0, count, compared)
