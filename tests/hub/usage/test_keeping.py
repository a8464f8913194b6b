"""Counts in the store: with the position or not at all, folded, and never more than so many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from access_log import BEGIN, NOW, line, lines
from sqlalchemy import func, select

from gateway_policies.traffic.counting import Tally
from hub.store.database import Database
from hub.store.usage_schema import usage_arrivals, usage_counts, usage_coverage, usage_kinds, usage_peaks
from hub.usage import keeping
from hub.usage.keeping import add, advance, cover, forget, position
from hub.usage.log import Position
from transactions.errors import Stale
from transactions.kpis.windows import DAY, HOUR, MINUTE

Tallied = Callable[..., Tally]
Total = Callable[..., int]
AT = int(BEGIN.timestamp())


def rows(store: Database, asked: Any) -> list[Any]:
    with store.read_engine.connect() as connection:
        return list(connection.execute(asked).all())


async def test_every_grain_has_every_call(store: Database, tallied: Tallied, total: Total) -> None:
    await store.write(lambda c: add(c, tallied(lines(130), lines(5, status=500))))
    await store.write(lambda c: add(c, tallied(lines(10, begin=7_200))))
    assert [total(grain) for grain in (MINUTE, HOUR, DAY)] == [145, 145, 145]
    last = rows(store, select(func.max(usage_counts.c.last)).where(usage_counts.c.grain == DAY))
    assert last[0][0] == (AT + 7_209) * 1_000_000


async def test_an_older_call_does_not_make_the_last_one_older(store: Database, tallied: Tallied) -> None:
    for second in (50, 10):
        await store.write(lambda c, at=second: add(c, tallied(line(at))))  # type: ignore[misc]
    assert rows(store, select(usage_counts.c.last).where(usage_counts.c.grain == DAY)) == [((AT + 50) * 1_000_000,)]


async def test_position_and_counts_are_one(store: Database, tallied: Tallied, total: Total) -> None:
    first = Position(generation=0, head="ab", offset=100)
    await store.write(lambda c: advance(c, Position(), first, tallied(lines(3))))
    with pytest.raises(Stale):
        await store.write(lambda c: advance(c, Position(), first, tallied(lines(3))))
    assert total() == 3
    tally = tallied(lines(2), b"no line\n")
    await store.write(lambda c: advance(c, first, Position(generation=1), tally))
    assert await store.read(position) == (Position(generation=1), 5, 1)


async def test_nothing_counted_still_moves_the_position(store: Database, tallied: Tallied) -> None:
    await store.write(lambda c: advance(c, Position(), Position(offset=5, head="x"), tallied(b"junk\n")))
    assert (await store.read(position))[2] == 1


async def test_arrivals_add_up_second_by_second(store: Database, tallied: Tallied) -> None:
    for _ in range(2):
        await store.write(lambda c: add(c, tallied(line(3), line(3.5, refused="throttled"), line(59))))
    ((encoded,),) = rows(store, select(usage_arrivals.c.seconds))
    seconds = msgspec.msgpack.decode(encoded, type=list[int])
    assert (seconds[3], seconds[59], sum(seconds), len(seconds)) == (4, 2, 6, 60)


async def test_the_busiest_minute_of_a_day_is_of_what_was_let_through(store: Database, tallied: Tallied) -> None:
    busy = [lines(4, every=0.5, begin=120), lines(50, every=0.1, begin=180, refused="throttled")]
    await store.write(lambda c: add(c, tallied(lines(2), *busy)))
    await store.write(lambda c: add(c, tallied(lines(3, every=0.5, begin=10), lines(1, begin=DAY))))
    found = rows(store, select(usage_peaks))
    assert {(row.day - AT + 36_000, row.address): (row.per_minute, row.at - AT) for row in found} == {
        (0, "consumer.mes-p03"): (5, 0),
        (0, "api.production-orders"): (5, 0),
        (DAY, "consumer.mes-p03"): (1, DAY),
        (DAY, "api.production-orders"): (1, DAY),
    }  # fmt: skip


async def test_coverage_only_grows(store: Database) -> None:
    await store.write(lambda c: cover(c, {"a": (50, 60), "b": (1, 2)}))
    await store.write(lambda c: cover(c, {"a": (40, 55)}))
    await store.write(lambda c: cover(c, {}))
    assert sorted(rows(store, select(usage_coverage))) == [("a", 40, 60), ("b", 1, 2)]


async def test_old_minutes_go_and_their_days_stay(store: Database, tallied: Tallied, total: Total) -> None:
    await store.write(lambda c: add(c, tallied(lines(10))))
    await store.write(lambda c: forget(c, NOW + timedelta(days=3)))
    assert [total(grain) for grain in (MINUTE, HOUR, DAY)] == [0, 10, 10]
    assert len(rows(store, select(usage_arrivals))) == 1
    await store.write(lambda c: forget(c, NOW + timedelta(days=101)))
    assert [total(grain) for grain in (HOUR, DAY)] == [0, 10]
    assert rows(store, select(usage_arrivals)) == []
    await store.write(lambda c: forget(c, NOW + timedelta(days=402)))
    assert (total(), rows(store, select(usage_kinds)), rows(store, select(usage_peaks))) == (0, [], [])


async def test_past_so_many_rows_the_oldest_go_by_whole_minutes(store: Database, tallied: Tallied) -> None:
    two = [line(60 * minute, client=client) for minute in range(10) for client in ("mes-p01", "mes-p03")]
    await store.write(lambda c: add(c, tallied(*two)))
    await store.write(lambda c: forget(c, NOW, most=15))
    kept = rows(store, select(usage_arrivals.c.at, func.count()).group_by(usage_arrivals.c.at))
    assert [(at - AT, count) for at, count in sorted(kept)] == [(60 * minute, 2) for minute in range(3, 10)]
    minutes = rows(store, select(func.count()).where(usage_counts.c.grain == MINUTE).select_from(usage_counts))
    assert minutes[0][0] <= 5


async def test_strangers_beyond_a_number_are_counted_together(
    store: Database, tallied: Tallied, total: Total, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_STRANGERS", 3)
    for number in range(6):
        await store.write(lambda c, n=number: add(c, tallied(line(n, client=f"stranger-{n}"))))  # type: ignore[misc]
    await store.write(lambda c: add(c, tallied(line(9, client="stranger-1"))))
    names = {row.client for row in rows(store, select(usage_kinds.c.client))}
    assert names == {"stranger-0", "stranger-1", "stranger-2", "(others)"}
    assert total() == 7


async def test_a_flood_of_strangers_in_one_go_is_counted_together_too(
    store: Database, tallied: Tallied, total: Total, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_STRANGERS", 3)
    await store.write(lambda c: add(c, tallied(*(line(n, client=f"stranger-{n}") for n in range(9)))))
    assert len(rows(store, select(usage_kinds.c.client))) == 4
    assert total() == 9
