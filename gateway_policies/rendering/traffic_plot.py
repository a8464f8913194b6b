"""Calls over time as bars: what passed below, what was refused on top."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

HEIGHT = 8


class Marks(Struct, frozen=True):
    """What bars are drawn with."""

    passed: str
    refused: str
    line: str
    corner: str


BLOCKS = Marks("█", "▓", "─", "└")
ASCII = Marks("#", "x", "-", "+")


class Row(Struct, frozen=True):
    """A row of a plot: what stands left of it, and its cells as runs of text: ``passed``, ``refused`` or blank."""

    label: str
    cells: tuple[tuple[str, str], ...]


def plot(came: Sequence[int], refused: Sequence[int], marks: Marks, height: int = HEIGHT) -> list[Row]:
    """Bars from the top row down, and the line below them.

    Args:
        came: calls in each part of the time.
        refused: those of them that were refused.
        height: rows of bars. A part in which anything came has a mark, and one in which anything was refused has one
            of those.
    """
    top = max(came, default=0)
    bars = [_bar(all_, no, top, height) for all_, no in zip(came, refused, strict=True)]
    rows = []
    for row in range(height, 0, -1):
        label = f"{top:,}" if row == height else "0" if row == 1 and height > 1 else ""
        cells = [_cell(row, good, bad, marks) for good, bad in bars]
        rows.append(Row(label, _runs(cells)))
    return [*rows, Row("", (("line", marks.corner + marks.line * max(0, len(bars) - 1)),))]


def times(begin: datetime, until: datetime, width: int) -> str:
    """What stands below the line: the beginning and the end of the time."""
    pattern = "%Y-%m-%d %H:%M" if begin.date() != until.date() else "%H:%M"
    first, last = f"{begin:{pattern}}", f"{until:{pattern}}"
    return f"{first}{last:>{max(1, width - len(first))}}" if width > len(first) + len(last) else f"{first} to {last}"


def _bar(came: int, refused: int, top: int, height: int) -> tuple[int, int]:
    """Cells of what passed and of what was refused."""
    if not came:
        return 0, 0
    cells = max(1, round(came / top * height))
    bad = min(cells, max(1, round(refused / came * cells))) if refused else 0
    return cells - bad, bad


def _cell(row: int, good: int, bad: int, marks: Marks) -> tuple[str, str]:
    if row <= good:
        return "passed", marks.passed
    if row <= good + bad:
        return "refused", marks.refused
    return "blank", " "


def _runs(cells: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for kind, mark in cells:
        if found and found[-1][0] == kind:
            found[-1] = (kind, found[-1][1] + mark)
        else:
            found.append((kind, mark))
    return tuple(found)
