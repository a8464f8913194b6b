"""Spans in slots: what is told of them is never further off than what is promised."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.kpis.spans import ERROR, FIRST, LAST, longest, quantile, slot_of, typical

spans = st.floats(min_value=FIRST, max_value=longest(LAST - 1), allow_nan=False)


@given(spans)
def test_a_span_lies_within_its_slot(seconds: float) -> None:
    slot = slot_of(seconds)
    assert seconds <= longest(slot) * (1 + 1e-9)
    assert slot == 0 or seconds > longest(slot - 1) * (1 - 1e-9)


@given(spans)
def test_what_is_told_is_off_by_no_more_than_the_error(seconds: float) -> None:
    told = typical(slot_of(seconds))
    assert told / seconds <= 1 + ERROR + 1e-9
    assert seconds / told <= 1 + ERROR + 1e-9


@given(st.lists(spans, min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_quantile_is_the_one_of_the_sorted_list_within_the_error(found: list[float], share: float) -> None:
    exact = sorted(found)[math.ceil(share * len(found) - 1e-9) - 1]
    told = quantile(Counter(slot_of(each) for each in found), share)
    assert told is not None
    assert max(told / exact, exact / told) <= 1 + ERROR + 1e-9


def test_nothing_has_no_quantile() -> None:
    assert quantile({}, 0.5) is None
    assert quantile({3: 0}, 0.5) is None


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 0.000001, FIRST])
def test_what_is_too_short_to_tell_apart_is_in_the_first_slot(seconds: float) -> None:
    assert slot_of(seconds) == 0
    assert typical(0) == FIRST


def test_what_is_longer_than_all_is_in_the_last_slot() -> None:
    assert slot_of(1e12) == LAST
    assert longest(LAST) == math.inf
    assert ERROR < 0.1
