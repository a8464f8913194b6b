"""Windows: as people write them, and on the edges that numbers are kept by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.kpis.windows import (
    DAY,
    HOUR,
    LONGEST,
    MINUTE,
    Window,
    hours_from,
    minutes_from,
    parse_week,
    parse_window,
    week_of,
)

NOW = datetime(2026, 11, 21, 10, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(("text", "hours"), [("1h", 1), ("8h", 8), ("24h", 24), ("7d", 168), ("90m", 1.5)])
def test_a_length_ends_now(text: str, hours: float) -> None:
    window = parse_window(text, NOW)
    assert (window.label, window.until, window.hours) == (text, NOW, hours)


def test_two_moments() -> None:
    window = parse_window("2026-11-20..2026-11-21T06:00", NOW)
    assert window.begin == datetime(2026, 11, 20, tzinfo=UTC)
    assert window.until == datetime(2026, 11, 21, 6, tzinfo=UTC)
    assert parse_window("3d..2d", NOW).hours == 24
    assert parse_window("2026-11-21T06:00..", NOW).until == NOW


@pytest.mark.parametrize(
    "text",
    ["", "soon", "8", "500d", "..", "2026-11-21..2026-11-20", "2026-11-20..x", "2026-12-01..2027", "0s", "2000..2001"],
)  # fmt: skip
def test_what_is_no_window_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="write") as told:
        parse_window(text, NOW)
    assert len(str(told.value)) < 250


@pytest.mark.parametrize("text", ["0m", "2026-11-20..2026-11-20"])
def test_a_window_without_time_is_not_said_to_be_turned_around(text: str) -> None:
    with pytest.raises(ValueError, match="spans no time: write a longer window"):
        parse_window(text, NOW)


@given(
    st.integers(0, 300 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes, seconds=7)),
    st.integers(1, 90 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes)),
)
def test_aligning_loses_nothing_and_lands_on_what_is_kept(begin: datetime, length: timedelta) -> None:
    window = Window(label="x", begin=begin, until=min(begin + length, NOW))
    if window.begin >= window.until:
        return
    found = window.aligned(NOW)
    assert found.begin <= window.begin < window.until <= found.until
    for edge in (found.begin, found.until):
        grain = MINUTE if edge >= minutes_from(NOW) else HOUR if edge >= hours_from(NOW) else DAY
        assert edge.timestamp() % grain == 0
    assert found.aligned(NOW) == found
    step = found.step(NOW)
    assert 1 <= (found.until - found.begin).total_seconds() / step <= 29


def test_the_window_before_has_the_same_length() -> None:
    window = parse_window("8h", NOW)
    assert window.before().until == window.begin
    assert window.before().hours == 8


def test_a_week_is_from_monday_to_monday() -> None:
    week = parse_week("2026-W47", NOW)
    assert (week.begin, week.until) == (datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
    assert parse_week("this", NOW) == week
    assert parse_week("last", NOW).label == "2026-W46"
    assert parse_week("2026W01", NOW).begin == datetime(2025, 12, 29, tzinfo=UTC)
    assert week_of(datetime(2027, 1, 1, tzinfo=UTC)) == "2026-W53"


@pytest.mark.parametrize("text", ["", "47", "2026-W54", "2026-W00", "2026-W48", "9999-W52", "0000-W01", "W47"])
def test_what_is_no_week_or_not_yet(text: str) -> None:
    with pytest.raises(ValueError, match=r"write one"):
        parse_week(text, NOW)


def test_the_longest_window_is_taken() -> None:
    assert parse_window(f"{LONGEST.days}d", NOW).hours == LONGEST.days * 24
