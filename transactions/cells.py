"""Cells of a spreadsheet: fixed columns, nested fields with a dot, and nothing a spreadsheet would run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import UnionType
from typing import Any, get_args

import msgspec
from msgspec import Struct

from transactions.steering import STEERING, escaped, escaped_json

Path = tuple[str, ...]

# OWASP, CSV injection: with the full-width signs, which some spreadsheets read as the plain ones.
_RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def columns(of: type, above: Path = ()) -> Iterator[Path]:
    """Paths of the fields of a struct; a struct inside it gives a path for each of its own."""
    for field in msgspec.structs.fields(of):
        inner = _struct_in(field.type)
        if inner is None:
            yield (*above, field.name)
        else:
            yield from columns(inner, (*above, field.name))


def _struct_in(kind: Any) -> type | None:
    candidates = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, Struct)), None)


def value_at(row: Any, path: Path) -> Any:
    """The value at a path of a row as JSON has it; None where there is none."""
    for name in path:
        row = None if row is None else row.get(name)
    return row


def safe(text: str) -> str:
    """Text that neither a spreadsheet nor a terminal obeys; numbers are none of it, and stay numbers."""
    if text.isascii() and text.isprintable():  # nearly every cell
        return f"'{text}" if text.lstrip(" ").startswith(_RUN) else text
    # Some programs pass over blanks and what has no width, and look at what stands behind them.
    bare = STEERING.sub("", text).lstrip()
    told = "\r".join(escaped(part) for part in text.split("\r"))
    return f"'{told}" if text.startswith(_RUN) or bare.startswith(_RUN) else told


def cell(value: Any, *, raw: bool = False) -> str:
    """A value as the text of one cell; lists and objects without fixed fields are JSON.

    Args:
        value: as JSON has it.
        raw: text as it is, for programs: a spreadsheet may run it.
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value if raw else safe(value)
        case dict() | list():
            told = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            return told if raw else escaped_json(told.encode()).decode()
        case _:
            return str(value)
