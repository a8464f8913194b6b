"""Shifts by the plant's own clock, in the nights in which it changes too."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.shifts import ShiftStart, read_shift, shift_at

BERLIN, CHICAGO = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Chicago")
THREE = [read_shift(text) for text in ("06:00 early", "14:00 late", "22:00 night")]
TWO = [read_shift(text) for text in ("07:00 day", "19:00 night")]

zones = st.sampled_from(
    ["Europe/Berlin", "America/Chicago", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC", "Asia/Tehran"]
).map(ZoneInfo)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
starts = st.lists(
    st.times().map(lambda at: at.replace(second=0, microsecond=0)), min_size=1, max_size=4, unique=True
).map(lambda times: [ShiftStart(at, f"shift {place}") for place, at in enumerate(times)])


def local(zone: ZoneInfo, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@given(moment=moments, zone=zones, shifts=starts)
def test_every_moment_is_in_one_shift_and_the_next_begins_where_it_ends(moment, zone, shifts) -> None:
    shift = shift_at(moment, zone, shifts)
    assert shift.begins_at <= moment < shift.ends_at
    following = shift_at(shift.ends_at, zone, shifts)
    assert following.begins_at == shift.ends_at
    last = shift_at(shift.ends_at - timedelta(microseconds=1), zone, shifts)
    assert last == shift


@given(moment=moments, zone=zones, shifts=starts)
def test_no_shift_is_longer_than_a_day_and_what_the_clocks_move(moment, zone, shifts) -> None:
    shift = shift_at(moment, zone, shifts)
    # the longest days there were: Samoa went from one side of the date line to the other
    assert timedelta() < shift.ends_at - shift.begins_at <= timedelta(days=2, hours=1)


@pytest.mark.parametrize(
    ("zone", "shifts", "at", "name", "ends", "hours"),
    [
        (BERLIN, THREE, "2026-03-28T23:00", "night", "2026-03-29T06:00", 7),  # the clocks go forward
        (BERLIN, THREE, "2026-10-24T23:00", "night", "2026-10-25T06:00", 9),  # and back
        (BERLIN, THREE, "2026-06-01T05:59", "night", "2026-06-01T06:00", 8),
        (BERLIN, THREE, "2026-06-01T06:00", "early", "2026-06-01T14:00", 8),
        (CHICAGO, TWO, "2026-03-07T20:00", "night", "2026-03-08T07:00", 11),
        (CHICAGO, TWO, "2026-10-31T20:00", "night", "2026-11-01T07:00", 13),
        (BERLIN, THREE, "2028-02-29T23:00", "night", "2028-03-01T06:00", 8),  # a leap day
        (BERLIN, THREE, "2026-12-31T23:30", "night", "2027-01-01T06:00", 8),
    ],
)
def test_a_night_is_as_long_as_it_is(zone, shifts, at, name, ends, hours) -> None:
    shift = shift_at(local(zone, at), zone, shifts)
    assert shift.name == name
    assert shift.ends_at == local(zone, ends)
    assert shift.ends_at - shift.begins_at == timedelta(hours=hours)


def test_a_shift_that_begins_at_a_time_the_clock_passes_over_begins_when_it_would_have() -> None:
    shifts = [ShiftStart(time(2, 30), "odd"), ShiftStart(time(14), "late")]
    shift = shift_at(local(BERLIN, "2026-03-29T05:00"), BERLIN, shifts)
    assert (shift.name, shift.begins_at) == ("odd", datetime(2026, 3, 29, 1, 30, tzinfo=UTC))


def test_of_a_time_that_comes_twice_the_first_begins_the_shift() -> None:
    shifts = [ShiftStart(time(2, 30), "odd"), ShiftStart(time(14), "late")]
    shift = shift_at(datetime(2026, 10, 25, 1, 0, tzinfo=UTC), BERLIN, shifts)  # 02:00 for the second time
    assert (shift.name, shift.begins_at) == ("odd", datetime(2026, 10, 25, 0, 30, tzinfo=UTC))


def test_the_order_in_which_shifts_are_declared_does_not_matter() -> None:
    moment = local(BERLIN, "2026-06-01T23:00")
    assert shift_at(moment, BERLIN, THREE) == shift_at(moment, BERLIN, THREE[::-1])


@pytest.mark.parametrize("text", ["early", "25:00 early", "06:60 early", "6:00 early", "06:00", "06:00 ", "06:00  x"])
def test_what_is_no_shift_is_told_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="like '06:00 early'"):
        read_shift(text)
