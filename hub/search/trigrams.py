"""Texts as runs of three characters."""

from __future__ import annotations

MOST = 8
"""Runs that are asked for at most: each is looked up in all that has it, and who has these is looked at anyway."""


def trigrams(needle: str) -> list[str]:
    """The runs of three characters that a text with ``needle`` in it has: all of a short one; of a long one those with
    the most digits, since numbers tell documents apart and words do not, and for the rest some from beginning to end.

    Args:
        needle: three characters or more.
    """
    runs = list(dict.fromkeys(needle[place : place + 3] for place in range(len(needle) - 2)))
    if len(runs) <= MOST:
        return runs
    spread = [runs[(len(runs) - 1) * n // (MOST - 1)] for n in range(MOST)]
    numbers = sorted(runs, key=_digits, reverse=True)
    return list(dict.fromkeys([*(run for run in numbers if _digits(run)), *spread]))[:MOST]


def _digits(run: str) -> int:
    return sum(char.isdigit() for char in run)


def fts5_query(needle: str) -> str:
    """What SQLite's FTS5 is asked for: every run as text of its own, since the index keeps no positions."""
    return " AND ".join('"{}"'.format(run.replace('"', '""')) for run in trigrams(needle))
