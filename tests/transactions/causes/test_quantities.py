"""Which posted documents are off by a power of ten."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from transactions.causes.alike import meant
from transactions.causes.quantities import FACTORS, wrong_among

D = Decimal


def test_a_thousandth_is_seen_in_what_is_lacking() -> None:
    found = wrong_among(D("12.4875"), [D("0.0125"), D("7")], [])
    assert found is not None
    assert (found.factor, found.posted) == (D(1000), (0,))


def test_what_is_owed_besides_is_reckoned_with() -> None:
    found = wrong_among(D("12.4875") + D("3"), [D("0.0125")], [D("3")])
    assert found is not None
    assert found.posted == (0,)
    assert wrong_among(D("3"), [D("0.0125")], [D("3")]) is None, "what is owed explains it all"


def test_what_was_discarded_may_lack_or_not() -> None:
    for also in (D(0), D("5")):
        found = wrong_among(D("12.4875") + also, [D("0.0125")], [], [D("5")])
        assert found is not None
        assert found.posted == (0,)


def test_what_no_factor_explains_is_left() -> None:
    assert wrong_among(D("1"), [D("7")], []) is None
    assert wrong_among(D("999"), [], []) is None
    assert wrong_among(D("999"), [D(1)] * 10, []) is None, "too many to tell"


_AMOUNTS = st.decimals(min_value="0.001", max_value="1000", places=3)


@given(st.sampled_from(FACTORS), st.lists(_AMOUNTS, min_size=1, max_size=4), st.lists(_AMOUNTS, max_size=3))
def test_a_factor_that_all_have_is_found(factor: Decimal, posted: list[Decimal], owed: list[Decimal]) -> None:
    lacking = sum(((factor - 1) * one for one in posted), D(0)) + sum(owed, D(0))
    assert wrong_among(lacking, posted, owed) is not None


def test_a_letter_that_looks_like_a_digit_is_meant_as_one() -> None:
    assert meant("P01-O00001") == "P01-000001"
    assert meant("L-OO93") == "L-0093"
    assert meant("P01-000001") is None
    assert meant("LOT") is None
