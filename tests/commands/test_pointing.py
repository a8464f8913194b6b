"""Pointing at the place in a filter, whatever is in it and however long it is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.complaints import _POINTED, _window, complain, lines_of, of_token
from commands.terminal import Look, plain, width_of
from transactions.errors import BadFilter, NotFound, Unauthenticated

LOOK = Look(width=80, colour=False, now=datetime(2026, 1, 1, tzinfo=UTC))
MARGIN = 9


def pointed(given: str, column: int) -> tuple[str, int]:
    """The line that is shown, and the column of the hat below it."""
    text = complain(BadFilter("It cannot be read. See the language.", column=column, suggestions=[]), LOOK, given)
    _, shown, hat, *_ = text.splitlines()
    return shown[MARGIN:], hat.index("^") - MARGIN


@pytest.mark.parametrize(
    ("given", "column", "shown", "hat"),
    [
        ("plnt:P01", 1, "plnt:P01", 0),
        ("a plnt:x", 3, "a plnt:x", 2),
        ("plant:", 7, "plant:", 6),
        ("日本 x:y", 4, "日本 x:y", 5),
        ("a\nb:c", 3, "a b:c", 2),
        ("a\tb:c", 3, "a b:c", 2),
        ("\x1bx b:c", 4, "\\x1bx b:c", 6),
        ("e\u0301 b:c", 4, "e\u0301 b:c", 2),
    ],
)
def test_the_hat_stands_under_the_character(given: str, column: int, shown: str, hat: int) -> None:
    assert pointed(given, column) == (shown, hat)


def test_a_long_filter_is_cut_at_both_ends() -> None:
    shown, hat = pointed("a" * 300 + "HERE" + "b" * 300, 301)
    assert shown.startswith("…a")
    assert shown.endswith("b…")
    assert shown[hat:].startswith("HEREb")


def test_a_long_filter_that_is_wrong_at_its_beginning_or_end_is_cut_once() -> None:
    shown, hat = pointed("HERE" + "b" * 300, 1)
    assert (hat, shown[:4], shown[-1]) == (0, "HERE", "…")
    shown, hat = pointed("a" * 300, 301)
    assert shown[0] == "…"
    assert hat == width_of(shown)


@given(st.text(min_size=1, max_size=400), st.integers(min_value=1, max_value=401))
def test_the_window_is_never_wider_than_people_can_read(text: str, column: int) -> None:
    column = min(column, len(text) + 1)
    before, after = _window(text, column)
    assert width_of(before) + width_of(after) <= _POINTED + 1
    assert plain(before + after) == before + after
    assert "\n" not in before + after


@pytest.mark.parametrize("given", [None, ""])
def test_without_a_filter_nothing_is_pointed_at(given: str | None) -> None:
    text = complain(BadFilter("It cannot be read. See the language.", column=3, suggestions=[]), LOOK, given)
    assert "^" not in text


def test_advice_for_a_filter_is_about_the_filter() -> None:
    assert lines_of(BadFilter("A parenthesis is not closed.", column=2, suggestions=[])) == [
        "A parenthesis is not closed.",
        "Nothing was done.",
        "Mend the filter at that place.",
    ]


def test_a_sentence_may_begin_with_a_command() -> None:
    assert lines_of(NotFound("There is no batch 'x'. `andon batches list` shows those that are here.")) == [
        "There is no batch 'x'.",
        "`andon batches list` shows those that are here.",
    ]


@pytest.mark.parametrize("detail", ["No token.", "No token. Send one. Now.", "No token"])
def test_a_refused_token_is_told_in_three_lines(detail: str) -> None:
    error = of_token(Unauthenticated(detail), "it came from ANDON_TOKEN")
    first, second, third = lines_of(error)
    assert first.startswith("No token")
    assert "it came from ANDON_TOKEN" in second + first
    assert "'andon login'" in third
