"""What is known of trouble before it is understood: counts by place and code, and what targets said when asked."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from transactions.model import FailureKind, Risk, Status


class Behind(Struct, frozen=True, kw_only=True):
    """Transactions that wait behind others, through any number of steps."""

    transactions: int = 0
    overdue: int = 0
    orders: frozenset[str] = frozenset()
    lots: frozenset[str] = frozenset()
    risks: dict[Risk, int] = {}


class Symptom(Struct, frozen=True, kw_only=True):
    """Transactions in one trouble at one place.

    Attributes:
        status: failed, in-doubt, parked, partly-processed, compensation-failed; held where a breaker holds them.
        kind, code, group, template: of their failure.
        source: the system that sent them.
        overdue: how many are past their time.
        objects: values of business keys in them, the first of each.
        orders, lots: what they are about, as far as they were looked at.
    """

    status: Status
    kind: FailureKind
    code: str
    flow: str
    target: str
    plant: str | None
    source: str
    count: int
    risk: Risk
    group: str = ""
    template: str = ""
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    overdue: int = 0
    objects: dict[str, list[str]] = {}
    orders: frozenset[str] = frozenset()
    lots: frozenset[str] = frozenset()
    behind: Behind = Behind()


class Event(Struct, frozen=True, kw_only=True):
    """One transaction that is evidence by itself: the systems do not have what they acknowledged, say, or a newer
    version of its object was applied."""

    id: str
    flow: str
    target: str
    plant: str | None
    source: str
    created_at: datetime
    group: str = ""


class Twin(Event, frozen=True, kw_only=True):
    """One that tells an event of its source once more, under another message id.

    Attributes:
        status: of the later one.
        first: id of the one that told it first.
    """

    first: str
    status: Status


class Skewed(Event, frozen=True, kw_only=True):
    """A posted one whose quantities are off by a power of ten: its source counts ``factor`` times as much
    (``1000``, ``0.001``).

    Attributes:
        object: what it is about, in words.
    """

    factor: str
    object: str


class Evidence(Struct, frozen=True, kw_only=True):
    """All that is known.

    Attributes:
        losses: by instance (``ERP``, ``MES/P01``) how often each code said lately that no answer came.
        answering: by instance, when it answered last, of those that answer now.
        alike: numbers that no target knows, with the known one that each looks like.
        twins: transactions that tell an event again.
        lost: acknowledged, and the systems say that they do not have them.
        replaced: failed, and a newer version of their object was applied.
        skewed: posted with quantities that are off.
        reconciled: the systems were asked what they hold.
    """

    symptoms: list[Symptom] = []
    losses: dict[str, dict[str, int]] = {}
    answering: dict[str, datetime] = {}
    alike: dict[str, str] = {}
    twins: list[Twin] = []
    lost: list[Event] = []
    replaced: list[Event] = []
    skewed: list[Skewed] = []
    reconciled: bool = False


class SystemFacts(Struct, frozen=True, kw_only=True):
    """What is declared of a system: who owns it, whether each plant has its own, whether it can be asked by key."""

    owner: str
    local: bool = False
    asks: bool = True


class FlowFacts(Struct, frozen=True, kw_only=True):
    """What is declared of a flow.

    Attributes:
        place: where it comes when everything is sent again, from 0.
        fixed: business keys that an edit cannot change, since its lane or its key is made of them.
    """

    owner: str
    risk: Risk
    place: int
    fixed: frozenset[str] = frozenset()


class Surroundings(Struct, frozen=True, kw_only=True):
    """The declared landscape, as far as a diagnosis wants it."""

    systems: dict[str, SystemFacts] = {}
    flows: dict[str, FlowFacts] = {}

    def instance(self, target: str, plant: str | None) -> str:
        """The instance that serves a plant: ``ERP``, ``MES/P01``."""
        facts = self.systems.get(target)
        return target if facts is None or not facts.local or plant is None else f"{target}/{plant}"
