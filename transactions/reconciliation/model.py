"""What a reconciliation says, as the admin API and every machine output show it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from transactions.model import Status


class Kind(StrEnum):
    """What is compared between systems."""

    ORDERS = "orders"
    INVENTORY = "inventory"
    HOLDS = "holds"
    LOTS = "lots"
    SHIPMENTS = "shipments"


class Explained(StrEnum):
    """Whether transactions account for a difference."""

    WHOLLY = "explained"
    IN_PART = "in-part"
    NOT = "unexplained"


class Said(Struct, frozen=True, kw_only=True):
    """What one system says.

    Attributes:
        system: the instance, like ``ERP`` or ``MES/P01``.
        value: as the system writes it, a sum where several entries of it have the same key; None where it says nothing.
        unit: unit of measure, where it names one.
        differs: this is the side that is not as it should be; where nobody leads, every side that stands alone.
    """

    system: str
    value: str | None
    unit: str | None = None
    differs: bool = False


class Cause(Struct, frozen=True, kw_only=True):
    """A transaction that explains a difference.

    Attributes:
        why: in a sentence, with the system's own words where it gave some.
        amount: what the target lacks because of it, in the unit of the difference; None where its document does not
            say it in its business keys.
        reopenable: it is processed, and the target does not have it: it can be reopened.
    """

    id: str
    flow: str
    source: str
    target: str
    status: Status
    why: str
    amount: str | None = None
    reopenable: bool = False


class Difference(Struct, frozen=True, kw_only=True):
    """One thing about one object that systems disagree on.

    Attributes:
        keys: what the object is known by (order; material and lot; hold; lot; shipment).
        field: what they disagree on (``confirmed``, ``quantity``, ``state``).
        amount: largest minus smallest, for amounts; what is missing in the target is negative where one side leads.
        causes: transactions that explain it.
        related: processed transactions about the same, which do not explain it; the newest, some only.
    """

    keys: dict[str, str]
    plant: str
    field: str
    said: list[Said]
    amount: str | None
    unit: str | None
    explained: Explained
    causes: list[Cause] = msgspec.field(default_factory=list)
    related: list[str] = msgspec.field(default_factory=list)

    @property
    def name(self) -> str:
        """The object in a word: ``FG-1001 P01-000001``."""
        return " ".join(value for value in self.keys.values() if value)


class Asked(Struct, frozen=True, kw_only=True):
    """One system that was asked; ``problem`` says why it gave no answer, and None that it did."""

    system: str
    records: int
    problem: str | None = None


class Reconciliation(Struct, frozen=True, kw_only=True):
    """Where the systems disagree, as of a moment.

    Attributes:
        items: differences, those that nothing explains first.
        next_cursor: always None: a reconciliation is one answer. ``differences`` counts also what ``limit`` cut off.
        agree: everybody who was asked answered, and nothing differs.
        as_of: what was recorded after it is left out on every side.
        compared: how many values were held against each other.
        left_out: what was not compared, and why.
        reopenable: ids of all transactions that were acknowledged and not applied.
    """

    items: list[Difference]
    next_cursor: str | None
    kind: Kind
    agree: bool
    as_of: datetime
    plant: str | None
    tolerance: str
    compared: int
    differences: int
    unexplained: int
    asked: list[Asked]
    left_out: list[str] = msgspec.field(default_factory=list)
    reopenable: list[str] = msgspec.field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every system that was asked gave an answer."""
        return all(one.problem is None for one in self.asked)
