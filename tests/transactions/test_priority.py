"""What comes first, as one number, and the sentence that says why."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.clock import to_micros
from transactions.model import DueBecause, Priority, Risk, Status, Transaction
from transactions.priority import (
    HEAD_START,
    RANKED,
    STEP,
    priority_now,
    priority_of,
    rank_of,
    ranks_of,
    why_first,
)
from transactions.states import CLOSED, MOVING

AHEAD = "so it counts as due 8h earlier"
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
micros = st.integers(-(2**50), 2**51)
risks = st.sampled_from(list(Risk))


def at(hours: float) -> int:
    return to_micros(NOW + timedelta(hours=hours))


@given(priority=st.sampled_from(list(Priority)), risk=risks, due=st.none() | micros, created=micros)
def test_a_rank_says_its_class_and_fits_a_column(priority, risk, due, created) -> None:
    rank = rank_of(priority, risk, due, created)
    assert 0 <= rank < 2**63
    assert priority_of(rank) is priority
    low, high = ranks_of(priority)
    assert low <= rank < high == low + STEP


@given(risk=risks, one=micros, other=micros, created=micros)
def test_within_a_class_and_a_risk_what_is_due_first_comes_first(risk, one, other, created) -> None:
    ranks = [rank_of(Priority.DUE, risk, due, created) for due in (one, other)]
    assert (ranks[0] < ranks[1]) == (one < other)
    assert (ranks[0] == ranks[1]) == (one == other)


@given(risk=risks, line=risks, due=micros, other=micros)
def test_a_line_that_is_down_comes_before_everything_older(risk, line, due, other) -> None:
    down, waits, rest = (rank_of(each, line, due, due) for each in Priority)
    assert down < waits < rest
    assert down < rank_of(Priority.LINE_WAITS, risk, other, other)
    assert waits < rank_of(Priority.DUE, risk, other, other)


def test_money_and_quality_that_are_overdue_come_before_what_is_as_late_and_costs_less() -> None:
    late = {risk: rank_of(Priority.DUE, risk, at(-1), at(-2)) for risk in Risk}
    assert late[Risk.FINANCIAL] == late[Risk.QUALITY] < late[Risk.OPERATIONAL] == late[Risk.LOW]


@pytest.mark.parametrize(("hours", "first"), [(-7.9, True), (-8.1, False)])
def test_they_are_ahead_by_a_shift_and_no_more(hours: float, first: bool) -> None:
    financial, low = (
        rank_of(Priority.DUE, risk, at(due), at(-20)) for risk, due in ((Risk.FINANCIAL, 0), (Risk.LOW, hours))
    )
    assert (financial < low) is first
    assert HEAD_START[Risk.FINANCIAL] == timedelta(hours=8)


def test_without_a_deadline_it_counts_when_it_came_in() -> None:
    assert rank_of(Priority.DUE, Risk.LOW, None, at(-1)) == rank_of(Priority.DUE, Risk.LOW, at(-1), at(-9))


def test_what_moves_or_is_closed_has_no_rank() -> None:
    assert not RANKED & CLOSED
    assert {Status.HELD} == RANKED & MOVING
    assert {Status.FAILED, Status.IN_DOUBT, Status.PARKED} <= RANKED


@pytest.mark.parametrize(("down", "again", "line", "waits"), list(itertools.product([False, True], repeat=4)))
def test_the_class_follows_from_four_facts(down: bool, again: bool, line: bool, waits: bool) -> None:
    found = priority_now(says_line_down=down, up_again=again, on_a_line=line, order_waits=waits)
    if down and not again:
        assert found is Priority.LINE_DOWN
    elif not down and line and waits:
        assert found is Priority.LINE_WAITS
    else:
        assert found is Priority.DUE


def told(a_transaction: Any, priority: Priority | None, **more: Any) -> str:
    transaction: Transaction = msgspec.structs.replace(a_transaction(), priority=priority, **more)
    return why_first(transaction, NOW)


def test_the_sentence_of_a_line_that_is_down(a_transaction) -> None:
    said = told(a_transaction, Priority.LINE_DOWN, target="CMMS", business_keys={"line": "P03-L2"})
    assert said == "line P03-L2 is down, and CMMS does not know"
    said = told(a_transaction, Priority.LINE_DOWN, target="CMMS", business_keys={"equipment": "P03-L2-M1"})
    assert said == "line P03-L2-M1 is down, and CMMS does not know"
    assert told(a_transaction, Priority.LINE_DOWN, target="CMMS", business_keys={}).startswith("a line is down")


def test_the_sentence_of_an_order_that_waits(a_transaction) -> None:
    said = told(a_transaction, Priority.LINE_WAITS, business_keys={"order": "4711", "line": "P01-L1"})
    assert said == "order 4711 on line P01-L1 waits for it"


@pytest.mark.parametrize(
    ("due", "because", "risk", "said"),
    [
        (-0.4, DueBecause.SLO, Risk.LOW, "was due 24m ago (the flow's SLO)"),
        (2, DueBecause.SHIFT_END, Risk.OPERATIONAL, "due in 2h (the shift ends)"),
        (2, DueBecause.PERIOD_CLOSE, Risk.FINANCIAL, f"due in 2h (the period closes); financial, {AHEAD}"),
        (-1, DueBecause.LOT_EXPIRY, Risk.QUALITY, f"was due 1h ago (the lot expires); quality, {AHEAD}"),
        (-1, None, Risk.LOW, "was due 1h ago"),
    ],
)
def test_the_sentence_of_what_is_due(a_transaction, due, because, risk, said) -> None:
    moment = NOW + timedelta(hours=due)
    assert told(a_transaction, Priority.DUE, due_at=moment, due_because=because, risk=risk) == said


def test_what_has_no_place_has_no_sentence(a_transaction) -> None:
    assert told(a_transaction, None) == ""
    assert told(a_transaction, Priority.DUE, due_at=None).startswith("nothing says")
