"""What an export is written as."""

from __future__ import annotations

from enum import StrEnum

ROWS = "andon-rows"
"""The header of an export that says how many rows follow."""


class ExportForm(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    JSONL = "jsonl"

    @property
    def media(self) -> str:
        """Its media type."""
        return "text/csv" if self is ExportForm.CSV else "application/x-ndjson"
