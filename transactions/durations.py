"""Durations as people write them: ``15m``, ``1h``, ``250ms``; and rates: ``50/s``."""

from __future__ import annotations

import math
import re
from datetime import timedelta

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_RATE = re.compile(r"(\d+(?:\.\d+)?)/(s|m|h)")


def parse_duration(text: str) -> timedelta:
    """Read ``15m`` or ``1h30m``.

    Raises:
        ValueError: not a duration; the message says what one looks like.
    """
    position, seconds = 0, 0.0
    for match in _DURATION.finditer(text):
        if match.start() != position:
            break
        seconds += float(match[1]) * _UNITS[match[2]]
        position = match.end()
    if not text or position != len(text):
        raise ValueError(f"{text!r} is not a duration: write a number and a unit, like 15m, 2h or 250ms")
    try:
        return timedelta(seconds=seconds)
    except OverflowError as error:
        raise ValueError(
            f"{text[:40]!r} is a longer duration than a calendar has: write one like 15m, 2h or 250ms"
        ) from error


def parse_rate(text: str) -> float:
    """Read ``50/s`` or ``600/m`` as a number per second.

    Raises:
        ValueError: not a rate; the message says what one looks like.
    """
    match = _RATE.fullmatch(text)
    if match is None or not 0 < float(match[1]) < math.inf:
        raise ValueError(f"{text!r} is not a rate: write a number per unit of time, like 50/s or 600/m")
    return float(match[1]) / _UNITS[match[2]]


def short(span: timedelta) -> str:
    """The two-character-or-so age of a list: ``38m``, ``2h``, ``3d``; negative spans keep their sign."""
    seconds = int(span.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{sign}{seconds // size}{unit}"
    return f"{sign}{seconds}s"
