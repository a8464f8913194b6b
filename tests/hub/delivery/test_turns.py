"""Who is next at a target: the line before batches, and batches no faster than their share."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.delivery.turns import Turns


def filled(live: int, again: int, share: float = 0.5) -> Turns:
    turns = Turns(share)
    for n in range(again):
        turns.add(f"again{n}", again=True)
    for n in range(live):
        turns.add(f"live{n}")
    return turns


def test_live_traffic_comes_first_in_its_order() -> None:
    turns = filled(2, 2)
    assert turns.take(3, 0.0, None) == ["live0", "live1", "again0"]
    assert turns.take(3, 0.0, None) == ["again1"]
    assert (len(turns), turns.wait(0.0, None)) == (0, math.inf)


def test_one_that_waits_already_stays_where_it_is() -> None:
    turns = filled(1, 1)
    assert not turns.add("again0")
    assert not turns.add("live0", again=True)
    assert len(turns) == 2
    turns.take(2, 0.0, None)
    assert turns.add("again0")


def test_what_is_sent_again_takes_its_share_and_no_more() -> None:
    turns, now, gone = filled(0, 100, share=0.5), 1000.0, []
    while now < 1002.0:
        gone += turns.take(1, now, 10.0)
        now += 0.01
    # half of a second's worth at once, then five a second
    assert 10 <= len(gone) <= 14


def test_it_waits_for_its_turn_and_live_traffic_does_not() -> None:
    turns, now = filled(0, 50, share=0.5), 1000.0
    while turns.wait(now, 10.0) == 0:
        turns.take(1, now, 10.0)
    assert 0 < turns.wait(now, 10.0) <= 0.2
    assert turns.take(5, now, 10.0) == []
    turns.add("live")
    assert turns.wait(now, 10.0) == 0
    assert turns.take(5, now, 10.0) == ["live"]
    assert turns.wait(now + 0.2, 10.0) == 0


@pytest.mark.parametrize("limit", [None, 1000.0])
def test_a_line_that_never_ends_leaves_one_turn_in_ten(limit: float | None) -> None:
    turns, gone = filled(1000, 50), []
    for n in range(200):
        turns.add(f"more{n}")
        gone += turns.take(1, 1000.0 + n, limit)
    assert sum(each.startswith("again") for each in gone) == 20
    assert not any(each.startswith("again") for each in gone[:9]), "the line goes first"


def test_a_turn_in_ten_is_no_more_than_the_share() -> None:
    turns, now, gone = filled(5000, 500, share=0.01), 1000.0, []
    while now < 1010.0:
        gone += turns.take(1, now, 100.0)
        now += 0.01
    assert sum(each.startswith("again") for each in gone) <= 12


def test_without_a_limit_nothing_is_held_back() -> None:
    assert len(filled(0, 500).take(500, 0.0, None)) == 500


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 0.3)), max_size=60),
    st.sampled_from([0.01, 0.25, 0.5, 1.0]),
    st.sampled_from([2.0, 10.0, 100.0]),
)
def test_everything_goes_once_and_batches_never_beyond_their_share(
    steps: list[tuple[bool, float]], share: float, limit: float
) -> None:
    turns, now, again, live = Turns(share), 1000.0, 0, 0
    began, gone = now, []
    for n, (is_again, later) in enumerate(steps):
        turns.add(str(n), again=is_again)
        now += later
        taken = turns.take(1, now, limit)
        gone += taken
        again += sum(steps[int(each)][0] for each in taken)
        live += sum(not steps[int(each)][0] for each in taken)
        assert again <= share * limit * (share + now - began) + 1
    while len(turns):
        wait = turns.wait(now, limit)
        assert wait < math.inf
        now += wait + 1e-6
        gone += turns.take(1, now, limit)
    assert sorted(gone) == sorted(str(n) for n in range(len(steps)))


@pytest.mark.parametrize("share", [0.01, 1.0])
def test_even_the_smallest_share_moves(share: float) -> None:
    turns = filled(0, 3, share)
    assert turns.take(1, 0.0, 10.0) == ["again0"]
