"""What may come next in a filter, for shells and the console."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

from transactions.filters.fields import FIELDS, Field, FieldType, find_field, key_field
from transactions.filters.query import show_value

_AT_CURSOR = re.compile(r"(?:\"(?:[^\"\\]|\\.)*\"?|[^\s\"()])*$")
_TERM = re.compile(r"([A-Za-z_][\w.-]*)(:|>=|<=|>|<|=)(.*)$", re.DOTALL)
_TIMES = ("today", "yesterday", "-1h", "-8h", "-24h")
_DURATIONS = ("15m", "1h", "4h", "8h", "24h")


class Completion(Struct, frozen=True, kw_only=True):
    """One thing that may stand at the cursor.

    Attributes:
        text: what replaces the characters from ``start`` to the cursor.
        start: position in the filter, from 0.
        about: a few words on it.
    """

    text: str
    start: int
    about: str = ""


def complete(
    text: str,
    position: int,
    keys: Iterable[str] = (),
    known: Mapping[str, Iterable[str]] | None = None,
) -> list[Completion]:
    """What may stand at ``position``.

    Args:
        text: the filter so far; it need not be readable.
        position: the cursor, from 0.
        keys: the business keys there are.
        known: values of open fields, by field (``flow``, ``plant``, ``target``), where the caller knows them.
    """
    before = text[:position]
    found = _AT_CURSOR.search(before)
    word = found[0] if found else ""
    start = position - len(word)
    while word.startswith("-"):
        word, start = word[1:], start + 1
    key_names = sorted(keys)
    term = _TERM.match(word)
    if term is None:
        return [
            Completion(text=name, start=start, about=about)
            for name, about in _heads(key_names)
            if name.startswith(word)
        ]
    field = find_field(term[1], None if not key_names else frozenset(key_names))
    if field is None:
        return []
    typed = term[3].rpartition(",")[2]
    return [
        Completion(text=value, start=position - len(typed))
        for value in _values(field, known or {})
        if value.lower().startswith(typed.lower())
    ]


def _heads(keys: list[str]) -> list[tuple[str, str]]:
    fields = [*FIELDS, *(key_field(key) for key in keys)]
    return [(field.shown + (">" if field.type is FieldType.DURATION else ":"), field.about) for field in fields]


def _values(field: Field, known: Mapping[str, Iterable[str]]) -> list[str]:
    match field.type:
        case FieldType.ENUM:
            values = list(field.values)
        case FieldType.FLAG:
            values = ["true", "false"]
        case FieldType.TIME:
            values = list(_TIMES)
        case FieldType.DURATION:
            values = list(_DURATIONS)
        case _:
            values = sorted(show_value(value) for value in known.get(field.shown, ()))
    return [*values, "none"] if field.nullable else values
