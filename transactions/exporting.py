"""Exports of transactions: the rows of a filter as JSON lines, or as CSV (RFC 4180) that a spreadsheet can open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import msgspec

from transactions.cells import Path, cell, columns, value_at
from transactions.errors import Invalid
from transactions.export_form import ExportForm
from transactions.model import Transaction

_KEYS = "business_keys"
_COLUMNS: tuple[Path, ...] = tuple(columns(Transaction))
_NAMES = {".".join(path): path for path in _COLUMNS}


def choose_columns(wanted: str | None, keys: Iterable[str]) -> tuple[Path, ...] | None:
    """The columns that somebody names, in that order; None for all of them.

    Args:
        wanted: names with commas between them: fields of a transaction's JSON (``failure.code``), and business keys
            with ``business_keys.`` before them or without.
        keys: the business keys there are.

    Raises:
        Invalid: there is no such column, or one is named twice.
    """
    if wanted is None:
        return None
    known = dict(_NAMES)
    for key in sorted(keys):
        known.setdefault(key, (_KEYS, key))
        known[f"{_KEYS}.{key}"] = (_KEYS, key)
    chosen: list[Path] = []
    for name in (part.strip() for part in wanted.split(",")):
        path = known.get(name)
        if path is None:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There is: {', '.join(_NAMES)}; and each business key."
            raise Invalid(f"There is no column {name!r}. Nothing was exported. {hint}")
        if path in chosen:
            raise Invalid(f"The column {name!r} is named twice. Nothing was exported. Name it once.")
        chosen.append(path)
    return tuple(chosen)


class Lines:
    """Writes transactions as the lines of one export."""

    def __init__(self, form: ExportForm, chosen: tuple[Path, ...] | None, *, raw: bool = False) -> None:
        """
        Args:
            form: JSON lines or CSV.
            chosen: the columns; None for all.
            raw: CSV with text as it is, for programs; otherwise a text that a spreadsheet would run begins with an
                apostrophe.
        """
        self._form = form
        self._chosen = chosen
        self._raw = raw

    def head(self) -> bytes:
        """What comes before the first row."""
        if self._form is ExportForm.JSONL:
            return b""
        return _csv([[".".join(path) for path in self._chosen or _COLUMNS]])

    def rows(self, items: Iterable[Transaction]) -> bytes:
        """The lines of some rows."""
        encoded = (msgspec.json.encode(item) for item in items)
        if self._form is ExportForm.CSV:
            paths = self._chosen or _COLUMNS
            decoded = (msgspec.json.decode(one) for one in encoded)
            return _csv([cell(value_at(row, path), raw=self._raw) for path in paths] for row in decoded)
        if self._chosen is None:
            return b"".join(one + b"\n" for one in encoded)
        return b"".join(msgspec.json.encode(self._cut(msgspec.json.decode(one))) + b"\n" for one in encoded)

    def _cut(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of the chosen fields only, each where the whole row has it."""
        kept: dict[str, Any] = {}
        for path in self._chosen or ():
            place = kept
            for name in path[:-1]:
                place = place.setdefault(name, {})
            place[path[-1]] = value_at(row, path)
        return kept


def _csv(rows: Iterable[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()
