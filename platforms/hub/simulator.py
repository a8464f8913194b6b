"""Calls about the simulated systems; a hub has them only when it serves with --simulate."""

from __future__ import annotations

from msgspec import Struct

from platforms.calls import Call, json_body, params
from transactions.books import Books, Emission, Fault, FaultChange
from transactions.pages import Page


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


def pause() -> Call[Emission]:
    """Stop emitting documents."""
    return Call(method="POST", path="simulator/pause", answers=Emission, changes=True)


def resume(documents: int | None = None) -> Call[Emission]:
    """Emit documents again; after so many more ``documents`` the sources pause by themselves."""
    return Call(
        method="POST",
        path="simulator/resume",
        answers=Emission,
        params=params(documents=documents),
        changes=True,
    )


def state() -> Call[Emission]:
    """How the sources stand."""
    return Call(method="GET", path="simulator/state", answers=Emission)


def drain() -> Call[Drained]:
    """Stop emitting and wait (30 s at most) until nothing is under way."""
    # The platform itself gives up after 30 s; its answer is worth waiting for.
    return Call(method="POST", path="simulator/drain", answers=Drained, changes=True, patience=45.0)
