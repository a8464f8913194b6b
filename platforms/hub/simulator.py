"""Calls about the simulated systems; a hub has them only when it serves with --simulate."""

from __future__ import annotations

from msgspec import Struct

from platforms.calls import Call, json_body
from transactions.books import Books, Fault, FaultChange
from transactions.pages import Page


class Emitting(Struct, frozen=True, kw_only=True):
    """Whether the sources emit documents."""

    emitting: bool


class Drained(Struct, frozen=True, kw_only=True):
    """Whether outboxes are empty and nothing is under way."""

    drained: bool


def faults() -> Call[Page[Fault]]:
    """Every fault the simulator can play, and where each is on."""
    return Call(method="GET", path="simulator/faults", answers=Page[Fault])


def change(request: FaultChange) -> Call[Page[Fault]]:
    """Switch a fault on or off; answers with all of them."""
    return Call(method="PUT", path="simulator/faults", answers=Page[Fault], body=json_body(request), changes=True)


def books() -> Call[Books]:
    """What the sources owe against what the targets posted."""
    return Call(method="GET", path="simulator/books", answers=Books)


def pause() -> Call[Emitting]:
    """Stop emitting documents."""
    return Call(method="POST", path="simulator/pause", answers=Emitting, changes=True)


def resume() -> Call[Emitting]:
    """Emit documents again."""
    return Call(method="POST", path="simulator/resume", answers=Emitting, changes=True)


def drain() -> Call[Drained]:
    """Stop emitting and wait (30 s at most) until nothing is under way."""
    # The platform itself gives up after 30 s; its answer is worth waiting for.
    return Call(method="POST", path="simulator/drain", answers=Drained, changes=True, patience=45.0)
