"""When periods close: at the ends of months of every length, in leap years, across changes of the clocks."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.period_close import next_month, nth_workday, read_period_close

BERLIN = ZoneInfo("Europe/Berlin")
zones = st.sampled_from(["Europe/Berlin", "America/Chicago", "Asia/Kolkata", "Pacific/Auckland", "UTC"]).map(ZoneInfo)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
rules = st.one_of(
    times.map(lambda at: f"month-end {at:%H:%M}"),
    st.tuples(st.integers(1, 15), times).map(lambda made: f"workday {made[0]} {made[1]:%H:%M}"),
    st.tuples(st.integers(1, 28), times).map(lambda made: f"day {made[0]} {made[1]:%H:%M}"),
)


def closes(declared: str | list[str], at: str, zone: ZoneInfo = BERLIN) -> str | None:
    """The close for a document of that local time, in local time."""
    moment = datetime.fromisoformat(at).replace(tzinfo=zone)
    close = read_period_close(declared).close_for(moment.astimezone(UTC), zone)
    return None if close.at is None else close.at.astimezone(zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("declared", "at", "expected"),
    [
        ("month-end 18:00", "2026-11-21T10:00", "2026-11-30 18:00"),
        ("month-end 18:00", "2026-11-30T17:59", "2026-11-30 18:00"),
        ("month-end 18:00", "2026-11-30T18:00", "2026-12-31 18:00"),
        ("month-end 18:00", "2026-12-31T18:30", "2027-01-31 18:00"),
        ("month-end 18:00", "2027-01-31T18:30", "2027-02-28 18:00"),
        ("month-end 18:00", "2028-02-10T00:00", "2028-02-29 18:00"),
        ("month-end 18:00", "2100-02-10T00:00", "2100-02-28 18:00"),
        ("workday 2 12:00", "2026-11-21T10:00", "2026-12-02 12:00"),
        ("workday 2 12:00", "2026-12-01T10:00", "2027-01-04 12:00"),  # the new month's own
        ("workday 1 12:00", "2026-10-31T23:59", "2026-11-02 12:00"),  # the first is a Sunday
        ("workday 6 12:00", "2026-07-15T08:00", "2026-08-10 12:00"),  # over a week-end
        ("day 3 18:00", "2026-11-21T10:00", "2026-12-03 18:00"),
        ("day 3 18:00", "2026-12-31T23:59", "2027-01-03 18:00"),
        (["2026-12-25 18:00", "2026-11-27 18:00"], "2026-11-21T10:00", "2026-11-27 18:00"),
        (["2026-12-25 18:00", "2026-11-27 18:00"], "2026-11-27T18:00", "2026-12-25 18:00"),
        (["2026-12-25 18:00", "2026-11-27 18:00"], "2026-12-25T18:00", None),
    ],
)
def test_the_close_for_a_document(declared, at, expected) -> None:
    assert closes(declared, at) == expected


def test_the_close_is_by_the_clock_on_the_wall_when_the_clocks_change() -> None:
    # the last Sunday of March and of October: the evening of a day that is an hour shorter or longer
    assert closes("month-end 18:00", "2024-03-31T01:00") == "2024-03-31 18:00"
    moment = datetime(2024, 3, 31, 0, 0, tzinfo=UTC)
    assert read_period_close("month-end 18:00").close_for(moment, BERLIN).at == datetime(2024, 3, 31, 16, tzinfo=UTC)


@given(declared=rules, moment=moments, zone=zones)
def test_a_close_is_to_come_and_not_far(declared, moment, zone) -> None:
    close = read_period_close(declared).close_for(moment, zone)
    assert close.at is not None
    assert moment < close.at < moment + timedelta(days=63)


@given(declared=rules, moment=moments, zone=zones, share=st.floats(0, 1, exclude_max=True))
def test_the_answer_holds_for_as_long_as_it_says(declared, moment, zone, share) -> None:
    rule = read_period_close(declared)
    close = rule.close_for(moment, zone)
    assert close.until is not None
    assert moment < close.until
    later = moment + (close.until - moment) * share
    assert rule.close_for(later, zone).at == close.at
    assert rule.close_for(close.until, zone).at != close.at


@given(moment=moments, zone=zones)
def test_a_month_closes_on_its_last_day(moment, zone) -> None:
    close = read_period_close("month-end 23:59").close_for(moment, zone).at
    assert close is not None
    local = close.astimezone(zone)
    assert local.day == calendar.monthrange(local.year, local.month)[1]
    assert (local.year, local.month) == (moment.astimezone(zone).year, moment.astimezone(zone).month) or (
        moment.astimezone(zone).time() >= time(23, 59)
    )


@given(day=st.dates(date(1990, 1, 1), date(2090, 1, 1)), n=st.integers(1, 15))
def test_workdays_are_counted_from_monday_to_friday(day, n) -> None:
    first = day.replace(day=1)
    found = nth_workday(first, n)
    every = (first + timedelta(days=away) for away in range(31))
    assert found == [each for each in every if each.weekday() < 5][n - 1]


@given(day=st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_the_month_after(day) -> None:
    found = next_month(day.replace(day=1))
    assert found.day == 1
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == 1


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("end of month", "month-end 18:00"),
        ("month-end", "month-end 18:00"),
        ("month-end 25:00", "month-end 18:00"),
        ("workday 16 12:00", "from 1 to 15"),
        ("day 0 12:00", "from 1 to 28"),
        ("day 31 12:00", "from 1 to 28"),
        ([], "empty"),
        (["2026-02-30 18:00"], "no day of the calendar"),
        (["tomorrow"], "no day with a time"),
    ],
)
def test_what_is_no_close_is_told_what_one_looks_like(declared, said) -> None:
    with pytest.raises(ValueError, match=said):
        read_period_close(declared)
