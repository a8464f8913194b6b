"""What a system checks before it posts, held against books that are spelled out."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.simulator.reading import Line, Reading
from hub.simulator.refusals import Refusal
from hub.simulator.rules import KNOWN_UNITS, check


class Books:
    """What the rules ask, as plain data."""

    def __init__(
        self,
        stock: dict[tuple[str, str, str], str] | None = None,
        restricted: tuple[str, ...] = (),
        closed: tuple[str, ...] = (),
    ) -> None:
        self._stock, self._restricted, self._closed = stock or {}, restricted, closed

    def stock(self, plant: str, material: str, lot: str) -> Decimal | None:
        found = self._stock.get((plant, material, lot))
        return None if found is None else Decimal(found)

    def restricted(self, lot: str) -> bool:
        return lot in self._restricted

    def order_closed(self, order: str) -> bool:
        return order in self._closed


STOCK = {("P01", "RM", "R01-000001"): "10"}


def line(quantity: str | None = "1.000", unit: str = "KG", lot: str = "R01-000001", id_: str = "10") -> Line:
    return Line(id=id_, material="RM", lot=lot, quantity=quantity, unit=unit)


def refusal(flow: str, lines: list[Line], books: Books, system: str = "ERP", **keys: str) -> Refusal | None:
    reading = Reading(keys=keys, lines=lines, identity=None, essence="", marks={})
    try:
        check(system, flow, "P01", reading, books)
    except Refusal as refused:
        return refused
    return None


def said(refused: Refusal | None) -> tuple[int, str] | None:
    return None if refused is None else (refused.status, refused.code)


@pytest.mark.parametrize(
    ("bad", "code", "words"),
    [
        (line(None), "SCHEMA_VIOLATION", "Line 10: required element Quantity/QuantityString is missing"),
        (line("many"), "SCHEMA_VIOLATION", "Line 10: 'many' is not a decimal number"),
        (line("NaN"), "SCHEMA_VIOLATION", "'NaN'"),
        (line("1e99"), "SCHEMA_VIOLATION", "'1e99'"),
        (line("x" * 90), "SCHEMA_VIOLATION", "'" + "x" * 40 + "'"),
        (line("", id_=""), "SCHEMA_VIOLATION", "Line 1: ''"),
        (line(unit="KIL"), "BM311", "Unit of measure KIL is not defined"),
        (line(unit=""), "BM311", "Unit of measure (none) is not defined"),
        (line(lot="R01-O00001"), "LOT_UNKNOWN", "Lot R01-O00001 does not exist"),
        (line(lot="P01-12"), "LOT_UNKNOWN", "Lot P01-12 does not exist"),
    ],
)
@pytest.mark.parametrize("flow", ["goods-receipt", "material-consumption", "production-order-release"])
def test_a_bad_line_is_refused_in_every_flow(flow: str, bad: Line, code: str, words: str) -> None:
    refused = refusal(flow, [line(), bad], Books(STOCK))
    assert said(refused) == (422, code)
    assert words in str(refused)


def test_a_lot_among_the_keys_is_judged_too() -> None:
    assert said(refusal("lot-disposition", [], Books(), lot="P01-O00001")) == (422, "LOT_UNKNOWN")
    assert refusal("lot-disposition", [], Books(), lot="P01-000001") is None


@pytest.mark.parametrize("lot", ["", "CRBN0001_LOT01", "2026/77", "p01-77", "P001-77"])
def test_a_lot_that_is_numbered_otherwise_is_not_judged(lot: str) -> None:
    assert refusal("goods-receipt", [line(lot=lot)], Books(), lot=lot) is None


@pytest.mark.parametrize("unit", sorted(KNOWN_UNITS))
def test_mapped_units_pass(unit: str) -> None:
    assert refusal("goods-receipt", [line(unit=unit)], Books()) is None


@pytest.mark.parametrize("flow", ["material-consumption", "production-confirmation", "labor-time"])
def test_a_closed_order_takes_no_postings(flow: str) -> None:
    refused = refusal(flow, [line()], Books(STOCK, closed=("77",)), order="77")
    assert said(refused) == (409, "BS013")
    assert "(ORD 77)" in str(refused)
    assert refusal(flow, [line()], Books(STOCK, closed=("78",)), order="77") is None
    assert refusal(flow, [line()], Books(STOCK, closed=("77",))) is None, "a document that names no order"


@pytest.mark.parametrize("flow", ["goods-receipt", "maintenance-order", "inspection-result", "shipment-status"])
def test_other_flows_do_not_ask_whether_the_order_is_closed(flow: str) -> None:
    assert refusal(flow, [], Books(closed=("77",)), order="77") is None


@pytest.mark.parametrize("system", ["ERP", "WMS"])
def test_a_deficit_says_how_much_is_short(system: str) -> None:
    refused = refusal("material-consumption", [line("12.5")], Books(STOCK), system)
    assert said(refused) == (422, "M7021")
    assert "Unrestricted-use 2.5 KG : RM P01 R01-000001" in str(refused)
    refused = refusal("material-consumption", [line("3", lot="ELSEWHERE")], Books(STOCK), system)
    assert "Unrestricted-use 3 KG" in str(refused)


def test_all_that_is_there_may_be_taken() -> None:
    assert refusal("material-consumption", [line("10")], Books(STOCK)) is None
    assert refusal("material-consumption", [line("99")], Books(STOCK), "APS") is None, "it keeps no stock"
    assert refusal("goods-receipt", [line("99")], Books()) is None, "a receipt brings it"


@settings(deadline=None)
@given(st.lists(st.integers(0, 8000), min_size=1, max_size=6))
def test_lines_of_one_lot_are_taken_together(grams: list[int]) -> None:
    lines = [line(f"{each / 1000:.3f}") for each in grams]
    refused = refusal("material-consumption", lines, Books(STOCK))
    assert (refused is None) == (sum(grams) <= 10_000)


def test_a_restricted_lot_is_not_shipped_but_may_be_moved() -> None:
    books = Books(STOCK, restricted=("P01-000009",))
    assert said(refusal("shipment-release", [line(lot="P01-000001"), line(lot="P01-000009")], books)) == (
        409,
        "LOT_RESTRICTED",
    )
    assert refusal("shipment-release", [line(lot="P01-000001"), line(lot="")], books) is None
    assert refusal("inventory-movement", [line(lot="P01-000009")], books) is None


def test_the_first_broken_rule_is_the_one_that_is_said() -> None:
    both = [line(unit="KIL"), line(lot="R01-O00001")]
    assert said(refusal("material-consumption", both, Books(closed=("7",)), order="7")) == (422, "BM311")
    assert said(refusal("material-consumption", both[1:], Books(closed=("7",)), order="7")) == (422, "LOT_UNKNOWN")
    assert said(refusal("material-consumption", [line()], Books(closed=("7",)), order="7")) == (409, "BS013")
