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
    assert needle.startswith(runs[0])
    assert needle.endswith(trigrams(needle)[-1]) or needle[-3:] in runs


def test_a_query_has_each_run_as_text() -> None:
    assert fts5_query('a"bc') == '"a""b" AND """bc"'
