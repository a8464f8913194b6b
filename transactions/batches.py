"""Batches: the durable run of a plan, and the state of each of its items."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from transactions.model import Status
from transactions.plans import Action


class BatchState(StrEnum):
    """Where a batch is; all but the last three go on by themselves or on a word."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    DONE = "done"


class ItemState(StrEnum):
    """Where one item of a batch is. Intent is written before any effect."""

    PLANNED = "planned"
    INTENDED = "intended"
    SENT = "sent"
    PROCESSED = "processed"
    FAILED = "failed"
    SKIPPED = "skipped"
    IN_DOUBT = "in-doubt"
    CANCELLED = "cancelled"


ITEM_DONE: frozenset[ItemState] = frozenset(
    {ItemState.PROCESSED, ItemState.FAILED, ItemState.SKIPPED, ItemState.CANCELLED}
)


class BatchItem(Struct, frozen=True, kw_only=True):
    """One item of a batch: the transaction, what became of it and why.

    Attributes:
        reversal: the transaction that reverses it, of a compensation or a correction.
        corrects: of a correction, the transaction that it posts the right thing instead of.
    """

    n: int
    id: str
    flow: str
    plant: str | None
    target: str
    state: ItemState
    status: Status | None
    reason: str | None
    updated_at: datetime
    reversal: str | None = None
    corrects: str | None = None


class Batch(Struct, frozen=True, kw_only=True):
    """The run of a plan.

    Attributes:
        counts: every item state, also with zero.
        wave: the one that is under way, from 1; None where nothing is left to take up.
        waves: how many there are.
        because: why it rests or ended, where that was not for being done.
    """

    id: str
    plan: str
    action: Action
    state: BatchState
    reason: str
    started_by: str
    started_at: datetime
    finished_at: datetime | None
    total: int
    counts: dict[str, int]
    because: str | None = None
    wave: int | None = None
    waves: int = 1


class Because(Struct, frozen=True, forbid_unknown_fields=True):
    """Why everything is stopped, or what failed is taken again."""

    reason: Annotated[str, Meta(min_length=1, max_length=1_000)]


class Stopped(Struct, frozen=True):
    """The batches that were stopped."""

    batches: list[str]
