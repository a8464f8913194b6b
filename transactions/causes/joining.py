"""Trouble that has one cause is brought together, and what is a symptom of something else goes with that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable

from transactions.causes.kinds import PROFILES, CauseKind, Joins, Phase
from transactions.causes.reading import kind_of
from transactions.causes.symptoms import Evidence, Surroundings, Symptom
from transactions.model import Status


class Bundle:
    """Symptoms of one cause.

    Attributes:
        anchor: what it is known by, besides its kind.
        cut: the plant whose line is cut, where every system there is out of reach.
        carried: symptoms of another kind that this cause explains.
    """

    def __init__(self, kind: CauseKind, anchor: str, symptoms: list[Symptom], cut: str | None = None) -> None:
        self.kind, self.anchor, self.symptoms, self.cut = kind, anchor, symptoms, cut
        self.carried: list[Symptom] = []

    @property
    def all(self) -> list[Symptom]:
        """Its own and what it explains."""
        return [*self.symptoms, *self.carried]


def bundles(evidence: Evidence, around: Surroundings) -> list[Bundle]:
    """Symptoms by cause."""
    by_kind: dict[CauseKind, list[Symptom]] = defaultdict(list)
    for symptom in evidence.symptoms:
        instance = around.instance(symptom.target, symptom.plant)
        by_kind[kind_of(symptom, evidence.losses.get(instance, {}))].append(symptom)
    found = [bundle for kind, symptoms in by_kind.items() for bundle in _joined(kind, symptoms, around)]
    return _explained(found, around)


def _joined(kind: CauseKind, symptoms: list[Symptom], around: Surroundings) -> list[Bundle]:
    match PROFILES[kind].joins:
        case Joins.ALL:
            return [Bundle(kind, "", symptoms)]
        case Joins.TARGET:
            return _by(kind, symptoms, lambda one: one.target)
        case Joins.TARGET_CODE:
            return _by(kind, symptoms, lambda one: f"{one.target} {one.code}")
        case Joins.SOURCE:
            return _by(kind, symptoms, lambda one: one.source)
        case Joins.SOURCE_CODE:
            return _by(kind, symptoms, lambda one: f"{one.source} {one.code}")
        case Joins.NEIGHBOURS:
            return _neighbours(kind, symptoms)
        case Joins.INSTANCES:
            return _instances(kind, symptoms, around)


def _by(kind: CauseKind, symptoms: Iterable[Symptom], anchor: Callable[[Symptom], str]) -> list[Bundle]:
    found: dict[str, list[Symptom]] = defaultdict(list)
    for one in symptoms:
        found[anchor(one)].append(one)
    return [Bundle(kind, name, members) for name, members in found.items()]


def _neighbours(kind: CauseKind, symptoms: list[Symptom]) -> list[Bundle]:
    """Those that share a target or a plant, directly or through others."""
    groups: list[tuple[set[Hashable], list[Symptom]]] = []
    for one in symptoms:
        marks: set[Hashable] = {("target", one.target), ("plant", one.plant)}
        touching = [group for group in groups if group[0] & marks]
        joined = [one]
        for group in touching:
            marks |= group[0]
            joined = group[1] + joined
        groups = [group for group in groups if group not in touching] + [(marks, joined)]
    return [Bundle(kind, _common(members), members) for _, members in groups]


def _common(members: list[Symptom]) -> str:
    """What all have in common, to be known by as long as it lasts."""
    targets, plants = {one.target for one in members}, {one.plant or "" for one in members}
    if len(targets) == 1:
        return targets.pop()
    return plants.pop() if len(plants) == 1 else ""


def _instances(kind: CauseKind, symptoms: list[Symptom], around: Surroundings) -> list[Bundle]:
    """A system that is down at every plant is one cause, and so is a plant whose every system is."""
    places: dict[tuple[str, str | None], list[Symptom]] = defaultdict(list)
    for one in symptoms:
        facts = around.systems.get(one.target)
        places[one.target, one.plant if facts is not None and facts.local else None].append(one)
    left, found = set(places), list[Bundle]()
    while left:
        lines = _lines(left)
        name, covered = max(lines.items(), key=lambda line: (len(line[1]), line[0][0] == "plant", line[0]))
        members = [one for place in sorted(covered, key=str) for one in places[place]]
        cut = name[1] if name[0] == "plant" and len(covered) > 1 else None
        found.append(Bundle(kind, f"plant {cut}" if cut else members[0].target, members, cut))
        left -= covered
    return _told_apart(found)


def _lines(left: set[tuple[str, str | None]]) -> dict[tuple[str, str], set[tuple[str, str | None]]]:
    """What may be down: a system wherever it is, or all of a plant's own systems."""
    lines: dict[tuple[str, str], set[tuple[str, str | None]]] = defaultdict(set)
    for target, plant in left:
        lines["system", target].add((target, plant))
        if plant is not None:
            lines["plant", plant].add((target, plant))
    return lines


