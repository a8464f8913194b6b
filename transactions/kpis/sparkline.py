"""A row of bars, eight heights, one for each number."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
GAP = "·"


def sparkline(values: Sequence[float | None]) -> str:
    """Bars from nothing to the largest; a dot where there is no number. One that is not zero never looks like zero."""
    top = max((value for value in values if value is not None), default=0.0)
    drawn = []
    for value in values:
        if value is None:
            drawn.append(GAP)
        elif top <= 0 or value <= 0:
            drawn.append(BARS[0])
        else:
            drawn.append(BARS[max(1, round(value / top * (len(BARS) - 1)))])
    return "".join(drawn)
