"""A filter of groups, narrowed to the transactions of one of them."""

from __future__ import annotations

import pytest

from transactions.errors import BadFilter
from transactions.filters import parse
from transactions.filters.narrowing import only_of


@pytest.mark.parametrize(
    ("of_groups", "of_one"),
    [
        ("", "status:failed group:3f2a"),
        ("plant:P02 age>15m", "status:failed plant:P02 age>15m group:3f2a"),
        ("status:parked", "status:parked group:3f2a"),
        ("plant:P01 or plant:P02", "status:failed (plant:P01 or plant:P02) group:3f2a"),
        ("-status:parked plant:P01", "-status:parked plant:P01 group:3f2a"),
    ],
)
def test_it_keeps_the_filter_and_is_about_failed_ones_unless_told(of_groups: str, of_one: str) -> None:
    assert only_of(of_groups, "3f2a") == of_one
    parse(of_one)


def test_a_bad_filter_is_told() -> None:
    with pytest.raises(BadFilter):
        only_of("(", "3f2a")