def _told_apart(found: list[Bundle]) -> list[Bundle]:
    """Two causes at one system are known by their plants as well."""
    seen: dict[str, int] = defaultdict(int)
    for bundle in found:
        seen[bundle.anchor] += 1
    for bundle in found:
        if seen[bundle.anchor] > 1:
            bundle.anchor += " " + ",".join(sorted({one.plant or "" for one in bundle.symptoms}))
    return found


# What explains what

_SILENT = (CauseKind.UNREACHABLE, CauseKind.DROPPED, CauseKind.SLOW)
_MAKES_LOT = frozenset({"goods-receipt", "inventory-movement"})


def _explained(found: list[Bundle], around: Surroundings) -> list[Bundle]:
    """Give what is a symptom to its cause; a bundle of which nothing is left goes, with what it had explained."""
    for bundle in found:
        kept = []
        taken_by: Bundle | None = None
        for one in bundle.symptoms:
            cause = _cause_of(bundle, one, found, around)
            if cause is None:
                kept.append(one)
            else:
                cause.carried.append(one)
                taken_by = cause
        bundle.symptoms = kept
        if not kept and taken_by is not None:
            taken_by.carried += bundle.carried
            bundle.carried = []
    return [bundle for bundle in found if bundle.symptoms]


def _cause_of(bundle: Bundle, one: Symptom, found: list[Bundle], around: Surroundings) -> Bundle | None:
    if bundle.kind is CauseKind.UNCLEAR or one.status is Status.HELD:
        return _silence_at(one, [other for other in found if other is not bundle], around)
    if bundle.kind is CauseKind.SUPERSEDED:
        return _delays(one, [other for other in found if other is not bundle], around)
    if bundle.kind is CauseKind.RULE or bundle.kind is CauseKind.MASTER_DATA or bundle.kind is CauseKind.LOT:
        return _missing_first(one, [other for other in found if other.kind is not bundle.kind])
    return None


def _silence_at(one: Symptom, found: list[Bundle], around: Surroundings) -> Bundle | None:
    """The cause why its target is silent."""
    here = around.instance(one.target, one.plant)
    for kind in _SILENT:
        for other in found:
            if other.kind is kind and any(around.instance(each.target, each.plant) == here for each in other.symptoms):
                return other
    return None


def _delays(one: Symptom, found: list[Bundle], around: Surroundings) -> Bundle | None:
    """The cause that kept an old version back until a newer one was applied: the same flow suffers from it there, or
    the target is hard to reach."""
    here = around.instance(one.target, one.plant)
    for near in (True, False):
        for other in found:
            hinders = PROFILES[other.kind].phase in (Phase.ACCESS, Phase.CAPACITY)
            for each in other.symptoms if not PROFILES[other.kind].harmless else ():
                if near and (each.target, each.flow) == (one.target, one.flow):
                    return other
                if not near and hinders and around.instance(each.target, each.plant) == here:
                    return other
    return None


def _missing_first(one: Symptom, found: list[Bundle]) -> Bundle | None:
    """The cause that keeps back what would have put the lot or the order there that it lacks."""
    for other in found:
        for each in other.symptoms:
            if each.target != one.target or each.plant != one.plant or each.flow == one.flow:
                continue
            if each.flow in _MAKES_LOT and each.lots & one.lots:
                return other
            if each.flow == "production-order-release" and each.orders & one.orders:
                return other
    return None
