"""How states look: a glyph, a word and a tone each. Never colour alone.

A tone is the name of a theme variable (``$failed``, ``$held`` …); see ``themes``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from transactions.batches import BatchState, ItemState
from transactions.landscape import Health
from transactions.model import Status
from transactions.plans import Verdict


class Tone(StrEnum):
    """What a piece of text is about; the theme gives it a colour."""

    PLAIN = "plain"
    QUIET = "quiet"
    BRIGHT = "bright"
    ACCENT = "accent"
    FAILED = "failed"
    LATE = "late"
    HELD = "held"
    DOUBT = "doubt"
    MOVING = "moving"
    FINE = "fine"
    DONE = "done"


class Look(NamedTuple):
    """Glyph, word and tone of a state."""

    glyph: str
    word: str
    tone: Tone


_STATUS: dict[Status, Look] = {
    Status.PENDING: Look("○", "pending", Tone.MOVING),
    Status.HELD: Look("◆", "held", Tone.HELD),
    Status.DELIVERING: Look("○", "delivering", Tone.MOVING),
    Status.RETRYING: Look("▲", "retrying", Tone.LATE),
    Status.SENT: Look("○", "sent", Tone.MOVING),
    Status.IN_DOUBT: Look("?", "in doubt", Tone.DOUBT),
    Status.PROCESSED: Look("✓", "processed", Tone.DONE),
    Status.DUPLICATE: Look("✓", "duplicate", Tone.QUIET),
    Status.PARKED: Look("?", "parked", Tone.DOUBT),
    Status.PARTLY_PROCESSED: Look("?", "partly processed", Tone.DOUBT),
    Status.FAILED: Look("■", "failed", Tone.FAILED),
    Status.DISCARDED: Look("✓", "discarded", Tone.QUIET),
    Status.RESOLVED: Look("✓", "resolved", Tone.DONE),
    Status.COMPENSATING: Look("○", "compensating", Tone.MOVING),
    Status.COMPENSATED: Look("✓", "compensated", Tone.DONE),
    Status.COMPENSATION_FAILED: Look("■", "compensation failed", Tone.FAILED),
}

_HEALTH: dict[Health, Look] = {
    Health.OK: Look("●", "ok", Tone.FINE),
    Health.WARNING: Look("▲", "warning", Tone.LATE),
    Health.DOWN: Look("■", "down", Tone.FAILED),
    Health.HELD: Look("◆", "held", Tone.HELD),
    Health.IDLE: Look("○", "idle", Tone.QUIET),
}

_BATCH: dict[BatchState, Look] = {
    BatchState.RUNNING: Look("○", "running", Tone.MOVING),
    BatchState.PAUSED: Look("◆", "paused", Tone.HELD),
    BatchState.STOPPED: Look("■", "stopped", Tone.FAILED),
    BatchState.CANCELLED: Look("▲", "cancelled", Tone.LATE),
    BatchState.DONE: Look("✓", "done", Tone.DONE),
}

_ITEM: dict[ItemState, Look] = {
    ItemState.PLANNED: Look("○", "planned", Tone.QUIET),
    ItemState.INTENDED: Look("○", "intended", Tone.MOVING),
    ItemState.SENT: Look("○", "sent", Tone.MOVING),
    ItemState.PROCESSED: Look("✓", "processed", Tone.DONE),
    ItemState.FAILED: Look("■", "failed", Tone.FAILED),
    ItemState.SKIPPED: Look("▲", "skipped", Tone.LATE),
    ItemState.IN_DOUBT: Look("?", "in doubt", Tone.DOUBT),
    ItemState.CANCELLED: Look("▲", "cancelled", Tone.LATE),
}

_VERDICT: dict[Verdict, Look] = {
    Verdict.SEND: Look("●", "send", Tone.FINE),
    Verdict.DUPLICATE: Look("✓", "duplicate", Tone.QUIET),
    Verdict.SUPERSEDED: Look("▲", "superseded", Tone.LATE),
    Verdict.HELD_BEHIND: Look("◆", "held behind", Tone.HELD),
    Verdict.MAYBE_POSTED: Look("?", "maybe posted", Tone.DOUBT),
    Verdict.REFUSED: Look("■", "refused", Tone.FAILED),
}


def of_status(status: Status) -> Look:
    """How a transaction's status looks."""
    return _STATUS[status]


def of_health(health: Health) -> Look:
    """How a system's health looks."""
    return _HEALTH[health]


def of_batch(state: BatchState) -> Look:
    """How a batch's state looks."""
    return _BATCH[state]


def of_item(state: ItemState) -> Look:
    """How the state of a batch's item looks."""
    return _ITEM[state]


def of_verdict(verdict: Verdict) -> Look:
    """How a plan's verdict looks."""
    return _VERDICT[verdict]
