"""Fields that an edit leaves alone: what the key, the lane, the object and the way of a transaction were made of."""

from __future__ import annotations

from hub.declarations import FlowDeclaration


def locked_keys(flow: FlowDeclaration) -> dict[str, str]:
    """The business keys whose values stay, each with what it is for."""
    uses = [
        *((name, "the idempotency key") for name in flow.identity),
        *((name, "the order of its lane") for name in (flow.order_by or "").split("+")),
        (flow.object or "", "the object that it is a version of"),
        (flow.version or "", "its version"),
        ("plant", "the plant that it is routed to"),
    ]
    found: dict[str, str] = {}
    for name, use in uses:
        if name:
            found.setdefault(name, use)
    return found


def moved_lock(flow: FlowDeclaration, before: dict[str, str], after: dict[str, str]) -> tuple[str, str] | None:
    """The first locked key that an edit would change, with what it is for; None where none is."""
    for name, use in locked_keys(flow).items():
        if before.get(name) != after.get(name):
            return name, use
    return None
