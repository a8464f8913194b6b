"""Spans of time as policies write them, in whole seconds: ``90s``, ``1m``, ``1h30m``, ``1d``."""

from __future__ import annotations

import re

SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
PATTERN = r"(?=.*[1-9])(?:[0-9]{1,7}[wdhms]){1,5}"
"""What one looks like: the units may stand in any order, one that is there twice counts twice, and none is nothing."""

_PART = re.compile(r"([0-9]+)([wdhms])")


def seconds_of(text: str) -> int:
    """The seconds of a span.

    Raises:
        ValueError: not a span; the message says what one looks like.
    """
    if re.fullmatch(PATTERN, text) is None:
        raise ValueError(f"{text!r} is no span of time: write a number and a unit, like 90s, 1m, 1h or 1d")
    return sum(int(number) * SECONDS[unit] for number, unit in _PART.findall(text))


def span_of(seconds: int) -> str:
    """The shortest spelling in one unit: 3,600 is ``1h``, 90 is ``90s``."""
    unit = next(unit for unit, size in SECONDS.items() if seconds % size == 0)
    return f"{seconds // SECONDS[unit]}{unit}"
