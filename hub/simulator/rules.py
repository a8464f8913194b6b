"""What a system checks before it posts. Healthy traffic passes every rule, in whatever order its lanes arrive."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Protocol

from hub.simulator.reading import Line, Reading, number
from hub.simulator.refusals import Refusal

KNOWN_UNITS = frozenset({"KG", "G", "T", "L", "ML", "M", "EA", "PC", "H", "MIN", "%"})
"""Units that the systems have mapped; others are BM311."""

_OUR_LOTS = re.compile(r"[A-Z]\d\d-")
_LOT_NUMBER = re.compile(r"[A-Z]\d\d-\d{6}")
"""A lot number of the simulated plants; lots numbered otherwise are somebody else's and are not judged."""


class StockView(Protocol):
    """What the rules ask the books."""

    def stock(self, plant: str, material: str, lot: str) -> Decimal | None:
        """Quantity of a lot, or None where there is no such stock."""
        ...

    def restricted(self, lot: str) -> bool:
        """Whether a hold on the lot is open."""
        ...

    def order_closed(self, order: str) -> bool:
        """Whether the order takes no postings any more."""
        ...


def check(system: str, flow: str, plant: str, reading: Reading, books: StockView) -> None:
    """Hold a document against the rules of a system.

    Raises:
        Refusal: the first rule that is broken.
    """
    for line in reading.lines:
        _check_line(line)
    lots = {line.lot for line in reading.lines} | {reading.keys.get("lot", "")}
    for lot in sorted(lots - {""}):
        if _OUR_LOTS.match(lot) and not _LOT_NUMBER.fullmatch(lot):
            raise Refusal(422, "LOT_UNKNOWN", f"Lot {lot} does not exist")
    order = reading.keys.get("order")
    if (
        flow in ("material-consumption", "production-confirmation", "labor-time")
        and order
        and books.order_closed(order)
    ):
        raise Refusal(409, "BS013", f"System status CLSD is active (ORD {order})")
    if flow == "material-consumption" and system in ("ERP", "WMS"):
        _check_stock(reading.lines, plant, books)
    if flow == "shipment-release":
        for line in reading.lines:
            if line.lot and books.restricted(line.lot):
                raise Refusal(409, "LOT_RESTRICTED", f"Lot {line.lot} is restricted: quality has a hold on it")


def _check_line(line: Line) -> None:
    if line.quantity is None:
        raise Refusal(
            422, "SCHEMA_VIOLATION", f"Line {line.id or '1'}: required element Quantity/QuantityString is missing"
        )
    if number(line.quantity) is None:
        raise Refusal(422, "SCHEMA_VIOLATION", f"Line {line.id or '1'}: {line.quantity[:40]!r} is not a decimal number")
    if line.unit not in KNOWN_UNITS:
        raise Refusal(422, "BM311", f"Unit of measure {line.unit or '(none)'} is not defined; check your entry")


def _check_stock(lines: list[Line], plant: str, books: StockView) -> None:
    wanted: dict[tuple[str, str], Decimal] = {}
    for line in lines:
        place = (line.material, line.lot)
        # Two lines may take from one lot: together they must not take more than is there.
        wanted[place] = wanted.get(place, Decimal(0)) + (number(line.quantity) or Decimal(0))
        there = books.stock(plant, line.material, line.lot)
        if there is None or there < wanted[place]:
            short = wanted[place] - (there or Decimal(0))
            raise Refusal(
                422, "M7021", f"Deficit of SL Unrestricted-use {short} {line.unit} : {line.material} {plant} {line.lot}"
            )
