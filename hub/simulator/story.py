"""The story that the sources tell: a function of the seed and nothing else.

It is told in blocks: in each one, every plant makes one production order from release to shipment, and around it
happens what happens in a plant. A block is computed whole from (seed, block), so a restart needs a cursor only.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from msgspec import Struct

from hub.simulator.documents import Pen, Written, badge, material_line, moment_text, phone, price, quantity

CLOCK_START = datetime.fromisoformat("2026-03-02T05:00:00+00:00")
"""The plant clock's first moment."""
SECONDS_PER_DOCUMENT = 0.5

_ORDERS_PER_LOT = 50
"""So many orders share a raw material lot: they use at most 3,000 of the 5,000 that it opens with."""

POT_LIFE, SHELF_LIFE = timedelta(minutes=12), timedelta(days=730)
"""How long a reactive blend can be used, and any other one."""
_BLENDS = 1
"""The plant, in order, whose products expire."""

Write = Callable[[Pen], Written]


class Step(Struct, frozen=True, kw_only=True):
    """One document to come: who sends it, of what flow, in which process. ``follows`` says that the step before it in
    its process caused it."""

    source: str
    plant: str
    flow: str
    process: str
    write: Write
    follows: bool = True


class _Order(Struct, frozen=True, kw_only=True):
    """One production order and what it is about; ``life`` is how long what it makes can be used."""

    number: str
    index: int
    plant: str
    block: int
    line: str
    material: str
    lot: str
    amount: int
    raw: tuple[str, str]
    raw_lot: str
    used: tuple[str, str]
    person: str
    held: bool
    life: timedelta | None
    dice: random.Random


def moment(seq: int) -> datetime:
    """Plant time of the document with this number."""
    return CLOCK_START + timedelta(seconds=SECONDS_PER_DOCUMENT * seq)


def block_steps(seed: int, block: int, plants: Sequence[str], lines: dict[str, list[str]]) -> list[Step]:
    """The documents of one block, in the order in which they are sent.

    Args:
        plants: the plants, in order.
        lines: the production lines of each plant.
    """
    told = [list(_plant_steps(_order(seed, block, place, plants, lines), place)) for place in range(len(plants))]
    return [step for round_ in zip_longest(*told) for step in round_ if step is not None]


def _order(seed: int, block: int, place: int, plants: Sequence[str], lines: dict[str, list[str]]) -> _Order:
    plant = plants[place]
    index = block * len(plants) + place
    dice = random.Random(f"{seed}|{index}")  # noqa: S311  a story, not a secret
    site = place + 1
    product = dice.randint(1, 6)
    return _Order(
        number=str(1_000_000 + index),
        index=index,
        plant=plant,
        block=block,
        line=dice.choice(lines.get(plant) or [f"{plant}-L1"]),
        material=f"FG-{site}{product:03d}",
        lot=f"P{site:02d}-{block + 1:06d}",
        amount=dice.randint(40, 400),
        raw=(f"RM-{site}101", f"RM-{site}{dice.randint(102, 106)}"),
        raw_lot=f"R{site:02d}-{block // _ORDERS_PER_LOT + 1:06d}",
        used=(f"{dice.randint(10_000, 30_000) / 1000:.3f}", f"{dice.randint(1_000, 20_000) / 1000:.3f}"),
        person=f"{site}{dice.randint(1, 24):04d}",
        life=(POT_LIFE if index % 5 == 0 else SHELF_LIFE) if place == _BLENDS else None,
        held=dice.random() < 0.25 if block else place == 1,  # the first block shows both ways of a lot
        dice=dice,
    )


