"""What each flow does to the books of each of its targets."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from hub.declarations import shipped_catalogue
from hub.simulator.effects import BOOKS, Change, effects_of, stock_id
from hub.simulator.reading import Line, Reading

CATALOGUE = shipped_catalogue()
LINES = [
    Line(id="10", material="FG-1001", lot="P01-000001", quantity="40.000", unit="EA"),
    Line(id="20", material="RM-1101", lot="R01-000001", quantity="2.5", unit="KG"),
]


def effects(
    system: str, flow: str, lines: list[Line] | None = None, marks: dict[str, str] | None = None, **keys: str
) -> list[Change]:
    taken = LINES if lines is None else lines
    reading = Reading(keys=keys, lines=taken, identity=None, essence="", marks=marks or {})
    return effects_of(system, flow, "P01", reading, taken)


def one(system: str, flow: str, lines: list[Line] | None = None, **more: Any) -> Change:
    [change] = effects(system, flow, lines, **more)
    return change


def test_every_target_has_a_book_for_every_flow_it_takes() -> None:
    for name, flow in CATALOGUE.flow.items():
        for target in flow.targets:
            assert effects(target, name), (name, target)


def test_only_books_that_the_system_keeps_are_changed() -> None:
    for name, flow in CATALOGUE.flow.items():
        for target in flow.targets:
            assert {change.kind for change in effects(target, name)} <= set(BOOKS[target])
    assert effects("analytics", "goods-receipt") == []
    assert effects("ERP", "a-team-s-own-flow") == []


def test_consumption_takes_from_stock_and_adds_to_the_order() -> None:
    changes = effects("ERP", "material-consumption", order="77")
    assert [(change.kind, change.id, change.add) for change in changes] == [
        ("stock", stock_id("P01", "FG-1001", "P01-000001"), {"quantity": "-40.000"}),
        ("stock", stock_id("P01", "RM-1101", "R01-000001"), {"quantity": "-2.5"}),
        ("orders", "77", {"consumed": "42.500"}),
    ]
    assert changes[0].put == {"plant": "P01", "material": "FG-1001", "lot": "P01-000001", "unit": "EA"}


def test_a_receipt_brings_stock_and_makes_its_lot_known() -> None:
    changes = effects("ERP", "goods-receipt", LINES[:1], order="77")
    assert [(change.kind, change.add) for change in changes] == [
        ("stock", {"quantity": "40.000"}),
        ("lots", {}),
        ("orders", {"received": "40.000"}),
    ]
    assert changes[1].put == {"material": "FG-1001", "plant": "P01", "received": "yes"}
    assert [change.kind for change in effects("QMS", "goods-receipt", LINES[:1], order="77")] == ["lots", "orders"]


@pytest.mark.parametrize(
    ("kind", "amount"),
    [("101", 40), ("311", 0), ("301", 0), ("309", 0), ("551", -40), ("701", 40), ("702", -40), ("999", 0)],
)
def test_a_movement_s_kind_says_its_sign(kind: str, amount: int) -> None:
    change = one("WMS", "inventory-movement", LINES[:1], marks={"MovementType": kind})
    assert Decimal(change.add["quantity"]) == amount
    assert change.put["movement"] == kind


def test_a_movement_without_lines_of_its_own_is_about_the_keys() -> None:
    bare = Line(id="", material="", lot="", quantity="3", unit="EA")
    change = one("WMS", "inventory-movement", [bare], marks={"MovementType": "101"}, material="M", lot="L")
    assert (change.id, change.put["lot"]) == ("P01|M|L", "L")


def test_a_confirmation_counts_and_the_final_one_says_so() -> None:
    change = one("ERP", "production-confirmation", LINES[:1], marks={"Final": "False"}, order="77")
    assert (change.add, change.put) == ({"confirmed": "40.000"}, {"plant": "P01", "confirmed_unit": "EA"})
    final = one("APS", "production-confirmation", LINES[:1], marks={"Final": "True"}, order="77")
    assert final.put["confirmation"] == "CNF"


def test_a_release_says_what_is_made_and_may_close_the_order() -> None:
    change = one("MES", "production-order-release", order="77", version="2", material="FG", lot="L", quantity="5")
    assert change.put == {
        "plant": "P01", "released": "yes", "version": "2", "material": "FG", "lot": "L", "quantity": "5",
    }  # fmt: skip
    closed = one("MES", "production-order-release", marks={"State": "Closed"}, order="77", version="3")
    assert closed.put["status"] == "CLSD"


def test_results_are_counted_and_kept_by_characteristic() -> None:
    change = one(
        "QMS",
        "inspection-result",
        [],
        marks={"EvaluatedCriterion": "Fail"},
        inspection="IL-1",
        characteristic="LENGTH",
        lot="L",
    )
    assert (change.id, change.add) == ("IL-1", {"results": "1"})
    assert change.put == {"plant": "P01", "lot": "L", "LENGTH": "Fail"}


@pytest.mark.parametrize("state", ["active", "released"])
@pytest.mark.parametrize("system", ["ERP", "WMS", "MES", "TMS"])
def test_a_hold_is_kept_with_its_state(system: str, state: str) -> None:
    change = one(system, "quality-hold", [], marks={"State": state}, hold="QH", lot="L", version="1")
    assert (change.kind, change.id) == ("holds", "QH")
    assert change.put == {"plant": "P01", "lot": "L", "state": state, "version": "1"}


def test_a_disposition_says_what_the_lot_may_be_used_for() -> None:
    change = one("WMS", "lot-disposition", [], marks={"Disposition": "UnRestricted"}, lot="L", decision="UD-1")
    assert (change.id, change.put["disposition"], change.put["decision"]) == ("L", "UnRestricted", "UD-1")


def test_a_shipment_takes_stock_where_the_goods_are() -> None:
    keys = {"shipment": "SH-1", "delivery": "80", "version": "1"}
    assert [change.kind for change in effects("TMS", "shipment-release", LINES[:1], **keys)] == ["shipments"]
    shipment, stock = effects("WMS", "shipment-release", LINES[:1], **keys)
    assert shipment.put == {
        "plant": "P01", "released": "yes", "version": "1", "quantity": "40.000", "delivery": "80",
        "quantity_unit": "EA",
    }  # fmt: skip
    assert stock.add == {"quantity": "-40.000"}


def test_events_of_a_shipment_are_counted_and_kept_by_code() -> None:
    for system in ("ERP", "CRM", "customer-portal"):
        change = one(system, "shipment-status", [], shipment="SH-1", shipment_status="AF", occurred="now")
        assert (change.id, change.add, change.put["status-AF"]) == ("SH-1", {"events": "1"}, "now")


def test_the_other_books() -> None:
    down = one("CMMS", "downtime-event", [], event="DT-1", phase="start", equipment="E1")
    assert (down.kind, down.id, down.put["start"], down.put["equipment"]) == ("downtimes", "DT-1", "yes", "E1")
    order = one("ERP", "maintenance-order", [], marks={"State": "Released"}, order="MO-1", version="1")
    assert (order.kind, order.id, order.put["state"]) == ("maintenance-orders", "MO-1", "Released")
    labor = one("ERP", "labor-time", [LINES[1]], person="12", order="77")
    assert (labor.kind, labor.id, labor.add) == ("labor", "12|77", {"hours": "2.5"})
    material = one("APS", "master-data", [], object="FG", version="4", material="FG")
    assert (material.kind, material.id, material.put["version"]) == ("materials", "P01|FG", "4")
    notice = one("ERP", "advance-ship-notice", LINES[1:], shipment="ASN", order="45", version="1")
    assert (notice.kind, notice.id, notice.put["quantity"]) == ("notices", "ASN", "2.5")
    plan = one("ERP", "production-plan", [], plan="PP-P01", version="2")
    assert (plan.kind, plan.id, plan.put["version"]) == ("plans", "PP-P01", "2")


def test_a_story_in_any_order_leaves_the_same_books(workshops: Any) -> None:
    """Healthy traffic commutes: every target of every document, shuffled, down to the last entry."""
    books = []
    for seed in (None, 1, 2):
        with workshops() as workshop:
            documents = workshop.story(blocks=4)
            if seed is not None:
                random.Random(seed).shuffle(documents)
            for document in documents:
                for target in CATALOGUE.flow[document.flow].targets:
                    changes = effects_of(
                        target, document.flow, document.plant, document.reading, document.reading.lines
                    )
                    workshop.account(target, document.plant).apply(changes)
            books.append(
                {
                    (target, plant, kind): {
                        entry["id"]: {name: word for name, word in entry.items() if name != "movement"}
                        for entry in workshop.account(target, plant).entries(kind)
                    }
                    for target, kinds in BOOKS.items()
                    for plant in CATALOGUE.plant
                    for kind in kinds
                }
            )
    assert books[0] == books[1] == books[2]
    assert all(any(books[0][key] for key in books[0] if key[0] == target) for target in BOOKS)
