from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.reconciliation.tolerance import EXACT, Bound, Tolerance, parse_tolerance

amounts = st.decimals(-10_000, 10_000, allow_nan=False, places=3)
bounds = st.decimals(0, 500, allow_nan=False, places=2)
tolerances = st.builds(
    Tolerance,
    general=st.builds(Bound, absolute=bounds, percent=bounds),
    units=st.dictionaries(st.sampled_from(["KG", "EA", "L"]), st.builds(Bound, absolute=bounds, percent=bounds)),
)


@given(amounts, amounts, st.builds(Bound, absolute=bounds, percent=bounds))
def test_it_does_not_matter_which_is_which(one: Decimal, other: Decimal, bound: Bound) -> None:
    assert bound.allows(one, other) == bound.allows(other, one)
    assert bound.allows(one, one)


@given(amounts, amounts, bounds, bounds)
def test_a_wider_bound_allows_no_less(one: Decimal, other: Decimal, narrow: Decimal, more: Decimal) -> None:
    if Bound(absolute=narrow).allows(one, other):
        assert Bound(absolute=narrow + more).allows(one, other)
    if Bound(percent=narrow).allows(one, other):
        assert Bound(percent=narrow + more).allows(one, other)


@given(tolerances)
def test_it_is_read_as_it_is_described(tolerance: Tolerance) -> None:
    again = parse_tolerance(tolerance.describe())
    for unit in (None, "KG", "EA", "L", "M"):
        for one, other in ((Decimal(1), Decimal(2)), (Decimal(100), Decimal(101)), (Decimal(0), Decimal("0.01"))):
            assert again.of(unit).allows(one, other) == tolerance.of(unit).allows(one, other)


def test_an_amount_a_percentage_and_one_for_a_unit() -> None:
    tolerance = parse_tolerance("0.5, 1%,kg=0.25")
    assert tolerance.of("EA").allows(Decimal(10), Decimal("10.5"))
    assert tolerance.of("EA").allows(Decimal(1000), Decimal(1010))
    assert not tolerance.of("EA").allows(Decimal(1000), Decimal(1011))
    assert tolerance.of("KG").allows(Decimal(10), Decimal("10.25"))
    assert not tolerance.of("KG").allows(Decimal(10), Decimal("10.5"))
    assert tolerance.describe() == "0.5,1%,KG=0.25"


def test_nothing_is_allowed_where_nothing_is_said() -> None:
    assert EXACT.describe() == "0"
    assert not EXACT.of("KG").allows(Decimal(1), Decimal("1.000000001"))
    assert EXACT.of("KG").allows(Decimal(1), Decimal("1.000"))


@pytest.mark.parametrize("text", ["", "much", "-1", "1e9", "KG=", "=1", "1%%", "1;2", "NaN", "Infinity", "1" * 40])
def test_anything_else_is_told_how_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"like 0\.5, 1% or KG=0\.25"):
        parse_tolerance(text)