def _plant_steps(order: _Order, place: int) -> Iterator[Step]:
    turn = (order.block + place) % 3
    if turn == 0:
        yield _step(order, "APS", "production-plan", _plan(order), process=f"PLAN-{order.plant}", follows=False)
    if order.block % 4 == 0 or turn == 1:
        yield _step(order, "ERP", "master-data", _material(order), process=f"MD-{order.material}", follows=False)
    if turn == 2:
        yield _step(order, "PLM", "master-data", _routing(order), process=f"MD-{order.material}", follows=False)
    yield _step(order, "ERP", "production-order-release", _release(order), follows=False)
    yield _step(order, "WMS", "inventory-movement", _staging(order))
    yield _step(order, "MES", "material-consumption", _consumption(order, "0010"))
    if turn == 0:
        source = "historian" if order.block % 2 == 0 else "MES"
        yield _step(
            order, source, "downtime-event", _downtime(order, "start"), process=f"DT-{order.number}", follows=False
        )
    yield _step(order, "MES", "production-confirmation", _confirmation(order, "0010", final=False))
    yield _step(order, "MES", "material-consumption", _consumption(order, "0020"))
    if turn == 0:
        yield _step(
            order, "CMMS", "maintenance-order", _maintenance(order, "1", "Released"), process=f"DT-{order.number}"
        )
        source = "historian" if order.block % 2 == 0 else "MES"
        yield _step(order, source, "downtime-event", _downtime(order, "end"), process=f"DT-{order.number}")
        yield _step(
            order, "CMMS", "maintenance-order", _maintenance(order, "2", "Completed"), process=f"DT-{order.number}"
        )
    yield _step(order, "MES", "production-confirmation", _confirmation(order, "0020", final=True))
    yield _step(order, "MES", "labor-time", _labor(order))
    yield _step(order, "MES", "goods-receipt", _receipt(order))
    yield _step(order, "ERP", "inventory-movement", _put_away(order))
    yield _step(order, "MES", "inspection-result", _inspection(order, "LENGTH", 1))
    if order.held:
        yield _step(order, "QMS" if order.block % 3 else "MES", "quality-hold", _hold(order, "1", "active"))
    yield _step(order, "MES", "inspection-result", _inspection(order, "VISUAL", 2))
    if order.held:
        yield _step(order, "QMS" if order.block % 3 else "MES", "quality-hold", _hold(order, "2", "released"))
    yield _step(order, "QMS", "lot-disposition", _disposition(order))
    if turn == 1:
        source = "supplier-portal" if order.block % 2 == 0 else "EDI"
        yield _step(
            order, source, "advance-ship-notice", _notice(order, source), process=f"BUY-{order.number}", follows=False
        )
        yield _step(order, "WMS", "goods-receipt", _purchase_receipt(order), process=f"BUY-{order.number}")
    if not order.held:
        yield _step(order, "ERP", "shipment-release", _shipment(order))
        yield _step(order, "TMS", "shipment-status", _status(order, "AF"))
        if order.block % 2 == 0:
            yield _step(order, "TMS", "shipment-status", _status(order, "D1"))


def _step(
    order: _Order, source: str, flow: str, write: Write, *, process: str | None = None, follows: bool = True
) -> Step:
    return Step(
        source=source,
        plant=order.plant,
        flow=flow,
        process=process or f"PO-{order.number}",
        write=write,
        follows=follows,
    )


def _release(order: _Order) -> Write:
    produced = {
        "MaterialUse": "Produced",
        "MaterialDefinitionID": order.material,
        "MaterialLotID": order.lot,
        "Quantity": quantity(f"{order.amount}.000", "EA"),
    }
    consumed = [
        {
            "MaterialUse": "Consumed",
            "MaterialDefinitionID": material,
            "MaterialLotID": order.raw_lot,
            "Quantity": quantity(amount, "KG"),
        }
        for material, amount in zip(order.raw, order.used, strict=True)
    ]
    body = {
        "ID": f"OS-{order.number}",
        "HierarchyScope": {"EquipmentID": order.line},
        "Version": "1",
        "OperationsRequest": {
            "ID": order.number,
            "OperationsType": "Production",
            "SegmentRequirement": [
                {"ID": "0010", "MaterialRequirement": [produced, *consumed]},
                {"ID": "0020", "ProcessSegmentID": "Finishing"},
            ],
        },
    }
    return lambda pen: pen.xml("SyncOperationsSchedule", "OperationsSchedule", body)


