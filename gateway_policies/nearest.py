"""The name that was most likely meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Of the known names the one that is most like ``word``; None where none is like it."""
    # Case is the commonest difference, and difflib takes it for as much as any other.
    spellings = {each.lower(): each for each in sorted(known, reverse=True)}
    found = difflib.get_close_matches(word.lower(), list(spellings), n=1, cutoff=0.6)
    return spellings[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` Did you mean 'burst'?``, to be put behind a sentence; nothing where there is no such name."""
    found = nearest(word, known)
    return "" if found is None else f" Did you mean {found!r}?"


def listed(names: Iterable[str], most: int = 12) -> str:
    """``a, b and c``; of very many the first, and how many more there are."""
    every = list(names)
    if len(every) > most:
        return f"{', '.join(every[:most])} and {len(every) - most:,} more"
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} and {every[-1]}" if every else "none"
