"""Night 9. A hold arrives late: the WMS refused it, the truck is at the dock. The trap: waiting for an approval."""

from __future__ import annotations

import json

from transactions.model import Status

OPEN = "status:failed,in-doubt,parked,held"


def test_a_hold_arrives_late(night) -> None:
    shift = night(9)
    shift.fault("locked", system="WMS", flow="quality-hold")
    shift.emit(36)  # as far as the first hold of a lot, and no further
    (late,) = shift.andon("tx list --filter 'flow:quality-hold status:failed' -o json").json["items"]
    lot = late["business_keys"]["lot"]
    assert (late["target"], late["overdue"]) == ("WMS", False)

    # Block the delivery now. Nobody has to approve that, and it holds at once.
    shift.andon("systems hold --plant $PLANT --flow shipment-release --reason 'lot $LOT is held, INC-9' --yes",
                PLANT=late["plant"], LOT=lot)  # fmt: skip
    assert shift.andon("approvals list -o id").ids == []
    truck = shift.folder / "delivery.json"
    truck.write_text(json.dumps(shipment_of(lot, late["business_keys"]["material"])))
    shift.andon("hub send $FILE --flow shipment-release --plant $PLANT", FILE=str(truck), PLANT=late["plant"])
    blocked = shift.found(f"flow:shipment-release lot:{lot}")
    assert {tx["status"] for tx in blocked} == {Status.HELD}

    # Replay the hold as it is: one person is enough for that, too.
    shift.mended("locked")
    shift.andon("tx replay $ID --reason 'WMS takes it now, INC-9' --yes", ID=late["id"])
    assert set(shift.statuses("flow:quality-hold")) == {"processed"}

    # Trace what was shipped of the lot: nothing left.
    traced = shift.andon("tx list --filter 'lot:$LOT flow:shipment-release,shipment-status' --all -o json", LOT=lot)
    assert {tx["status"] for tx in traced.json["items"]} == {"held"}
    assert all(shift.deliveries(tx["id"]) == 0 for tx in traced.json["items"])

    # Quality frees the lot. To let deliveries go again is financial, and needs the second person.
    shift.emit(12)
    waits = shift.andon(
        "systems release --plant $PLANT --flow shipment-release --reason 'lot $LOT is free, INC-9' --yes -o json",
        code=6, PLANT=late["plant"], LOT=lot,
    )  # fmt: skip
    assert {tx["status"] for tx in shift.found(f"flow:shipment-release lot:{lot}")} == {"held"}
    shift.approved(waits)
    shift.drain()
    assert shift.statuses(f"flow:shipment-release lot:{lot}") == {"processed": len(blocked)}
    assert shift.found(OPEN) == []
    assert shift.books()["missing"] == 0


def shipment_of(lot: str, material: str) -> dict[str, object]:
    """The delivery that the truck waits for."""
    line = {
        "ID": "10",
        "MaterialDefinitionID": material,
        "MaterialLotID": lot,
        "Quantity": {"QuantityString": "12.000", "UnitOfMeasure": "EA", "DataType": "Quantity"},
    }
    delivery = {"ID": "8099999999", "Version": "1", "ShipmentID": "SH-9", "SalesOrderID": "SO-9", "ShipToID": "C1001"}
    return {"Delivery": {**delivery, "Item": [line]}}
