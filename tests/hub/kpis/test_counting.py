"""What is kept with every change is what telling all lives again from their history comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection, select

from hub.kpis.counting import GRAINS, HAS
from hub.kpis.filling import fill
from hub.store.database import Database
from hub.store.schema import kpi_counts, kpi_spans, transactions
from transactions.clock import to_micros
from transactions.kpis.counts import Measure
from transactions.kpis.definitions import HOLD_FLOW
from transactions.model import Status
from transactions.states import OPEN, Event

Live = Callable[[Connection, int, int], datetime]
Do = Callable[..., Any]
BEGIN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEYS = ("grain", "at", "plant", "flow", "target")


def kept(connection: Connection) -> dict[tuple[Any, ...], dict[str, int]]:
    found = {}
    for row in connection.execute(select(kpi_counts)).mappings():
        numbers = {m.value: row[m.value] for m in Measure if row[m.value]}
        if numbers:
            found[tuple(row[key] for key in KEYS)] = numbers
    return found


def spans(connection: Connection) -> dict[tuple[Any, ...], int]:
    rows = connection.execute(select(kpi_spans)).all()
    return {tuple(row[:-1]): row[-1] for row in rows if row[-1]}


def told_again(connection: Connection, now: datetime) -> tuple[Any, Any]:
    counts = fill(connection, to_micros(now))
    found = {
        tuple(row[key] for key in KEYS): {m.value: row[m.value] for m in Measure if row[m.value]}
        for row in counts.count_rows()
    }
    return {key: numbers for key, numbers in found.items() if numbers}, {
        tuple(row.values())[:-1]: row["count"] for row in counts.span_rows()
    }


def summed(connection: Connection, measure: Measure, grain: int = GRAINS[0]) -> int:
    column = kpi_counts.c[measure.value]
    return sum(connection.execute(select(column).where(kpi_counts.c.grain == grain)).scalars())


@pytest.mark.parametrize("seed", range(12))
async def test_what_is_kept_is_what_history_says(store: Database, live: Live, seed: int) -> None:
    end = await store.write(lambda c: live(c, seed, 60))
    since = await store.read(lambda c: c.execute(select(transactions.c.id, transactions.c.troubled_at)).all())
    counts, found = await store.read(kept), await store.read(spans)
    again, spans_again = await store.write(lambda c: told_again(c, end))
    assert counts == again
    # a document that lost a target again after it had reached all is told by its newest time only
    assert {key: n for key, n in found.items() if key[5] != "reached"} == {
        key: n for key, n in spans_again.items() if key[5] != "reached"
    }
    assert await store.read(lambda c: c.execute(select(transactions.c.id, transactions.c.troubled_at)).all()) == since
    assert sum(numbers.get("failed", 0) for numbers in counts.values()) > 0


@pytest.mark.parametrize("seed", range(4))
async def test_hours_and_days_are_the_sum_of_their_parts_and_stocks_are_what_counting_says(
    store: Database, live: Live, seed: int
) -> None:
    await store.write(lambda c: live(c, 100 + seed, 80))
    counts = await store.read(kept)
    for fine, coarse in pairwise(GRAINS):
        expected: dict[tuple[Any, ...], Counter[str]] = {}
        for (grain, at, *place), numbers in counts.items():
            if grain == fine:
                expected.setdefault((at // coarse * coarse, *place), Counter()).update(numbers)
        whole = {key: {n: v for n, v in numbers.items() if v} for key, numbers in expected.items()}
        found = {(at, *place): numbers for (grain, at, *place), numbers in counts.items() if grain == coarse}
        assert {key: numbers for key, numbers in whole.items() if numbers} == found
    rows = await store.read(lambda c: c.execute(select(transactions)).all())
    assert await store.read(lambda c: summed(c, Measure.RECEIVED)) == len(rows)
    assert await store.read(lambda c: summed(c, Measure.OWED)) == len(rows)
    assert await store.read(lambda c: summed(c, Measure.APPLIED)) == sum(Status(row.status) in HAS for row in rows)
    assert await store.read(lambda c: summed(c, Measure.OPEN)) == sum(Status(row.status) in OPEN for row in rows)
    for grain in GRAINS:
        assert await store.read(lambda c, g=grain: summed(c, Measure.OPEN, g)) >= 0  # type: ignore[misc]


async def test_a_smooth_delivery(store: Database, come_in: Do, step: Do) -> None:
    def life(connection: Connection) -> None:
        (tx,) = come_in(connection, "labor-time", "P01", BEGIN)
        step(connection, tx, Event.DISPATCH, BEGIN + timedelta(seconds=1))
        step(connection, tx, Event.PROCESSED, BEGIN + timedelta(seconds=4))

    await store.write(life)
    counts = await store.read(kept)
    first = int(BEGIN.timestamp())
    assert counts[60, first, "P01", "labor-time", "ERP"] == {
        "received": 1,
        "applied": 1,
        "posted": 1,
        "posted_ms": 4_000,
        "first_tried": 1,
        "first_passed": 1,
    }
    assert counts[60, first + 900, "P01", "labor-time", "ERP"] == {"owed": 1, "in_time": 1}


async def test_a_failure_a_replay_and_the_time_that_took(store: Database, come_in: Do, step: Do) -> None:
    def life(connection: Connection) -> None:
        (tx,) = come_in(connection, "labor-time", None, BEGIN)
        for event, minute in (
            (Event.DISPATCH, 0),
            (Event.FAIL, 2),
            (Event.RUN, 30),
            (Event.DISPATCH, 31),
            (Event.PROCESSED, 32),
        ):
            step(connection, tx, event, BEGIN + timedelta(minutes=minute))

    await store.write(life)
    total: Counter[str] = Counter()
    for (grain, *_), numbers in (await store.read(kept)).items():
        total.update(numbers if grain == 60 else {})
    assert {name: n for name, n in total.items() if n} == {
        "received": 1,
        "applied": 1,
        "owed": 1,  # not in time: it was due after fifteen minutes
        "posted": 1,
        "posted_ms": 32 * 60_000,
        "failed": 1,
        "first_tried": 1,
        "replayed": 1,
        "replay_posted": 1,
        "touched": 1,
        "resolved": 1,
        "resolved_ms": 30 * 60_000,
    }


async def test_what_a_question_clears_up_by_itself_was_no_exception_to_resolve(
    store: Database, come_in: Do, step: Do
) -> None:
    def life(connection: Connection) -> None:
        (tx,) = come_in(connection, "labor-time", "P01", BEGIN)
        for event in (Event.DISPATCH, Event.LOST, Event.PROCESSED):
            step(connection, tx, event, BEGIN)

    await store.write(life)
    assert await store.read(lambda c: summed(c, Measure.RESOLVED)) == 0
    assert await store.read(lambda c: summed(c, Measure.OPEN)) == 0
    assert await store.read(lambda c: summed(c, Measure.FIRST_TRIED)) == 1
    assert await store.read(lambda c: summed(c, Measure.FIRST_PASSED)) == 0


async def test_a_reopened_one_had_not_been_in_time(store: Database, come_in: Do, step: Do) -> None:
    tx = ""

    def life(connection: Connection) -> None:
        nonlocal tx
        (tx,) = come_in(connection, "labor-time", "P01", BEGIN)
        step(connection, tx, Event.DISPATCH, BEGIN)
        step(connection, tx, Event.PROCESSED, BEGIN)

    await store.write(life)
    assert await store.read(lambda c: summed(c, Measure.IN_TIME)) == 1
    await store.write(lambda c: step(c, tx, Event.REOPEN, BEGIN + timedelta(hours=1)))
    assert await store.read(lambda c: summed(c, Measure.IN_TIME)) == 0
    assert await store.read(lambda c: summed(c, Measure.APPLIED)) == 0
    assert await store.read(lambda c: summed(c, Measure.OPEN)) == 1


async def test_a_hold_has_reached_everybody_when_its_last_target_has_it(store: Database, come_in: Do, step: Do) -> None:
    def life(connection: Connection) -> None:
        made = come_in(connection, HOLD_FLOW, "P01", BEGIN)
        come_in(connection, HOLD_FLOW, "P01", BEGIN)  # another, which reaches nobody
        for number, tx in enumerate(made):
            step(connection, tx, Event.DISPATCH, BEGIN)
            step(connection, tx, Event.PROCESSED, BEGIN + timedelta(seconds=10 * (number + 1)))

    await store.write(life)
    counts = await store.read(kept)
    whole = counts[60, int(BEGIN.timestamp()), "P01", HOLD_FLOW, ""]
    assert whole == {"documents": 2, "reached": 1, "reached_ms": 30_000}


async def test_the_hubs_own_reversals_are_not_counted_and_keys_that_look_like_theirs_are(
    store: Database, come_in: Do, step: Do
) -> None:
    def life(connection: Connection) -> None:
        (tx,) = come_in(connection, "labor-time", "P01", BEGIN, idempotency_key="reverse:a source's own words")
        step(connection, tx, Event.DISPATCH, BEGIN)
        step(connection, tx, Event.PROCESSED, BEGIN)

    await store.write(life)
    assert await store.read(lambda c: summed(c, Measure.POSTED)) == 1
