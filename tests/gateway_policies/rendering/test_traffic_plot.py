"""Bars of calls: as high as they are many, what was refused on top, nothing that came invisible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_policies.rendering.traffic_plot import ASCII, BLOCKS, HEIGHT, Row, plot, times


def text(rows: list[Row]) -> list[str]:
    return ["".join(cells for _, cells in row.cells) for row in rows]


def test_bars_in_ascii() -> None:
    rows = plot([0, 4, 8, 8, 2], [0, 0, 4, 8, 1], ASCII, height=4)
    assert text(rows) == [
        "  xx ",
        "  xx ",
        " ##x ",
        " ##xx",
        "+----",
    ]
    assert [row.label for row in rows] == ["8", "", "", "0", ""]


def test_cells_of_one_kind_are_one_run() -> None:
    rows = plot([2, 2, 2], [0, 0, 2], BLOCKS, height=1)
    assert rows[0].cells == (("passed", "██"), ("refused", "▓"))


def test_nothing_at_all_is_an_empty_plot() -> None:
    assert text(plot([0, 0], [0, 0], ASCII, height=2)) == ["  ", "  ", "+-"]
    assert text(plot([], [], ASCII, height=1)) == ["", "+"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), max_size=60))
def test_whatever_came_has_a_mark_and_whatever_was_refused_too(parts: list[tuple[int, int]]) -> None:
    came, refused = [max(pair) for pair in parts], [min(pair) for pair in parts]
    rows = text(plot(came, refused, ASCII))
    assert len(rows) == HEIGHT + 1
    assert {len(row) for row in rows} <= {max(1, len(parts)), len(parts)}
    for place, (all_, no) in enumerate(zip(came, refused, strict=True)):
        column = "".join(row[place] for row in rows[:-1])
        assert ("x" in column) == (no > 0)
        assert (column.strip() != "") == (all_ > 0)
        assert " " not in column.lstrip()


def test_times_below_the_line() -> None:
    begin = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    assert times(begin, begin + timedelta(hours=1), 20) == "10:00          11:00"
    assert times(begin, begin + timedelta(days=2), 60).startswith("2026-11-20 10:00  ")
    assert times(begin, begin + timedelta(hours=1), 5) == "10:00 to 11:00"
