"""Values in words: never better than they are."""

from __future__ import annotations

import pytest

from transactions.kpis.definitions import Unit
from transactions.kpis.wording import change_of, percent, span, value_of


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "-"), (100.0, "100 %"), (99.99, ">99.9 %"), (99.94, "99.9 %"), (0.0, "0 %"), (0.01, "<0.1 %"),
     (42.0, "42.0 %")],
)  # fmt: skip
def test_a_share_is_all_or_nothing_only_where_it_is(value: float | None, words: str) -> None:
    assert percent(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0.00 s"), (0.25, "0.25 s"), (3.21, "3.2 s"), (42.4, "42 s"), (300, "5 min"), (3_600, "1 h"),
     (5_400, "90 min"), (7_560, "2.1 h"), (86_400, "24 h"), (345_600, "4 d")],
)  # fmt: skip
def test_a_span_is_told_in_the_unit_that_people_would_use(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("value", "before", "unit", "words"),
    [
        (2.0, None, Unit.COUNT, ""),
        (None, 2.0, Unit.COUNT, ""),
        (97.5, 99.0, Unit.PERCENT, "-1.5 pt"),
        (97.5, 97.51, Unit.PERCENT, "="),
        (30.0, 20.0, Unit.SECONDS, "+50 %"),
        (10.0, 20.0, Unit.SECONDS, "-50 %"),
        (5.0, 0.0, Unit.COUNT, "new"),
        (0.0, 0.0, Unit.COUNT, "="),
        (400.0, 2.0, Unit.COUNT, "200 times"),
    ],
)
def test_a_change(value: float | None, before: float | None, unit: Unit, words: str) -> None:
    assert change_of(value, before, unit) == words


def test_every_unit_has_words() -> None:
    assert [value_of(12.34, unit) for unit in Unit] == ["12 s", "12.3 %", "12", "12/h", "12 ‰"]
    assert [value_of(None, unit) for unit in Unit] == ["-"] * len(Unit)
