"""Where keys and values are in a text of TOML. The parser does not tell, so the text is gone through once more.

Only what is TOML comes here. What is not is gone through as far as it can be, and the rest has no positions.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from contextlib import suppress
from typing import TypeAlias

from gateway_policies.loading.mistakes import Path

Marks: TypeAlias = dict[Path, tuple[int, int]]
"""By path the offsets of a key and of its value. A table's value begins where its header does, or its brace."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS = (
    re.compile(r'"""(?:[^"\\]|\\[\s\S]|"{1,2}(?!"))*"{3,5}'),
    re.compile(r"'''(?:[^']|'{1,2}(?!'))*'{3,5}"),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
_PLAIN = re.compile(r"[^,\]}\s#]+(?: [0-9][^,\]}\s#]*)?")
_ESCAPE = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(["\\bfnrte]))')
_ESCAPED = {'"': '"', "\\": "\\", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "e": "\x1b"}


class _Lost(Exception):
    """The text is not TOML here."""


class Positions:
    """The positions of one text."""

    def __init__(self, text: str) -> None:
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._marks = _Scan(text).marks()

    def key(self, path: Path) -> tuple[int, int]:
        """Line and column of a key, or of a list's item; of the nearest table around it, where it is not there."""
        return self._position(path, 0)

    def value(self, path: Path) -> tuple[int, int]:
        """Line and column of a value; of the nearest table around it, where it is not there."""
        return self._position(path, 1)

    def has(self, path: Path) -> bool:
        """Whether the text says it."""
        return path in self._marks

    def _position(self, path: Path, which: int) -> tuple[int, int]:
        while path and path not in self._marks:
            path = path[:-1]
        offset = self._marks[path][which] if path else 0
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1


class _Scan:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._marks: Marks = {}
        self._counts: dict[Path, int] = {}

    def marks(self) -> Marks:
        # Where it gets lost, what was passed before has its positions.
        with suppress(_Lost, RecursionError):
            self._document()
        return self._marks

    def _document(self) -> None:
        table: Path = ()
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._text):
                return
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        start = self._at
        double = self._text.startswith("[[", start)
        self._at += 2 if double else 1
        parts = self._key()
        self._expect("]]" if double else "]")
        path: Path = ()
        for part, _ in parts[:-1]:
            path = self._newest((*path, part))
            self._marks.setdefault(path, (start, start))
        path = (*path, parts[-1][0])
        if double:
            number = self._counts[path] = self._counts.get(path, -1) + 1
            self._marks.setdefault(path, (start, start))
            path = (*path, number)
        # A table that others opened on their way to one inside it is where its own header is.
        self._marks[path] = (start, start)
        return path

    def _newest(self, path: Path) -> Path:
        number = self._counts.get(path)
        return path if number is None else (*path, number)

    def _pair(self, table: Path) -> None:
        parts = self._key()
        self._expect("=")
        self._skip(_SPACE)
        path = table
        for part, offset in parts[:-1]:
            path = (*path, part)
            self._marks.setdefault(path, (offset, offset))
        last, offset = parts[-1]
        self._value((*path, last), offset)

    def _key(self) -> list[tuple[str, int]]:
        parts = []
        while True:
            self._skip(_SPACE)
            start = self._at
            parts.append((self._key_part(), start))
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _key_part(self) -> str:
        start = self._at
        if self._text[start : start + 1] in ('"', "'"):
            self._string()
            inner = self._text[start + 1 : self._at - 1]
            return _ESCAPE.sub(_unescaped, inner) if self._text[start] == '"' else inner
        found = _BARE.match(self._text, start)
        if found is None:
            raise _Lost
        self._at = found.end()
        return found[0]

    def _value(self, path: Path, key: int) -> None:
        start = self._at
        self._marks[path] = (key, start)
        first = self._text[start : start + 1]
        if first in ('"', "'"):
            self._string()
        elif first == "[":
            self._array(path)
        elif first == "{":
            self._inline(path)
        else:
            self._skip_some(_PLAIN)

    def _array(self, path: Path) -> None:
        self._at += 1
        number = 0
        while True:
            self._skip(_BLANK)
            if self._text.startswith("]", self._at):
                self._at += 1
                return
            self._value((*path, number), self._at)
            number += 1
            self._skip(_BLANK)
            if self._text.startswith(",", self._at):
                self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while True:
            self._skip(_BLANK)
            if self._text.startswith("}", self._at):
                self._at += 1
                return
            self._pair(path)
            self._skip(_BLANK)
            if self._text.startswith(",", self._at):
                self._at += 1

    def _string(self) -> None:
        for pattern in _STRINGS:
            found = pattern.match(self._text, self._at)
            if found is not None:
                self._at = found.end()
                return
        raise _Lost

    def _expect(self, mark: str) -> None:
        self._skip(_SPACE)
        if not self._text.startswith(mark, self._at):
            raise _Lost
        self._at += len(mark)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()

    def _skip_some(self, pattern: re.Pattern[str]) -> None:
        before = self._at
        self._skip(pattern)
        if self._at == before:
            raise _Lost


def _unescaped(found: re.Match[str]) -> str:
    number = found[1] or found[2]
    return _ESCAPED[found[3]] if number is None else chr(int(number, 16))
