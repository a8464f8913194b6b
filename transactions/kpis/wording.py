"""Values as people read them."""

from __future__ import annotations

from transactions.kpis.definitions import Unit

UNKNOWN = "-"


def value_of(value: float | None, unit: Unit) -> str:
    """A value in its unit; a dash where it is not known."""
    if value is None:
        return UNKNOWN
    match unit:
        case Unit.SECONDS:
            return span(value)
        case Unit.PERCENT:
            return percent(value)
        case Unit.COUNT:
            return f"{value:,.0f}"
        case Unit.PER_HOUR:
            return f"{_few(value)}/h"
        case Unit.PER_THOUSAND:
            return f"{_few(value)} ‰"


def change_of(value: float | None, before: float | None, unit: Unit) -> str:
    """How much it changed: points for shares, percent for everything else; empty where one is not known."""
    if value is None or before is None:
        return ""
    if unit is Unit.PERCENT:
        points = round(value - before, 1)
        return "=" if points == 0 else f"{points:+.1f} pt"
    if before == 0:
        return "=" if value == 0 else "new"
    share = (value - before) / before * 100.0
    if abs(share) < 0.5:
        return "="
    return f"{share:+.0f} %" if share < 1_000 else f"{value / before:,.0f} times"


def percent(value: float | None) -> str:
    """A share; never rounded up to all, or down to nothing, where it is not."""
    if value is None:
        return UNKNOWN
    rounded = f"{value:.1f}"
    if rounded == "100.0":
        return "100 %" if value >= 100 else ">99.9 %"
    if rounded == "0.0":
        return "0 %" if value <= 0 else "<0.1 %"
    return f"{rounded} %"


def span(seconds: float) -> str:
    """A span of time: ``0.25 s``, ``42 s``, ``3.5 min``, ``2.1 h``, ``4 d``."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds == 3_600:
        return "1 h"
    for limit, size, unit in ((99.5, 1.0, "s"), (99.5 * 60, 60.0, "min"), (48 * 3_600, 3_600.0, "h")):
        if seconds < limit:
            return f"{_few(seconds / size)} {unit}"
    return f"{_few(seconds / 86_400)} d"


def _few(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
