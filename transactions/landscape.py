"""The landscape: systems, plants, flows and holds, as they are declared and as they are doing now."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from transactions.causes.model import Cause
from transactions.model import DueBecause, Risk, Status
from transactions.people import Limits


class Semantics(StrEnum):
    """What order and lateness mean for a flow."""

    SNAPSHOT = "snapshot"
    COMMAND = "command"
    DELTA = "delta"
    EVENT = "event"

    @property
    def replaceable(self) -> bool:
        """Whether a newer version of the same object makes an older one void."""
        return self in (Semantics.SNAPSHOT, Semantics.COMMAND)


class Verify(StrEnum):
    """What makes a delivery final."""

    ACK = "ack"
    LOOKUP = "lookup"
    REPLY = "reply"
    CONFIRM = "confirm"


class Idempotent(StrEnum):
    """What a target promises about one key sent twice."""

    ATOMIC = "atomic"
    LOOKUP = "lookup"
    NONE = "none"


class Requirement(Struct, frozen=True, kw_only=True):
    """A flow waits for an unresolved transaction of another flow with the same value of ``key`` at the same target."""

    flow: str
    key: str


class Flow(Struct, frozen=True, kw_only=True):
    """A kind of business transaction, as declared.

    Attributes:
        identity: the business keys that make the idempotency key, with source instance and target.
        object: the business key that names the object a version is of; None where nothing replaces anything.
        version: the business key that orders versions of one object.
        order_by: recipe of the lane (``order``, ``order+operation``); None where sequence does not matter.
        slo_seconds: time within which it should be processed.
        clocks: what else says by when: ``shift-end``, ``lot-expiry``, ``period-close``; the first to run out counts.
        expiry: the business key that has the expiry of the lot.
        masked: paths of what is masked in its documents.
        masked_keys: the business keys that are taken from there; nothing can be searched by them.
    """

    name: str
    title: str
    sources: list[str]
    targets: list[str]
    document: str
    identity: list[str]
    object: str | None
    version: str | None
    order_by: str | None
    semantics: Semantics
    requires: list[Requirement]
    slo_seconds: float
    risk: Risk
    verify: Verify
    reversal: str
    owner: str
    business_keys: list[str]
    masked: list[str] = []
    masked_keys: list[str] = []
    clocks: list[DueBecause] = []
    expiry: str | None = None


class Health(StrEnum):
    """How a system is doing, seen from the hub."""

    OK = "ok"
    WARNING = "warning"
    DOWN = "down"
    HELD = "held"
    IDLE = "idle"


class System(Struct, frozen=True, kw_only=True):
    """A system, or a plant's own instance of one.

    Attributes:
        settle_after_seconds: how long a late posting can still land.
        quota_per_second: what it lets us send; None where it does not say.
        breaker: ``closed``, ``open`` or ``half-open``.
    """

    name: str
    title: str
    plant: str | None
    health: Health
    breaker: str
    idempotent: Idempotent
    lookup: bool
    settle_after_seconds: float
    quota_per_second: float | None
    owner: str
    open: int
    held: int
    moving: int
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure: str | None


class Plant(Struct, frozen=True, kw_only=True):
    """A site; ``shift`` is the name of the one running now."""

    name: str
    title: str
    timezone: str
    lines: list[str]
    shift: str
    shift_ends_at: datetime


class Hold(Struct, frozen=True, kw_only=True):
    """A hold placed by a person; None means any."""

    id: str
    target: str | None
    plant: str | None
    flow: str | None
    reason: str
    placed_by: str
    placed_at: datetime
    held: int


class Lamp(Struct, frozen=True, kw_only=True):
    """One cell of the board: how many of one plant's transactions of one flow are in each status.

    ``trend`` counts the failures of the last four hours in eight half-hours, oldest first.
    """

    plant: str | None
    flow: str
    counts: dict[Status, int]
    oldest_failed_at: datetime | None
    overdue: int
    trend: list[int]


class Board(Struct, frozen=True, kw_only=True):
    """Everything the board shows, at one moment. ``causes`` are those that block most."""

    at: datetime
    platform: str
    counts: dict[Status, int]
    overdue: int
    oldest_failed_at: datetime | None
    oldest_held_at: datetime | None
    lamps: list[Lamp]
    holds: list[Hold]
    causes: list[Cause]


class HubStatus(Struct, frozen=True, kw_only=True):
    """What ``andon hub status`` shows.

    Attributes:
        search_behind: transactions in which a search looks one by one, since its index does not have them yet.
        no_writes_since: since when the store takes no writes (a full disk, say); None while it does.
        no_writes_because: what the database says to that.
        gateway: whether the hub's gateway holds calls against the policies: ``serving``, ``idle``, ``trouble``,
            ``absent``, ``off``; None of a hub that does not tell.
        gateway_because: why it does not, in words.
    """

    platform: str
    version: str
    started_at: datetime
    database: str
    schema: str
    simulate: bool
    profile: str
    transactions: int
    counts: dict[Status, int]
    no_writes_since: datetime | None = None
    search_behind: int = 0
    no_writes_because: str | None = None
    gateway: str | None = None
    gateway_because: str | None = None


class WhoAmI(Struct, frozen=True, kw_only=True):
    """Who the token belongs to, what it allows, and how far that reaches.

    Attributes:
        subject: what plans and the audit chain name.
        kind: bootstrap, user, federated or system.
        name: how the person is called, where the token says so.
        issuer: who made the token; None for the bootstrap token.
        expires_at: when it ends; None where it does not by itself.
    """

    subject: str
    kind: str
    roles: list[str]
    permissions: list[str]
    expires_at: datetime | None
    limits: Limits = Limits()
    name: str | None = None
    issuer: str | None = None
