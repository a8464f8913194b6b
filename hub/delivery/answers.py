"""What comes back from a target, and what it means."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from transactions.model import Failure, FailureKind


class Answer(Struct, frozen=True, kw_only=True):
    """A target's answer as it came; header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Result(StrEnum):
    """What an answer to a delivery comes to."""

    APPLIED = "applied"
    ACCEPTED = "accepted"
    PARKED = "parked"
    PARTIAL = "partial"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Outcome(Struct, frozen=True, kw_only=True):
    """The meaning of an answer to a delivery.

    Attributes:
        document: the number the target gave.
        failure: for parked, partial, failed and unknown.
        definitive: the target certainly did not apply it.
        retry: it may pass by itself (throttled, locked, unreachable).
        retry_after: seconds the target asked us to wait.
    """

    result: Result
    document: str | None = None
    failure: Failure | None = None
    definitive: bool = True
    retry: bool = False
    retry_after: float | None = None


class Found(StrEnum):
    """What a target says when it is asked for a key."""

    APPLIED = "applied"
    PARKED = "parked"
    IN_PROGRESS = "in-progress"
    REJECTED = "rejected"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class LookupAnswer(Struct, frozen=True, kw_only=True):
    """The meaning of an answer to a lookup; ``kind`` comes from ``code`` where it says one."""

    status: Found
    sha256: str | None = None
    document: str | None = None
    code: str | None = None
    message: str | None = None
    kind: FailureKind | None = None
