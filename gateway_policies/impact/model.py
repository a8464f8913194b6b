"""What was found by holding the policies of a gateway against what was seen there."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct

from gateway_policies.planning.model import Caller

WARNED = (1, 7, 30)
"""Days before something ends at which it is told, the nearest first."""


class UnusedGrant(Struct, frozen=True, kw_only=True):
    """A grant that nobody used in all the time that was watched.

    Attributes:
        since: when that began.
    """

    address: str
    consumer: str
    scope: str
    since: datetime


class Denied(Struct, frozen=True, kw_only=True):
    """Calls that the gateway refused.

    Attributes:
        client: who the token was of, where no consumer is known by it.
        outcome: why, and ``meaning`` in words.
        policy: the address of the policy that decides it; None where none does.
    """

    consumer: str | None
    client: str | None
    api: str | None
    version: str | None
    operation: str | None
    scope: str | None
    outcome: str
    meaning: str
    policy: str | None
    calls: int
    last_seen: datetime


class LeavingVersion(Struct, frozen=True, kw_only=True):
    """A version that goes and is still called.

    Attributes:
        days: until its sunset; negative after it, None where none is set.
    """

    address: str
    lifecycle: str
    sunset_on: date | None
    days: int | None
    successor: str | None
    calls: int
    callers: tuple[Caller, ...]


class What(StrEnum):
    """What ends."""

    CREDENTIAL = "credential"
    GRANT = "grant"


class Ending(Struct, frozen=True, kw_only=True):
    """A credential or a grant that ends within thirty days, or has ended.

    Attributes:
        days: until its last day is over: 0 on the last day, negative after it.
        within: 1, 7 or 30, the least that holds; 0 where it has ended.
        calls: with it in the time that was watched; None where that is not known.
        last_seen: the last of these.
    """

    what: What
    address: str
    consumer: str
    scope: str | None
    expires_on: date
    days: int
    within: int
    calls: int | None
    last_seen: datetime | None


class ImpactReport(Struct, frozen=True, kw_only=True):
    """All of it.

    Attributes:
        since, until: the time that was watched; None where nothing is known of calls.
        unused: grants that nobody used.
        unknown: addresses of grants of which nobody can say: calls of their APIs were not counted.
        denied: calls that were refused, the most first; ``denied_left_off`` kinds of them are not told.
        leaving: versions that go and are still called, the nearest sunset first.
        ending: the nearest end first.
    """

    gateway: str
    on: date
    since: datetime | None
    until: datetime | None
    unused: tuple[UnusedGrant, ...]
    unknown: tuple[str, ...]
    denied: tuple[Denied, ...]
    denied_left_off: int
    leaving: tuple[LeavingVersion, ...]
    ending: tuple[Ending, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.unused or self.denied or self.leaving or self.ending)
