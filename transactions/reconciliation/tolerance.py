"""How far amounts may lie apart and still agree: ``0.5``, ``1%``, ``KG=0.25``."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec
from msgspec import Struct

_BOUND = re.compile(r"(?:([A-Za-z%][A-Za-z0-9%/]{0,11})=)?(\d{1,12}(?:\.\d{1,9})?)(%)?")


class Bound(Struct, frozen=True, kw_only=True):
    """So far and no farther: the wider of the two. ``percent`` is of the larger amount."""

    absolute: Decimal = Decimal(0)
    percent: Decimal = Decimal(0)

    def allows(self, one: Decimal, other: Decimal) -> bool:
        """Whether two amounts agree; which is which does not matter."""
        apart = abs(one - other)
        return apart <= max(self.absolute, self.percent * max(abs(one), abs(other)) / 100)


class Tolerance(Struct, frozen=True, kw_only=True):
    """A bound for every unit of measure; ``units`` has those with one of their own."""

    general: Bound = Bound()
    units: dict[str, Bound] = msgspec.field(default_factory=dict)

    def of(self, unit: str | None) -> Bound:
        """The bound for amounts in ``unit``."""
        return self.general if unit is None else self.units.get(unit.upper(), self.general)

    def describe(self) -> str:
        """As :func:`parse_tolerance` reads it; ``0`` for none."""
        parts = [*_parts("", self.general)]
        for unit, bound in sorted(self.units.items()):
            parts += _parts(f"{unit}=", bound) or [f"{unit}=0"]
        return ",".join(parts) or "0"


EXACT = Tolerance()


def parse_tolerance(text: str) -> Tolerance:
    """Read bounds: amounts, percentages, and both for one unit only, with commas between them.

    Raises:
        ValueError: not a tolerance; the message says what one looks like.
    """
    general, units = Bound(), dict[str, Bound]()
    for part in text.split(","):
        match = _BOUND.fullmatch(part.strip())
        if match is None:
            raise ValueError(
                f"{part.strip()[:40]!r} is not a tolerance: write an amount, a percentage, or one for a unit, "
                "like 0.5, 1% or KG=0.25, with commas between several"
            )
        unit, number, percent = match[1], Decimal(match[2]), match[3] is not None
        before = general if unit is None else units.get(unit.upper(), Bound())
        after = msgspec.structs.replace(before, **{"percent" if percent else "absolute": number})
        if unit is None:
            general = after
        else:
            units[unit.upper()] = after
    return Tolerance(general=general, units=units)


def _parts(prefix: str, bound: Bound) -> list[str]:
    found = []
    if bound.absolute:
        found.append(f"{prefix}{bound.absolute:f}")
    if bound.percent:
        found.append(f"{prefix}{bound.percent:f}%")
    return found
