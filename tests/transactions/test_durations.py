"""Durations and rates as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.durations import parse_duration, parse_rate, short


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15m", 900),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("2w", 1_209_600),
        ("1.5h", 5400),
        ("1d", 86_400),
        ("0s", 0),
        ("1m1ms", 60.001),
    ],
)
def test_what_a_duration_is(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "15", "m", "15 m", "1h 30m", "-5m", "1,5h", "15min", "h1", "1hm", "5M", "1e3s", "15m\n"]
)
def test_what_is_none_is_named_and_the_form_shown(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration: write a number and a unit, like 15m") as refused:
        parse_duration(text)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize("text", ["99999999999999999w", "9" * 400 + "s"], ids=["years", "digits"])
def test_one_too_long_for_any_calendar_is_refused_too(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@given(st.integers(0, 200), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_units_add_up(days: int, hours: int, minutes: int, seconds: int, milliseconds: int) -> None:
    text = f"{days}d{hours}h{minutes}m{seconds}s{milliseconds}ms"
    expected = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
    assert abs(parse_duration(text) - expected) <= timedelta(microseconds=1)


@given(st.text(max_size=20))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        assert parse_duration(text) >= timedelta(0)
    except ValueError as error:
        assert "like 15m" in str(error)  # noqa: PT017


@pytest.mark.parametrize(("text", "per_second"), [("50/s", 50.0), ("600/m", 10.0), ("1800/h", 0.5), ("0.5/s", 0.5)])
def test_what_a_rate_is(text: str, per_second: float) -> None:
    assert parse_rate(text) == pytest.approx(per_second)


@pytest.mark.parametrize(
    "text",
    ["", "50", "/s", "50/d", "-1/s", "0/s", "0.0/m", "50 / s", "fifty/s", "50/s\n", "9" * 400 + "/s"],
    ids=lambda text: repr(text[:8]),
)
def test_a_rate_that_is_none_or_lets_nothing_through_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rate: write a number per unit of time, like 50/s"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=59.9), "59s"),
        (timedelta(minutes=38, seconds=59), "38m"),
        (timedelta(minutes=60), "1h"),
        (timedelta(hours=23, minutes=59), "23h"),
        (timedelta(days=3, hours=5), "3d"),
        (timedelta(seconds=-90), "-1m"),
        (timedelta(milliseconds=-200), "0s"),
    ],
)
def test_an_age_is_short(span: timedelta, shown: str) -> None:
    assert short(span) == shown


@given(st.integers(0, 10**9))
def test_a_short_age_never_says_more_than_it_is(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert parse_duration(short(span)) <= span
