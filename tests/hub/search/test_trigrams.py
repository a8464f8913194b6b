"""Runs of three characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.search.trigrams import MOST, fts5_query, trigrams


@pytest.mark.parametrize(
    ("needle", "runs"),
    [("abc", ["abc"]), ("abcd", ["abc", "bcd"]), ("aaaa", ["aaa"]), ('a"b', ['a"b']), ("é𝄞x ", ["é𝄞x", "𝄞x "])],
)
def test_a_short_text_has_all_its_runs(needle: str, runs: list[str]) -> None:
    assert trigrams(needle) == runs


@given(st.text(min_size=3, max_size=200))
def test_every_run_is_of_the_text(needle: str) -> None:
    runs = trigrams(needle)
    assert 1 <= len(runs) <= MOST
    assert all(len(run) == 3 and run in needle for run in runs)
    assert len(runs) == len(set(runs))


def test_of_a_long_text_numbers_are_asked_for_first() -> None:
    runs = trigrams("mes:p03:material-consumption:mc-1508829-0020:erp")
    assert len(runs) == MOST
    assert {"150", "508", "088", "882", "829", "002", "020"} < set(runs)
    runs = trigrams("the posting period is not open")
    assert len(runs) == MOST
    assert (runs[0], runs[-1]) == ("the", "pen")


def test_a_query_has_each_run_as_text() -> None:
    assert fts5_query('a"bc') == '"a""b" AND """bc"'
