"""The transaction: one delivery of one business document to one target.

Field names and order are the contract of the admin API and of every machine output; add at the end, never rename.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Status(StrEnum):
    """Where a transaction is in its life; ``transactions.states`` holds the only ways from one to the next."""

    PENDING = "pending"
    HELD = "held"
    DELIVERING = "delivering"
    RETRYING = "retrying"
    SENT = "sent"
    IN_DOUBT = "in-doubt"
    PROCESSED = "processed"
    DUPLICATE = "duplicate"
    PARKED = "parked"
    PARTLY_PROCESSED = "partly-processed"
    FAILED = "failed"
    DISCARDED = "discarded"
    RESOLVED = "resolved"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"
    COMPENSATION_FAILED = "compensation-failed"


class Help(StrEnum):
    """What helps a failed transaction: the class of its failure kind."""

    WAIT = "wait"
    DATA = "data"
    DECISION = "decision"
    POLICY = "policy"
    CARE = "care"
    NEVER = "never"


class FailureKind(StrEnum):
    """Why the newest attempt failed."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    LOCKED = "locked"
    SCHEMA = "schema"
    MASTER_DATA = "master-data"
    MAPPING = "mapping"
    BUSINESS_RULE = "business-rule"
    PERIOD_CLOSED = "period-closed"
    CONFLICT = "conflict"
    LATE_APPROVAL = "late-approval"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    VERSION_RETIRED = "version-retired"
    CERTIFICATE = "certificate"
    PARKED = "parked"
    PARTIAL = "partial"
    ACKNOWLEDGED_NOT_APPLIED = "acknowledged-not-applied"
    UNKNOWN_OUTCOME = "unknown-outcome"
    DUPLICATE = "duplicate"
    MALFORMED = "malformed"

    @property
    def help(self) -> Help:
        """The class of help this kind wants."""
        return _HELP[self]


_HELP: dict[FailureKind, Help] = {
    FailureKind.UNREACHABLE: Help.WAIT,
    FailureKind.TIMEOUT: Help.WAIT,
    FailureKind.THROTTLED: Help.WAIT,
    FailureKind.LOCKED: Help.WAIT,
    FailureKind.SCHEMA: Help.DATA,
    FailureKind.MASTER_DATA: Help.DATA,
    FailureKind.MAPPING: Help.DATA,
    FailureKind.BUSINESS_RULE: Help.DATA,
    FailureKind.PERIOD_CLOSED: Help.DECISION,
    FailureKind.CONFLICT: Help.DECISION,
    FailureKind.LATE_APPROVAL: Help.DECISION,
    FailureKind.UNAUTHORIZED: Help.POLICY,
    FailureKind.FORBIDDEN: Help.POLICY,
    FailureKind.VERSION_RETIRED: Help.POLICY,
    FailureKind.CERTIFICATE: Help.POLICY,
    FailureKind.PARKED: Help.CARE,
    FailureKind.PARTIAL: Help.CARE,
    FailureKind.ACKNOWLEDGED_NOT_APPLIED: Help.CARE,
    FailureKind.UNKNOWN_OUTCOME: Help.CARE,
    FailureKind.DUPLICATE: Help.NEVER,
    FailureKind.MALFORMED: Help.NEVER,
}


class Risk(StrEnum):
    """What a wrong posting of this flow costs."""

    LOW = "low"
    OPERATIONAL = "operational"
    QUALITY = "quality"
    FINANCIAL = "financial"


class DueBecause(StrEnum):
    """Which clock says by when a transaction should be processed; the first to run out does."""

    SLO = "slo"
    SHIFT_END = "shift-end"
    LOT_EXPIRY = "lot-expiry"
    PERIOD_CLOSE = "period-close"


class Priority(StrEnum):
    """Why a transaction comes where it comes; see ``transactions.priority``."""

    LINE_DOWN = "line-down"
    LINE_WAITS = "line-waits"
    DUE = "due"


class KeyOrigin(StrEnum):
    """Where an idempotency key came from; ``generated`` carries weaker guarantees."""

    HEADER = "header"
    CLOUDEVENT = "cloudevent"
    RECIPE = "recipe"
    GENERATED = "generated"


GATEWAY = "gateway"
"""The system that failures name which the gateway caused, on the way to their target."""


class Failure(Struct, frozen=True, kw_only=True):
    """Why the newest attempt failed.

    Attributes:
        kind: the failure kind.
        help: what helps (the class of the kind).
        code: the code the system gave (``M7053``), or ours where it gave none (``connection-refused``).
        message: what the system said, as it said it.
        system: the system that said it.
        policy_ref: the address of the policy that stopped it, if one did.
    """

    kind: FailureKind
    help: Help
    code: str
    message: str
    system: str
    policy_ref: str | None = None


class Transaction(Struct, frozen=True, kw_only=True):
    """One delivery of one business document to one target, as the admin API shows it (times are UTC)."""

    id: str
    flow: str
    plant: str | None
    source: str
    target: str
    status: Status
    risk: Risk
    created_at: datetime
    failed_at: datetime | None
    due_at: datetime | None
    overdue: bool
    attempts: int
    failure: Failure | None
    group: str | None
    business_keys: dict[str, str]
    correlation_id: str
    causation_id: str | None
    idempotency_key: str
    key_origin: KeyOrigin
    content_type: str
    payload_sha256: str
    revision: int
    assignee: str | None
    owner: str | None
    waiting_on: str | None
    superseded_by: str | None
    document: str | None
    etag: str
    ticket: str | None = None
    due_because: DueBecause | None = None
    priority: Priority | None = None
