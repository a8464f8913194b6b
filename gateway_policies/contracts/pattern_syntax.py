"""The syntax of patterns (ECMA 262), as far as they are regular."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

Spans: TypeAlias = tuple[tuple[int, int], ...]

_LAST: Final = 0x10FFFF
_DEEPEST: Final = 40
_MOST_REPEATS: Final = 1_000
_LONGEST: Final = 2_000


class Unsupported(Exception):
    """A pattern that is not regular, not correct, or too large."""


@dataclass(frozen=True, slots=True)
class Span:
    """One character out of some."""

    spans: Spans


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of several."""

    choices: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """So many times; None for no end."""

    item: Item
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Begin:
    """``^``"""


@dataclass(frozen=True, slots=True)
class End:
    """``$``"""


Item: TypeAlias = Span | Sequence | Either | Repeat | Begin | End

ANY: Final = Span(((0, _LAST),))
_DIGITS: Final = ((0x30, 0x39),)
_WORD: Final = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Final = (
    (0x09, 0x0D),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
)
_CLASSES: Final[dict[str, Spans]] = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROLS: Final = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0}


def syntax_of(pattern: str) -> Item:
    """A pattern, read.

    Raises:
        Unsupported: nothing can be said of it.
    """
    if len(pattern) > _LONGEST:
        raise Unsupported
    reader = _Reader(pattern)
    found = reader.either(0)
    if reader.place != len(pattern):
        raise Unsupported
    return found


def _without(spans: Spans) -> Spans:
    """Every other character."""
    found, here = [], 0
    for low, high in sorted(spans):
        if low > here:
            found.append((here, low - 1))
        here = max(here, high + 1)
    if here <= _LAST:
        found.append((here, _LAST))
    return tuple(found)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def _next(self) -> str:
        return self.text[self.place : self.place + 1]

    def _take(self) -> str:
        char = self._next()
        if not char:
            raise Unsupported
        self.place += 1
        return char

    def _skip(self, word: str) -> bool:
        if self.text.startswith(word, self.place):
            self.place += len(word)
            return True
        return False

    def either(self, depth: int) -> Item:
        if depth > _DEEPEST:
            raise Unsupported
        choices = [self._sequence(depth)]
        while self._skip("|"):
            choices.append(self._sequence(depth))
        return choices[0] if len(choices) == 1 else Either(tuple(choices))

    def _sequence(self, depth: int) -> Item:
        items: list[Item] = []
        while self._next() not in ("", "|", ")"):
            items.append(self._repeated(self._atom(depth)))
        return Sequence(tuple(items))

    def _repeated(self, item: Item) -> Item:
        least, most = self._count()
        if (least, most) == (1, 1):
            return item
        if isinstance(item, Begin | End):
            raise Unsupported
        self._skip("?")  # lazy or not: it matches the same texts
        if self._next() in ("*", "+", "?"):
            raise Unsupported
        return Repeat(item, least, most)

    def _count(self) -> tuple[int, int | None]:
        if self._skip("*"):
            return 0, None
        if self._skip("+"):
            return 1, None
        if self._skip("?"):
            return 0, 1
        if self._next() != "{":
            return 1, 1
        inside, brace, _ = self.text[self.place + 1 :].partition("}")
        low, comma, high = inside.partition(",")
        if not brace or not _is_count(low) or (high and not _is_count(high)):
            raise Unsupported
        self.place += len(inside) + 2
        least = int(low)
        most = (int(high) if high else None) if comma else least
        if least > _MOST_REPEATS or (most is not None and not least <= most <= _MOST_REPEATS):
            raise Unsupported
        return least, most

    def _atom(self, depth: int) -> Item:
        char = self._take()
        if char == "^":
            return Begin()
        if char == "$":
            return End()
        if char == ".":
            return ANY
        if char == "(":
            return self._group(depth)
        if char == "[":
            return Span(self._class())
        if char == "\\":
            return Span(self._escape(in_class=False))
        if char in "*+?{}]":
            raise Unsupported
        return Span(((ord(char), ord(char)),))

    def _group(self, depth: int) -> Item:
        if self._skip("?") and not self._skip(":"):
            name, close, _ = self.text[self.place :].partition(">")
            if not close or not name.startswith("<") or not name[1:].isidentifier():
                raise Unsupported
            self.place += len(name) + 1
        found = self.either(depth + 1)
        if not self._skip(")"):
            raise Unsupported
        return found

    def _class(self) -> Spans:
        negated = self._skip("^")
        spans: list[tuple[int, int]] = []
        while not self._skip("]"):
            low = self._member()
            if len(low) == 1 and low[0][0] == low[0][1] and self._range_follows():
                self.place += 1
                high = self._member()
                if len(high) != 1 or high[0][0] != high[0][1] or high[0][0] < low[0][0]:
                    raise Unsupported
                low = ((low[0][0], high[0][0]),)
            spans.extend(low)
        found = tuple(sorted(spans))
        return _without(found) if negated else found

    def _range_follows(self) -> bool:
        after = self.text[self.place + 1 : self.place + 2]
        return self._next() == "-" and after not in ("", "]")

    def _member(self) -> Spans:
        char = self._take()
        return self._escape(in_class=True) if char == "\\" else ((ord(char), ord(char)),)

    def _escape(self, *, in_class: bool) -> Spans:
        char = self._take()
        if char in _CLASSES:
            return _CLASSES[char]
        if char.lower() in _CLASSES:
            return _without(_CLASSES[char.lower()])
        if char in _CONTROLS and not (char == "0" and self._next().isdigit()):
            code = _CONTROLS[char]
        elif char in ("x", "u"):
            code = self._code(2 if char == "x" else 4)
        elif char == "b" and in_class:
            code = 8
        elif char.isalnum():
            raise Unsupported
        else:
            code = ord(char)
        return ((code, code),)

    def _code(self, digits: int) -> int:
        text = self.text[self.place : self.place + digits]
        if len(text) < digits or any(each not in "0123456789abcdefABCDEF" for each in text):
            raise Unsupported
        self.place += digits
        return int(text, 16)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6
