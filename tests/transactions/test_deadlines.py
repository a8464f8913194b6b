"""When a document is due: the first of its clocks to run out, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.clock import from_micros, to_micros
from transactions.deadlines import BECAUSE, Due, PlantClock, due_of, expiry_of
from transactions.model import DueBecause
from transactions.period_close import read_period_close
from transactions.shifts import read_shift, shift_at

BERLIN = ZoneInfo("Europe/Berlin")
SHIFTS = [read_shift(text) for text in ("06:00 early", "14:00 late", "22:00 night")]
ALL = (DueBecause.SHIFT_END, DueBecause.LOT_EXPIRY, DueBecause.PERIOD_CLOSE)
MINUTE = 60_000_000


def plant() -> PlantClock:
    return PlantClock(BERLIN, SHIFTS, read_period_close("month-end 18:00"))


def due(at: str, slo: int = 15 * MINUTE, clocks: tuple[DueBecause, ...] = ALL, expiry: str | None = None) -> Due:
    created = to_micros(datetime.fromisoformat(at).replace(tzinfo=BERLIN).astimezone(UTC))
    return due_of(created, slo, clocks, plant(), expiry)


def local(found: Due) -> str:
    return from_micros(found.at).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("at", "slo", "expiry", "expected", "because"),
    [
        ("2026-11-21T10:00", 15, None, "2026-11-21 10:15", DueBecause.SLO),
        ("2026-11-21T13:50", 15, None, "2026-11-21 14:00", DueBecause.SHIFT_END),
        ("2026-11-21T10:00", 720, None, "2026-11-21 14:00", DueBecause.SHIFT_END),
        ("2026-11-30T17:55", 15, None, "2026-11-30 18:00", DueBecause.PERIOD_CLOSE),
        ("2026-11-30T18:00", 15, None, "2026-11-30 18:15", DueBecause.SLO),
        ("2026-11-21T10:00", 15, "2026-11-21T10:10", "2026-11-21 10:10", DueBecause.LOT_EXPIRY),
        ("2026-11-21T10:00", 15, "2026-11-21T09:10:00Z", "2026-11-21 10:10", DueBecause.LOT_EXPIRY),
        ("2026-11-21T10:00", 15, "2026-11-21", "2026-11-21 10:15", DueBecause.SLO),
        ("2026-11-21T23:55", 15, "2026-11-21", "2026-11-22 00:00", DueBecause.LOT_EXPIRY),
        ("2026-11-21T23:55", 15, "20261121", "2026-11-22 00:00", DueBecause.LOT_EXPIRY),
        ("2026-11-21T10:00", 15, "2026-11-20", "2026-11-21 10:15", DueBecause.SLO),  # it had expired already
        ("2026-11-21T10:00", 15, "soon", "2026-11-21 10:15", DueBecause.SLO),
        ("2026-10-25T01:55", 120, "2026-10-25T02:30", "2026-10-25 02:30", DueBecause.LOT_EXPIRY),
    ],
)
def test_the_first_clock_to_run_out_says_when_and_why(at, slo, expiry, expected, because) -> None:
    found = due(at, slo * MINUTE, expiry=expiry)
    assert (local(found), found.because) == (expected, because)


def test_only_the_clocks_that_a_flow_names_count() -> None:
    at = "2026-11-30T13:50"
    assert due(at, clocks=()).because is DueBecause.SLO
    assert due(at, clocks=(DueBecause.PERIOD_CLOSE,)).because is DueBecause.SLO
    assert due(at, clocks=(DueBecause.SHIFT_END,)).because is DueBecause.SHIFT_END


def test_a_document_without_a_plant_goes_by_its_slo_and_the_expiry_of_its_lot() -> None:
    created = to_micros(datetime(2026, 11, 30, 17, 55, tzinfo=UTC))
    assert due_of(created, 15 * MINUTE, ALL, None, None) == Due(created + 15 * MINUTE, DueBecause.SLO)
    assert due_of(created, 15 * MINUTE, ALL, None, "2026-11-30T18:00").because is DueBecause.LOT_EXPIRY


def test_a_plant_may_close_by_the_clock_of_the_company() -> None:
    clock = PlantClock(ZoneInfo("America/Chicago"), SHIFTS, read_period_close("month-end 18:00"), BERLIN)
    found = clock.period_close(to_micros(datetime(2026, 11, 30, 12, 0, tzinfo=UTC)))
    assert from_micros(found or 0) == datetime(2026, 11, 30, 17, 0, tzinfo=UTC)


def test_a_plant_without_a_calendar_has_no_close() -> None:
    assert PlantClock(BERLIN, SHIFTS, None).period_close(0) is None


def test_a_calendar_that_has_run_out_says_nothing() -> None:
    clock = PlantClock(BERLIN, SHIFTS, read_period_close(["2026-11-27 18:00"]))
    assert clock.period_close(to_micros(datetime(2026, 11, 20, tzinfo=UTC))) is not None
    for _ in range(2):
        assert clock.period_close(to_micros(datetime(2026, 12, 1, tzinfo=UTC))) is None


@given(
    created=st.integers(0, 4_000_000_000_000_000),
    slo=st.integers(1, 30 * 24 * 60 * MINUTE),
    clocks=st.sets(st.sampled_from(ALL)),
    expiry=st.none() | st.datetimes(datetime(1975, 1, 1), datetime(2095, 1, 1)).map(datetime.isoformat),
)
def test_it_is_due_after_it_came_in_and_never_later_than_its_slo(created, slo, clocks, expiry) -> None:
    found = due_of(created, slo, clocks, plant(), expiry)
    assert created < found.at <= created + slo
    assert (found.because is DueBecause.SLO) == (found.at == created + slo)
    assert found.because in {DueBecause.SLO, *clocks}


@given(
    moments=st.lists(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)), max_size=30)
)
def test_what_a_clock_remembers_is_what_it_would_say(moments) -> None:
    clock, rule = plant(), read_period_close("month-end 18:00")
    for moment in moments:
        close = rule.close_for(moment, BERLIN).at
        assert close is not None
        assert clock.period_close(to_micros(moment)) == to_micros(close)
        assert clock.shift_end(to_micros(moment)) == to_micros(shift_at(moment, BERLIN, SHIFTS).ends_at)


@given(text=st.text() | st.from_regex(r"\d{4}-?\d\d-?\d\d(T\d\d:\d\d(Z)?)?", fullmatch=True))
def test_nothing_that_a_document_says_of_an_expiry_breaks_the_clock(text) -> None:
    found = expiry_of(text, BERLIN)
    assert found is None or isinstance(found, int)


@pytest.mark.parametrize("text", ["00000000", "9999-12-31", "0001-01-01", "99991231", "2026-02-30", "", "never"])
def test_what_means_never_or_nothing_says_nothing(text: str) -> None:
    found = expiry_of(text, BERLIN)
    assert found is None or found < 0


def test_a_day_is_good_until_it_ends_where_the_plant_is() -> None:
    found = expiry_of("2026-03-29", BERLIN)  # a day of 23 hours
    assert from_micros(found or 0) == datetime(2026, 3, 29, 22, 0, tzinfo=UTC)
    assert timedelta(hours=23) == datetime(2026, 3, 29, 22, tzinfo=UTC) - datetime(2026, 3, 28, 23, tzinfo=UTC)


def test_every_reason_has_words() -> None:
    assert BECAUSE.keys() == set(DueBecause)
