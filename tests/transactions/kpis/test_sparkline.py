"""Bars: nothing looks like nothing, and something like something."""

from __future__ import annotations

from transactions.kpis.sparkline import sparkline


def test_bars_reach_from_nothing_to_the_largest() -> None:
    assert sparkline([0, 1, 2, 4, 8]) == "▁▂▃▅█"  # 1 of 8 is not nothing
    assert sparkline([0.001, 1000]) == "▂█"


def test_nothing_is_flat_and_what_is_not_known_is_a_dot() -> None:
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([None, 0, None, 5]) == "·▁·█"
    assert sparkline([]) == ""
