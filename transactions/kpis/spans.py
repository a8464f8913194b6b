"""Spans of time counted in slots of growing width, so that quantiles need no list of every span.

Slot ``n`` holds what is longer than ``longest(n - 1)`` and no longer than ``longest(n)``; four slots make a doubling,
from a hundredth of a second up. A quantile is told as the geometric middle of its slot, which is at most
:data:`ERROR` away from the span that is meant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

FIRST = 0.01
"""Seconds that the first slot, number 0, reaches to; shorter spans are told as this."""

PER_DOUBLING = 4
LAST = 120
"""The last slot holds everything that is longer than its neighbour: about four months."""

ERROR = 2 ** (1 / (2 * PER_DOUBLING)) - 1
"""How far a quantile may be off, as a share: nine in a hundred."""


def slot_of(seconds: float) -> int:
    """The slot of a span; negative ones (a clock was set back) count as none."""
    if seconds <= FIRST:
        return 0
    slot = math.ceil(math.log2(seconds / FIRST) * PER_DOUBLING - 1e-9)
    return min(max(slot, 0), LAST)


def longest(slot: int) -> float:
    """The longest span of a slot, in seconds; infinite for the last."""
    return math.inf if slot >= LAST else FIRST * 2 ** (slot / PER_DOUBLING)


def typical(slot: int) -> float:
    """What a span of this slot is told as, in seconds."""
    return FIRST if slot <= 0 else FIRST * 2 ** ((slot - 0.5) / PER_DOUBLING)


def quantile(slots: Mapping[int, int], share: float) -> float | None:
    """The span, in seconds, that ``share`` of all are no longer than; None where there are none.

    Args:
        slots: how many spans each slot holds.
        share: 0.5 for the median, 0.95 for what one in twenty exceeds.
    """
    total = sum(slots.values())
    if total <= 0:
        return None
    wanted = max(1, math.ceil(share * total - 1e-9))
    seen = 0
    for slot in sorted(slots):
        seen += slots[slot]
        if seen >= wanted:
            return typical(slot)
    return None
