"""What a posted document does to the books of a system: changes, which a reversal takes back.

A change adds to numbers and sets words of one entry of one book. Adding commutes, so lanes may arrive in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec
from msgspec import Struct

from hub.simulator.reading import Line, Reading, number


class Change(Struct, kw_only=True, omit_defaults=True):
    """One change to entry ``id`` of book ``kind``: amounts are added, words are set."""

    kind: str
    id: str
    add: dict[str, str] = msgspec.field(default_factory=dict)
    put: dict[str, str] = msgspec.field(default_factory=dict)


Effect = Callable[[str, str, Reading, list[Line]], Iterator[Change]]

BOOKS: dict[str, tuple[str, ...]] = {
    "ERP": (
        "orders", "stock", "holds", "lots", "shipments", "maintenance-orders", "inspections", "labor", "notices",
        "plans", "downtimes",
    ),
    "MES": ("orders", "holds", "lots", "maintenance-orders", "materials"),
    "WMS": ("orders", "stock", "holds", "lots", "shipments", "notices", "materials"),
    "QMS": ("orders", "lots", "inspections", "materials"),
    "TMS": ("shipments", "holds", "lots"),
    "CMMS": ("downtimes",),
    "APS": ("orders", "maintenance-orders", "materials", "downtimes"),
    "CRM": ("shipments",),
    "customer-portal": ("shipments",),
}  # fmt: skip
"""The books that each system keeps; a system that is not named keeps postings only."""

_OWN: dict[str, dict[str, tuple[str, ...]]] = {
    "ERP": {
        "production-order-release": ("orders",), "shipment-release": ("shipments", "stock"),
        "inventory-movement": ("stock",),
    },
    "MES": {
        "material-consumption": ("orders",), "production-confirmation": ("orders",), "goods-receipt": ("orders",),
        "quality-hold": ("holds",),
    },
    "WMS": {"goods-receipt": ("orders", "stock"), "inventory-movement": ("stock",)},
    "QMS": {"quality-hold": ("holds",), "lot-disposition": ("lots",)},
    "TMS": {"shipment-status": ("shipments",)},
}  # fmt: skip
"""What a source knows by itself of the documents that it sends."""


def effects_of(system: str, flow: str, plant: str, reading: Reading, lines: list[Line]) -> list[Change]:
    """The changes a document makes in a system's books; none where the system keeps no such book."""
    effect = _EFFECTS.get(flow)
    books = BOOKS.get(system, ())
    return (
        [] if effect is None else [change for change in effect(system, plant, reading, lines) if change.kind in books]
    )


def own_effects_of(system: str, flow: str, plant: str, reading: Reading) -> list[Change]:
    """What a source knows by itself of a document that it sends, as changes; none where it keeps no such record."""
    kinds = _OWN.get(system, {}).get(flow, ())
    if not kinds:
        return []
    if (system, flow) == ("ERP", "inventory-movement"):
        return list(_put_away(plant, reading))
    return [change for change in _EFFECTS[flow](system, plant, reading, reading.lines) if change.kind in kinds]


def _put_away(plant: str, reading: Reading) -> Iterator[Change]:
    """The goods are in ERP's stock since they were received; now they leave the line for the warehouse."""
    for line in reading.lines:
        stock = _stock(plant, line, 1, reading)
        yield Change(kind=stock.kind, id=stock.id, add={"put_away": stock.add["quantity"]}, put=stock.put)


def _stock(plant: str, line: Line, sign: int, reading: Reading, **put: str) -> Change:
    amount = (number(line.quantity) or Decimal(0)) * sign
    material = line.material or reading.keys.get("material", "")
    lot = line.lot or reading.keys.get("lot", "")
    words = {"plant": plant, "material": material, "lot": lot, "unit": line.unit, **put}
    return Change(kind="stock", id=stock_id(plant, material, lot), add={"quantity": str(amount)}, put=words)


def stock_id(plant: str, material: str, lot: str) -> str:
    """The entry of a lot's stock."""
    return f"{plant}|{material}|{lot}"


def _total(lines: list[Line]) -> str:
    return str(sum((number(line.quantity) or Decimal(0) for line in lines), Decimal(0)))


def _units(lines: list[Line], name: str) -> dict[str, str]:
    """The unit of a total, where its lines have one in common."""
    units = {line.unit for line in lines if line.unit}
    return {f"{name}_unit": units.pop()} if len(units) == 1 else {}


