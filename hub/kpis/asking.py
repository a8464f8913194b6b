"""Sums of what was counted, over a window and within somebody's reach; never of more than some thousand rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, func, select, text, true, union_all

from hub.kpis.counting import GRAINS
from hub.store.reach import within
from hub.store.schema import kpi_counts, kpi_spans, reconciliations
from transactions.clock import from_micros
from transactions.kpis.counts import Measure, Span, Totals
from transactions.kpis.definitions import AGES
from transactions.kpis.model import Reconciled
from transactions.kpis.reporting import Place
from transactions.kpis.windows import DAY, HOUR, MINUTE, Window, hours_from
from transactions.people import Reach

Piece = tuple[int, int, int]
"""A grain, and from which second to which its rows are summed."""

_MEASURES = [measure.value for measure in Measure]
_SOME_OPEN = text("open <> 0")
"""As the index of what is open says it, which has few rows however long numbers are kept."""


class Cut:
    """What questions are cut down to: somebody's reach, and one plant or flow of it."""

    def __init__(self, reach: Reach, plant: str | None = None, flow: str | None = None) -> None:
        self.reach, self.plant, self.flow = reach, plant, flow

    def conditions(self, table: Table) -> list[Any]:
        """Conditions on a table of counts."""
        found = within(self.reach, table)
        found += [] if self.plant is None else [table.c.plant == self.plant]
        found += [] if self.flow is None else [table.c.flow == self.flow]
        return found


def pieces(window: Window, coarsest: int = DAY) -> list[Piece]:
    """Rows that make up an aligned window: each moment of it exactly once, of whole days as far as that goes. On the
    edges that :meth:`Window.aligned` puts it, it needs no minutes and hours that are kept no more.

    Args:
        coarsest: the largest grain that is taken.
    """
    grains = [grain for grain in GRAINS if grain <= coarsest]
    return _split(int(window.begin.timestamp()), int(window.until.timestamp()), grains)


