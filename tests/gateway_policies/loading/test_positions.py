"""Where keys and values are: documents are made together with the positions that have to be found in them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from gateway_policies.loading.positions import Positions

Path = tuple[str | int, ...]
NASTY = st.text(st.sampled_from("ab#[]{}=.,\"'\\ \tñ𝄞"), max_size=8)
COMMENTS = st.sampled_from(("", " # plain", ' # a = "b" [c] {', "\t#'''", ' # """'))
ENDS = st.sampled_from(("\n", "\r\n"))


class Writer:
    """A document in the making, with the offsets of what is in it."""

    def __init__(self, draw: DrawFn) -> None:
        self.draw = draw
        self.end = draw(ENDS)
        self.text = ""
        self.keys: dict[Path, int] = {}
        self.values: dict[Path, int] = {}

    def put(self, text: str) -> None:
        self.text += text

    def line_end(self) -> None:
        self.put(self.draw(COMMENTS) + self.end)

    def blank(self) -> None:
        for _ in range(self.draw(st.integers(0, 2))):
            self.put(self.draw(st.sampled_from(("", "   "))))
            self.line_end()

    def name(self, used: set[str]) -> str:
        found = self.draw(
            st.sampled_from(("a", "b-1", "c_2", "3", "d.e", 'q"q', "sp ace", "é", "[x]", "#")).filter(
                lambda each: each not in used
            )
        )
        used.add(found)
        return found

    def key(self, name: str) -> None:
        plain = all(char.isascii() and (char.isalnum() or char in "-_") for char in name)
        style = self.draw(st.sampled_from(("bare", "basic", "literal") if plain else ("basic", "literal")))
        if style == "bare":
            self.put(name)
        elif style == "literal" and "'" not in name:
            self.put(f"'{name}'")
        else:
            escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("é", "\\u00e9")
            self.put(f'"{escaped}"')

    def value(self, path: Path, depth: int = 0) -> None:
        self.values[path] = len(self.text)
        kinds = ["plain", "basic", "literal", "long", "long literal", *(["array", "inline"] if depth < 3 else [])]
        match self.draw(st.sampled_from(kinds)):
            case "plain":
                self.put(
                    self.draw(
                        st.sampled_from(
                            ("1", "-1_000", "0xff", "1.5e3", "inf", "true", "2027-01-31", "07:30:00",
                             "2027-01-31T07:00:00Z", "2027-01-31 07:00:00.5+02:00")
                        )
                    )
                )  # fmt: skip
            case "basic":
                content = self.draw(NASTY).replace("\\", "\\\\").replace('"', '\\"')
                self.put(f'"{content}"')
            case "literal":
                self.put("'" + self.draw(NASTY).replace("'", "") + "'")
            case "long":
                content = self.draw(NASTY).replace("\\", "\\\\").replace('"""', '""\\"')
                edge = self.draw(st.sampled_from(("", '\\"', f"{self.end}] # no", f"x = 1{self.end}[[y]]", '""')))
                self.put(f'"""{self.end}{content.rstrip(chr(34))}{edge}"""')
            case "long literal":
                content = self.draw(NASTY).replace("'", "")
                edge = self.draw(st.sampled_from(("", f"{self.end}[no]", " \\", "'")))
                self.put(f"'''{content}{edge}'''")
            case "array":
                self.array(path, depth)
            case "inline":
                self.inline(path, depth)

    def array(self, path: Path, depth: int) -> None:
        self.put("[")
        count = self.draw(st.integers(0, 3))
        for number in range(count):
            self.space()
            self.keys[*path, number] = len(self.text)
            self.value((*path, number), depth + 1)
            self.space()
            if number < count - 1 or self.draw(st.booleans()):
                self.put(",")
        self.space()
        self.put("]")

    def space(self) -> None:
        """What may stand between the items of a list."""
        if self.draw(st.booleans()):
            self.put(self.draw(st.sampled_from((" ", "\t"))))
        elif self.draw(st.booleans()):
            self.line_end()

    def inline(self, path: Path, depth: int) -> None:
        self.put("{ ")
        used: set[str] = set()
        for number in range(self.draw(st.integers(0, 2))):
            if number:
                self.put(", ")
            self.pair(path, used, depth + 1)
        self.put(" }")

    def pair(self, table: Path, used: set[str], depth: int = 0) -> None:
        path = table
        parts = [self.name(used)]
        if self.draw(st.booleans()):
            parts.append("inner")
        for number, part in enumerate(parts):
            if number:
                self.put(self.draw(st.sampled_from((".", " . "))))
            path = (*path, part)
            self.keys[path] = len(self.text)
            self.key(part)
        self.put(self.draw(st.sampled_from((" = ", "=", "  =  "))))
        self.value(path, depth)

    def pairs(self, table: Path) -> None:
        used = {"sub", "items"}
        for _ in range(self.draw(st.integers(0, 3))):
            self.blank()
            self.put(self.draw(st.sampled_from(("", "  "))))
            self.pair(table, used)
            self.line_end()

    def header(self, path: Path, parts: tuple[str, ...], *, double: bool) -> None:
        self.blank()
        self.put(self.draw(st.sampled_from(("", "  "))))
        self.keys[path] = self.values[path] = len(self.text)
        self.put("[[" if double else "[")
        for number, part in enumerate(parts):
            if number:
                self.put(".")
            self.key(part)
        self.put("]]" if double else "]")
        self.line_end()


@st.composite
def documents(draw: DrawFn) -> Writer:
    writer = Writer(draw)
    writer.pairs(())
    for name in ("first", "se.cond"):
        if draw(st.booleans()):
            writer.header((name,), (name,), double=False)
            writer.pairs((name,))
            if draw(st.booleans()):
                writer.header((name, "sub"), (name, "sub"), double=False)
                writer.pairs((name, "sub"))
    for number in range(draw(st.integers(0, 3))):
        writer.header(("items", number), ("items",), double=True)
        writer.pairs(("items", number))
        for inner in range(draw(st.integers(0, 2))):
            writer.header(("items", number, "items", inner), ("items", "items"), double=True)
            writer.pairs(("items", number, "items", inner))
    if draw(st.booleans()):
        writer.text = writer.text.rstrip("\r\n")
    return writer


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