def _consumption(order: _Order, operation: str) -> Write:
    first = operation == "0010"
    event = f"MC-{order.number}-{operation}"
    line = material_line("10", order.raw[0 if first else 1], order.raw_lot, order.used[0 if first else 1], "KG")
    lines = [{**line, "MaterialUse": "Consumed"}]
    if first and order.index % 2 == 0:
        lines.append({**material_line("20", order.raw[1], order.raw_lot, "0.250", "KG"), "MaterialUse": "Consumed"})
    segment = {"ID": operation, "MaterialActual": lines}
    return lambda pen: pen.json("OperationsPerformance", _performance(event, order.line, order.number, segment, pen))


def _performance(name: str, line: str, order: str, segment: dict[str, Any], pen: Pen) -> dict[str, Any]:
    return {
        "ID": name,
        "HierarchyScope": {"EquipmentID": line},
        "PublishedDate": pen.at,
        "OperationsResponse": [{"OperationsRequestID": order, "SegmentResponse": [segment]}],
    }


def _confirmation(order: _Order, operation: str, *, final: bool) -> Write:
    line = material_line("10", order.material, order.lot, f"{order.amount}.000", "EA")
    return lambda pen: pen.json(
        "SegmentResponse",
        {
            "ID": f"CF-{order.number}-{operation}",
            "OperationsRequestID": order.number,
            "OperationsSegmentID": operation,
            "EquipmentID": order.line,
            "ActualEndTime": pen.at,
            "SegmentState": "Completed" if final else "Running",
            "Final": final,
            "MaterialActual": [{**line, "MaterialUse": "Yield"}],
        },
    )


def _receipt(order: _Order) -> Write:
    sublot = f"HU{order.number}"

    def write(pen: Pen) -> Written:
        line = material_line(
            "10",
            order.material,
            order.lot,
            f"{order.amount}.000",
            "EA",
            MaterialUse="Produced",
            MaterialSubLotID=sublot,
            **_expires(order, pen, produced=True),
        )
        segment = {"ID": "0020", "MaterialActual": [line]}
        return pen.json(
            "OperationsPerformance", _performance(f"GR-{order.number}", order.line, order.number, segment, pen)
        )

    return write


def _expires(order: _Order, pen: Pen, *, produced: bool = False) -> dict[str, str]:
    """Until when a lot is good: a day, or the minute for what cures while one watches."""
    if order.life is None or (order.life is POT_LIFE and not produced):
        return {}
    ends = pen.moment + order.life
    return {"ExpirationDate": moment_text(ends) if order.life is POT_LIFE else f"{ends:%Y-%m-%d}"}


def _purchase_receipt(order: _Order) -> Write:
    line = material_line(
        "10",
        order.raw[0],
        _supplier_lot(order),
        "250.000",
        "KG",
        MaterialSubLotID=f"HU9{order.number}",
        NetPrice=price(order.index),
    )
    body = {
        "ID": f"GR-9{order.number}",
        "PurchaseOrderID": f"45{order.index:08d}",
        "PurchaseOrderItem": "10",
        "MaterialActual": [line],
    }
    return lambda pen: pen.json("MaterialReceipt", {**body, "PublishedDate": pen.at})


def _supplier_lot(order: _Order) -> str:
    return f"S{order.plant[-2:]}-{order.block + 1:06d}"


def _movement(task: str, kind: str, material: str, lot: str, amount: str, unit: str, places: tuple[str, str]) -> Write:
    sublot = {
        "ID": f"{lot}-01",
        "ItemID": "10",
        "MaterialDefinitionID": material,
        "MaterialLotID": lot,
        "Quantity": quantity(amount, unit),
    }
    body = {
        "ID": material,
        "TaskID": task,
        "MovementType": kind,
        "FromLocation": places[0],
        "ToLocation": places[1],
        "MaterialLot": [{"ID": lot, "MaterialSubLot": [sublot]}],
    }
    return lambda pen: pen.json("MaterialInformation", {**body, "PublishedDate": pen.at})


