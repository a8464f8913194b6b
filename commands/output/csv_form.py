"""CSV for spreadsheets: fixed columns, nested fields with a dot, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io

import msgspec

from commands.output import Detail, Listing
from transactions.cells import cell, columns, value_at


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
        writer.writerow([cell(value_at(row, path)) for path in paths])
    return out.getvalue().encode()
