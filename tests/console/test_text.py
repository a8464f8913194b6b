from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.text import clean, fit, number, one_line, pretty_name, shorten, shorten_middle


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x9b2J", "�2J"),
        ("a\x7fb", "a␡b"),
        ("pay\u202egnp.exe", "pay�gnp.exe"),
        ("zero\u200bwidth", "zero�width"),
        ("keeps\ttabs\nand lines", "keeps\ttabs\nand lines"),
        ("Grüße 漢字 ✓", "Grüße 漢字 ✓"),
    ],
)
def test_what_a_terminal_might_obey_becomes_visible(text: str, safe: str) -> None:
    assert clean(text) == safe


@given(st.text(alphabet=st.characters(codec=None)))
def test_nothing_a_terminal_obeys_is_left(text: str) -> None:
    left = clean(text).replace("\n", "").replace("\t", "")
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in left)
    assert not any("\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069" for character in left)


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


@given(st.text(), st.integers(min_value=0, max_value=40))
def test_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    assert cell_len(fit(one_line(text), width)) == width
    assert cell_len(fit(one_line(text), width, right=True)) == width


def test_ids_are_shortened_in_the_middle_because_they_differ_at_both_ends() -> None:
    assert shorten_middle("tx-00000003-7f3a9c", 11) == "tx-00…f3a9c"
    assert shorten_middle("short", 11) == "short"
    assert cell_len(shorten_middle("0123456789", 2)) <= 2


def test_sentences_are_shortened_at_the_end() -> None:
    assert shorten("material not in plant", 10) == "material…"
    assert shorten("漢字漢字", 5) == "漢字…"
    assert shorten("anything", 0) == ""


def test_numbers_and_names_as_people_write_them() -> None:
    assert number(1_000_000) == "1,000,000"
    assert pretty_name("material-consumption") == "material consumption"
