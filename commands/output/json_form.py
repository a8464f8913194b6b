"""JSON for machines: ``{"items": [...], "next_cursor": …}`` for lists, and one object a line for JSONL."""

from __future__ import annotations

import msgspec

from commands.output import Detail, Listing
from transactions.steering import escaped_json


def render(shown: Listing | Detail) -> bytes:
    """One JSON document, indented by two."""
    value = {"items": shown.items, "next_cursor": shown.next_cursor} if isinstance(shown, Listing) else shown.value
    return escaped_json(msgspec.json.format(msgspec.json.encode(value), indent=2)) + b"\n"


def render_lines(shown: Listing | Detail) -> bytes:
    """One object a line."""
    items = shown.items if isinstance(shown, Listing) else [shown.value]
    return b"".join(escaped_json(msgspec.json.encode(item)) + b"\n" for item in items)
