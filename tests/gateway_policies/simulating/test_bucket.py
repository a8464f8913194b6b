"""Token buckets: what they promise, whatever calls; and that an even second at once is its calls one by one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_policies.simulating.bucket import Bucket

SIZES = st.integers(1, 200)
SPANS = st.sampled_from([1, 7, 60, 3600])
GAPS = st.lists(st.floats(0, 30, allow_nan=False), max_size=80)


def taken(bucket: Bucket, moments: list[float]) -> list[bool]:
    return [bucket.take(at) for at in moments]


def moments(gaps: list[float]) -> list[float]:
    found, at = [], 0.0
    for gap in gaps:
        at += gap
        found.append(at)
    return found


@pytest.mark.parametrize("size", [1, 2, 10])
def test_it_is_full_at_the_beginning_and_empty_after_as_many(size: int) -> None:
    bucket = Bucket(size, 60, 60, began=1_000.0)
    assert taken(bucket, [1_000.0] * (size + 3)) == [True] * size + [False] * 3


def test_it_drips() -> None:
    """Five in ten seconds are one every two."""
    bucket = Bucket(5, 5, 10, began=0.0)
    assert all(taken(bucket, [0.0] * 5))
    assert taken(bucket, [1.9, 2.0, 2.1, 3.9, 4.0]) == [False, True, False, False, True]


def test_it_never_holds_more_than_its_size() -> None:
    bucket = Bucket(3, 60, 60, began=0.0)
    assert taken(bucket, [10_000.0] * 5) == [True] * 3 + [False] * 2


def test_a_refused_call_takes_nothing() -> None:
    asked, left_alone = Bucket(1, 1, 10, began=0.0), Bucket(1, 1, 10, began=0.0)
    assert asked.take(0.0)
    assert left_alone.take(0.0)
    assert not any(taken(asked, [1.0, 2.0, 5.0, 9.0]))
    assert asked.take(10.0)
    assert left_alone.take(10.0)


@settings(max_examples=50, deadline=None)
@given(SIZES, st.integers(1, 600), SPANS, GAPS)
def test_no_more_pass_in_any_time_than_its_size_and_what_refills(
    size: int, refill: int, span: int, gaps: list[float]
) -> None:
    bucket, times = Bucket(size, refill, span, began=0.0), moments(gaps)
    passed = [at for at, good in zip(times, taken(bucket, times), strict=True) if good]
    for i, first in enumerate(passed):
        for j in range(i, len(passed)):
            assert j - i + 1 <= size + (passed[j] - first) * refill / span + 1e-6


@settings(max_examples=50, deadline=None)
@given(SIZES, st.integers(1, 600), SPANS, GAPS)
def test_nobody_is_refused_while_a_whole_token_is_there(size: int, refill: int, span: int, gaps: list[float]) -> None:
    """Held against a bucket that counts its tokens instead of moments."""
    bucket, times = Bucket(size, refill, span, began=0.0), moments(gaps)
    tokens, last = float(size), 0.0
    for at in times:
        tokens = min(size, tokens + (at - last) * refill / span)
        last = at
        good = bucket.take(at)
        if not math.isclose(tokens, 1.0, abs_tol=1e-6):
            assert good == (tokens > 1.0)
        tokens -= 1.0 if good else 0.0


@settings(max_examples=50, deadline=None)
@given(SIZES, st.integers(1, 600), SPANS, st.lists(st.tuples(st.integers(0, 5), st.integers(1, 60)), max_size=20))
def test_a_larger_bucket_never_refuses_more(size: int, refill: int, span: int, bursts: list[tuple[int, int]]) -> None:
    small, large = Bucket(size, refill, span, 0.0), Bucket(size + 5, refill, span, 0.0)
    at, passed = 0.0, [0, 0]
    for gap, count in bursts:
        at += gap
        for place, bucket in enumerate((small, large)):
            passed[place] += sum(taken(bucket, [at] * count))
    assert passed[0] <= passed[1]


@settings(max_examples=50, deadline=None)
@given(
    SIZES,
    st.integers(1, 6_000),
    SPANS,
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 50)), min_size=1, max_size=15),
)
def test_an_even_second_at_once_is_its_calls_one_by_one(
    size: int, refill: int, span: int, seconds: list[tuple[int, int]]
) -> None:
    quick, slow = Bucket(size, refill, span, 0.0), Bucket(size, refill, span, 0.0)
    begin = 0.0
    for pause, count in seconds:
        begin += 1 + pause
        if quick.level(begin) < count:
            continue
        quick.take_even(begin, count)
        assert all(taken(slow, [begin + (i + 0.5) / count for i in range(count)]))
        end = begin + 1.0
        assert quick.level(end) == pytest.approx(slow.level(end), abs=1e-6)
