"""Colours of payloads, and sentences beside their labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from console.highlighting import highlighted
from console.widgets.sentences import labelled

TONES = {"foreground": "white", "held": "magenta", "done": "green", "accent": "blue", "quiet": "bright_black"}


def colours(text: str, language: str) -> dict[str, str]:
    """Every stretch of the text that has a colour of its own; the last one drawn wins."""
    shown = highlighted(text, language, TONES)
    return {shown.plain[span.start : span.end].strip(): str(span.style) for span in shown.spans}


@pytest.mark.parametrize(
    ("text", "piece", "tone"),
    [
        ('{"order": "4700119"}', '"order"', "accent"),
        ('{"order": "4700119"}', '"4700119"', "done"),
        ('{"quantity": 12.50}', "12.50", "held"),
        ('{"quantity": -1e-5}', "-1e-5", "held"),
        ('{"open": true}', "true", "held"),
        ('{"lot": null}', "null", "held"),
        ('{"a\\"b": 1}', '"a\\"b"', "accent"),
    ],
)
def test_names_strings_and_numbers_of_json(text: str, piece: str, tone: str) -> None:
    assert colours(text, "json")[piece] == TONES[tone]


@pytest.mark.parametrize("text", ['{"lot": "L-12 true null"}', '["1.5", "x: 2"]'])
def test_what_looks_like_a_number_in_a_string_is_a_string(text: str) -> None:
    shown = highlighted(text, "json", TONES)
    end = shown.plain.rindex('"')
    style = [span for span in shown.spans if span.start < end - 1 < span.end][-1].style
    assert str(style) == TONES["done"]


@pytest.mark.parametrize(
    ("piece", "tone"), [("<Order", "accent"), ("</Order", "accent"), ('id="7"', "done"), ("<!-- hold -->", "quiet")]
)
def test_tags_attributes_and_comments_of_xml(piece: str, tone: str) -> None:
    assert colours('<Order id="7"><!-- hold -->12</Order>', "xml")[piece] == TONES[tone]


def test_what_is_neither_has_one_colour() -> None:
    assert highlighted('{"a": 1} <b/>', "text", TONES).spans == []


@given(st.text(), st.sampled_from(["json", "xml", "text"]))
def test_colours_never_change_the_text(text: str, language: str) -> None:
    from rich.text import Text

    assert highlighted(text, language, TONES).plain == Text(text).plain


def drawn(lines: list[tuple[str, str, str]], width: int = 40) -> list[str]:
    console = Console(width=width, color_system=None, force_terminal=False, file=None, record=True, quiet=False)
    with console.capture() as captured:
        console.print(labelled(lines, "white"))
    return [line.rstrip() for line in captured.get().splitlines()]


def test_a_long_sentence_goes_on_under_itself() -> None:
    lines = drawn([("means", "one two three four five six seven eight nine ten", "white")])
    assert lines[0].startswith("means     one")
    assert all(line.startswith(" " * 10) for line in lines[1:])
    assert len(lines) == 2


def test_labels_without_a_sentence_are_left_out() -> None:
    assert [
        line.split()[0] for line in drawn([("says", "x", "white"), ("helps", "", "white"), ("never", "y", "white")])
    ]
    assert len(drawn([("says", "x", "white"), ("helps", "", "white")])) == 1


def test_sentences_begin_in_one_column_however_long_the_labels_are() -> None:
    lines = drawn([("customer-portal says", "first", "white"), ("means", "second", "white")], width=60)
    assert lines[0].index("first") == lines[1].index("second")


def test_controls_and_line_breaks_in_sentences_are_tamed() -> None:
    (line,) = drawn([("says\x1b", "a\nb\x1b[31m\x07c", "white")], width=60)
    assert "\x1b" not in line
    assert "a b␛[31m␇c" in line
