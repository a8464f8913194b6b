"""Texts as runs of three characters."""

from __future__ import annotations

MOST = 24
"""Runs that are asked for at most; who has all of these is looked at anyway."""


def trigrams(needle: str) -> list[str]:
    """The runs of three characters that a text with ``needle`` in it has: all of a short one; of a long one some, from
    its beginning to its end.

    Args:
        needle: three characters or more.
    """
    last = len(needle) - 3
    count = min(last + 1, MOST)
    places = [last * n // max(count - 1, 1) for n in range(count)]
    return list(dict.fromkeys(needle[place : place + 3] for place in places))


def fts5_query(needle: str) -> str:
    """What SQLite's FTS5 is asked for: every run as text of its own, since the index keeps no positions."""
    return " AND ".join('"{}"'.format(run.replace('"', '""')) for run in trigrams(needle))
