"""Where keys and values are: documents are made together with the positions that have to be found in them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toml_documents import Path, Writer, documents

from gateway_policies.loading.positions import Positions


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def paths_of(value: Any, path: Path = ()) -> Iterator[Path]:
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, each in items:
        yield (*path, key)
        yield from paths_of(each, (*path, key))


@given(documents())
@settings(max_examples=400, deadline=None)
def test_every_key_and_every_value_is_where_it_was_put(writer: Writer) -> None:
    parsed = tomllib.loads(writer.text)
    positions = Positions(writer.text)
    for path, offset in writer.keys.items():
        assert positions.key(path) == line_and_column(writer.text, offset), (path, writer.text)
    for path, offset in writer.values.items():
        assert positions.value(path) == line_and_column(writer.text, offset), (path, writer.text)
    assert all(positions.has(path) for path in paths_of(parsed))


@given(documents(), st.integers(0, 400))
@settings(max_examples=200, deadline=None)
def test_a_document_that_breaks_off_has_the_positions_before_that(writer: Writer, length: int) -> None:
    positions = Positions(writer.text[:length])
    for path, offset in writer.values.items():
        if positions.has(path) and writer.values[path] < length:
            assert positions.value(path) == line_and_column(writer.text, offset)


@given(st.text(st.sampled_from("[]{}=.,\"'\\# \n\ra1"), max_size=40))
@settings(max_examples=400, deadline=None)
def test_no_text_at_all_makes_it_fail_or_go_on_for_ever(text: str) -> None:
    Positions(text).value(("a", 0, "b"))


@pytest.mark.parametrize(
    ("text", "path", "key", "value"),
    [
        ("a = 1", ("a",), (1, 1), (1, 5)),
        ("[t]\na = 1", ("t", "a"), (2, 1), (2, 5)),
        ("[t]\na = 1", ("t",), (1, 1), (1, 1)),
        ("\n\n  [[t]]\n[[t]]\na=[1,\n 2]", ("t", 1, "a", 1), (6, 2), (6, 2)),
        ('[scope."orders.release"]\nrisk = "low"', ("scope", "orders.release", "risk"), (2, 1), (2, 8)),
        ("[[v]]\n[[v]]\n[[v.b]]\nfrom = 1", ("v", 1, "b", 0, "from"), (4, 1), (4, 8)),
        ("a = { b = { c = 1 } }", ("a", "b", "c"), (1, 13), (1, 17)),
        ("a.b.c = 1\na.b.d = 2", ("a", "b", "d"), (2, 5), (2, 9)),
        ("a = 1 # b = 2\nb = 3", ("b",), (2, 1), (2, 5)),
        ("# x\r\na = 1\r\nb = 2\r\n", ("b",), (3, 1), (3, 5)),
        ("𝄞x = 1"[1:] + "\n# ñ\nb = '𝄞' # 𝄞\nc = 1", ("c",), (4, 1), (4, 5)),
        ("[a.b]\n[a]\nx = 1", ("a",), (2, 1), (2, 1)),
        ("a = 1", ("a", "gone", 3), (1, 1), (1, 5)),
        ("a = 1", ("gone",), (1, 1), (1, 1)),
        ("", ("gone",), (1, 1), (1, 1)),
    ],
)  # fmt: skip
def test_the_plain_cases(text: str, path: Path, key: tuple[int, int], value: tuple[int, int]) -> None:
    positions = Positions(text)
    assert (positions.key(path), positions.value(path)) == (key, value)


@pytest.mark.parametrize("make", [lambda n: "a = " + "[" * n, lambda n: "a = " + '"' + "\\" * n, lambda n: "x" * n])
def test_hostile_texts_take_no_time(make: Callable[[int], str]) -> None:
    Positions(make(100_000)).value(("a",))
