from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.moments import parse_moment

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", datetime(2026, 11, 21, 10, 30, tzinfo=UTC)),
        ("1d12h", datetime(2026, 11, 20, 0, 30, tzinfo=UTC)),
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-21T06:00", datetime(2026, 11, 21, 6, tzinfo=UTC)),
        ("2026-11-21 06:00:01", datetime(2026, 11, 21, 6, 0, 1, tzinfo=UTC)),
        ("2026-11-21T06:00:00Z", datetime(2026, 11, 21, 6, tzinfo=UTC)),
        ("2026-11-21T06:00:00+01:00", datetime(2026, 11, 21, 5, tzinfo=UTC)),
    ],
)
def test_what_people_write(text: str, moment: datetime) -> None:
    assert parse_moment(text, NOW) == moment
    assert parse_moment(text, NOW).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "yesterday", "21.11.2026", "2026-13-01", "-2h", "99999999w", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_none_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="not a moment: write a date"):
        parse_moment(text, NOW)


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_by_a_machine_goes_round(moment: datetime) -> None:
    assert parse_moment(moment.isoformat(), NOW) == moment


@given(st.integers(0, 10_000))
def test_an_age_is_counted_back(minutes: int) -> None:
    assert parse_moment(f"{minutes}m", NOW) == NOW - timedelta(minutes=minutes)