def _staging(order: _Order) -> Write:
    places = ("HIGH-BAY", order.line)
    return _movement(f"WT-{order.number}", "311", order.raw[0], order.raw_lot, order.used[0], "KG", places)


def _put_away(order: _Order) -> Write:
    places = (order.line, "FINISHED")
    return _movement(f"TO-{order.number}", "101", order.material, order.lot, f"{order.amount}.000", "EA", places)


def _inspection(order: _Order, characteristic: str, number: int) -> Write:
    value = f"{order.dice.randint(9900, 10100) / 1000:.3f}"
    return lambda pen: pen.json(
        "TestResult",
        {
            "ID": f"SM-{order.number}-{number}",
            "TestSpecificationID": characteristic,
            "Revision": "1",
            "InspectionLotID": f"IL-{order.number}",
            "OperationsRequestID": order.number,
            "MaterialDefinitionID": order.material,
            "MaterialLotID": order.lot,
            **_expires(order, pen),
            "Result": {"ValueString": value, "UnitOfMeasure": "MM"},
            "EvaluatedCriterion": "Pass",
            "InspectorBadge": badge(order.index),
            "TestDateTime": pen.at,
        },
    )


def _hold(order: _Order, version: str, state: str) -> Write:
    body = {
        "ID": order.lot,
        "MaterialDefinitionID": order.material,
        "Disposition": "Restricted" if state == "active" else "UnRestricted",
        "QualityHold": {
            "ID": f"QH-{order.number}",
            "Version": version,
            "State": state,
            "Reason": order.dice.choice(("Scratches", "Torque out of range", "Missing label", "Contamination")),
            "ReportedBy": badge(order.index + 5),
        },
    }
    if order.block % 3:
        return lambda pen: pen.xml("SyncMaterialLot", "MaterialLot", body)
    return lambda pen: pen.json("MaterialLot", body)


def _disposition(order: _Order) -> Write:
    decision = {"ID": f"UD-{order.number}", "Version": "1", "Code": "A", "InspectionLotID": f"IL-{order.number}"}
    body = {
        "ID": order.lot,
        "MaterialDefinitionID": order.material,
        "Disposition": "UnRestricted",
        "UsageDecision": decision,
    }
    return lambda pen: pen.json("MaterialLot", {**body, **_expires(order, pen)})


