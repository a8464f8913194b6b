"""Time as microseconds and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.clock import EPOCH, Clock, Step, StepWatch, SystemClock, from_micros, to_micros

moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(moments)
def test_a_moment_goes_round_to_the_microsecond(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment


@given(moments, moments)
def test_order_is_kept(one: datetime, other: datetime) -> None:
    assert (one < other) == (to_micros(one) < to_micros(other))


@pytest.mark.parametrize(
    ("moment", "micros"),
    [
        (EPOCH, 0),
        (EPOCH + timedelta(microseconds=1), 1),
        (EPOCH - timedelta(microseconds=1), -1),
        (datetime(2026, 3, 2, 12, tzinfo=UTC), 1_772_452_800_000_000),
    ],
)
def test_known_moments(moment: datetime, micros: int) -> None:
    assert to_micros(moment) == micros
    assert from_micros(micros) == moment


def test_other_zones_are_the_same_moment() -> None:
    berlin = timezone(timedelta(hours=1))
    assert to_micros(datetime(2026, 3, 2, 13, tzinfo=berlin)) == to_micros(datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert from_micros(0).tzinfo is UTC


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        to_micros(datetime(2026, 3, 2))


def test_the_machines_clock_is_aware_and_moves_on() -> None:
    clock: Clock = SystemClock()
    first = clock.now()
    assert first.utcoffset() == timedelta(0)
    assert clock.now() >= first


class Hands:
    """A wall clock and seconds that nobody sets, moved by the test."""

    def __init__(self) -> None:
        self.wall, self.seconds = datetime(2026, 3, 29, 1, tzinfo=UTC), 100.0

    def now(self) -> datetime:
        return self.wall

    def pass_(self, seconds: float, set_by: float = 0.0) -> None:
        self.seconds += seconds
        self.wall += timedelta(seconds=seconds + set_by)


def watched() -> tuple[Hands, StepWatch]:
    hands = Hands()
    return hands, StepWatch(hands, lambda: hands.seconds)


@pytest.mark.parametrize("by", [3600.0, -3600.0, 1.5, -90_000.0])
def test_a_clock_that_is_set_is_noticed_once(by: float) -> None:
    hands, watch = watched()
    hands.pass_(4.0, set_by=by)
    found = watch.look()
    assert found == Step(by=pytest.approx(by), within=pytest.approx(4.0))
    hands.pass_(5.0)
    assert watch.look() is None


def test_time_that_passes_is_no_step_however_much() -> None:
    hands, watch = watched()
    for seconds in (0.0, 0.1, 5.0, 86_400.0):
        hands.pass_(seconds)
        assert watch.look() is None


def test_a_clock_that_is_adjusted_little_by_little_is_not_set() -> None:
    hands, watch = watched()
    for _ in range(100):
        hands.pass_(5.0, set_by=0.1)
        assert watch.look() is None
