"""Every key figure, defined once: in words, and as what is computed of the counts.

The reference page is made of this table."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from transactions.kpis.counts import Measure, Span, Totals
from transactions.kpis.spans import quantile
from transactions.kpis.windows import Window
from transactions.reconciliation.model import Kind

RELEASE_FLOW, DISPATCH_TARGET = "production-order-release", "MES"
HOLD_FLOW, SHIPMENT_FLOW = "quality-hold", "shipment-status"
FOLLOWED = frozenset({HOLD_FLOW, SHIPMENT_FLOW})
"""Flows whose documents are followed until the last of their targets has them."""

OBJECTIVE = 99.0
"""Percent of the transactions of a flow that shall be in their target within its SLO."""

AGES: tuple[tuple[str, float | None], ...] = (
    ("under 1 h", 1.0),
    ("1 to 4 h", 4.0),
    ("4 to 24 h", 24.0),
    ("1 to 7 d", 168.0),
    ("over 7 d", None),
)
"""Buckets of age: a label, and the hours that a bucket ends at."""

OPEN_FILTER = "status:failed,in-doubt,parked,partly-processed,compensation-failed"


class Unit(StrEnum):
    """What a key figure is told in."""

    SECONDS = "s"
    PERCENT = "%"
    COUNT = "count"
    PER_HOUR = "/h"
    PER_THOUSAND = "per 1,000"


class Better(StrEnum):
    """Which way is better; neither for what only says how much there was."""

    UP = "up"
    DOWN = "down"
    NEITHER = "neither"


class Figure(Struct, frozen=True):
    """A computed key figure: its value (None where nothing was there to compute it of), and what stands above and below
    the line."""

    value: float | None
    count: int | None = None
    of: int | None = None


Compute = Callable[[Totals, float], Figure]
Drill = Callable[[Window], str]


class Source(StrEnum):
    """Where a key figure comes from: what was counted in the window, what is open at this moment, or what the systems
    said when they were reconciled last."""

    COUNTED = "counted"
    STOCK = "stock"
    RECONCILED = "reconciled"


class Definition(Struct, frozen=True, kw_only=True):
    """One key figure.

    Attributes:
        formula: in words.
        above, below: what is counted above and below the line; ``below`` is empty where nothing is divided.
        excludes: what is left out.
        bar: what it shall reach; None where there is no such thing.
        flow, target: it is about these alone.
        kinds: reconciliations that it is made of.
        compute: of the totals of a window and its hours.
        drill: the filter that lists what is behind it, in the words of the filter language.
    """

    name: str
    title: str
    unit: Unit
    better: Better
    formula: str
    above: str
    below: str
    excludes: str
    bar: float | None = None
    source: Source = Source.COUNTED
    flow: str | None = None
    target: str | None = None
    kinds: tuple[Kind, ...] = ()
    compute: Compute | None = None
    drill: Drill | None = None

    def concerns(self, flow: str, target: str) -> bool:
        """Whether what was counted of a flow and target belongs to it."""
        return (self.flow is None or flow == self.flow) and (self.target is None or target == self.target)

    def met(self, value: float | None, bar: float | None = None) -> bool | None:
        """Whether a value reaches the bar; None where one of them is missing."""
        wanted = self.bar if bar is None else bar
        if value is None or wanted is None:
            return None
        return value >= wanted if self.better is Better.UP else value <= wanted


def _share(above: Callable[[Totals], int], below: Callable[[Totals], int], times: float = 100.0) -> Compute:
    def compute(totals: Totals, _hours: float) -> Figure:
        count, of = above(totals), below(totals)
        # late news of what came in before the window was cut can put more above the line than below it
        value = None if of <= 0 else (min(count, of) if times == 100.0 else count) / of * times
        return Figure(value, count, of)

    return compute


def _quantile(span: Span, share: float, waiting: bool = False) -> Compute:
    def compute(totals: Totals, _hours: float) -> Figure:
        slots = totals.span(span)
        of = totals[Measure.DOCUMENTS] if waiting else None
        count = totals[Measure.REACHED] if waiting else sum(slots.values())
        return Figure(quantile(slots, share), count, of)

    return compute


def _mean(above: Measure, count: Measure) -> Compute:
    def compute(totals: Totals, _hours: float) -> Figure:
        of = totals[count]
        return Figure(None if of <= 0 else totals[above] / of / 1_000, of)

    return compute


def _number(measure: Measure) -> Compute:
    return lambda totals, _hours: Figure(float(totals[measure]), totals[measure])


def _rate(measure: Measure) -> Compute:
    return lambda totals, hours: Figure(None if hours <= 0 else totals[measure] / hours, totals[measure])


def _outcomes(totals: Totals) -> int:
    return totals[Measure.POSTED] + totals[Measure.DUPLICATES] + totals[Measure.FAILED] + totals[Measure.STUCK]


def _came_in(window: Window) -> str:
    return f"created_at>={_moment(window.begin)} created_at<{_moment(window.until)}"


def _failed_in(window: Window) -> str:
    return f"failed_at>={_moment(window.begin)} failed_at<{_moment(window.until)}"


def _moment(moment: object) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _open(what: str = "") -> Drill:
    return lambda _window: f"{OPEN_FILTER}{what}"


OURS = "the hub's own reversals and corrections"

DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        name="posting-latency-p50",
        title="Posting latency p50",
        unit=Unit.SECONDS,
        better=Better.DOWN,
        formula="the time from coming in to being posted that half of those posted in the window did not exceed",
        above="transactions that became processed in the window",
        below="",
        excludes=f"what is not posted yet, what a person resolved by evidence, duplicates, {OURS}",
        compute=_quantile(Span.POSTED, 0.5),
        drill=lambda window: f"status:processed {_came_in(window)}",
    ),
    Definition(
        name="posting-latency-p95",
        title="Posting latency p95",
        unit=Unit.SECONDS,
        better=Better.DOWN,
        formula="the same that 95 of 100 did not exceed; a single flow is held against its SLO",
        above="transactions that became processed in the window",
        below="",
        excludes=f"what is not posted yet, what a person resolved by evidence, duplicates, {OURS}",
        compute=_quantile(Span.POSTED, 0.95),
        drill=lambda window: f"status:processed {_came_in(window)}",
    ),
    Definition(
        name="on-time",
        title="On time, within the SLO",
        unit=Unit.PERCENT,
        better=Better.UP,
        bar=OBJECTIVE,
        formula="of the transactions that fell due in the window, those that their target had by then",
        above="of these, processed, duplicate or resolved as applied when they fell due, and not reopened since",
        below="transactions whose due_at is in the window",
        excludes=f"what is due later, {OURS}. What was discarded before it was due counts as missed",
        compute=_share(lambda t: t[Measure.IN_TIME], lambda t: t[Measure.OWED]),
        drill=lambda window: f"due_at>={_moment(window.begin)} due_at<{_moment(window.until)} overdue:true",
    ),
    Definition(
        name="synchronisation-completeness",
        title="Synchronisation completeness",
        unit=Unit.PERCENT,
        better=Better.UP,
        bar=OBJECTIVE,
        formula="of the transactions that came in during the window, those that their target has now",
        above="of these, processed, duplicate or resolved as applied now",
        below="transactions that came in during the window and were neither discarded nor compensated",
        excludes=f"discarded and compensated transactions, {OURS}",
        compute=_share(
            lambda t: t[Measure.APPLIED],
            lambda t: t[Measure.RECEIVED] - t[Measure.WRITTEN_OFF],
        ),
        drill=lambda window: f"{_came_in(window)} -status:processed,duplicate,resolved,discarded,compensated",
    ),
    Definition(
        name="failed-rate",
        title="Failed rate",
        unit=Unit.PERCENT,
        better=Better.DOWN,
        bar=2.0,
        formula="of all outcomes in the window, those that were failures",
        above="times that a transaction became failed by an answer, or by the lack of one, in the window",
        below="times that a transaction became processed, duplicate, parked, partly processed or failed in the window",
        excludes=f"in doubt (it is no outcome yet), what people made failed (cancel, restore, reopen, resolve), {OURS}",
        compute=_share(lambda t: t[Measure.FAILED], _outcomes),
        drill=lambda window: f"status:failed {_failed_in(window)}",
    ),
    Definition(
        name="first-pass-success",
        title="First-pass success",
        unit=Unit.PERCENT,
        better=Better.UP,
        bar=95.0,
        formula="of the first deliveries that came to something in the window, those that were posted at once",
        above="transactions posted with their first delivery, without a retry, a doubt or a person",
        below="transactions whose first delivery was posted, parked, posted in part, failed, retried or left in doubt",
        excludes=f"what was never sent (held, superseded, breaker open), duplicates, {OURS}",
        compute=_share(lambda t: t[Measure.FIRST_PASSED], lambda t: t[Measure.FIRST_TRIED]),
        drill=lambda window: f"{_came_in(window)} (attempts>1 or {OPEN_FILTER})",
    ),
    Definition(
        name="exception-ageing",
        title="Open exceptions over 4 h",
        unit=Unit.COUNT,
        better=Better.DOWN,
        bar=0.0,
        source=Source.STOCK,
        formula="transactions that need a person or an answer from the target now and failed last over 4 hours ago; "
        "with the number in each bucket of age: " + ", ".join(label for label, _ in AGES),
        above="failed, in doubt, parked, partly processed and compensation-failed transactions of that age now",
        below="",
        excludes=f"what moves or is held, {OURS}. It is about now, whatever the window",
        drill=_open(" age>4h"),
    ),
    Definition(
        name="replay-volume",
        title="Replays",
        unit=Unit.COUNT,
        better=Better.NEITHER,
        formula="transactions that were sent again by a plan in the window, edited or not",
        above="runs of failed and partly processed transactions",
        below="",
        excludes="retries by the hub itself, reversals, corrections",
        compute=_number(Measure.REPLAYED),
    ),
    Definition(
        name="replay-success",
        title="Replay success",
        unit=Unit.PERCENT,
        better=Better.UP,
        bar=95.0,
        formula="of the replays that came to an outcome in the window, those that were posted",
        above="replayed transactions that became processed, or duplicate since the target had them",
        below="replayed transactions that became processed, duplicate, failed, parked or partly processed",
        excludes="replays that are under way, in doubt or were cancelled before they were sent",
        compute=_share(
            lambda t: t[Measure.REPLAY_POSTED],
            lambda t: t[Measure.REPLAY_POSTED] + t[Measure.REPLAY_FAILED],
        ),
    ),
    Definition(
        name="duplicate-rate",
        title="Duplicate rate",
        unit=Unit.PERCENT,
        better=Better.DOWN,
        bar=1.0,
        formula="of everything that arrived in the window, what was there already",
        above="documents that a source sent again under their key (once for each target), "
        "and transactions that a target had from somebody else",
        below="transactions that came in during the window, and those documents",
        excludes="twins that came under another key: reconciliation finds those",
        compute=_share(
            lambda t: t[Measure.DUPLICATES] + t[Measure.REPEATED],
            lambda t: t[Measure.RECEIVED] + t[Measure.REPEATED],
        ),
        drill=lambda window: f"status:duplicate {_came_in(window)}",
    ),
    Definition(
        name="release-to-dispatch",
        title="Release to dispatch p95",
        unit=Unit.SECONDS,
        better=Better.DOWN,
        bar=300.0,
        flow=RELEASE_FLOW,
        target=DISPATCH_TARGET,
        formula="the time from an order's release coming in from the ERP to the MES of its plant having it, "
        "that 95 of 100 did not exceed",
        above=f"transactions of {RELEASE_FLOW} to {DISPATCH_TARGET} that became processed in the window",
        below="",
        excludes=f"releases to other systems, releases that the MES does not have yet, {OURS}",
        compute=_quantile(Span.POSTED, 0.95),
        drill=lambda window: f"flow:{RELEASE_FLOW} target:{DISPATCH_TARGET} {_came_in(window)}",
    ),
    Definition(
        name="quality-hold-propagation",
        title="Quality-hold propagation p95",
        unit=Unit.SECONDS,
        better=Better.DOWN,
        bar=60.0,
        flow=HOLD_FLOW,
        formula="the time from a quality hold coming in to the last of its targets having it, "
        "that 95 of 100 did not exceed",
        above="holds that all targets have, of those that came in during the window",
        below="holds that came in during the window: the difference has not reached everybody",
        excludes="the time of holds that some target does not have; they are in the difference",
        compute=_quantile(Span.REACHED, 0.95, waiting=True),
        drill=lambda window: f"flow:{HOLD_FLOW} {_came_in(window)} -status:processed,duplicate,resolved",
    ),
    Definition(
        name="shipment-status-propagation",
        title="Shipment-status propagation p95",
        unit=Unit.SECONDS,
        better=Better.DOWN,
        bar=900.0,
        flow=SHIPMENT_FLOW,
        formula="the time from a shipment's status coming in to the last of its targets having it, "
        "that 95 of 100 did not exceed",
        above="statuses that all targets have, of those that came in during the window",
        below="statuses that came in during the window: the difference has not reached everybody",
        excludes="the time of statuses that some target does not have; they are in the difference",
        compute=_quantile(Span.REACHED, 0.95, waiting=True),
        drill=lambda window: f"flow:{SHIPMENT_FLOW} {_came_in(window)} -status:processed,duplicate,resolved",
    ),
    Definition(
        name="order-status-alignment",
        title="Order-status alignment",
        unit=Unit.PERCENT,
        better=Better.UP,
        bar=99.5,
        source=Source.RECONCILED,
        kinds=(Kind.ORDERS,),
        formula="of the values of orders that were compared when orders were reconciled last, those that agree",
        above="values on which the systems agree",
        below="values that were compared",
        excludes="what a system gave no answer for. Unknown until somebody reconciles",
    ),
    Definition(
        name="inventory-variance",
        title="Inventory variance",
        unit=Unit.PERCENT,
        better=Better.DOWN,
        bar=0.5,
        source=Source.RECONCILED,
        kinds=(Kind.INVENTORY,),
        formula="of the stocks by material and lot compared when inventory was reconciled last, those that differ",
        above="stocks that differ by more than the tolerance of that reconciliation",
        below="stocks that were compared",
        excludes="what a system gave no answer for. Unknown until somebody reconciles",
    ),
    Definition(
        name="reconciliation-backlog",
        title="Reconciliation backlog",
        unit=Unit.COUNT,
        better=Better.DOWN,
        bar=0.0,
        source=Source.RECONCILED,
        kinds=tuple(Kind),
        formula="differences that the newest reconciliation of each kind found",
        above="differences, explained or not",
        below="",
        excludes="kinds that were never reconciled. Unknown until somebody reconciles",
    ),
    Definition(
        name="mean-time-to-resolve",
        title="Mean time to resolve",
        unit=Unit.SECONDS,
        better=Better.DOWN,
        formula="the mean time from first needing somebody to being closed, of what was closed in the window",
        above="transactions that had failed, been parked, posted in part or in doubt, and were closed in the window",
        below="",
        excludes=f"what is still open, what was in doubt only and a question to the target cleared up, {OURS}",
        compute=_mean(Measure.RESOLVED_MS, Measure.RESOLVED),
    ),
    Definition(
        name="throughput",
        title="Throughput",
        unit=Unit.PER_HOUR,
        better=Better.UP,
        formula="transactions posted in the window, an hour; told by plant",
        above="transactions that became processed in the window",
        below="hours of the window",
        excludes=f"duplicates, what a person resolved by evidence, {OURS}",
        compute=_rate(Measure.POSTED),
        drill=lambda window: f"status:processed {_came_in(window)}",
    ),
    Definition(
        name="manual-touches",
        title="Manual touches",
        unit=Unit.PER_THOUSAND,
        better=Better.DOWN,
        formula="what people did to transactions in the window, for a thousand that came in",
        above="replays, edits, discards, restores, resolutions, reopenings, compensations: once for each transaction",
        below="transactions that came in during the window, in thousands",
        excludes="notes, assignments, holds and releases",
        compute=_share(lambda t: t[Measure.TOUCHED], lambda t: t[Measure.RECEIVED], times=1_000.0),
    ),
)

BY_NAME: dict[str, Definition] = {definition.name: definition for definition in DEFINITIONS}
