"""CSV for spreadsheets: fixed columns, nested fields with a dot, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from types import UnionType
from typing import Any, get_args

import msgspec
from msgspec import Struct

from commands.output import Detail, Listing
from transactions.steering import STEERING, escaped, escaped_json

# OWASP, CSV injection: with the full-width signs, which some spreadsheets read as the plain ones.
_RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def render(shown: Listing | Detail) -> bytes:
    """A header, then a line each; lists and objects without fixed fields are JSON in one cell."""
    of = shown.of if isinstance(shown, Listing) else type(shown.value)
    items = shown.items if isinstance(shown, Listing) else [shown.value]
    paths = list(columns(of))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([".".join(path) for path in paths])
    for item in items:
        # By way of JSON, so that dates and enums are written as the API writes them.
        row = msgspec.json.decode(msgspec.json.encode(item))
        writer.writerow([_cell(row, path) for path in paths])
    return out.getvalue().encode()


def columns(of: type, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
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


def _text(text: str) -> str:
    """Text that neither a spreadsheet nor a terminal obeys; numbers are none of it, and stay numbers."""
    # Some programs pass over blanks and what has no width, and look at what stands behind them.
    bare = STEERING.sub("", text).lstrip()
    told = "\r".join(escaped(part) for part in text.split("\r"))
    return f"'{told}" if text.startswith(_RUN) or bare.startswith(_RUN) else told


def _cell(row: Any, path: tuple[str, ...]) -> str:
    for name in path:
        row = None if row is None else row.get(name)
    match row:
        case None:
            return ""
        case bool():
            return "true" if row else "false"
        case str():
            return _text(row)
        case dict() | list():
            return escaped_json(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()).decode()
        case _:
            return str(row)
