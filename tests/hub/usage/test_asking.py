"""What was counted, asked for: added up by names, cut down, in windows of any length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from access_log import BEGIN, NOW, RELEASE, line, lines

from gateway_policies.traffic.counting import Tally
from gateway_policies.traffic.report import By, UsageReport
from hub.store.database import Database
from hub.usage.asking import Wanted, counted_since, report, usage_of
from hub.usage.keeping import add, cover, forget
from transactions.kpis.windows import Window, parse_window

Tallied = Callable[..., Tally]
DAY = 86_400


def window(text: str = "24h") -> Window:
    return parse_window(text, NOW)


async def asked(store: Database, by: Sequence[By] = (By.CONSUMER,), text: str = "24h", **more: Any) -> UsageReport:
    limit = more.pop("limit", 100)
    return await store.read(lambda c: report(c, window(text), NOW, by, Wanted(**more), limit))


@pytest.fixture
async def counted(store: Database, tallied: Tallied) -> Database:
    found = tallied(
        lines(5),
        line(10, status=500),
        line(20, status=404),
        lines(3, begin=30, refused="throttled", status=429),
        lines(2, begin=40, client="mes-p01", operation="GET /{order}", scope="orders.read", version="v2"),
        line(50, client=None, issuer=None, refused="unauthenticated", status=401),
        line(60, client="stranger", refused="unknown-consumer", status=401),
        lines(4, begin=-3 * DAY, version="v2"),
    )
    await store.write(lambda c: add(c, found))
    return store


async def test_by_consumer_the_busiest_first_with_what_was_refused_and_what_failed(counted: Database) -> None:
    found = await asked(counted)
    assert [(each.consumer, each.client, each.calls, each.refused, each.failed) for each in found.items] == [
        ("mes-p03", None, 10, 3, 1),
        ("mes-p01", None, 2, 0, 0),
        (None, None, 1, 1, 0),
        (None, "stranger", 1, 1, 0),
    ]
    assert (found.calls, found.refused, found.failed, found.left_off) == (14, 5, 1, 0)
    assert found.items[0].last_seen == BEGIN + timedelta(seconds=32)
    assert found.items[0].api is None


async def test_by_other_names(counted: Database) -> None:
    by_version = await asked(counted, (By.API, By.VERSION), "7d")
    assert {(each.api, each.version): each.calls for each in by_version.items} == {
        ("production-orders", "v1"): 12,
        ("production-orders", "v2"): 6,
    }
    by_outcome = await asked(counted, (By.OUTCOME,))
    assert {each.outcome: each.calls for each in by_outcome.items} == {
        "ok": 7, "throttled": 3, "client-error": 1, "server-error": 1, "unauthenticated": 1, "unknown-consumer": 1,
    }  # fmt: skip
    by_operation = await asked(counted, (By.API, By.OPERATION, By.SCOPE), outcome="let-through")
    assert {(each.operation, each.scope): each.calls for each in by_operation.items} == {
        (RELEASE, "orders.release"): 7,
        ("GET /{order}", "orders.read"): 2,
    }


@pytest.mark.parametrize(
    ("more", "calls"),
    [
        ({"consumer": "mes-p01"}, 2),
        ({"consumer": "stranger"}, 1),
        ({"consumer": "nobody"}, 0),
        ({"api": "production-orders"}, 14),
        ({"version": "v2"}, 2),
        ({"scope": "orders.read"}, 2),
        ({"outcome": "throttled"}, 3),
        ({"outcome": "refused"}, 5),
        ({"outcome": "let-through"}, 9),
        ({"outcome": "let-through", "consumer": "mes-p03", "version": "v1"}, 7),
    ],
)
async def test_cut_down(counted: Database, more: dict[str, str], calls: int) -> None:
    assert (await asked(counted, **more)).calls == calls


@pytest.mark.parametrize(("text", "calls"), [("24h", 14), ("7d", 18), ("30d", 18), ("390d", 18), ("1h", 0)])
async def test_windows(counted: Database, text: str, calls: int) -> None:
    found = await asked(counted, text=text)
    assert found.calls == calls
    assert sum(each.calls for each in found.items) == calls
    assert sum(sum(each.trend) for each in found.items) == calls
    assert all(len(each.trend) <= 26 for each in found.items)


async def test_a_window_in_the_past(counted: Database) -> None:
    begin = BEGIN - timedelta(days=3, hours=1)
    found = await asked(counted, text=f"{begin:%Y-%m-%d}..{BEGIN:%Y-%m-%d}")
    assert (found.calls, found.items[0].last_seen) == (4, BEGIN - timedelta(days=3) + timedelta(seconds=3))


async def test_what_is_left_off_is_told_and_counted_in_the_sums(counted: Database) -> None:
    found = await asked(counted, limit=1)
    assert (len(found.items), found.left_off, found.calls) == (1, 3, 14)


async def test_minutes_that_are_gone_are_in_their_hours_and_days(counted: Database) -> None:
    later = NOW + timedelta(days=120)
    await counted.write(lambda c: forget(c, later))
    found = await counted.read(lambda c: report(c, parse_window("150d", later), later, (By.API,), Wanted(), 9))
    assert found.calls == 18


async def test_without_anything_nothing_is_known(store: Database) -> None:
    found = await asked(store)
    assert (found.counted_since, found.items, found.calls) == (None, [], 0)
    assert await store.read(lambda c: usage_of(c, window("30d"), NOW)) is None
    assert await store.read(counted_since) is None


async def test_what_plans_take(counted: Database) -> None:
    found = await counted.read(lambda c: usage_of(c, window("30d"), NOW))
    assert found is not None
    assert {(each.consumer, each.version, each.calls) for each in found.calls} == {
        ("mes-p03", "v1", 7), ("mes-p03", "v2", 4), ("mes-p01", "v2", 2),
    }  # fmt: skip
    assert all(each.scope for each in found.calls)
    assert (found.since, found.until) == (BEGIN - timedelta(days=3), NOW)
    assert found.measured == ("production-orders",)
    peaks = {each.address: (each.per_minute, each.at) for each in found.peaks}
    assert peaks == {
        "consumer.mes-p03": (7, BEGIN),
        "consumer.mes-p01": (2, BEGIN),
        "api.production-orders": (9, BEGIN),
    }


async def test_calls_before_the_window_do_not_count_and_peaks_are_of_whole_days(counted: Database) -> None:
    now = int(NOW.timestamp())
    await counted.write(lambda c: cover(c, {"production-orders": (now, now)}))
    found = await counted.read(lambda c: usage_of(c, window("1h"), NOW))
    assert found is not None
    assert found.calls == ()
    # Peaks are kept by the day: the whole of the day counts.
    assert {each.at for each in found.peaks} == {BEGIN}


async def test_an_api_that_is_watched_and_not_called_is_measured(store: Database) -> None:
    seconds = int(BEGIN.timestamp())
    await store.write(lambda c: cover(c, {"stock": (seconds, seconds + 60)}))
    found = await store.read(lambda c: usage_of(c, window("24h"), NOW))
    assert found is not None
    assert (found.measured, found.calls) == (("stock",), ())
    assert await store.read(counted_since) == BEGIN


async def test_what_was_watched_only_before_the_window_is_not_known_in_it(store: Database) -> None:
    seconds = int((BEGIN - timedelta(days=10)).timestamp())
    await store.write(lambda c: cover(c, {"stock": (seconds, seconds + 60)}))
    assert await store.read(lambda c: usage_of(c, window("24h"), NOW)) is None
