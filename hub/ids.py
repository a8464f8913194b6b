"""Ids that sort by the time they were made: ULID (48 bits of milliseconds, 80 random bits, Crockford's base 32)."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime

from transactions.clock import to_micros

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_lock = threading.Lock()
_last = 0


def go_on_after(newest: str) -> None:
    """Make only ids that are larger than ``newest``, which an earlier run made: its clock may have been ahead."""
    global _last
    if len(newest) != 26 or any(char not in _ALPHABET for char in newest):
        return
    value = 0
    for char in newest:
        value = value << 5 | _ALPHABET.index(char)
    with _lock:
        _last = max(_last, value)


def new_id(now: datetime) -> str:
    """An id that is larger than every one this process made before, and than those of :func:`go_on_after`."""
    global _last
    value = (to_micros(now) // 1000) << 80 | secrets.randbits(80)
    with _lock:
        _last = value if value > _last else _last + 1
        value = _last
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
