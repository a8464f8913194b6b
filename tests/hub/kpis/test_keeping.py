"""Numbers that grow old are kept coarser, and say the same."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from hub.kpis.asking import Cut, open_by_age, pieces, slices, totals
from hub.kpis.counting import KpiCounts
from hub.kpis.keeping import forget
from hub.store.database import Database
from hub.store.journal import journal
from hub.store.schema import kpi_counts, kpi_spans
from transactions.clock import to_micros
from transactions.kpis.counts import Measure, Span, summed
from transactions.kpis.spans import ERROR, quantile, slot_of
from transactions.kpis.windows import DAY, HOUR, MINUTE, Window, hours_from, minutes_from
from transactions.people import EVERYTHING, Reach

NOW = datetime(2026, 3, 2, 12, 34, 56, tzinfo=UTC)
PLACES = [("P01", "goods-receipt", "ERP"), ("P02", "labor-time", "ERP"), ("", "labor-time", "WMS")]
Noted = list[tuple[tuple[str, str, str], datetime]]


def strewn(connection: Connection, seed: int, days: int, count: int = 400) -> Noted:
    """Count something at random moments of the last days."""
    chance, counts, noted = random.Random(seed), journal(connection).kpis, []
    for _ in range(count):
        at = NOW - timedelta(seconds=chance.randrange(days * 86_400))
        place = chance.choice(PLACES)
        counts.count(Measure.RECEIVED, place, to_micros(at))
        counts.span(Span.POSTED, place, to_micros(at), chance.randrange(1, 10**9))
        noted.append((place, at))
    return noted


async def asked(store: Database, window: Window, cut: Cut) -> dict[Any, int]:
    found = await store.read(lambda c: totals(c, window.aligned(NOW), cut))
    for place in found.values():
        assert sum(place.span(Span.POSTED).values()) == place[Measure.RECEIVED]
    return {place: each[Measure.RECEIVED] for place, each in found.items()}


WINDOWS = [
    (0.5, 0),
    (1, 0),
    (8, 0),
    (24, 0),
    (168, 0),
    (72, 24),
    (24 * 90, 24),
    (24 * 150, 24 * 20),
    (24 * 150, 24 * 120),
]


@pytest.mark.parametrize(("hours", "ago"), WINDOWS)
async def test_a_window_is_summed_of_each_moment_once_before_and_after_forgetting(
    store: Database, hours: float, ago: float
) -> None:
    noted = await store.write(lambda c: strewn(c, 3, 160, 1_500))
    noted += await store.write(lambda c: strewn(c, 4, 2, 400))
    window = Window(label="x", begin=NOW - timedelta(hours=ago + hours), until=NOW - timedelta(hours=ago))
    whole = window.aligned(NOW)
    expected = Counter(place for place, at in noted if whole.begin <= at < whole.until)
    assert await asked(store, window, Cut(EVERYTHING)) == expected
    await store.write(lambda c: forget(c, NOW))
    assert await asked(store, window, Cut(EVERYTHING)) == expected
    await store.write(lambda c: forget(c, NOW))
    assert await asked(store, window, Cut(EVERYTHING)) == expected


async def test_forgetting_leaves_few_rows_and_late_news_find_their_day(store: Database) -> None:
    await store.write(lambda c: strewn(c, 5, 160, 3_000))
    await store.write(lambda c: forget(c, NOW))

    def oldest(connection: Connection, grain: int) -> int:
        return int(
            connection.execute(select(func.min(kpi_counts.c.at)).where(kpi_counts.c.grain == grain)).scalar_one()
        )

    now = int(NOW.timestamp())
    assert now - await store.read(lambda c: oldest(c, MINUTE)) <= 2 * DAY + HOUR
    assert now - await store.read(lambda c: oldest(c, HOUR)) <= 101 * DAY
    assert await store.read(lambda c: oldest(c, DAY)) % DAY == 0
    before = await store.read(ever_received)
    late = NOW - timedelta(days=150)
    await store.write(lambda c: journal(c).kpis.count(Measure.RECEIVED, PLACES[0], to_micros(late)))
    day = Window(label="", begin=late, until=late + timedelta(hours=1))
    whole = await asked_received(store, day)
    await store.write(lambda c: forget(c, NOW))
    assert await asked_received(store, day) == whole
    after = await store.read(ever_received)
    assert after == before + 1
    minutes = (
        select(func.count()).select_from(kpi_spans).where(kpi_spans.c.grain == MINUTE, kpi_spans.c.at < now - 3 * DAY)
    )
    assert await store.read(lambda c: c.execute(minutes).scalar_one()) == 0


def ever_received(connection: Connection) -> int:
    question = select(func.sum(kpi_counts.c.received)).where(kpi_counts.c.grain == DAY)
    return int(connection.execute(question).scalar_one())


async def asked_received(store: Database, window: Window) -> int:
    found = await store.read(lambda c: totals(c, window.aligned(NOW), Cut(EVERYTHING)))
    return summed(found.values())[Measure.RECEIVED]


@pytest.mark.parametrize("hours", [1, 8, 14, 24, 60, 168, 720])
async def test_slices_come_to_the_whole(store: Database, hours: int) -> None:
    await store.write(lambda c: strewn(c, 6, 40, 600))
    await store.write(lambda c: strewn(c, 7, 1, 300))
    window = Window(label="x", begin=NOW - timedelta(hours=hours), until=NOW).aligned(NOW)
    found = await store.read(lambda c: slices(c, window, NOW, Cut(EVERYTHING)))
    lengths = window.slices(NOW)
    assert set(found) <= set(range(len(lengths)))
    assert sum(lengths) == pytest.approx(window.hours)
    inside = summed(each for slice_ in found.values() for each in slice_.values())
    whole = summed((await store.read(lambda c: totals(c, window, Cut(EVERYTHING)))).values())
    assert inside.counts == whole.counts
    assert inside.spans == whole.spans


async def test_reach_plant_and_flow_cut_it_down(store: Database) -> None:
    noted = await store.write(lambda c: strewn(c, 8, 1))
    window = Window(label="x", begin=NOW - timedelta(days=1), until=NOW)
    whole = window.aligned(NOW)
    every = Counter(place for place, at in noted if whole.begin <= at < whole.until)
    for cut, inside in (
        (Cut(Reach(plants=frozenset({"P01"}))), lambda place: place[0] == "P01"),
        (Cut(Reach(flows=frozenset({"labor-time"}))), lambda place: place[1] == "labor-time"),
        (Cut(Reach(plants=frozenset())), lambda _place: False),
        (Cut(EVERYTHING, plant="P02"), lambda place: place[0] == "P02"),
        (Cut(EVERYTHING, flow="labor-time"), lambda place: place[1] == "labor-time"),
        (Cut(Reach(plants=frozenset({"P01"})), plant="P02"), lambda _place: False),
    ):
        assert await asked(store, window, cut) == {place: n for place, n in every.items() if inside(place)}


async def test_ages_are_counted_to_the_minute_and_further_back_to_the_hour(store: Database) -> None:
    def fails(connection: Connection) -> None:
        for hours in (0.1, 0.9, 1.5, 3.9, 5, 23, 30, 160, 200, 24 * 150):
            at = to_micros(NOW - timedelta(hours=hours))
            journal(connection).kpis.count(Measure.OPEN, PLACES[0], at)
        journal(connection).kpis.count(Measure.OPEN, PLACES[1], to_micros(NOW), 2)
        journal(connection).kpis.count(Measure.OPEN, PLACES[1], to_micros(NOW), -2)

    await store.write(fails)
    for _ in range(2):
        assert await store.read(lambda c: open_by_age(c, NOW, Cut(EVERYTHING))) == {
            ("P01", "goods-receipt"): [2, 2, 2, 2, 2]
        }
        await store.write(lambda c: forget(c, NOW))


def test_pieces_of_a_window_never_overlap_have_no_gap_are_kept_and_are_few() -> None:
    chance = random.Random(9)
    for _ in range(2_000):
        begin = NOW - timedelta(minutes=chance.randrange(1, 200 * 1_440))
        window = Window(label="", begin=begin, until=begin + (NOW - begin) * chance.random()).aligned(NOW)
        found = pieces(window)
        told = sorted((first, last) for _, first, last in found)
        assert told[0][0] == window.begin.timestamp()
        assert told[-1][1] == window.until.timestamp()
        assert all(before[1] == after[0] for before, after in pairwise(told))
        assert all(first % grain == 0 and last % grain == 0 for grain, first, last in found)
        kept = {MINUTE: minutes_from(NOW).timestamp(), HOUR: hours_from(NOW).timestamp(), DAY: 0}
        assert all(first >= kept[grain] for grain, first, _ in found)
        assert sum((last - first) // grain for grain, first, last in found) < 120 + 48 + 200


def test_the_quantiles_of_what_is_kept_are_within_the_error() -> None:
    counts, chance = KpiCounts(), random.Random(10)
    lengths = sorted(int(chance.lognormvariate(16, 2)) for _ in range(2_000))
    for length in lengths:
        counts.span(Span.POSTED, PLACES[0], to_micros(NOW), length)
    slots: Counter[int] = Counter()
    for row in counts.span_rows():
        if row["grain"] == MINUTE:
            slots[row["slot"]] += row["count"]
    for share in (0.5, 0.95):
        exact = lengths[int(share * len(lengths)) - 1] / 1_000_000
        told = quantile(slots, share)
        assert told is not None
        assert exact <= 0.01 or max(told / exact, exact / told) <= 1 + ERROR + 1e-9
    assert slots[slot_of(lengths[0] / 1_000_000)] > 0
