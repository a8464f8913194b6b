"""Labels and sentences beside them; a long sentence goes on under itself, not under its label."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from console.text import one_line

Line = tuple[str, str, str]
"""Label, sentence, colour of the sentence."""


def labelled(lines: Iterable[Line], quiet: str, *, width: int = 8) -> Table:
    """The lines that have a sentence, aligned. Everything in them is cleaned here.

    Args:
        lines: what to show.
        quiet: colour of the labels.
        width: cells of the label column, at least.
    """
    kept = [(one_line(label), one_line(sentence), colour) for label, sentence, colour in lines if sentence]
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, min_width=max([width, *(len(label) for label, _, _ in kept)]))
    grid.add_column(overflow="fold")
    for label, sentence, colour in kept:
        grid.add_row(Text(label, quiet), Text(sentence, colour))
    return grid
