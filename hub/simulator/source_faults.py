"""Faults of the sources: what goes wrong with a document before it leaves."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

_LOT_SHAPE = re.compile(rb"\b[A-Z]\d\d-\d{6}\b")
_UNIT = re.compile(rb'("UnitOfMeasure":"|<UnitOfMeasure>)(KG|EA|H)(?=["<])')
_AMOUNT = re.compile(rb'("QuantityString":"|<QuantityString>)(\d+(?:\.\d+)?)(?=["<])')

_FOREIGN_UNITS = {b"KG": b"KIL", b"EA": b"STK", b"H": b"STD"}


def _mistype_lots(body: bytes) -> bytes:
    return _LOT_SHAPE.sub(lambda found: found[0][:4] + b"O" + found[0][5:], body)


def _drift(body: bytes) -> bytes:
    return body.replace(b"QuantityString", b"QuantityValue")


def _unmap_units(body: bytes) -> bytes:
    return _UNIT.sub(lambda found: found[1] + _FOREIGN_UNITS[found[2]], body)


def _thousandth(body: bytes) -> bytes:
    def shrink(found: re.Match[bytes]) -> bytes:
        return found[1] + format(Decimal(found[2].decode()) / 1000, "f").encode()

    return _AMOUNT.sub(shrink, body)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "invalid-lot": _mistype_lots,
    "schema-drift": _drift,
    "unit-mapping": _unmap_units,
    "wrong-master-data": _thousandth,
}
"""What each fault makes of a document's bytes."""


def damaged(body: bytes, hit: Callable[[str], bool]) -> bytes:
    """The document as it leaves, with every fault that hits it."""
    for name, damage in DAMAGE.items():
        if hit(name):
            body = damage(body)
    return body
