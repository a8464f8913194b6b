"""Incidents: one to four faults drawn by a seed, which of them show, and which cause names which fault.

What the simulator knows is used here, to judge a diagnosis, and nowhere in a diagnosis.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

PLANTS = ("P01", "P02", "P03")
LOCAL = ("MES", "WMS", "historian")


@dataclass(frozen=True)
class Fault:
    """One fault, and where it is on."""

    name: str
    system: str | None = None
    plant: str | None = None
    flow: str | None = None
    probability: float = 1.0

    @property
    def setting(self) -> dict[str, Any]:
        """As the simulator takes it, to be switched on."""
        return self.place | ({"probability": self.probability} if self.probability < 1 else {})

    @property
    def place(self) -> dict[str, str]:
        """Where it is on."""
        named = {"system": self.system, "plant": self.plant, "flow": self.flow}
        return {name: value for name, value in named.items() if value is not None}

    def __str__(self) -> str:
        share = f" {self.probability:g}" if self.probability < 1 else ""
        return f"{self.name}({', '.join(self.place.values())}{share})"


# Where each fault may be, as far as it can be seen from outside and be set right. Left out: `late-messages`, since
# nothing fails and nothing differs; flows that no reconciliation compares, where a target lies or a quantity is wrong;
# lots that make the lane of a document, which no edit changes; duplicates of what cannot be taken back.
_ANY = ("ERP", "WMS", "MES", "QMS", "TMS", "APS", "CMMS", "CRM")
_SHARES = (1.0, 1.0, 0.6)
_POSTED = ("material-consumption", "production-confirmation", "goods-receipt", "inventory-movement", "labor-time")


def _target(dice: random.Random, name: str, systems: tuple[str, ...] = _ANY) -> Fault:
    system = dice.choice(systems)
    plant = dice.choice((None, *PLANTS)) if system in LOCAL else None
    return Fault(name, system, plant)


def _shared(dice: random.Random, name: str, systems: tuple[str, ...] = _ANY) -> Fault:
    one = _target(dice, name, systems)
    return Fault(name, one.system, one.plant, None, dice.choice(_SHARES))


def _of_flow(dice: random.Random, name: str, places: dict[str, tuple[str, ...]]) -> Fault:
    system = dice.choice(tuple(places))
    return Fault(name, system, None, dice.choice(places[system]), dice.choice(_SHARES))


def _of_source(dice: random.Random, name: str) -> Fault:
    return Fault(name, dice.choice(("MES", "ERP", "WMS", "APS")), None, None, dice.choice(_SHARES))


def _material(dice: random.Random, name: str) -> Fault:
    plant, system = dice.choice(PLANTS), dice.choice(("ERP", "WMS", "QMS"))
    chosen = dice.choice(((system, plant), (system, None), (None, plant)))
    return Fault(name, chosen[0], chosen[1], None, dice.choice(_SHARES))


def _certificate(dice: random.Random, name: str) -> Fault:
    return Fault(name) if dice.random() < 0.3 else _target(dice, name)


_DRAW = {
    "target-down": _target,
    "plant-offline": lambda dice, name: Fault(name, None, dice.choice(PLANTS)),
    "target-slow": lambda dice, name: _target(dice, name, ("ERP", "customer-portal")),
    "target-throttling": _shared,
    "locked": _shared,
    "closed-period": lambda dice, name: Fault(name, "ERP", dice.choice((None, *PLANTS)), None, dice.choice(_SHARES)),
    "missing-material": _material,
    "expired-credentials": _target,
    "expired-certificate": _certificate,
    "missing-scope": lambda dice, name: _of_flow(dice, name, {"ERP": _POSTED, "WMS": ("material-consumption",)}),
    "retired-version": lambda dice, name: _of_flow(dice, name, {"ERP": _POSTED, "MES": ("production-order-release",)}),
    "late-approval": lambda dice, name: _of_flow(
        dice,
        name,
        {
            "MES": ("production-order-release", "lot-disposition", "maintenance-order"),
            "WMS": ("production-order-release", "shipment-release"),
            "ERP": ("lot-disposition", "production-plan"),
        },
    ),
    "invalid-lot": lambda dice, name: dice.choice(
        (Fault(name, "MES", dice.choice((None, *PLANTS))), Fault(name, "ERP", None, "shipment-release"))
    ),
    "schema-drift": _of_source,
    "unit-mapping": _of_source,
    "drop-after-posting": lambda dice, name: _target(dice, name, ("ERP", "customer-portal")),
    "parked": lambda dice, name: _shared(dice, name, ("ERP", "WMS", "QMS", "customer-portal")),
    "partial": lambda dice, name: _shared(dice, name, ("ERP", "WMS", "QMS", "customer-portal")),
    "lying-target": lambda dice, name: _of_flow(
        dice,
        name,
        {"ERP": (*_POSTED, "lot-disposition"), "WMS": ("material-consumption",), "MES": ("production-order-release",)},
    ),
    "hand-posted": lambda dice, name: _of_flow(
        dice, name, {"ERP": _POSTED, "WMS": ("material-consumption", "inventory-movement")}
    ),
    "duplicate-messages": lambda dice, name: _of_flow(
        dice, name, {"MES": ("material-consumption", "labor-time"), "WMS": ("inventory-movement",)}
    ),
    "wrong-master-data": lambda dice, name: Fault(
        name, "MES", dice.choice((None, *PLANTS)), dice.choice((_POSTED[0], *_POSTED[:3])), dice.choice(_SHARES)
    ),
}  # fmt: skip


@dataclass
class Incident:
    """Some faults at once."""

    seed: int
    faults: list[Fault]
    active: list[Fault] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.seed}: {' + '.join(map(str, self.faults))}"


def incident(seed: int) -> Incident:
    """The incident of a seed."""
    dice = random.Random(f"incident {seed}")
    names = dice.sample(list(_DRAW), dice.randint(1, 4))
    return Incident(seed, [_DRAW[name](dice, name) for name in names])


CAUSES: dict[str, tuple[str, ...]] = {
    "target-down": ("unreachable",),
    "plant-offline": ("unreachable",),
    "target-slow": ("slow",),
    "target-throttling": ("throttled",),
    "locked": ("locked",),
    "closed-period": ("closed-period",),
    "missing-material": ("missing-material",),
    "expired-credentials": ("credentials",),
    "expired-certificate": ("certificate",),
    "missing-scope": ("scope",),
    "retired-version": ("version-retired",),
    "late-approval": ("approval",),
    "invalid-lot": ("unknown-lot",),
    "schema-drift": ("schema",),
    "unit-mapping": ("unit",),
    "drop-after-posting": ("dropped",),
    "parked": ("parked",),
    "partial": ("partial",),
    "lying-target": ("not-applied",),
    "hand-posted": ("hand-posted",),
    "duplicate-messages": ("repeated",),
    "wrong-master-data": ("wrong-quantities",),
}
"""The kind of cause that names each fault."""

OF_SOURCES = ("invalid-lot", "schema-drift", "unit-mapping", "duplicate-messages", "wrong-master-data")
_CODES: dict[str, tuple[str, ...]] = {
    "target-down": ("connection-refused",),
    "plant-offline": ("connection-refused",),
    "target-slow": ("read-timeout", "breaker-open", "not-applied"),
    "drop-after-posting": ("connection-lost", "breaker-open", "not-applied"),
    "target-throttling": ("TOO_MANY_REQUESTS",),
    "locked": ("CO469", "LOCKED"),
    "closed-period": ("M7053", "F5201"),
    "missing-material": ("M3351", "MATERIAL_NOT_FOUND"),
    "expired-credentials": ("TOKEN_EXPIRED",),
    "expired-certificate": ("client-certificate",),
    "missing-scope": ("INSUFFICIENT_SCOPE",),
    "retired-version": ("VERSION_RETIRED",),
    "late-approval": ("APPROVAL_PENDING",),
    "invalid-lot": ("LOT_UNKNOWN",),
    "schema-drift": ("SCHEMA_VIOLATION",),
    "unit-mapping": ("BM311",),
    "hand-posted": ("maybe-posted",),
    "lying-target": ("acknowledged-not-applied",),
}
_STATUSES = {"parked": "parked", "partial": "partly-processed"}
TROUBLE = ("failed", "in-doubt", "parked", "partly-processed")


def covers(fault: Fault, transaction: dict[str, Any]) -> bool:
    """Whether a transaction is where a fault is."""
    system = transaction["source" if fault.name in OF_SOURCES else "target"]
    if fault.name == "plant-offline" and transaction["target"] not in LOCAL:
        return False
    return (
        fault.system in (None, system)
        and fault.plant in (None, transaction["plant"])
        and fault.flow in (None, transaction["flow"])
    )


def showing(fault: Fault, transactions: Iterable[dict[str, Any]]) -> set[str]:
    """Ids of the transactions in trouble by which a fault shows, as its own code or status tells."""
    found = set()
    for one in transactions:
        if one["status"] not in TROUBLE or not covers(fault, one):
            continue
        status = _STATUSES.get(fault.name)
        if status is not None:
            if one["status"] == status:
                found.add(one["id"])
        elif one["failure"] is not None and one["failure"]["code"] in _CODES.get(fault.name, ()):
            found.add(one["id"])
    return found


def twins(fault: Fault, transactions: Iterable[dict[str, Any]]) -> set[str]:
    """Ids of transactions that tell an event again."""
    seen: dict[tuple[Any, ...], str] = {}
    found = set()
    for one in sorted(transactions, key=lambda each: str(each["created_at"])):
        if not covers(fault, one):
            continue
        keys = one["business_keys"]
        event = tuple(keys.get(name) for name in ("event", "item", "booking", "task"))
        if one["idempotency_key"].startswith(("reverse:", "correct:")):
            continue
        if (one["flow"], one["target"], event) in seen:
            found.add(one["id"])
        seen.setdefault((one["flow"], one["target"], event), one["id"])
    return found


def unmasked(faults: list[Fault], transactions: list[dict[str, Any]], hidden: dict[str, set[str]]) -> list[Fault]:
    """The faults that show.

    Args:
        transactions: all of them.
        hidden: what no status tells of, by the name of its fault: ids of what a target lied about, flows whose
            quantities are off.
    """
    shown = {fault: _shown(fault, transactions, hidden) for fault in faults}
    found = []
    for fault in faults:
        ids = shown[fault]
        same = [other for other in faults if other != fault and _CODES.get(other.name) and _alike(fault, other)]
        # Of two that say the same, the one that says nothing of its own is hidden; of two equals the second.
        if ids and not any(
            ids < shown[other] or (ids == shown[other] and faults.index(other) < faults.index(fault)) for other in same
        ):
            found.append(fault)
    return found


def _shown(fault: Fault, transactions: list[dict[str, Any]], hidden: dict[str, set[str]]) -> set[str]:
    if fault.name == "duplicate-messages":
        return twins(fault, transactions)
    if fault.name == "wrong-master-data":
        return hidden[fault.name] & {fault.flow or ""}
    lost = {one["id"] for one in transactions if one["id"] in hidden.get(fault.name, ()) and covers(fault, one)}
    return showing(fault, transactions) | lost


def _alike(one: Fault, other: Fault) -> bool:
    return bool(set(_CODES.get(one.name, ())) & set(_CODES.get(other.name, ())))


def names(cause: dict[str, Any], fault: Fault) -> bool:
    """Whether a cause names a fault: its kind, and nothing beyond the place where the fault is."""
    if cause["kind"] not in CAUSES[fault.name]:
        return False
    systems = cause["sources" if fault.name in OF_SOURCES else "targets"]
    return (
        (fault.system is None or systems == [fault.system])
        and (fault.plant is None or cause["plants"] == [fault.plant])
        and (fault.flow is None or cause["flows"] == [fault.flow])
        and (fault.name != "plant-offline" or all(system in LOCAL for system in systems))
    )


def touches(cause: dict[str, Any], fault: Fault) -> bool:
    """Whether people who mend what a cause says would mend a fault as well."""
    systems = cause["sources" if fault.name in OF_SOURCES else "targets"]
    return (
        cause["kind"] in CAUSES[fault.name]
        and (fault.system is None or fault.system in systems)
        and (fault.plant is None or fault.plant in cause["plants"])
        and (fault.flow is None or fault.flow in cause["flows"])
    )


def matched(causes: list[dict[str, Any]], faults: list[Fault]) -> dict[int, Fault]:
    """Each cause (by its place) with the one fault that it names; a fault is named once."""
    found: dict[int, Fault] = {}
    for place, cause in enumerate(causes):
        fault = next((one for one in faults if one not in found.values() and names(cause, one)), None)
        if fault is not None:
            found[place] = fault
    return found
