"""Why seeded transactions failed: what the simulated systems say, read by the code that reads it in a delivery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from hub.delivery.answers import Answer
from hub.delivery.channel import NotSent
from hub.delivery.classify import classify
from hub.simulator.fault_kinds import FAULTS
from hub.simulator.refusals import ProxyRefusal, Refusal, render
from hub.simulator.source_faults import DAMAGE
from transactions.model import Failure, FailureKind

Said = Refusal | ProxyRefusal | NotSent
Say = Callable[[str, str, str, dict[str, str]], Said]


class Cause(Struct, frozen=True, kw_only=True):
    """One cause of failure.

    Attributes:
        name: of the simulator's fault, where there is one.
        weight: how often it is met, against the others.
        say: what the target says, from (target, flow, plant, business keys).
        everywhere: the document is at fault, so every target refuses it.
        tries: deliveries until it failed for good.
    """

    name: str
    weight: int
    say: Say
    everywhere: bool = False
    tries: int = 1

    def fits(self, flow: str, target: str, keys: dict[str, str]) -> bool:
        """Whether a document of ``flow`` can fail this way at ``target``."""
        if self.name in _ONLY:
            return (flow, target) in _ONLY[self.name]
        fault = FAULTS[self.name]
        if self.name in ("invalid-lot", "missing-material") and {"lot", "material"} - keys.keys():
            return False
        return (fault.flows is None or flow in fault.flows) and (fault.systems is None or target in fault.systems)

    def damage(self, body: bytes) -> bytes:
        """The document as its source wrote it under this cause."""
        return DAMAGE[self.name](body) if self.name in DAMAGE else body


class Refused(Struct, frozen=True, kw_only=True):
    """How a delivery ended; ``answer`` is None where nothing left."""

    failure: Failure
    answer: Answer | None


def refused(
    cause: Cause, target: str, label: str, dialect: str, flow: str, plant: str, keys: dict[str, str]
) -> Refused:
    """What ``target`` answers, and what the hub makes of it.

    Args:
        cause: why.
        target, label: the system, and its instance as people call it.
        dialect: how it words refusals.
        flow, plant, keys: of the document.
    """
    said = cause.say(target, flow, plant, keys)
    if isinstance(said, NotSent):
        failure = Failure(kind=said.kind, help=said.kind.help, code=said.code, message=said.message, system=label)
        return Refused(failure=failure, answer=None)
    response: Any = said.response() if isinstance(said, ProxyRefusal) else render(said, dialect, target)
    headers = {name.lower(): value for name, value in response.headers.items()}
    answer = Answer(status=response.status, headers=headers, body=response.body)
    failed = classify(answer, label).failure
    assert failed is not None
    return Refused(failure=failed, answer=answer)


def _about(keys: dict[str, str]) -> str:
    return keys.get("order") or keys.get("lot") or keys.get("shipment") or "object"


def _closed_period(_target: str, flow: str, _plant: str, _keys: dict[str, str]) -> Said:
    if flow in ("material-consumption", "goods-receipt", "inventory-movement"):
        return Refusal(400, "M7053", "Posting only possible in the current and the previous period")
    return Refusal(400, "F5201", "Posting period is not open")


def _missing_material(target: str, _flow: str, plant: str, keys: dict[str, str]) -> Said:
    if target == "ERP":
        return Refusal(400, "M3351", f"Plant data for material {keys['material']} is not maintained in {plant}")
    return Refusal(422, "MATERIAL_NOT_FOUND", f"Material {keys['material']} is not known in plant {plant}")


def _deficit(_target: str, _flow: str, plant: str, keys: dict[str, str]) -> Said:
    what = f"{keys.get('material')} {plant} {keys.get('lot')}"
    return Refusal(422, "M7021", f"Deficit of SL Unrestricted-use {keys.get('quantity')} KG : {what}")


def _locked(target: str, _flow: str, _plant: str, keys: dict[str, str]) -> Said:
    code = "CO469" if target == "ERP" else "LOCKED"
    return Refusal(423, code, f"{_about(keys)} is being processed by another user")


_ONLY: dict[str, set[tuple[str, str]]] = {
    "stock-deficit": {("material-consumption", "ERP"), ("material-consumption", "WMS")},
    "order-closed": {("material-consumption", "ERP"), ("production-confirmation", "ERP"), ("labor-time", "ERP")},
}
"""Causes that need no fault to be switched on, and where they occur."""

CAUSES: tuple[Cause, ...] = (
    Cause(
        name="target-down",
        weight=4,
        say=lambda *_: NotSent(FailureKind.UNREACHABLE, "connection-refused", "No connection: Connection refused"),
        tries=3,
    ),
    Cause(
        name="target-throttling",
        weight=2,
        say=lambda *_: Refusal(429, "TOO_MANY_REQUESTS", "The request rate is above the quota", {"Retry-After": "1"}),
        tries=3,
    ),
    Cause(name="locked", weight=3, say=_locked, tries=3),
    Cause(name="closed-period", weight=6, say=_closed_period),
    Cause(name="missing-material", weight=5, say=_missing_material, everywhere=True),
    Cause(
        name="expired-credentials",
        weight=1,
        say=lambda target, *_: Refusal(
            401,
            "TOKEN_EXPIRED",
            "The access token expired",
            {"WWW-Authenticate": f'Bearer realm="{target}", error="invalid_token"'},
        ),
    ),
    Cause(name="expired-certificate", weight=1, say=lambda *_: ProxyRefusal("The SSL certificate error")),
    Cause(
        name="missing-scope",
        weight=2,
        say=lambda target, flow, *_: Refusal(
            403,
            "INSUFFICIENT_SCOPE",
            f"The token has no scope {flow}.write",
            {"WWW-Authenticate": f'Bearer realm="{target}", error="insufficient_scope", scope="{flow}.write"'},
        ),
    ),
    Cause(
        name="retired-version",
        weight=1,
        say=lambda _target, flow, *_: Refusal(410, "VERSION_RETIRED", f"Version v1 of {flow} is retired; use v2"),
    ),
    Cause(
        name="late-approval",
        weight=4,
        say=lambda _target, _flow, _plant, keys: Refusal(
            409, "APPROVAL_PENDING", f"{_about(keys)} waits for approval and cannot be changed"
        ),
    ),
    Cause(
        name="invalid-lot",
        weight=4,
        say=lambda _target, _flow, _plant, keys: Refusal(422, "LOT_UNKNOWN", f"Lot {keys['lot']} does not exist"),
        everywhere=True,
    ),
    Cause(
        name="schema-drift",
        weight=2,
        say=lambda *_: Refusal(422, "SCHEMA_VIOLATION", "Line 10: required element Quantity/QuantityString is missing"),
        everywhere=True,
    ),
    Cause(
        name="unit-mapping",
        weight=2,
        say=lambda *_: Refusal(422, "BM311", "Unit of measure KIL is not defined; check your entry"),
        everywhere=True,
    ),
    Cause(name="stock-deficit", weight=6, say=_deficit),
    Cause(
        name="order-closed",
        weight=3,
        say=lambda _target, _flow, _plant, keys: Refusal(
            409, "BS013", f"System status CLSD is active (ORD {keys.get('order')})"
        ),
    ),
)
