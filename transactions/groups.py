"""Groups of failed transactions, with what is known of each without looking at its members one by one."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Group(Struct, frozen=True, kw_only=True):
    """Failed transactions with the same cause: the same flow, target, kind, code and message template.

    Attributes:
        fingerprint: names the group; the same after a restart and on every machine.
        kind, help, code: of the failure.
        template: its message without what differs from one transaction to the next.
        count: transactions that are failed now.
        first_seen, last_seen: of the fingerprint, since it was first met.
        oldest_failed_at: of those that are failed now.
        plants: how many are failed at each plant; ``""`` for those without one.
        overdue: how many of them are past their ``due_at``.
        blocked: held transactions that wait for one of them.
        trend: failures of the last four hours in eight half-hours, oldest first; of the whole group.
        replayed: how many were replayed since ``first_seen``.
        repeated: how many of those failed for the same cause again.
        sample: the newest of them, to look at.
        owner: the team that owns the flow.
    """

    fingerprint: str
    flow: str
    target: str
    kind: str
    help: str
    code: str
    template: str
    count: int
    first_seen: datetime
    last_seen: datetime
    plants: dict[str, int]
    oldest_failed_at: datetime | None = None
    overdue: int = 0
    blocked: int = 0
    trend: list[int] = []
    replayed: int = 0
    repeated: int = 0
    sample: str | None = None
    owner: str | None = None


class Part(Struct, frozen=True, kw_only=True):
    """One part of what makes a group that is not the same in two of them."""

    name: str
    this: str
    other: str


class GroupDifference(Struct, frozen=True, kw_only=True):
    """Why two groups are two.

    Attributes:
        fingerprint, other: the two.
        parts: what differs; nothing where they are one group.
        because: that in a sentence.
    """

    fingerprint: str
    other: str
    parts: list[Part]
    because: str
