from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from commands.output import Column, Detail, Listing, csv_form, json_form, yaml_form
from commands.output.table_form import fit, render
from commands.terminal import Look, cut, cut_middle, look_at, one_line, plain, state, width_of
from transactions.cells import columns
from transactions.model import Failure, FailureKind, Status, Transaction

Andon = Callable[..., Any]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NARROW = Look(width=40, colour=False, now=NOW)
WIDE = Look(width=None, colour=False, now=NOW)


class Thing(Struct):
    id: str
    note: str | None = None
    size: int = 0


COLUMNS = [
    Column("id", lambda t, _: t.id, give=2, least=9, middle=True),
    Column("size", lambda t, _: str(t.size) if t.size else "", right=True),
    Column("note", lambda t, _: t.note or "", give=1, least=10),
]


def listing(*items: Thing) -> Listing:
    return Listing(of=Thing, items=items, columns=COLUMNS, empty="No things.", identify=lambda each: each.id)


def test_a_list_is_items_and_a_cursor() -> None:
    assert json.loads(json_form.render(listing())) == {"items": [], "next_cursor": None}
    assert yaml.safe_load(yaml_form.render(listing(Thing("a")))) == {
        "items": [{"id": "a", "note": None, "size": 0}],
        "next_cursor": None,
    }


def test_lines_are_one_object_each() -> None:
    lines = json_form.render_lines(listing(Thing("a", "x\ny"), Thing("b"))).splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["a", "b"]


def test_a_thing_is_itself_in_every_form() -> None:
    detail = Detail(value=Thing("a", "ä"), human=lambda _: "A thing.", identify=lambda each: each.id)
    assert json.loads(json_form.render(detail)) == yaml.safe_load(yaml_form.render(detail))
    assert json_form.render_lines(detail) == '{"id":"a","note":"ä","size":0}\n'.encode()
    assert csv_form.render(detail) == "id,note,size\r\na,ä,0\r\n".encode()
    assert render(detail, WIDE) == "A thing.\n"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_runs_nothing(text: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_form.render(listing(Thing("a", text))).decode(), newline="")))
    assert rows[1][1] == f"'{text}"


def test_numbers_below_zero_stay_numbers() -> None:
    assert csv_form.render(listing(Thing("a", size=-3))).splitlines()[1] == b"a,,-3"


def test_csv_has_its_columns_with_nothing_in_it_too() -> None:
    names = [".".join(path) for path in columns(Transaction)]
    assert names[:3] == ["id", "flow", "plant"]
    assert "failure.kind" in names
    assert "business_keys" in names
    empty = Listing(of=Transaction, items=[], columns=[], empty="", identify=str)
    assert csv_form.render(empty) == (",".join(names) + "\r\n").encode()


def test_a_table_is_aligned_and_leaves_empty_columns_out() -> None:
    assert render(listing(Thing("a", "first"), Thing("bbb", "second")), WIDE) == (
        "ID   NOTE\na    first\nbbb  second\n"
    )
    assert render(listing(Thing("a", size=5), Thing("b", size=500)), WIDE) == "ID  SIZE\na      5\nb    500\n"


def test_nothing_found_says_so() -> None:
    assert render(listing(), WIDE) == "No things.\n"


def test_ids_are_shortened_in_the_middle_only_where_there_is_no_room() -> None:
    long = Thing("0123456789abcdef", "n" * 30)
    assert render(listing(long), WIDE).splitlines()[1] == f"{long.id}  {long.note}"
    line = render(listing(long), NARROW).splitlines()[1]
    assert line == f"0123…cdef  {'n' * 28}…"
    assert width_of(line) <= 40


@given(st.lists(st.integers(1, 60), min_size=3, max_size=3), st.integers(20, 120))
def test_widths_never_grow_and_fit_where_they_can(natural: list[int], width: int) -> None:
    widths = fit(natural, COLUMNS, Look(width=width, colour=False, now=NOW))
    assert all(0 < given <= wanted for given, wanted in zip(widths, natural, strict=True))
    assert widths[1] == natural[1]
    least = min(natural[0], 6) + natural[1] + min(natural[2], 6) + 4
    assert sum(widths) + 4 <= max(width, least)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ä 東", "plain ä 東"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\x07\x08b", "a\\x07\\x08b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("two\tlines\n", "two\tlines\n"),
    ],
)
def test_what_steers_a_terminal_is_made_visible(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text())
def test_nothing_harmful_is_left_on_a_line(text: str) -> None:
    assert all(char.isprintable() or char == " " for char in one_line(text) if ord(char) < 0xA0)
    assert "\n" not in one_line(text)


@given(st.text(), st.integers(1, 30))
def test_what_is_cut_fits(text: str, width: int) -> None:
    assert width_of(cut(one_line(text), width)) <= max(width, 1)


def test_wide_characters_take_two_columns() -> None:
    assert width_of("東京") == 4
    assert cut("東京都", 5) == "東京…"
    assert cut_middle("abcdefghij", 7) == "abc…hij"


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_a_glyph_and_its_word(status: Status) -> None:
    shown, _ = state(status)
    glyph, word = shown.split(" ")
    assert (word, len(glyph)) == (str(status), 1)


def test_no_colour_without_a_terminal() -> None:
    assert not look_at(io.StringIO(), {}, NOW, no_colour=False).colour


def test_ages_count_from_the_moment_of_the_look() -> None:
    assert WIDE.age(NOW - timedelta(minutes=38)) == "38m"
    assert WIDE.age(None) == ""


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "yaml", "id"])
def test_a_machines_form_is_the_same_on_a_terminal(platform: Any, form: str, andon: Andon) -> None:
    for n in range(3):
        platform.add(f"tx-{n}-" + "x" * 60)
    piped = andon("tx", "list", "-o", form).raw
    leader, follower = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "commands", "tx", "list", "-o", form],
        stdin=follower,
        stdout=follower,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "20"},
    )
    os.close(follower)
    shown = b""
    try:
        while piece := os.read(leader, 65536):
            shown += piece
    except OSError:
        # Linux ends a terminal that nobody has open any more with an error.
        pass
    finally:
        os.close(leader)
    assert process.wait(30) == 0
    assert shown.replace(b"\r", b"") == piped.replace(b"\r", b"")


def test_a_message_of_a_target_cannot_steer_the_terminal(andon: Andon, platform: Any) -> None:
    failure = Failure(
        kind=FailureKind.MAPPING,
        help=FailureKind.MAPPING.help,
        code="E\x1b[2J",
        message="bad\x1b]0;title\x07 unit\nsecond line",
        system="ERP\x1b[0m",
    )
    platform.add("tx1", failure=failure, business_keys={"order": "\x1b[1m4711"})
    for arguments in (("tx", "list"), ("tx", "show", "tx1")):
        ran = andon(*arguments)
        assert ran.code == 0
        assert "\x1b" not in ran.out
        assert "\x07" not in ran.out
    assert andon("tx", "list", "-o", "json").json["items"][0]["failure"]["message"] == failure.message