def _shipment(order: _Order) -> Write:
    amount = max(1, order.amount * 3 // 4)
    body = {
        "ID": f"80{order.index:08d}",
        "Version": "1",
        "ShipmentID": f"SH-{order.number}",
        "SalesOrderID": f"SO-{2_000_000 + order.index}",
        "ShipToID": f"C{order.dice.randint(1001, 1040)}",
        "ShipToContact": {"Phone": phone(order.index), "Email": f"goods-in-{order.index % 40}@customer.example"},
        "Item": [
            material_line("10", order.material, order.lot, f"{amount}.000", "EA", NetPrice=price(order.index + 60))
        ],
    }
    return lambda pen: pen.json("Delivery", body)


def _status(order: _Order, code: str) -> Write:
    return lambda pen: pen.json(
        "ShipmentStatus",
        {
            "ID": f"SH-{order.number}",
            "DeliveryID": f"80{order.index:08d}",
            "StatusCode": code,
            "StatusTime": pen.at,
            "CarrierID": "CARRIER-7",
            "DriverPhone": phone(order.index + 400),
        },
    )


def _downtime(order: _Order, phase: str) -> Write:
    reason = order.dice.choice(("Jam", "Tool wear", "No material", "Sensor fault"))
    return lambda pen: pen.json(
        "OperationsEvent",
        {
            "ID": f"DT-{order.number}",
            "Phase": phase,
            "EquipmentID": f"{order.line}-M{1 + order.index % 4}",
            "HierarchyScope": {"EquipmentID": order.line},
            "EffectiveTime": pen.at,
            "Reason": reason,
        },
    )


def _maintenance(order: _Order, version: str, state: str) -> Write:
    body = {
        "ID": f"MO-{order.number}",
        "Version": version,
        "OperationsType": "Maintenance",
        "State": state,
        "EquipmentID": f"{order.line}-M{1 + order.index % 4}",
        "HierarchyScope": {"EquipmentID": order.line},
        "Priority": "2",
        "TechnicianPhone": phone(order.index + 700),
    }
    return lambda pen: pen.json("OperationsRequest", {**body, "PublishedDate": pen.at})


def _labor(order: _Order) -> Write:
    hours = f"{order.dice.randint(25, 400) / 100:.2f}"
    return lambda pen: pen.json(
        "PersonnelActual",
        {
            "ID": f"LB-{order.number}",
            "ItemID": "10",
            "PersonID": order.person,
            "PersonBadge": badge(int(order.person)),
            "HourlyRate": f"{28 + order.index % 21}.{order.index % 10}0",
            "OperationsRequestID": order.number,
            "OperationsSegmentID": "0020",
            "EquipmentID": order.line,
            "ActualEndTime": pen.at,
            "Quantity": quantity(hours, "H"),
        },
    )


def _material(order: _Order) -> Write:
    body = {
        "ID": order.material,
        "Version": str(order.block + 1),
        "Description": f"Finished good {order.material[3:]}",
        "MaterialDefinitionProperty": [
            {"ID": "BaseUnitOfMeasure", "Value": {"ValueString": "EA", "DataType": "string"}},
            {
                "ID": "Weight",
                "Value": {"ValueString": f"{order.dice.randint(100, 900) / 1000:.3f}", "UnitOfMeasure": "KG"},
            },
            {
                "ID": "StandardPrice",
                "Value": {"ValueString": price(order.index)["Amount"], "UnitOfMeasure": "EUR"},
            },
        ],
    }
    return lambda pen: pen.xml("SyncMaterialDefinition", "MaterialDefinition", body)


def _routing(order: _Order) -> Write:
    body = {
        "ID": f"RT-{order.material}",
        "Version": str(order.block + 1),
        "MaterialDefinitionID": order.material,
        "OperationsSegment": [{"ID": "0010", "Duration": "PT12M"}, {"ID": "0020", "Duration": "PT7M"}],
    }
    return lambda pen: pen.json("OperationsDefinition", {**body, "PublishedDate": pen.at})


def _notice(order: _Order, source: str) -> Write:
    body = {
        "ID": f"ASN-{order.number}",
        "Version": "1",
        "PartnerID": f"V{order.dice.randint(2001, 2020)}",
        "PartnerContact": {"Phone": phone(order.index + 200), "Email": f"dispatch-{order.index % 20}@supplier.example"},
        "PurchaseOrderID": f"45{order.index:08d}",
        "HandlingUnitID": f"HU9{order.number}",
        "Item": [material_line("10", order.raw[0], _supplier_lot(order), "250.000", "KG", NetPrice=price(order.index))],
    }
    return lambda pen: pen.json("ShipNotice", {**body, "PublishedDate": pen.at})


def _plan(order: _Order) -> Write:
    need = {"MaterialDefinitionID": order.material, "Quantity": quantity(f"{order.amount * 5}.000", "EA")}
    body = {
        "ID": f"PP-{order.plant}",
        "Version": str(order.block + 1),
        "HierarchyScope": {"EquipmentID": order.plant},
        "OperationsRequest": [{"ID": f"PL-{order.number}", "MaterialRequirement": [need]}],
    }
    return lambda pen: pen.json("OperationsSchedule", {**body, "PublishedDate": pen.at})
