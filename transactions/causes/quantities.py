"""Quantities that are off by a power of ten: which of the posted documents say too little, or too much."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import product

from msgspec import Struct

FACTORS = tuple(Decimal(text) for text in ("1000", "0.001", "100", "0.01", "1000000", "0.000001"))
"""What a mistaken conversion multiplies by: tonnes and kilograms, centimetres and metres, kilograms and milligrams."""
_MOST = 9
"""Documents about one object that are looked at; each may be right or wrong, so every one more doubles the work."""


class Wrong(Struct, frozen=True, kw_only=True):
    """What the source counts for one that was posted, and which of the posted ones are wrong, by their place."""

    factor: Decimal
    posted: tuple[int, ...]


def wrong_among(
    lacking: Decimal, posted: Sequence[Decimal], owed: Sequence[Decimal], perhaps: Sequence[Decimal] = ()
) -> Wrong | None:
    """Which posted documents explain what is lacking, each being off by one factor.

    Args:
        lacking: what the source counts beyond what the target has; negative where the target has more.
        posted: quantities of the documents that the target has.
        owed: quantities of those that it does not have, which lack besides.
        perhaps: quantities of those that may or may not lack.

    Returns:
        The factor and as many as are wrong; None where no factor explains it exactly, or there are too many to tell.
    """
    if not posted or len(posted) + len(owed) + len(perhaps) > _MOST:
        return None
    for factor in FACTORS:
        best: tuple[int, ...] = ()
        choices = [*((False, True) for _ in posted), *((False, True) for _ in owed), *((0, 1, 2) for _ in perhaps)]
        for chosen in product(*choices):
            wrong = tuple(place for place in range(len(posted)) if chosen[place])
            if len(wrong) <= len(best):
                continue
            total = sum(((factor - 1) * posted[place] for place in wrong), Decimal(0))
            for quantity, off in zip(owed, chosen[len(posted) :], strict=False):
                total += quantity * factor if off else quantity
            for quantity, how in zip(perhaps, chosen[len(posted) + len(owed) :], strict=True):
                total += (Decimal(0), quantity, quantity * factor)[int(how)]
            if total == lacking:
                best = wrong
        if best:
            return Wrong(factor=factor, posted=best)
    return None
