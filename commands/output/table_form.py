"""Tables and sentences for people."""

from __future__ import annotations

from collections.abc import Sequence

from commands.output import Column, Detail, Listing
from commands.terminal import Look, cut, cut_middle, one_line, width_of

GAP = 2
LEAST = 6


def render(shown: Listing | Detail, look: Look) -> str:
    """A table, or a thing in its own words."""
    if isinstance(shown, Detail):
        text = shown.human(look)
        return text if text.endswith("\n") else text + "\n"
    if not shown.items:
        return look.paint(shown.empty, "dim") + "\n"
    cells = [[one_line(column.value(item, look)) for column in shown.columns] for item in shown.items]
    kept = [n for n, column in enumerate(shown.columns) if column.head == "" or any(row[n] for row in cells)]
    columns = [shown.columns[n] for n in kept]
    rows = [[row[n] for n in kept] for row in cells]
    widths = fit([max(width_of(c.head), *(width_of(r[n]) for r in rows)) for n, c in enumerate(columns)], columns, look)
    heads = [(column.head.upper(), "dim") for column in columns]
    lines = [_line(heads, columns, widths, look)]
    for item, row in zip(shown.items, rows, strict=True):
        styles = [None if column.style is None else column.style(item) for column in columns]
        lines.append(_line(list(zip(row, styles, strict=True)), columns, widths, look))
    return "\n".join(lines) + "\n"


def fit(natural: list[int], columns: list[Column], look: Look) -> list[int]:
    """Widths that fit the terminal: first what gives way shrinks to its least, then, if it must be, below that."""
    widths = list(natural)
    if look.width is None:
        return widths
    over = sum(widths) + GAP * (len(widths) - 1) - look.width
    order = sorted((n for n, column in enumerate(columns) if column.give), key=lambda n: -columns[n].give)
    for floors in ([column.least for column in columns], [LEAST] * len(columns)):
        for n in order:
            taken = min(max(over, 0), max(0, widths[n] - max(floors[n], width_of(columns[n].head))))
            widths[n] -= taken
            over -= taken
    return widths


def _line(cells: Sequence[tuple[str, str | None]], columns: list[Column], widths: list[int], look: Look) -> str:
    parts = []
    for (text, style), column, width in zip(cells, columns, widths, strict=True):
        shown = cut_middle(text, width) if column.middle else cut(text, width)
        padding = " " * (width - width_of(shown))
        painted = look.paint(shown, style) if style else shown
        parts.append(padding + painted if column.right else painted + padding)
    return (" " * GAP).join(parts).rstrip()
