"""Waves: a run begins with a few, goes on with ten, and then takes the rest; each waits for the one before."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

CANARY = 1
"""Items of the first wave, unless told."""
SECOND = 10
"""Items of the wave after it."""
STOP_AFTER = 3
"""How often one failure may come, unless told, before a run stops by itself."""


class WaveItem(Struct, frozen=True):
    """An item that a run sends, in sequence.

    Attributes:
        lane: what is sent one at a time; None where sequence does not matter.
        plant: where it belongs.
        material: what it is about, where it is about a material.
        dependent: its flow requires others first, so it may have to wait for what a later wave sends.
    """

    lane: str | None
    plant: str | None
    material: str | None
    dependent: bool = False


def assign(items: Sequence[WaveItem], canary: int) -> list[int]:
    """The wave of each item, from 0: the canary, spread over plants and materials; then ten; then the rest.

    Within a lane no item is in an earlier wave than one ahead of it.

    Args:
        items: in sequence.
        canary: items of the first wave; 0 for one wave of all.
    """
    if canary == 0:
        return [0] * len(items)
    first = _canary(items, canary)
    waves, second = [], 0
    for place in range(len(items)):
        if place in first:
            waves.append(0)
        elif second < SECOND:
            second += 1
            waves.append(1)
        else:
            waves.append(2)
    return waves


def _canary(items: Sequence[WaveItem], count: int) -> set[int]:
    """Heads of lanes, as different from each other as there are."""
    lanes: set[str] = set()
    heads = []
    for place, item in enumerate(items):
        if item.lane is None or item.lane not in lanes:
            heads.append(place)
        if item.lane is not None:
            lanes.add(item.lane)
    chosen: list[int] = []
    plants: set[str | None] = set()
    materials: set[str | None] = set()
    while heads and len(chosen) < count:
        # Sequence breaks ties: min() keeps the first of equals.
        best = min(
            heads,
            key=lambda place: (
                items[place].dependent,
                items[place].plant in plants,
                items[place].material in materials,
            ),
        )
        heads.remove(best)
        chosen.append(best)
        plants.add(items[best].plant)
        materials.add(items[best].material)
    return set(chosen)
