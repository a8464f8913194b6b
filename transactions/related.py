"""Related transactions: those that share a business key, like the order or the lot."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from transactions.history import MASK
from transactions.model import Transaction

LEADING = (
    *("order", "lot", "serial", "shipment", "delivery", "handling_unit", "inspection", "hold", "decision", "equipment"),
    *("material", "object", "plan", "event", "line"),
)
"""Keys by which people look first, the nearest relation first."""

_NO_OBJECT = frozenset(
    {"quantity", "item", "version", "revision", "operation", "phase", "characteristic", "occurred", "expiry"}
    | {"shipment_status", "plant"}
)
"""Keys whose values say nothing of what a document is about: half the plant shares a quantity of ten."""

COUNTED = 10_000
"""So many are counted at most; there may be more."""


class RelatedGroup(Struct, frozen=True, kw_only=True):
    """The transactions that share the value of one key.

    Attributes:
        by, value: the key and its value.
        count: how many there are besides the one that was asked about.
        more: there are more than were counted.
        items: newest first.
        next_cursor: of these; for ``by`` with ``cursor``.
    """

    by: str
    value: str
    count: int
    more: bool
    items: list[Transaction]
    next_cursor: str | None = None


class Related(Struct, frozen=True, kw_only=True):
    """What shares a business key with a transaction, by key: the nearest relation first."""

    of: str
    items: list[RelatedGroup]


def relating(keys: dict[str, str], masked: Iterable[str]) -> list[str]:
    """The keys by which a document relates to others, the nearest first.

    Args:
        keys: its business keys.
        masked: those that are masked in any flow: they relate nothing.
    """
    hidden = frozenset(masked)
    usable = [
        name
        for name, value in keys.items()
        if value and value != MASK and name not in hidden and name not in _NO_OBJECT
    ]
    return sorted(usable, key=lambda name: (LEADING.index(name) if name in LEADING else len(LEADING), name))
