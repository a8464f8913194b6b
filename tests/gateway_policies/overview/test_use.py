"""Sentences about calls beside what the policies allow: only what is known, and never zero where it is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from gateway_doubles import NOW
from plant_doubles import STANDARD, V1, V2, plant, usage

from gateway_policies.model import Throttle, Version
from gateway_policies.overview.access import Access
from gateway_policies.overview.matrix import Matrix
from gateway_policies.overview.throttling import Throttling
from gateway_policies.overview.use import calls_of_version, peaks_of_throttle, use_of_mark
from gateway_policies.overview.words import about_mark, about_throttle, about_version
from gateway_policies.planning.usage import Calls, Peak, Seen, Usage

ACCESS = Access(plant(), NOW.date())
SEEN, UNSEEN = Seen(usage()), Seen(None)
SINCE = "2026-11-14 08:00"


def version(address: str) -> Version:
    found = plant()[address]
    assert isinstance(found, Version)
    return found


def throttle() -> Throttle:
    found = plant()[STANDARD]
    assert isinstance(found, Throttle)
    return found


def test_who_still_calls_a_version() -> None:
    said = f"12,431 since {SINCE}, last on 2026-11-20 08:00: mes-p03 12,431"
    assert calls_of_version(version(V1), SEEN) == said
    told = dict(about_version(version(V1), ACCESS, SEEN))
    assert told["calls"] == said
    assert told["may call"] == "2 consumers: mes-p01 and mes-p03"


def test_a_version_that_nobody_calls_any_more() -> None:
    assert calls_of_version(version(V2), SEEN) == f"none since {SINCE}"


@pytest.mark.parametrize("seen", [UNSEEN, Seen(usage(measured=("stock",)))])
def test_what_was_not_counted_is_not_none(seen: Seen) -> None:
    assert calls_of_version(version(V2), seen) is None
    told = dict(about_version(version(V2), ACCESS, seen))
    assert "calls" not in told
    assert told["may call"].endswith("; how many calls is not known")
    assert list(use_of_mark("mes-p01", "orders.read", ACCESS, seen)) == []


def test_many_callers_are_counted() -> None:
    calls = tuple(
        Calls(
            consumer=f"c{n}",
            api="production-orders",
            version="v1",
            operation="x",
            scope=None,
            calls=9 - n,
            last_seen=NOW,
        )
        for n in range(7)
    )
    seen = Seen(Usage(since=NOW - timedelta(days=1), until=NOW, calls=calls))
    assert (calls_of_version(version(V1), seen) or "").endswith(": c0 9, c1 8, c2 7, c3 6, 3 more")


def test_how_often_a_scope_was_used_by_a_consumer() -> None:
    matrix = Matrix(ACCESS)

    def told(consumer: str, scope: str) -> dict[str, str]:
        return dict(about_mark(consumer, scope, matrix.cell(consumer, scope), matrix, ACCESS, SEEN))

    assert told("mes-p03", "orders.release")["used"] == f"12,431 since {SINCE}, last on 2026-11-20 08:00"
    assert told("mes-p03", "orders.read")["used"] == f"none since {SINCE}"


def test_the_busiest_minutes_against_what_refills() -> None:
    held = Throttling(ACCESS).held["plant-standard"]
    assert dict(about_throttle(throttle(), held, SEEN))["busiest"] == (
        "calls in a minute, of 600 that refill: consumer.mes-p03 400 on 2026-11-19 08:00 (67%)"
    )
    assert list(peaks_of_throttle(throttle(), held, UNSEEN)) == []
    many = tuple(Peak(address=f"consumer.c{n}", per_minute=100 + n, at=NOW) for n in range(6))
    seen = Seen(Usage(since=NOW, until=NOW, peaks=many))
    everybody = type(held)(apis=(), consumers=tuple(f"c{n}" for n in range(6)))
    ((_, said),) = peaks_of_throttle(throttle(), everybody, seen)
    assert said.startswith("calls in a minute, of 600 that refill: consumer.c5 105 on")
    assert said.endswith(", 2 more")
