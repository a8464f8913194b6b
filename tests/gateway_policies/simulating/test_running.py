"""Traffic through throttles: who is refused, by whose throttle, when, and how that compares with today."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plant_doubles import BULK, MES1, MES3, ORDERS, STANDARD, plant

from gateway_policies.model import Resource, Throttle
from gateway_policies.simulating.model import Held, Simulation
from gateway_policies.simulating.running import PARTS, Group, Run

BEGIN = 1_795_168_800  # 2026-11-20T10:00Z
API = "production-orders"


def at(second: float) -> datetime:
    return datetime.fromtimestamp(BEGIN + second, UTC)


def cut(**throttles: Throttle) -> dict[str, Resource]:
    """The plant with other throttles."""
    named = {f"throttle.{each.name}": each for each in throttles.values()}
    return {**plant(), **named}


def tight(requests: int, burst: int | None = None, **more: int) -> dict[str, Resource]:
    return cut(standard=Throttle(name="plant-standard", requests=requests, per_seconds=60, burst=burst, **more))


def of(found: Simulation, address: str) -> Held:
    return next(each for each in found.held if each.address == address)


def calls(run: Run, count: int, *, every: float = 0.0, begin: float = 0.0, consumer: str = "mes-p03") -> None:
    for number in range(count):
        run.call(BEGIN + begin + number * every, consumer, API)


def test_who_is_refused_when_and_how_often_now_and_then() -> None:
    run = Run(plant(), tight(60, 10), BEGIN)
    calls(run, 30)
    calls(run, 15, begin=600)
    found = run.result()
    assert (found.calls, found.refused, found.refused_before, found.by_second) == (45, 25, 0, False)
    assert (found.since, found.until) == (at(0), at(600))
    first = found.held[0]
    assert (first.address, first.throttle, first.before) == (MES3, "plant-standard", "plant-standard")
    assert (first.calls, first.refused, first.refused_before) == (45, 25, 0)
    assert [(each.begin, each.until, each.refused) for each in first.spells] == [
        (at(0), at(0), 20),
        (at(600), at(600), 5),
    ]
    assert (first.busiest, first.busiest_at) == (30, at(0))
    assert [(each.consumer, each.refused) for each in first.who] == [("mes-p03", 25)]
    assert of(found, MES1).calls == 0


def test_consumers_have_buckets_of_their_own_and_share_the_one_of_the_api() -> None:
    run = Run(plant(), cut(bulk=Throttle(name="bulk", requests=60, per_seconds=60, burst=15)), BEGIN)
    calls(run, 10, consumer="mes-p01")
    calls(run, 10, consumer="mes-p03")
    found = run.result()
    shared = of(found, ORDERS)
    assert (shared.calls, shared.refused, found.refused) == (20, 5, 5)
    assert [(each.consumer, each.refused) for each in shared.who] == [("mes-p03", 5)]
    assert (of(found, MES1).refused, of(found, MES3).refused) == (0, 0)


def test_what_a_consumers_own_throttle_refuses_never_comes_to_the_one_of_the_api() -> None:
    run = Run(plant(), tight(60, 5), BEGIN)
    calls(run, 50)
    found = run.result()
    assert (of(found, MES3).refused, of(found, ORDERS).calls, of(found, ORDERS).refused) == (45, 5, 0)


def test_a_quota_is_a_second_bucket_that_fills_slowly() -> None:
    proposed = tight(600, 100, quota=20, quota_per_seconds=86_400)
    run = Run(plant(), proposed, BEGIN)
    calls(run, 30, every=10)
    found = of(run.result(), MES3)
    assert found.refused == 10
    run = Run(plant(), proposed, BEGIN)
    calls(run, 20)
    calls(run, 2, begin=86_400 / 20 + 1)  # a twentieth of a day gives one more
    assert of(run.result(), MES3).refused == 1


def test_a_throttle_that_is_new_and_one_that_goes() -> None:
    without = plant()
    without[MES3] = msgspec.structs.replace(without[MES3], throttle=None)
    run = Run(without, tight(60, 1), BEGIN)
    calls(run, 5)
    found = of(run.result(), MES3)
    assert (found.before, found.throttle, found.refused_before, found.refused) == (None, "plant-standard", 0, 4)
    run = Run(tight(60, 1), without, BEGIN)
    calls(run, 5)
    found = of(run.result(), MES3)
    assert (found.before, found.throttle, found.refused_before, found.refused) == ("plant-standard", None, 4, 0)


def test_nothing_came() -> None:
    found = Run(plant(), plant(), 0.0).result()
    assert (found.since, found.until, found.calls, found.refused) == (None, None, 0, 0)
    assert {each.address for each in found.held} == {MES1, MES3, ORDERS}


def test_strangers_and_apis_without_throttles_pass() -> None:
    run = Run(plant(), {}, BEGIN)
    run.call(BEGIN, "nobody", "nothing")
    assert run.result().refused == 0


@pytest.mark.parametrize("hours", [0, 1, 5, 24 * 7])
def test_the_time_is_told_in_equal_parts_that_have_every_call(hours: int) -> None:
    run = Run(plant(), tight(60, 1), BEGIN)
    calls(run, 10)
    calls(run, 10, begin=hours * 3_600)
    found = run.result()
    held = of(found, MES3)
    assert len(held.came) == len(held.turned_away) <= PARTS
    assert (sum(held.came), sum(held.turned_away)) == (held.calls, held.refused)
    assert held.came[-1] >= 10
    assert found.step * len(held.came) >= hours * 3_600


def test_a_short_time_is_told_by_the_second() -> None:
    run = Run(plant(), tight(60, 1), BEGIN, unit=1)
    calls(run, 4, every=1.0)
    found = run.result()
    assert (found.step, of(found, MES3).came) == (1, (1, 1, 1, 1))


def test_only_the_worst_times_are_told_and_the_rest_counted() -> None:
    run = Run(plant(), tight(60, 1), BEGIN)
    for number in range(9):
        calls(run, 3 + number, begin=number * 600)
    held = of(run.result(), MES3)
    assert [each.refused for each in held.spells] == [10, 9, 8, 7, 6]
    assert held.spells_left_off == 4


SECONDS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=25)


@settings(max_examples=50, deadline=None)
@given(SECONDS, st.integers(1, 1200), st.integers(1, 60), st.integers(1, 1200))
def test_counted_by_the_second_is_the_same_as_calls_spread_over_it(
    seconds: list[tuple[int, int, int]], requests: int, burst: int, shared: int
) -> None:
    proposed = cut(
        standard=Throttle(name="plant-standard", requests=requests, per_seconds=60, burst=burst),
        bulk=Throttle(name="bulk", requests=shared, per_seconds=60),
    )
    by_second, by_call = Run(plant(), proposed, BEGIN), Run(plant(), proposed, BEGIN)
    begin, most = BEGIN, 0
    for pause, first, second in seconds:
        begin += 1 + pause
        groups = [Group("mes-p01", API, first), Group("mes-p03", API, second)]
        by_second.second(begin, [each for each in groups if each.calls])
        spread = [(begin + (n + 0.5) / each.calls, each.consumer) for each in groups for n in range(each.calls)]
        for moment, consumer in sorted(spread):
            by_call.call(moment, consumer, API)
        most += first + second
    one, other = by_second.result(), by_call.result()
    assert one.calls == other.calls == most
    # Of the API's bucket the calls of two consumers are taken as one even row, which moves one of them by less than a
    # second: what refills in that time can be one or two tokens more or less, each time that nobody is refused.
    assert abs(one.refused - other.refused) <= 2 * len(seconds)
    assert one.refused_before == other.refused_before == 0 or one.refused <= most


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 20, allow_nan=False), max_size=60), st.integers(1, 100), st.integers(1, 20))
def test_more_is_never_refused_by_looser_throttles_alone(gaps: list[float], requests: int, burst: int) -> None:
    run = Run(tight(requests, burst), tight(requests + 10, burst + 5), BEGIN)
    moment = float(BEGIN)
    for gap in gaps:
        moment += gap
        run.call(moment, "mes-p03", API)
    found = run.result()
    assert found.refused <= found.refused_before
    for each in found.held:
        assert each.refused == sum(one.refused for one in each.who)
        assert each.refused <= each.calls


def test_addresses_of_throttles_are_those_of_the_plant() -> None:
    assert {STANDARD, BULK} <= set(plant())
