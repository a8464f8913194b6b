"""A handover, as the admin API and every machine output show it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from transactions.approvals import ApprovalItem
from transactions.batches import Batch
from transactions.landscape import Hold
from transactions.model import Status, Transaction

LONGEST_REMARK = 4_000


class CameIn(Struct, frozen=True, kw_only=True):
    """Transactions of one flow that came in during the shift, and what became of them by now."""

    flow: str
    title: str
    received: int
    processed: int
    open: int


class Deed(Struct, frozen=True, kw_only=True):
    """What one person did how often (``batch.replay``, ``transaction.assigned``), by the audit chain."""

    who: str
    action: str
    count: int


class Open(Struct, frozen=True, kw_only=True):
    """A cause of what is left.

    Attributes:
        count: transactions in trouble because of it.
        blocks: what cannot go on because of it: these, where they are owed, and what waits behind them.
        overdue: how many of what it blocks are past their time.
        first: what to do first, in a sentence.
        care: what not to do.
    """

    id: str
    title: str
    count: int
    blocks: int
    overdue: int
    owner: str | None
    since: datetime | None
    first: str | None
    care: list[str]


class Note(Struct, frozen=True, kw_only=True):
    """A note that somebody left at a transaction during the shift."""

    at: datetime
    by: str
    id: str
    text: str


class GlassBroken(Struct, frozen=True, kw_only=True):
    """A run without its second person, during the shift or not reviewed yet.

    Attributes:
        overdue: it should have been reviewed before now.
        verdict: ``approve`` or ``reject``; None while nobody has reviewed it.
    """

    plan: str
    action: str
    by: str
    reason: str
    at: datetime
    due_at: datetime
    overdue: bool
    reviewed_by: str | None
    verdict: str | None


class ComesBack(Struct, frozen=True, kw_only=True):
    """A group that failed for the same cause again after it was replayed."""

    fingerprint: str
    flow: str
    target: str
    template: str
    replayed: int
    repeated: int


class Remark(Struct, frozen=True, kw_only=True):
    """Words to the next shift."""

    at: datetime
    by: str
    plant: str | None
    text: str


class AuditRange(Struct, frozen=True, kw_only=True):
    """Entries of the audit chain that were written during the shift.

    Attributes:
        first, last: their numbers; None where there are none.
        head: hash of the last one, which an export of the chain must show again.
    """

    first: int | None
    last: int | None
    head: str | None


class RemarkRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Words to the next shift; of one plant, or of all of them."""

    text: Annotated[str, Meta(min_length=1, max_length=LONGEST_REMARK)]
    plant: str | None = None


class Handover(Struct, frozen=True, kw_only=True):
    """What one shift hands to the next.

    Attributes:
        label: of the shift.
        begin, until: the shift, from its first moment to before its last one.
        zone: whose clock people go by.
        at: when it was told; what is left and what to watch is as of then.
        counts: how many transactions are in each status.
        taken: transactions that somebody works on, that have a ticket or wait for somebody.
        urgent: what comes first of what nobody works on.
        audit: None for whoever may not see all of the chain.
    """

    platform: str
    plant: str | None
    label: str
    begin: datetime
    until: datetime
    zone: str
    at: datetime
    came_in: list[CameIn]
    batches: list[Batch]
    deeds: list[Deed]
    notes: list[Note]
    counts: dict[Status, int]
    overdue: int
    causes: list[Open]
    taken: list[Transaction]
    urgent: list[Transaction]
    approvals: list[ApprovalItem]
    broken_glass: list[GlassBroken]
    holds: list[Hold]
    breakers: dict[str, str]
    running: list[Batch]
    comes_back: list[ComesBack]
    remarks: list[Remark]
    audit: AuditRange | None
