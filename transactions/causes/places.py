"""Where a cause shows, in words: systems with their plants, flows, objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from transactions.causes.kinds import CauseKind
from transactions.causes.symptoms import Surroundings, Symptom

_NAMED = 3


class Places(Struct, frozen=True, kw_only=True):
    """Targets, plants, flows and sources of something, each sorted, and what it is about."""

    targets: list[str]
    plants: list[str]
    flows: list[str]
    sources: list[str]
    objects: dict[str, list[str]]


def places_of(symptoms: Sequence[Symptom], around: Surroundings) -> Places:
    """Where symptoms show; flows in the order in which they are sent."""
    objects: dict[str, dict[str, None]] = {}
    for one in symptoms:
        for name, values in one.objects.items():
            objects.setdefault(name, {}).update(dict.fromkeys(values))
    return Places(
        targets=sorted({one.target for one in symptoms}),
        plants=sorted({one.plant for one in symptoms if one.plant is not None}),
        flows=in_order({one.flow for one in symptoms}, around),
        sources=sorted({one.source for one in symptoms}),
        objects={name: sorted(values) for name, values in sorted(objects.items())},
    )


def in_order(flows: Iterable[str], around: Surroundings) -> list[str]:
    """Flows in the order in which they are sent."""
    return sorted(flows, key=lambda name: (around.flows[name].place if name in around.flows else 999, name))


def listed(names: Sequence[str], more: str = "more") -> str:
    """``A``, ``A and B``, ``A, B, C and 4 more``."""
    if len(names) > _NAMED + 1:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} {more}"
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"


def systems_in_words(places: Places, around: Surroundings) -> str:
    """``ERP``; ``MES of plant P02``; ``MES of plants P01 and P02``."""
    local = [name for name in places.targets if name in around.systems and around.systems[name].local]
    if not local or not places.plants:
        return listed(places.targets)
    central = [name for name in places.targets if name not in local]
    return listed([*central, f"{listed(local)} of {plants_in_words(places.plants)}"])


def sources_in_words(places: Places, around: Surroundings) -> str:
    """``ERP``; ``MES of plant P02``."""
    if any(name in around.systems and around.systems[name].local for name in places.sources) and places.plants:
        return f"{listed(places.sources)} of {plants_in_words(places.plants)}"
    return listed(places.sources)


def plants_in_words(plants: Sequence[str]) -> str:
    """``plant P02``; ``plants P01 and P02``."""
    return f"plant{'' if len(plants) == 1 else 's'} {listed(plants)}"


def flows_in_words(flows: Sequence[str]) -> str:
    """``material consumption and goods receipt``."""
    return listed([name.replace("-", " ") for name in flows])


def objects_in_words(kind: CauseKind, places: Places) -> str:
    """What it is about: ``material 4711-22``; ``6 materials (A, B, C and 3 more)``."""
    for name in _ABOUT.get(kind, ("material", "lot", "order", "shipment")):
        values = places.objects.get(name, [])
        if len(values) == 1:
            return f"{name} {values[0]}"
        if values:
            return f"{len(values)} {name}s ({listed(values)})"
    return "what its documents name"


_ABOUT = {
    CauseKind.MATERIAL: ("material",),
    CauseKind.LOT: ("lot",),
    CauseKind.LOCKED: ("order", "lot", "shipment"),
    CauseKind.APPROVAL: ("order", "lot", "shipment"),
}


def times(factor: str) -> str:
    """A factor in words: ``1,000``; ``0.001``."""
    return f"{int(factor):,}" if factor.isdigit() else factor
