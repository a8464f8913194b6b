"""Patterns as what they match: against Python's own, and against each other."""

from __future__ import annotations

import re
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_policies.contracts.patterns import UNKNOWN, counterexample, matches

atoms = st.sampled_from(["a", "b", "[ab]", "[^a]", r"\d", r"\w", "[a-c1-3]", ".", r"\-", "x", r"\u0061"])
pieces = st.builds(
    lambda atom, count: atom + count, atoms, st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{2,}"])
)
groups = st.lists(pieces, min_size=1, max_size=3).map("".join)
choices = st.lists(groups, min_size=1, max_size=3).map("|".join)
patterns = st.builds(
    lambda begin, inner, count, more, end: f"{begin}({inner}){count}{more}{end}",
    st.sampled_from(["", "^"]),
    choices,
    st.sampled_from(["", "*", "?"]),
    groups | st.just(""),
    st.sampled_from(["", "$"]),
)
texts = st.text(alphabet="abcx12-_é", max_size=8)


@given(patterns, texts)
@settings(deadline=None, derandomize=True, max_examples=150)
def test_texts_match_as_they_do_elsewhere(pattern: str, text: str) -> None:
    assert matches(pattern, text) == (re.search(pattern, text, re.ASCII) is not None)


@given(patterns, patterns, st.lists(texts, max_size=20))
@settings(deadline=None, derandomize=True, max_examples=150)
def test_a_counterexample_is_one_and_its_absence_a_promise(narrow: str, wide: str, tried: list[str]) -> None:
    found = counterexample(narrow, wide)
    if isinstance(found, str):
        assert matches(narrow, found)
        assert not matches(wide, found)
    elif found is None:
        assert all(matches(wide, text) for text in tried if matches(narrow, text))


@pytest.mark.parametrize(
    ("narrow", "wide", "found"),
    [
        (r"^[0-9]{4}$", r"^\d+$", None),
        (r"^\d+$", r"^[0-9]{4}$", "0"),
        (r"^P0[1-3]$", r"^P\d\d$", None),
        ("", "^a", ""),
        ("^a", "", None),
        ("anything", ".*", None),
        ("^(a|b)$", "^[ab]$", None),
        ("^a$|^b$", "^[ab]$", None),
        ("^(?:47|48)[0-9]{8}$", "^4[78][0-9]{8}$", None),
        ("(?<year>a)", "a", None),
        (r"^\S+$", r"^[^\s]+$", None),
    ],
)
def test_known_pairs(narrow: str, wide: str, found: str | None) -> None:
    assert counterexample(narrow, wide) == found


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)",
        "(?!a)b",
        r"(a)\1",
        r"\bword",
        "(",
        "a)",
        "[z-a]",
        "a**",
        "a{5,2}",
        "*",
        r"\p{L}",
        "(^a)*",
        "a^b",
        "a{9999}",
    ],
)
def test_nothing_is_claimed_of_what_is_not_regular(pattern: str) -> None:
    assert matches(pattern, "a") is None
    assert counterexample(pattern, "b") is UNKNOWN
    assert counterexample(pattern, pattern) is None


def test_what_takes_other_matchers_for_ever_takes_no_time() -> None:
    begin = monotonic()
    assert matches("^(a+)+$", "a" * 3000 + "!") is False
    assert matches("^(a|aa)+$", "a" * 3000) is True
    assert monotonic() - begin < 30


def test_what_would_take_too_long_is_unknown() -> None:
    assert counterexample("^(a|b)*a(a|b){14}$", "^(a|b)*b(a|b){14}$") is UNKNOWN
    assert matches("((a{90}){90}){90}", "a") is None
