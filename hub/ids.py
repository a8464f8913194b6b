"""Ids that sort by the time they were made: ULID (48 bits of milliseconds, 80 random bits, Crockford's base 32)."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime

from transactions.clock import to_micros

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_lock = threading.Lock()
_last = 0


def new_id(now: datetime) -> str:
    """An id that is larger than every one this process made before."""
    global _last
    value = (to_micros(now) // 1000) << 80 | secrets.randbits(80)
    with _lock:
        _last = value if value > _last else _last + 1
        value = _last
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
