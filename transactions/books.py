"""The books: what sources owe against what targets posted, at one watermark per source outbox."""

from __future__ import annotations

from msgspec import Struct


class FlowBooks(Struct, frozen=True, kw_only=True):
    """One flow to one target. Every owed posting is counted in exactly one of ``agreed`` to ``written_off``;
    ``double`` counts surplus postings. A failed document over which a newer version of its object was applied agrees:
    the target has what the source said last."""

    flow: str
    target: str
    owed: int
    agreed: int
    missing: int
    mismatched: int
    in_flight: int
    unresolved: int
    written_off: int
    double: int


class Books(Struct, frozen=True, kw_only=True):
    """Do the systems agree: missing, double, mismatched and unresolved are zero."""

    agree: bool
    missing: int
    double: int
    mismatched: int
    in_flight: int
    unresolved: int
    written_off: int
    flows: list[FlowBooks]


class Emission(Struct, frozen=True, kw_only=True):
    """How the simulated sources stand.

    Attributes:
        emitting: whether they send documents.
        emitted: how many so far.
        outbox_waiting: how many of them the hub has not accepted.
    """

    emitting: bool
    emitted: int
    outbox_waiting: int


class Fault(Struct, frozen=True, kw_only=True):
    """A fault the simulator can play. ``active`` lists where it is on."""

    name: str
    description: str
    heals: str
    active: list[FaultSetting]


class FaultSetting(Struct, frozen=True, kw_only=True):
    """Where and how a fault is on; None means everywhere it applies.

    ``probability`` picks messages by hash of seed, fault and key, so the same seed hits the same messages;
    ``for_seconds`` switches it off by itself.
    """

    system: str | None = None
    plant: str | None = None
    flow: str | None = None
    probability: float = 1.0
    for_seconds: float | None = None


class FaultChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Switch a fault on with a setting, or off: everywhere without one, every fault without a name."""

    on: bool
    name: str | None = None
    system: str | None = None
    plant: str | None = None
    flow: str | None = None
    probability: float = 1.0
    for_seconds: float | None = None
