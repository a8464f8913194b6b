"""Key figures of a made-up night, by the project's own arithmetic over made-up counts."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta

from transactions.kpis.counts import Measure, Span, Totals
from transactions.kpis.model import KpiReport, Reconciled
from transactions.kpis.reporting import Numbers, Place, report
from transactions.kpis.spans import slot_of
from transactions.kpis.windows import SHIFT, Window, parse_window

NOW = datetime(2026, 11, 20, 2, 41, tzinfo=UTC)
PLACES: tuple[Place, ...] = (
    ("P01", "production-order-release", "MES"),
    ("P01", "material-consumption", "ERP"),
    ("P02", "material-consumption", "ERP"),
    ("P03", "goods-receipt", "ERP"),
    ("P03", "quality-hold", "WMS"),
)


def counted(turn: int, part: int) -> Totals:
    """What one place counted in one slice: busier at the end, and failing more."""
    busy = 12 + int(10 * math.sin(turn / 3) ** 2) + turn
    failed = 0 if turn < 14 else (turn - 12) * (2 if part == 2 else 1) // 3
    found = {
        Measure.RECEIVED: busy + failed, Measure.APPLIED: busy, Measure.OWED: busy + failed,
        Measure.IN_TIME: busy - failed // 2, Measure.POSTED: busy, Measure.FAILED: failed,
        Measure.FIRST_TRIED: busy + failed, Measure.FIRST_PASSED: busy - 1, Measure.REPLAYED: failed // 2,
        Measure.REPLAY_POSTED: failed // 2, Measure.TOUCHED: failed // 2, Measure.RESOLVED: failed // 2,
        Measure.RESOLVED_MS: failed // 2 * 1_500_000, Measure.DUPLICATES: turn % 5 == 0,
    }  # fmt: skip
    slots = Counter({slot_of(0.3 + part): busy - failed, slot_of(20.0 + turn): failed + 1})
    return Totals(counts=Counter(found), spans={Span.POSTED: slots})


def figures(asked: str = "24h", *, empty: bool = False, by_hand: str | None = None) -> KpiReport:
    """The report of a window that ends at the usual moment; ``empty`` for a hub that counted nothing yet."""
    window = parse_window("8h" if asked == SHIFT else asked, NOW).aligned(NOW)
    if asked == SHIFT:
        window = Window(label="night shift of P01", begin=window.begin, until=window.until)
    slices = range(len(window.slices(NOW)))
    places = () if empty else PLACES
    totals = {place: Totals() for place in places}
    told: dict[int, dict[tuple[str, str], Totals]] = {}
    for turn in slices:
        told[turn] = {}
        for part, place in enumerate(places):
            found = counted(turn, part)
            totals[place].add(found)
            told[turn].setdefault((place[1], place[2]), Totals()).add(found)
    hold = ("P03", "quality-hold", "")
    if not empty:
        spans = {Span.REACHED: Counter({slot_of(12.0): 30, slot_of(80.0): 3})}
        totals[hold] = Totals(counts=Counter({Measure.DOCUMENTS: 35, Measure.REACHED: 33}), spans=spans)
    at = NOW - timedelta(minutes=25)
    one = Reconciled(
        kind="inventory", plant="P01", at=at, as_of=at, compared=412, differences=9, unexplained=2, complete=True
    )
    numbers = Numbers(
        totals=totals,
        before={place: counted(9, part) for part, place in enumerate(places)},
        slices=told,
        open={}
        if empty
        else {("P02", "material-consumption"): [31, 170, 12, 1, 0], ("P03", "goods-receipt"): [6, 0, 0, 0, 0]},
        reconciled=[] if empty else [one],
        beyond=None,
        slos={"material-consumption": 900.0, "goods-receipt": 900.0, "quality-hold": 60.0},
        since=None if empty else window.before().begin,
    )
    return report(numbers, window=window, now=NOW, plant=by_hand, flow=None)