def _split(first: int, last: int, grains: list[int]) -> list[Piece]:
    if first >= last:
        return []
    finer, grain = grains[:-1], grains[-1]
    if not finer:
        return [(grain, first, last)]
    whole, end = -(-first // grain) * grain, last // grain * grain
    if whole >= end:
        return _split(first, last, finer)
    return [*_split(first, whole, finer), (grain, whole, end), *_split(end, last, finer)]


def totals(connection: Connection, window: Window, cut: Cut) -> dict[Place, Totals]:
    """Everything that was counted in a window, by place."""
    wanted = pieces(window)
    found: dict[Place, Totals] = defaultdict(Totals)
    place = ("plant", "flow", "target")
    for row in _counts(connection, wanted, place, cut):
        found[row.plant, row.flow, row.target].counts = _read(row)
    for row in _spans(connection, wanted, place, cut):
        spans = found[row.plant, row.flow, row.target].spans
        spans.setdefault(Span(row.span), Counter())[row.slot] += int(row.count)
    return dict(found)


def slices(connection: Connection, window: Window, now: datetime, cut: Cut) -> dict[int, dict[tuple[str, str], Totals]]:
    """The same in slices of the window, by flow and target."""
    step, begin = window.step(now), int(window.begin.timestamp())
    wanted = pieces(window, max(grain for grain in GRAINS if step % grain == 0))
    found: dict[int, dict[tuple[str, str], Totals]] = defaultdict(lambda: defaultdict(Totals))
    for row in _counts(connection, wanted, ("flow", "target"), cut, step):
        found[int(row.slice) - begin // step][row.flow, row.target].counts = _read(row)
    for row in _spans(connection, wanted, ("flow", "target"), cut, step):
        spans = found[int(row.slice) - begin // step][row.flow, row.target].spans
        spans.setdefault(Span(row.span), Counter())[row.slot] += int(row.count)
    return found


def open_by_age(connection: Connection, now: datetime, cut: Cut) -> dict[tuple[str, str], list[int]]:
    """How many exceptions are open now in each bucket of age, by plant and flow. Edges are those that numbers are kept
    by: a minute for two days, then an hour."""
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(AGES))
    until = now + timedelta(days=1)  # a clock that was set back may have left some in the future
    for place, (_, hours) in enumerate(AGES):
        begin = from_micros(0) if hours is None else now - timedelta(hours=hours)
        window = Window(label="", begin=begin, until=until).aligned(now)
        summed = _summing(kpi_counts, pieces(window), ("plant", "flow"), [Measure.OPEN.value], cut, only=_SOME_OPEN)
        for row in connection.execute(summed):
            if row.open:
                found[row.plant, row.flow][place] = int(row.open)
        until = window.begin
    return dict(found)


def by_hour(
    connection: Connection, window: Window, now: datetime, cut: Cut, *measures: Measure
) -> list[tuple[Any, ...]]:
    """Some numbers of each flow and hour (of long ago: day): flow, when it began, the numbers."""
    wanted = pieces(window, HOUR) if window.begin >= hours_from(now) else pieces(window)
    if not wanted:
        return []
    hours: Counter[tuple[str, int, Measure]] = Counter()
    names = [measure.value for measure in measures]
    for row in connection.execute(_summing(kpi_counts, wanted, ("flow", "at"), names, cut)):
        for measure in measures:
            hours[row.flow, row.at // HOUR * HOUR, measure] += int(getattr(row, measure.value))
    keys = sorted({(flow, at) for flow, at, _ in hours})
    return [(flow, from_micros(at * 1_000_000), *(hours[flow, at, each] for each in measures)) for flow, at in keys]


def counted_since(connection: Connection) -> datetime | None:
    """The first moment that anything was counted at, as exactly as that is kept."""
    day, hour, minute = (_first(connection, grain) for grain in (DAY, HOUR, MINUTE))
    if day is not None or hour is None:
        return day
    exact = minute is not None and minute - hour < timedelta(hours=1)
    return minute if exact else hour


def _first(connection: Connection, grain: int) -> datetime | None:
    at = connection.execute(select(func.min(kpi_counts.c.at)).where(kpi_counts.c.grain == grain)).scalar()
    return None if at is None else from_micros(at * 1_000_000)


def reconciled(connection: Connection, cut: Cut) -> list[Reconciled]:
    """The newest reconciliation of each kind at each plant within reach."""
    table = reconciliations
    newest = (
        select(table.c.kind, table.c.plant, func.max(table.c.at).label("at"))
        .group_by(table.c.kind, table.c.plant)
        .subquery()
    )
    question = select(table).join(
        newest, and_(newest.c.kind == table.c.kind, newest.c.plant == table.c.plant, newest.c.at == table.c.at)
    )
    if cut.reach.plants is not None:
        question = question.where(table.c.plant.in_(sorted(cut.reach.plants)))
    if cut.plant is not None:
        question = question.where(table.c.plant == cut.plant)
    return [
        Reconciled(
            kind=row.kind,
            plant=row.plant,
            at=from_micros(row.at),
            as_of=from_micros(row.as_of),
            compared=row.compared,
            differences=row.differences,
            unexplained=row.unexplained,
            complete=bool(row.complete),
        )
        for row in connection.execute(question.order_by(table.c.kind, table.c.plant))
    ]


def _counts(
    connection: Connection, wanted: list[Piece], by: tuple[str, ...], cut: Cut, step: int | None = None
) -> list[Any]:
    if not wanted:
        return []
    return list(connection.execute(_summing(kpi_counts, wanted, by, _MEASURES, cut, step)))


def _spans(
    connection: Connection, wanted: list[Piece], by: tuple[str, ...], cut: Cut, step: int | None = None
) -> list[Any]:
    if not wanted:
        return []
    return list(connection.execute(_summing(kpi_spans, wanted, (*by, "span", "slot"), ["count"], cut, step)))


def _summing(
    table: Table,
    wanted: list[Piece],
    by: tuple[str, ...],
    numbers: list[str],
    cut: Cut,
    step: int | None = None,
    only: Any = true(),  # noqa: B008 - a condition is never changed
) -> Select[Any]:
    """Sum ``numbers`` of some pieces, ``by`` some columns and, with ``step``, by slice, of rows that are ``only`` so.

    One select for each piece, since each is a range of the primary key.
    """
    keys = [table.c[name] for name in by]
    slice_ = [] if step is None else [(table.c.at // step).label("slice")]
    parts = [
        select(*keys, *slice_, *(table.c[name] for name in numbers)).where(
            table.c.grain == grain, table.c.at >= begin, table.c.at < until, *cut.conditions(table), only
        )
        for grain, begin, until in wanted
    ]
    rows = union_all(*parts).subquery()
    grouped = [rows.c[name] for name in by] + ([] if step is None else [rows.c.slice])
    return select(*grouped, *(func.sum(rows.c[name]).label(name) for name in numbers)).group_by(*grouped)


def _read(row: Any) -> Counter[Measure]:
    return Counter({measure: number for measure in Measure if (number := int(getattr(row, measure.value)))})
