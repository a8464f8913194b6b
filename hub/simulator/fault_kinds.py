"""The faults that can be played, as data: where each acts, on what, and what heals it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Where(StrEnum):
    """Where a fault acts."""

    SOCKET = "socket"
    ARRIVAL = "arrival"
    EMISSION = "emission"


class FaultKind(Struct, frozen=True, kw_only=True):
    """One fault.

    Attributes:
        heals: ``target`` (switching it off lets the same document pass), ``document`` (it must be mended), ``care``.
        systems: where it can be on; None for every system that is a target (a source, for emission).
        flows: the flows it can hit; None for every one.
        local: only where every plant has an instance of its own.
    """

    where: Where
    heals: str
    description: str
    systems: tuple[str, ...] | None = None
    flows: tuple[str, ...] | None = None
    local: bool = False


_LOTS = (
    "material-consumption",
    "goods-receipt",
    "inventory-movement",
    "inspection-result",
    "lot-disposition",
    "shipment-release",
)
_QUANTITIES = (
    "production-order-release",
    "material-consumption",
    "production-confirmation",
    "goods-receipt",
    "inventory-movement",
    "labor-time",
    "shipment-release",
    "advance-ship-notice",
    "production-plan",
)
_POSTED = ("material-consumption", "production-confirmation", "goods-receipt", "inventory-movement", "labor-time")
_MATERIALS = ("production-order-release", *_LOTS, "production-confirmation", "advance-ship-notice", "production-plan")
_APPROVED = ("production-order-release", "lot-disposition", "shipment-release", "maintenance-order", "production-plan")

FAULTS: dict[str, FaultKind] = {
    "target-down": FaultKind(
        where=Where.SOCKET, heals="target", description="The system is down: its port refuses connections."
    ),
    "plant-offline": FaultKind(
        where=Where.SOCKET,
        heals="target",
        local=True,
        description="The line to a plant is cut: the plant's own systems refuse connections.",
    ),
    "target-slow": FaultKind(
        where=Where.ARRIVAL,
        heals="target",
        description="The system posts late and answers after the caller has given up waiting.",
    ),
    "target-throttling": FaultKind(
        where=Where.ARRIVAL, heals="target", description="The system answers 429 with Retry-After: too many requests."
    ),
    "locked": FaultKind(
        where=Where.ARRIVAL, heals="target", description="The object is locked by somebody who edits it: 423."
    ),
    "closed-period": FaultKind(
        where=Where.ARRIVAL,
        heals="target",
        systems=("ERP",),
        flows=_POSTED,
        description="The posting period is not open: M7053 for goods movements, F5201 for the rest.",
    ),
    "missing-material": FaultKind(
        where=Where.ARRIVAL,
        heals="target",
        flows=_MATERIALS,
        description="The material is not maintained for the plant: M3351 in ERP, MATERIAL_NOT_FOUND elsewhere.",
    ),
    "expired-credentials": FaultKind(
        where=Where.ARRIVAL, heals="target", description="The access token has expired: 401 (RFC 6750)."
    ),
    "expired-certificate": FaultKind(
        where=Where.ARRIVAL,
        heals="target",
        description="The client certificate has expired: the proxy answers 400, The SSL certificate error.",
    ),
    "missing-scope": FaultKind(
        where=Where.ARRIVAL,
        heals="target",
        description="The token lacks the scope of the flow: 403 insufficient_scope.",
    ),
    "retired-version": FaultKind(
        where=Where.ARRIVAL, heals="target", description="The version of the interface is retired: 410."
    ),
    "late-approval": FaultKind(
        where=Where.ARRIVAL,
        heals="target",
        flows=_APPROVED,
        description="The object waits for an approval in the target: 409 APPROVAL_PENDING.",
    ),
    "invalid-lot": FaultKind(
        where=Where.EMISSION,
        heals="document",
        flows=_LOTS,
        description="A lot number was typed by hand, with the letter O for a zero: the target does not know the lot.",
    ),
    "schema-drift": FaultKind(
        where=Where.EMISSION,
        heals="document",
        flows=_QUANTITIES,
        description="A source writes QuantityValue where the schema wants QuantityString: validation refuses it.",
    ),
    "unit-mapping": FaultKind(
        where=Where.EMISSION,
        heals="document",
        flows=_QUANTITIES,
        description="A unit of measure that was never mapped: BM311.",
    ),
    "drop-after-posting": FaultKind(
        where=Where.ARRIVAL,
        heals="care",
        description="The system posts, and the connection breaks before the answer: nobody knows the outcome.",
    ),
    "parked": FaultKind(
        where=Where.ARRIVAL,
        heals="care",
        description="The system parks what it takes. Switched off, its people post what is parked.",
    ),
    "partial": FaultKind(
        where=Where.ARRIVAL,
        heals="care",
        description="The system posts some lines and rejects the last: 207. Switched off, its people post the rest.",
    ),
    "lying-target": FaultKind(
        where=Where.ARRIVAL, heals="care", description="The system says applied and posts nothing."
    ),
    "hand-posted": FaultKind(
        where=Where.ARRIVAL,
        heals="care",
        flows=_POSTED,
        description="The object is locked (423), and somebody posts the document by hand, without its key.",
    ),
    "duplicate-messages": FaultKind(
        where=Where.EMISSION, heals="care", description="A source sends the same event twice, under a new message id."
    ),
    "late-messages": FaultKind(
        where=Where.EMISSION,
        heals="care",
        description="A source sends a message three seconds late, after its successors.",
    ),
    "wrong-master-data": FaultKind(
        where=Where.EMISSION,
        heals="care",
        flows=_POSTED,
        description="A conversion is off by 1,000: quantities are wrong, everything is posted, only the books differ.",
    ),
}