def _release(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    keys = reading.keys
    put = {"plant": plant, "released": "yes", "version": keys.get("version", "")}
    put |= {name: keys[name] for name in ("material", "lot", "quantity", "line") if name in keys}
    put |= {"status": "CLSD"} if reading.marks.get("State") == "Closed" else {}
    yield Change(kind="orders", id=keys.get("order", ""), put=put)


def _consumption(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    for line in lines:
        yield _stock(plant, line, -1, reading)
    put = {"plant": plant, **_units(lines, "consumed")}
    yield Change(kind="orders", id=reading.keys.get("order", ""), add={"consumed": _total(lines)}, put=put)


def _confirmation(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    put = {"plant": plant, **_units(lines, "confirmed")}
    if reading.marks.get("Final") == "True":
        put["confirmation"] = "CNF"
    yield Change(kind="orders", id=reading.keys.get("order", ""), add={"confirmed": _total(lines)}, put=put)


def _receipt(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    at = {"production_line": reading.keys["line"]} if "line" in reading.keys else {}
    for line in lines:
        yield _stock(plant, line, 1, reading, **at)
        yield Change(kind="lots", id=line.lot, put={"material": line.material, "plant": plant, "received": "yes"})
    put = {"plant": plant, **_units(lines, "received")}
    yield Change(kind="orders", id=reading.keys.get("order", ""), add={"received": _total(lines)}, put=put)


def _movement(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    kind = reading.marks.get("MovementType", "311")
    sign = {"311": 0, "101": 1, "301": 0, "309": 0, "551": -1, "701": 1, "702": -1}.get(kind, 0)
    for line in lines:
        yield _stock(plant, line, sign, reading, movement=kind)


def _inspection(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    keys = reading.keys
    yield Change(
        kind="inspections",
        id=keys.get("inspection", ""),
        add={"results": "1"},
        put={
            "plant": plant,
            "lot": keys.get("lot", ""),
            keys.get("characteristic", "result"): reading.marks.get("EvaluatedCriterion", "Pass"),
        },
    )


def _hold(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    keys = reading.keys
    state = reading.marks.get("State", "active")
    put = {"plant": plant, "lot": keys.get("lot", ""), "state": state, "version": keys.get("version", "")}
    yield Change(kind="holds", id=keys.get("hold", ""), put=put)


def _disposition(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    keys = reading.keys
    disposition = reading.marks.get("Disposition", "UnRestricted")
    put = {"material": keys.get("material", ""), "plant": plant, "disposition": disposition}
    yield Change(kind="lots", id=keys.get("lot", ""), put=put | {"decision": keys.get("decision", "")})


def _shipment(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    keys = reading.keys
    put = {"plant": plant, "released": "yes", "version": keys.get("version", ""), "quantity": _total(lines)}
    put |= {name: keys[name] for name in ("delivery", "material", "lot") if name in keys} | _units(lines, "quantity")
    yield Change(kind="shipments", id=keys.get("shipment", ""), put=put)
    if system in ("WMS", "ERP"):  # ERP, which sends it, posts the goods issue as it does
        for line in lines:
            yield _stock(plant, line, -1, reading)


def _shipment_status(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    keys = reading.keys
    yield Change(
        kind="shipments",
        id=keys.get("shipment", ""),
        add={"events": "1"},
        put={"plant": plant, f"status-{keys.get('shipment_status', '')}": keys.get("occurred", "")},
    )


def _downtime(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    keys = reading.keys
    put = {"plant": plant, "equipment": keys.get("equipment", ""), keys.get("phase", "start"): "yes"}
    yield Change(kind="downtimes", id=keys.get("event", ""), put=put)


def _maintenance(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    keys = reading.keys
    put = {"plant": plant, "equipment": keys.get("equipment", ""), "version": keys.get("version", "")}
    yield Change(
        kind="maintenance-orders", id=keys.get("order", ""), put=put | {"state": reading.marks.get("State", "")}
    )


def _labor(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    keys = reading.keys
    name = f"{keys.get('person', '')}|{keys.get('order', '')}"
    yield Change(
        kind="labor", id=name, add={"hours": _total(lines)}, put={"plant": plant, "order": keys.get("order", "")}
    )


def _master_data(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    keys = reading.keys
    put = {"version": keys.get("version", ""), "material": keys.get("material", "")}
    yield Change(kind="materials", id=f"{plant}|{keys.get('object', '')}", put=put)


def _notice(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    keys = reading.keys
    put = {
        "plant": plant,
        "order": keys.get("order", ""),
        "version": keys.get("version", ""),
        "quantity": _total(lines),
    }
    yield Change(kind="notices", id=keys.get("shipment", ""), put=put)


def _plan(system: str, plant: str, reading: Reading, lines: list[Line]) -> Iterator[Change]:
    keys = reading.keys
    yield Change(kind="plans", id=keys.get("plan", ""), put={"plant": plant, "version": keys.get("version", "")})


_EFFECTS: dict[str, Effect] = {
    "production-order-release": _release,
    "material-consumption": _consumption,
    "production-confirmation": _confirmation,
    "goods-receipt": _receipt,
    "inventory-movement": _movement,
    "inspection-result": _inspection,
    "quality-hold": _hold,
    "lot-disposition": _disposition,
    "shipment-release": _shipment,
    "shipment-status": _shipment_status,
    "downtime-event": _downtime,
    "maintenance-order": _maintenance,
    "labor-time": _labor,
    "master-data": _master_data,
    "advance-ship-notice": _notice,
    "production-plan": _plan,
}


def encode(changes: list[Change]) -> str:
    """Changes as they are kept."""
    return msgspec.json.encode(changes).decode()


def decode(changes: str) -> list[Change]:
    """Changes that were kept."""
    return msgspec.json.decode(changes, type=list[Change])
