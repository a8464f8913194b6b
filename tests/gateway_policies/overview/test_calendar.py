"""Phases of versions day by day, what comes next, and bars that say the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_strategies import brownouts, days

from gateway_policies.model import Brownout, Lifecycle, Version
from gateway_policies.overview.calendar import (
    Phase,
    Span,
    Turn,
    What,
    bar,
    frame,
    months_on,
    next_turn,
    overdue,
    phase_on,
    soonest_first,
    spans,
    turns,
)

TODAY = date(2026, 11, 20)
ORDER = list(Phase)
NEAR = st.dates(TODAY - timedelta(days=400), TODAY + timedelta(days=400))


def on(number: int) -> date:
    return TODAY + timedelta(days=number)


def version(lifecycle: Lifecycle = Lifecycle.ACTIVE, name: str = "v1", **more: object) -> Version:
    return Version(api="orders", name=name, lifecycle=lifecycle, **more)


@st.composite
def versions(draw: st.DrawFn) -> Version:
    return version(
        draw(st.sampled_from(Lifecycle)),
        deprecated_on=draw(st.none() | NEAR),
        sunset_on=draw(st.none() | NEAR),
        brownouts=draw(brownouts()),
    )


@settings(max_examples=50, deadline=None)
@given(versions(), st.lists(NEAR, min_size=2, max_size=6))
def test_a_version_never_goes_back(one: Version, some: list[date]) -> None:
    places = [ORDER.index(phase_on(one, day, TODAY)) for day in sorted(some)]
    assert places == sorted(places)


@settings(max_examples=50, deadline=None)
@given(versions(), NEAR)
def test_spans_hang_together_and_say_what_the_days_say(one: Version, day: date) -> None:
    found = spans(one, TODAY)
    assert found[0].begin is None
    assert found[-1].until is None
    assert [each.until for each in found[:-1]] == [each.begin for each in found[1:]]
    assert len({each.phase for each in found}) == len(found)
    (at,) = [
        each for each in found if (each.begin is None or each.begin <= day) and (each.until is None or day < each.until)
    ]
    assert at.phase is phase_on(one, day, TODAY)


@settings(max_examples=50, deadline=None)
@given(versions())
def test_today_is_what_the_lifecycle_says_or_worse(one: Version) -> None:
    phase = phase_on(one, TODAY, TODAY)
    match one.lifecycle:
        case Lifecycle.DRAFT:
            assert phase is Phase.DRAFT
        case Lifecycle.RETIRED:
            assert phase is Phase.RETIRED
        case Lifecycle.ACTIVE:
            assert phase in (Phase.ACTIVE, Phase.DEPRECATED, Phase.SUNSET)
        case _:
            assert phase in (Phase.DEPRECATED, Phase.SUNSET)


@settings(max_examples=50, deadline=None)
@given(versions(), st.integers(0, 12), st.integers(1, 24), st.integers(1, 200))
def test_a_bar_is_as_wide_as_its_frame_and_tells_every_turn_in_it(
    one: Version, before: int, length: int, width: int
) -> None:
    shown = frame(TODAY, before, length, width)
    found = bar(one, shown, TODAY)
    assert len(found) == width
    assert [each.phase for each in found] == [phase_on(one, shown.days(cell)[0], TODAY) for cell in range(width)]
    assert sum(each.today for each in found) == (shown.begin <= TODAY < shown.until)
    for turn in turns(one):
        if shown.begin <= turn.on < shown.until:
            cell = shown.cell_of(turn.on)
            assert cell is not None
            # Where several are in a cell, the one that weighs most is told.
            told = found[cell].turn
            assert told is turn.what or (told is not None and told is not What.BROWNOUT)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 30), st.integers(1, 40), st.integers(1, 300), st.data())
def test_every_day_of_a_frame_is_in_one_cell(before: int, length: int, width: int, data: st.DataObject) -> None:
    shown = frame(TODAY, before, length, width)
    day = data.draw(st.dates(shown.begin, shown.until - timedelta(days=1)))
    cell = shown.cell_of(day)
    assert cell is not None
    first, after = shown.days(cell)
    assert first <= day < after
    assert shown.days(0)[0] == shown.begin
    assert shown.days(width - 1)[1] == shown.until
    assert shown.cell_of(shown.until) is None
    assert shown.cell_of(shown.begin - timedelta(days=1)) is None


def test_months_begin_where_they_are() -> None:
    shown = frame(TODAY, 1, 3, 92)
    assert (shown.begin, shown.until) == (date(2026, 10, 1), date(2027, 1, 1))
    assert list(shown.months()) == [(0, date(2026, 10, 1)), (31, date(2026, 11, 1)), (61, date(2026, 12, 1))]


@given(days(), st.integers(-600, 600))
@settings(max_examples=50, deadline=None)
def test_months_go_forth_and_back(day: date, by: int) -> None:
    there = months_on(day, by)
    assert there.day == 1
    assert months_on(there, -by) == day.replace(day=1)


def test_the_ends_of_the_calendar_are_ends() -> None:
    assert months_on(date.min, -5) == date(1, 1, 1)
    assert months_on(date.max, 5) == date(9999, 12, 1)


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        (version(), [(Phase.ACTIVE, None)]),
        (version(Lifecycle.DRAFT, sunset_on=on(5)), [(Phase.DRAFT, None)]),
        (
            version(deprecated_on=on(10), sunset_on=on(200)),
            [(Phase.ACTIVE, None), (Phase.DEPRECATED, on(10)), (Phase.SUNSET, on(200))],
        ),
        # Nobody knows since when.
        (version(Lifecycle.DEPRECATED), [(Phase.DEPRECATED, None)]),
        # Announced for later, and deprecated already.
        (version(Lifecycle.DEPRECATED, deprecated_on=on(10)), [(Phase.ACTIVE, None), (Phase.DEPRECATED, TODAY)]),
        (version(Lifecycle.RETIRED), [(Phase.RETIRED, None)]),
        (version(Lifecycle.RETIRED, sunset_on=on(-30)), [(Phase.ACTIVE, None), (Phase.RETIRED, on(-30))]),
        # Retired before the day that callers were told.
        (version(Lifecycle.RETIRED, sunset_on=on(30)), [(Phase.ACTIVE, None), (Phase.RETIRED, TODAY)]),
        (
            version(Lifecycle.BROWNOUT, deprecated_on=on(-100), sunset_on=on(-1)),
            [(Phase.ACTIVE, None), (Phase.DEPRECATED, on(-100)), (Phase.SUNSET, on(-1))],
        ),
    ],
)
def test_spans_of_a_life(one: Version, wanted: list[tuple[Phase, date | None]]) -> None:
    assert [(each.phase, each.begin) for each in spans(one, TODAY)] == wanted
    assert isinstance(spans(one, TODAY)[0], Span)


def brownout(day: date) -> Brownout:
    begin = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    return Brownout(from_=begin, until=begin + timedelta(minutes=30))


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        (version(), None),
        (version(deprecated_on=on(3)), Turn(on(3), What.DEPRECATED)),
        (version(deprecated_on=TODAY), Turn(TODAY, What.DEPRECATED)),
        (version(deprecated_on=on(-3), sunset_on=on(9)), Turn(on(9), What.SUNSET)),
        (version(Lifecycle.DEPRECATED, deprecated_on=on(3), sunset_on=on(9)), Turn(on(9), What.SUNSET)),
        (
            version(Lifecycle.DEPRECATED, sunset_on=on(9), brownouts=(brownout(on(2)), brownout(on(-2)))),
            Turn(on(2), What.BROWNOUT),
        ),
        (version(Lifecycle.RETIRED, sunset_on=on(9)), None),
        (version(Lifecycle.DEPRECATED, sunset_on=on(-9)), None),
    ],
)
def test_what_comes_next(one: Version, wanted: Turn | None) -> None:
    assert next_turn(one, TODAY) == wanted


def test_overdue_is_what_is_served_after_its_end() -> None:
    assert overdue(version(Lifecycle.DEPRECATED, sunset_on=on(-12)), TODAY) == 12
    assert overdue(version(Lifecycle.DEPRECATED, sunset_on=TODAY), TODAY) == 0
    assert overdue(version(Lifecycle.RETIRED, sunset_on=on(-12)), TODAY) == 0
    assert overdue(version(Lifecycle.DRAFT, sunset_on=on(-12)), TODAY) == 0
    assert overdue(version(), TODAY) == 0


def test_what_should_be_gone_comes_first_and_what_is_gone_last() -> None:
    late = version(Lifecycle.DEPRECATED, "late", sunset_on=on(-2))
    later = version(Lifecycle.DEPRECATED, "later", sunset_on=on(-40))
    soon = version(Lifecycle.DEPRECATED, "soon", sunset_on=on(3))
    then = version(name="then", deprecated_on=on(30))
    calm, draft, gone = version(name="calm"), version(Lifecycle.DRAFT, "draft"), version(Lifecycle.RETIRED, "gone")
    given_in = [gone, draft, calm, then, soon, late, later]
    assert soonest_first(given_in, TODAY) == [later, late, soon, then, calm, draft, gone]
