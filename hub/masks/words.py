"""Whether a sentence repeats a masked value: word by word, in any case and punctuation, numbers by their value."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

_WORD = re.compile(r"[^\W_]+")
_NAMED = re.compile(r"[^\W\d_]{3,}")
# after a currency (EUR12.50) or anything that is no letter; not the number in a code (M7053)
_NUMBER = re.compile(r"(?:(?<![^\W_])|(?<=[A-Z]{3}))\d(?:[\d.,' \u00a0]*\d)?")
_MOST_NAME_WORDS = 4


class Words:
    """The values that a document hides, ready to be looked for.

    A value is met where all its words stand side by side; the words of a name (up to four, capitalised, no digit) count
    each for itself, since people are called by one of them. A single letter counts only as a whole field.

    Args:
        values: every hidden value as text.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._fields: set[str] = set()
        self._phrases: dict[str, set[str]] = defaultdict(set)
        self._numbers: set[Decimal] = set()
        for value in values:
            self._add(value)

    def __bool__(self) -> bool:
        return bool(self._fields)

    def _add(self, value: str) -> None:
        plain = value.strip()
        words = _words(plain)
        if plain.casefold() in self._fields or not plain:
            return
        self._fields.add(plain.casefold())
        number = _number(plain)
        if number is not None:
            self._numbers.add(number)
        if words and (len(words) > 1 or len(words[0]) > 1 or words[0].isdigit()):
            self._phrases[words[0]].add(" ".join(words))
        if 1 < len(words) <= _MOST_NAME_WORDS and not any(char.isdigit() for char in plain):
            for word in _NAMED.findall(plain):
                if word[0].isupper():
                    single = _words(word)[0]
                    self._phrases[single].add(single)

    def repeated_in(self, text: str) -> bool:
        """Whether ``text`` repeats one of the values as whole words, or is one."""
        if not self._fields or not text:
            return False
        if text.strip().casefold() in self._fields:
            return True
        words = _words(text)
        spoken = f" {' '.join(words)} "
        for word in set(words) & self._phrases.keys():
            if any(f" {phrase} " in spoken for phrase in self._phrases[word]):
                return True
        return bool(self._numbers) and not self._numbers.isdisjoint(_numbers(text))


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _numbers(text: str) -> set[Decimal]:
    """Every number in a text, read with its last mark as the decimal one and with all marks as those of thousands."""
    found: set[Decimal] = set()
    for match in _NUMBER.findall(text):
        # "12 50" may be one number or two
        for part in {match, *match.split()}:
            whole, mark, fraction = _split(part)
            readings = {_digits(part)}
            if mark:
                readings.add(f"{_digits(whole)}.{fraction}")
            found.update(number for one in readings if (number := _number(one)) is not None)
    return found


def _split(text: str) -> tuple[str, str, str]:
    at = max(text.rfind("."), text.rfind(","))
    return (text, "", "") if at < 0 else (text[:at], text[at], text[at + 1 :])


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
