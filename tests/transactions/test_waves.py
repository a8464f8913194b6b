"""Waves: a few that differ first, then ten, then the rest, and never a later version before an earlier one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transactions.waves import SECOND, WaveItem, assign


def test_one_then_ten_then_the_rest() -> None:
    items = [WaveItem(None, "P01", "M1")] * 30
    assert assign(items, 1) == [0] + [1] * SECOND + [2] * 19
    assert assign(items[:5], 1) == [0, 1, 1, 1, 1]
    assert assign(items[:1], 1) == [0]
    assert assign([], 1) == []


def test_no_canary_is_one_wave() -> None:
    assert assign([WaveItem(None, "P01", "M1")] * 30, 0) == [0] * 30


def test_a_canary_is_spread_over_plants_and_then_materials() -> None:
    items = [
        WaveItem("a", "P01", "M1"),
        WaveItem("b", "P01", "M1"),
        WaveItem("c", "P01", "M2"),
        WaveItem("d", "P02", "M1"),
        WaveItem("e", "P02", "M3"),
    ]
    assert [place for place, wave in enumerate(assign(items, 2)) if wave == 0] == [0, 4]
    assert [place for place, wave in enumerate(assign(items, 3)) if wave == 0] == [0, 2, 4]


def test_a_canary_is_the_head_of_its_lane_and_waits_for_nothing() -> None:
    items = [WaveItem("a", "P01", "M1", True), WaveItem("a", "P02", "M2"), WaveItem("b", "P01", "M1")]
    assert assign(items, 1) == [1, 1, 0]  # the second would differ more, and is behind the first
    assert assign(items[:2], 1) == [0, 1]  # there is no other
    assert assign([WaveItem("a", "P01", "M1")] * 3, 3) == [0, 1, 1]


described = st.builds(
    WaveItem,
    st.none() | st.sampled_from("abc"),
    st.none() | st.sampled_from(["P01", "P02", "P03"]),
    st.none() | st.sampled_from(["M1", "M2"]),
    st.booleans(),
)


@given(st.lists(described, max_size=40), st.integers(0, 50))
def test_whatever_comes_lanes_keep_their_sequence(items: list[WaveItem], canary: int) -> None:
    waves = assign(items, canary)
    assert len(waves) == len(items)
    for lane in "abc":
        of_lane = [wave for item, wave in zip(items, waves, strict=True) if item.lane == lane]
        assert of_lane == sorted(of_lane)
    if canary and items:
        assert 1 <= waves.count(0) <= canary
        assert waves.count(1) <= SECOND
        assert waves.count(2) == 0 or waves.count(1) == SECOND
