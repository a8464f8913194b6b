"""Why a contract cannot be read, and where."""

from __future__ import annotations

from typing import Final

DEEPEST: Final = 100
"""Levels of nesting; the deepest contracts that people write have forty."""


class Fault(Exception):
    """A text cannot be read at a line and a column, both from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
