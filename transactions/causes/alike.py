"""Numbers that were typed by hand: which known number a mistyped one looks like."""

from __future__ import annotations

_LOOKS_LIKE = str.maketrans({"O": "0", "o": "0", "I": "1", "l": "1", "S": "5", "B": "8", "Z": "2"})


def meant(number: str) -> str | None:
    """The number with digits for the letters that look like them, behind its first letters; None where none does.

    The letters that a number begins with are part of it (``P01-O00001`` may mean ``P01-000001``, not ``901-…``).
    """
    head = len(number) - len(number.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    other = number[:head] + number[head:].translate(_LOOKS_LIKE)
    return other if other != number else None
