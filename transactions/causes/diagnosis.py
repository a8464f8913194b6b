"""From evidence to causes: joined, worded, ranked by what they block, with the order in which they are worked off."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import msgspec

from transactions.causes.joining import Bundle, bundles
from transactions.causes.kinds import PROFILES, CauseKind, Helper
from transactions.causes.model import Blocks, Cause, Causes, Step
from transactions.causes.places import Places, in_order, places_of, times
from transactions.causes.reading import OVERTAKEN
from transactions.causes.steps import afterwards, for_lost, for_replaced, for_skewed, for_twins, mend, selecting
from transactions.causes.symptoms import Event, Evidence, Skewed, Surroundings, Symptom, Twin
from transactions.causes.wording import answers_again, evidence_of, title, words
from transactions.model import Risk

_WEIGHT = {Risk.LOW: 1, Risk.OPERATIONAL: 2, Risk.QUALITY: 3, Risk.FINANCIAL: 3}
_IDS = 100  # of a filter that names them one by one
_OBJECTS = 20  # values of a business key that a cause names


def diagnose(evidence: Evidence, around: Surroundings) -> Causes:
    """Every cause, the one that blocks most first.

    Args:
        evidence: what is known of trouble.
        around: the landscape as declared.
    """
    found = [_of_bundle(bundle, evidence, around) for bundle in bundles(evidence, around)]
    found = _with_replaced(_with_lost(found, evidence.lost, around), evidence.replaced, around)
    found += _of_sources(CauseKind.REPEATED, evidence.twins, around)
    found += _of_sources(CauseKind.QUANTITIES, evidence.skewed, around)
    ranked = [cause for cause, _ in sorted(found, key=_rank)]
    order = _ordered(ranked, around)
    places = {name: place for place, name in enumerate(dict.fromkeys(step.cause for step in order), 1)}
    return Causes(
        items=[msgspec.structs.replace(cause, order=places.get(cause.id, len(places) + 1)) for cause in ranked],
        next_cursor=None,
        order=order,
        looked_at=sum(one.count for one in evidence.symptoms),
        reconciled=evidence.reconciled,
    )


def _rank(weighed: tuple[Cause, int]) -> tuple[int, int, float, str]:
    """What blocks most first; of the same weight what began first, and then by name, so that ties are stable."""
    cause, weight = weighed
    return -weight, -cause.blocks.overdue, cause.since.timestamp() if cause.since else 0.0, cause.id


def _ordered(causes: Sequence[Cause], around: Surroundings) -> list[Step]:
    """All steps in the order in which they are taken: by phase, in the sending phase along the chain, then by rank."""
    steps = [(step, rank) for rank, cause in enumerate(causes) for step in cause.first]

    def key(one: tuple[Step, int]) -> tuple[int, int, int]:
        step, rank = one
        flow = around.flows.get(step.flow or "")
        return step.phase, flow.place if flow is not None and step.filter else -1, rank

    return [step for step, _ in sorted(steps, key=key)]


# From failures


def _of_bundle(bundle: Bundle, evidence: Evidence, around: Surroundings) -> tuple[Cause, int]:
    kind = bundle.kind
    places = places_of(bundle.symptoms, around)
    filled = words(kind, places, around, [one.code for one in bundle.symptoms])
    name = _identity(kind, bundle.anchor)
    owner = _owner(kind, places, around)
    blocks, weight = _blocks(bundle.all, harmless=PROFILES[kind].harmless)
    over = answers_again(bundle, evidence.answering, around)
    return (
        Cause(
            id=name,
            kind=kind,
            title=title(kind, filled, cut=bundle.cut, targets=places.targets, over=over),
            help=PROFILES[kind].help,
            owner=owner,
            filter=selecting(bundle),
            groups=sorted({one.group for one in bundle.all if one.group}),
            count=sum(one.count for one in bundle.all),
            blocks=blocks,
            plants=places.plants,
            targets=places.targets,
            flows=places.flows,
            sources=places.sources,
            objects={key: values[:_OBJECTS] for key, values in places.objects.items()},
            since=_when(min, (one.first_seen for one in bundle.symptoms)),
            last_seen=_when(max, (one.last_seen for one in bundle.symptoms)),
            evidence=evidence_of(bundle, evidence.losses, around, over=over),
            first=[
                *mend(name, kind, filled, owner, over=over),
                *afterwards(name, bundle, around, evidence.alike, evidence.replaced),
            ],
            care=list(PROFILES[kind].care),
        ),
        weight,
    )


def _identity(kind: CauseKind, anchor: str) -> str:
    digest = hashlib.sha256(f"{kind}\x1f{anchor}".encode("utf-8", "replace")).hexdigest()
    return f"{kind}-{digest[:8]}"


def _owner(kind: CauseKind, places: Places, around: Surroundings) -> str | None:
    match PROFILES[kind].helper:
        case Helper.MASTER_DATA if "master-data" in around.flows:
            return around.flows["master-data"].owner
        case Helper.FLOW:
            owners = {around.flows[flow].owner for flow in places.flows if flow in around.flows}
            return owners.pop() if len(owners) == 1 else _system_owner(places.targets, around)
        case Helper.SOURCE:
            return _system_owner(places.sources, around)
        case _:
            return _system_owner(places.targets, around)


def _system_owner(names: Iterable[str], around: Surroundings) -> str | None:
    owners = sorted({around.systems[name].owner for name in names if name in around.systems})
    return ", ".join(owners) or None


def _blocks(symptoms: Sequence[Symptom], *, harmless: bool) -> tuple[Blocks, int]:
    """What is blocked, and its weight: by risk, and twice as much where it is past its time."""
    own = [] if harmless else [one for one in symptoms if one.code != OVERTAKEN]
    held = sum(one.behind.transactions for one in symptoms)
    overdue = sum(one.overdue for one in own) + sum(one.behind.overdue for one in symptoms)
    risks = [one.risk for one in own] + [risk for one in symptoms for risk in one.behind.risks]
    weight = sum(_WEIGHT[one.risk] * (one.count + one.overdue) for one in own)
    weight += sum(_WEIGHT[risk] * count for one in symptoms for risk, count in one.behind.risks.items())
    weight += sum(one.behind.overdue for one in symptoms)
    blocks = Blocks(
        transactions=sum(one.count for one in own) + held,
        held=held,
        overdue=overdue,
        orders=len({order for one in symptoms for order in one.orders | one.behind.orders}),
        lots=len({lot for one in symptoms for lot in one.lots | one.behind.lots}),
        risk=max(risks, key=lambda risk: list(Risk).index(risk)) if risks else None,
    )
    return blocks, weight


def _when(choose: Callable[[list[datetime]], datetime], moments: Iterable[datetime | None]) -> datetime | None:
    known = [moment for moment in moments if moment is not None]
    return choose(known) if known else None


# From what the systems themselves say


def _with_lost(found: list[tuple[Cause, int]], lost: Sequence[Event], around: Surroundings) -> list[tuple[Cause, int]]:
    """What is not there goes with the cause that failures at its target tell of already, where there is one."""
    for target in sorted({one.target for one in lost}):
        members = [one for one in lost if one.target == target]
        made, weight = _of_events(CauseKind.NOT_APPLIED, target, members, around)
        known = next((each for each in found if each[0].id == made.id), None)
        if known is None:
            found = [*found, (made, weight)]
        else:
            found = [each for each in found if each is not known] + [
                (_merged(known[0], made, around), known[1] + weight)
            ]
    return found


def _with_replaced(
    found: list[tuple[Cause, int]], replaced: Sequence[Event], around: Surroundings
) -> list[tuple[Cause, int]]:
    """What nobody is owed any more goes with the cause that it failed for, where that shows still."""
    left = list(replaced)
    told = []
    for cause, weight in found:
        mine = [one for one in left if one.group in cause.groups]
        left = [one for one in left if one not in mine]
        steps = [*cause.first, *for_replaced(cause.id, mine)] if mine else cause.first
        told.append((msgspec.structs.replace(cause, first=steps, count=cause.count + len(mine)), weight))
    for target in sorted({one.target for one in left}):
        members = [one for one in left if one.target == target]
        told.append(_of_events(CauseKind.SUPERSEDED, f"{target} since", members, around))
    return told


def _merged(known: Cause, more: Cause, around: Surroundings) -> Cause:
    said = {step.text for step in known.first}
    opened = [step for step in more.first if step.text not in said]
    return msgspec.structs.replace(
        known,
        count=known.count + more.count,
        filter=f"({known.filter}) or ({more.filter})",
        blocks=msgspec.structs.replace(known.blocks, transactions=known.blocks.transactions + more.blocks.transactions),
        plants=sorted({*known.plants, *more.plants}),
        flows=in_order({*known.flows, *more.flows}, around),
        sources=sorted({*known.sources, *more.sources}),
        evidence=[*known.evidence, *more.evidence],
        first=[*known.first, *opened],
    )


def _of_sources(kind: CauseKind, events: Sequence[Event], around: Surroundings) -> list[tuple[Cause, int]]:
    by_source: dict[str, list[Event]] = {}
    for one in events:
        by_source.setdefault(one.source, []).append(one)
    return [_of_events(kind, source, members, around) for source, members in sorted(by_source.items())]


def _of_events(kind: CauseKind, anchor: str, events: Sequence[Event], around: Surroundings) -> tuple[Cause, int]:
    """A cause that no failure tells of."""
    twins = [one for one in events if isinstance(one, Twin)]
    skewed = [one for one in events if isinstance(one, Skewed)]
    lost = events if kind is CauseKind.NOT_APPLIED else []
    replaced = events if kind is CauseKind.SUPERSEDED else []
    places = Places(
        targets=sorted({one.target for one in events}),
        plants=sorted({one.plant for one in events if one.plant is not None}),
        flows=in_order({one.flow for one in events}, around),
        sources=sorted({one.source for one in events}),
        objects={},
    )
    factor = " or ".join(sorted({times(one.factor) for one in skewed}))
    filled = words(kind, places, around, factor=factor)
    name, owner = _identity(kind, anchor), _owner(kind, places, around)
    profile = PROFILES[kind]
    owed = 0 if profile.harmless else len(events)
    risks = [around.flows[one.flow].risk for one in events if one.flow in around.flows]
    steps = [
        *mend(name, kind, filled, owner),
        *(for_twins(name, twins) if twins else ()),
        *(for_skewed(name, skewed) if skewed else ()),
        *(for_lost(name, lost) if lost else ()),
        *(for_replaced(name, replaced) if replaced else ()),
    ]
    cause = Cause(
        id=name,
        kind=kind,
        title=title(kind, filled),
        help=profile.help,
        owner=owner,
        filter=_by_id(events),
        groups=[],
        count=len(events),
        blocks=Blocks(
            transactions=owed,
            held=0,
            overdue=0,
            orders=0,
            lots=0,
            risk=max(risks, key=lambda risk: list(Risk).index(risk)) if risks and owed else None,
        ),
        plants=places.plants,
        targets=places.targets,
        flows=places.flows,
        sources=places.sources,
        objects={},
        since=min(one.created_at for one in events),
        last_seen=max(one.created_at for one in events),
        evidence=_told(twins, skewed, lost, replaced),
        first=sorted(steps, key=lambda step: step.phase),
        care=list(profile.care),
    )
    return cause, sum(_WEIGHT[risk] for risk in risks) if owed else 0


def _by_id(events: Sequence[Event]) -> str:
    return f"id:{','.join(one.id for one in events[:_IDS])}"


def _told(
    twins: Sequence[Twin], skewed: Sequence[Skewed], lost: Sequence[Event], replaced: Sequence[Event]
) -> list[str]:
    told = []
    if twins:
        told.append(
            f"{len(twins)} transactions have the business keys of an earlier one from the same source, and another "
            f"message id; {twins[0].id} is the later one of {twins[0].first}."
        )
    if skewed:
        one = skewed[0]
        told.append(
            f"The systems disagree by exactly {times(one.factor)} times what {len(skewed)} posted documents say: "
            f"{one.object}, {one.id}."
        )
    if lost:
        told.append(
            f"{len(lost)} were acknowledged, and the systems do not have them when they are asked: {lost[0].id}."
        )
    if replaced:
        told.append(f"Of {len(replaced)} that failed, newer versions were applied since: {replaced[0].id}.")
    return told
