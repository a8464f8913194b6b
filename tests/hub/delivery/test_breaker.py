"""The circuit breaker and the waits of a profile."""

from __future__ import annotations

import random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hub.delivery.breaker import Breaker, BreakerState
from hub.delivery.profile import PRODUCTION, PROFILES, QUICK

PROFILE = msgspec.structs.replace(QUICK, breaker_failures=3, breaker_pause=10.0)


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker(PROFILE)
    assert [breaker.failed(at) for _ in range(3)] == [False, False, True]
    return breaker


def test_it_opens_on_failures_in_a_row_only() -> None:
    breaker = Breaker(PROFILE)
    for _ in range(10):
        assert not breaker.failed(0)
        assert not breaker.failed(0)
        assert not breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED


def test_open_lets_nothing_through_until_the_pause_is_over_and_then_one() -> None:
    breaker = opened(at=100)
    assert breaker.probe_at() == 110
    assert not breaker.lets_through(109.9)
    assert [breaker.lets_through(110) for _ in range(3)] == [True, False, False]
    assert breaker.state is BreakerState.HALF_OPEN


def test_the_probe_decides() -> None:
    breaker = opened()
    assert breaker.lets_through(10)
    assert breaker.failed(11)
    assert breaker.probe_at() == 21
    assert breaker.lets_through(21)
    assert breaker.succeeded()
    assert (breaker.state, breaker.probe_at()) == (BreakerState.CLOSED, None)
    assert all(breaker.lets_through(21) for _ in range(5))


def test_a_place_that_was_not_needed_is_free_again() -> None:
    breaker = opened()
    assert breaker.lets_through(10)
    breaker.unused()
    assert breaker.lets_through(10)


@given(st.lists(st.sampled_from(["ask", "fail", "succeed", "unused"]), max_size=40))
def test_it_is_never_stuck(steps: list[str]) -> None:
    breaker, now = Breaker(PROFILE), 0.0
    for step in steps:
        now += 1
        {
            "ask": lambda: breaker.lets_through(now),  # noqa: B023
            "fail": lambda: breaker.failed(now),  # noqa: B023
            "succeed": breaker.succeeded,
            "unused": breaker.unused,
        }[step]()
    breaker.unused()
    assert breaker.lets_through(now + PROFILE.breaker_pause)


@given(st.integers(0, 60), st.integers(0, 2**32))
def test_waits_grow_to_a_limit_with_a_fifth_of_jitter(tries: int, seed: int) -> None:
    for profile in PROFILES.values():
        base = min(profile.backoff_limit, profile.backoff * 2 ** max(0, tries - 1))
        assert 0.8 * base <= profile.backoff_after(tries, random.Random(seed)) <= 1.2 * base
        assert 0 < profile.lookup_after(tries) <= profile.backoff_limit


def test_the_quick_profile_keeps_its_word() -> None:
    # DESIGN, section 3: three attempts within 2 s; an open breaker fails what waits longer than 3 s
    assert QUICK.attempts == 3
    assert 1.2 * (QUICK.backoff + min(QUICK.backoff_limit, 2 * QUICK.backoff)) < 2
    assert QUICK.breaker_wait == 3
    assert PRODUCTION.breaker_wait > QUICK.breaker_wait
