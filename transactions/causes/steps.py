"""What to do about a cause, step by step, each with the command where there is one."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from transactions.causes.joining import Bundle
from transactions.causes.kinds import PROFILES, CauseKind, Joins, Phase
from transactions.causes.model import MORE, Doing, Step
from transactions.causes.places import in_order, times
from transactions.causes.reading import OVERTAKEN
from transactions.causes.symptoms import Event, Skewed, Surroundings, Symptom, Twin
from transactions.filters.query import show_value
from transactions.model import Status
from transactions.states import CLOSED

MOST_IDS = 1_000
_NAMED = 3  # ids in a command that is to be read


def mend(cause: str, kind: CauseKind, filled: Mapping[str, str], who: str | None, *, over: bool = False) -> list[Step]:
    """What its people do; where it is over, what they are asked before anything is sent."""
    profile = PROFILES[kind]
    if profile.mend is None:
        return []
    text = (_OVER if over else profile.mend).format_map(filled)
    return [Step(cause=cause, phase=profile.phase, do=Doing.MEND, text=text, who=who)]


_OVER = "Ask whether {systems} will stay up, before much is sent."


def afterwards(
    cause: str, bundle: Bundle, around: Surroundings, alike: Mapping[str, str], replaced_since: Sequence[Event] = ()
) -> list[Step]:
    """What follows when it is mended: what is unclear is closed by evidence, what failed is sent along the chain.

    Args:
        replaced_since: failed ones that newer versions replaced, which filters find and plans leave out.
    """
    profile = PROFILES[bundle.kind]
    steps: list[Step] = []
    unclear = [one for one in bundle.all if one.status in _UNCLEAR]
    steps += _clear(cause, unclear, around)
    failed, carried, replaced = _failed(bundle)
    if bundle.kind is CauseKind.HAND_POSTED:
        steps += _resolve_by_hand(cause, failed, bundle)
    elif profile.harmless or bundle.kind is CauseKind.MALFORMED:
        steps += _discard_failed(cause, failed, bundle)
    for flow in in_order({one.flow for one in [*failed, *carried]}, around):
        if profile.sends:
            own = [one for one in failed if one.flow == flow]
            steps += _send(cause, bundle, own, flow, around, alike, replaced_since)
        steps += _replay(cause, bundle, [one for one in carried if one.flow == flow], flow, replaced_since)
    return [*steps, *_discard_failed(cause, replaced, bundle)]


def _failed(bundle: Bundle) -> tuple[list[Symptom], list[Symptom], list[Symptom]]:
    """Its own failures, those it explains, and versions that were overtaken, which are not sent again."""
    overtaken = bundle.kind is not CauseKind.SUPERSEDED
    replaced = [one for one in bundle.all if overtaken and one.code == OVERTAKEN and one.status is Status.FAILED]
    own = [one for one in bundle.symptoms if one.status is Status.FAILED and one not in replaced]
    explained = [one for one in bundle.carried if one.status is Status.FAILED and one not in replaced]
    return own, explained, replaced


_UNCLEAR = frozenset({Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED})


def _clear(cause: str, symptoms: list[Symptom], around: Surroundings) -> Iterable[Step]:
    by_place: dict[tuple[str, Status], list[Symptom]] = defaultdict(list)
    for one in symptoms:
        by_place[one.target, one.status].append(one)
    for (target, status), here in sorted(by_place.items()):
        asked = target not in around.systems or around.systems[target].asks
        which = f"status:{status} target:{target}"
        if len({one.flow for one in here}) == 1:
            which += f" flow:{here[0].flow}"
        if asked:
            count = sum(one.count for one in here)
            text = (
                f"{target} is asked by itself, again and again, what became of the {count} that "
                f"{'is' if count == 1 else 'are'} {status}; each is closed when it says so."
            )
            look = _command(["tx", "list", "--filter", which])
            yield Step(cause=cause, phase=Phase.CARE, do=Doing.WAIT, text=text, filter=which, command=look)
        else:
            text = f"{target} cannot be asked by key: " + (
                "compare with what it holds ('andon reconcile'), and close each by that evidence, as applied or not."
                if status is Status.IN_DOUBT
                else "when its people say that it is posted, close each as applied, by the document number."
            )
            resolve = ["tx", "resolve", "ID", "--as", "applied", "--evidence", "DOCUMENT", "--reason", "REASON"]
            who = around.systems[target].owner if target in around.systems else None
            yield Step(
                cause=cause,
                phase=Phase.CARE,
                do=Doing.RESOLVE,
                text=text,
                who=who,
                filter=which,
                command=_command(resolve),
            )


def _resolve_by_hand(cause: str, failed: list[Symptom], bundle: Bundle) -> list[Step]:
    which = _filter(bundle, failed)
    text = "Look at the document that each one names, and close it as applied by that number where it is the same."
    resolve = ["tx", "resolve", "ID", "--as", "applied", "--evidence", "DOCUMENT", "--reason", "REASON"]
    return [Step(cause=cause, phase=Phase.CARE, do=Doing.RESOLVE, text=text, filter=which, command=_command(resolve))]


def _discard_failed(cause: str, failed: list[Symptom], bundle: Bundle) -> list[Step]:
    if not failed:
        return []
    which = _filter(bundle, failed)
    command = _command(["tx", "discard", "--filter", which, "--reason", "REASON"])
    text = "Nothing is owed: close them unprocessed, with a reason."
    if bundle.kind is CauseKind.MALFORMED:
        text = "Have them sent anew by their source, and close these unprocessed, with a reason."
    return [Step(cause=cause, phase=Phase.SET_RIGHT, do=Doing.DISCARD, text=text, filter=which, command=command)]


def _send(
    cause: str,
    bundle: Bundle,
    failed: list[Symptom],
    flow: str,
    around: Surroundings,
    alike: Mapping[str, str],
    replaced_since: Sequence[Event],
) -> Iterable[Step]:
    if not PROFILES[bundle.kind].edits:
        yield from _replay(cause, bundle, failed, flow, replaced_since)
        return
    if not failed:
        return
    which, count = _filter(bundle, failed), sum(one.count for one in failed)
    fixed = around.flows[flow].fixed if flow in around.flows else frozenset()
    if bundle.kind is CauseKind.LOT and "lot" in fixed:
        text = (
            f"The lot makes the lane of {flow.replace('-', ' ')}, so that an edit cannot change it: have the right "
            "document sent anew, and discard these."
        )
        command = _command(["tx", "discard", "--filter", which, "--reason", "REASON"])
        yield Step(cause=cause, phase=Phase.SEND, do=Doing.DISCARD, text=text, filter=which, flow=flow, command=command)
        return
    lots = _lots(bundle, failed, alike)
    apart = ", one lot after the other" if len(lots) > 1 else ""
    text = f"Mend {count} document{'s' * (count != 1)} of {flow.replace('-', ' ')}{apart}{_how(lots, alike)}."
    # An edit puts one value into all that it is about: it may take one lot, whichever others are there by then.
    about = f"{which} lot:{show_value(lots[0])}" if lots else which
    edit = ["tx", "edit", "--filter", about, "--set", _PATHS[bundle.kind], "--canary", "1", "--reason", "REASON"]
    yield Step(cause=cause, phase=Phase.SEND, do=Doing.EDIT, text=text, filter=which, flow=flow, command=_command(edit))


def _replay(
    cause: str, bundle: Bundle, failed: list[Symptom], flow: str, replaced_since: Sequence[Event]
) -> Iterable[Step]:
    if failed:
        which, count = _filter(bundle, failed), sum(one.count for one in failed)
        text = f"Replay {count} of {flow.replace('-', ' ')}, one first.{_left_out(bundle, failed, replaced_since)}"
        command = _command(["tx", "replay", "--filter", which, "--canary", "1", "--reason", "REASON"])
        yield Step(cause=cause, phase=Phase.SEND, do=Doing.REPLAY, text=text, filter=which, flow=flow, command=command)


def _left_out(bundle: Bundle, failed: list[Symptom], replaced_since: Sequence[Event]) -> str:
    """What the filter of these finds besides: no filter tells what was replaced, so that a plan finds more than it
    sends."""
    groups, places = {one.group for one in failed}, {(one.flow, one.target) for one in failed}
    plants = {one.plant for one in failed} if _told_apart(bundle, failed) else None
    count = sum(
        one.group in groups and (one.flow, one.target) in places and (plants is None or one.plant in plants)
        for one in replaced_since
    )
    if not count:
        return ""
    what = "1 more that a newer version replaced" if count == 1 else f"{count} more that newer versions replaced"
    return f" The filter finds {what}: the plan leaves {'it' if count == 1 else 'them'} out."


_PATHS = {
    CauseKind.LOT: "$..MaterialLotID=LOT",
    CauseKind.UNIT: "$..UnitOfMeasure=UNIT",
    CauseKind.SCHEMA: "PATH=VALUE",
}


def _lots(bundle: Bundle, failed: list[Symptom], alike: Mapping[str, str]) -> list[str]:
    """The lots that no target knows, those first that look like a known one."""
    if bundle.kind is not CauseKind.LOT:
        return []
    return sorted(
        {lot for one in failed for lot in one.objects.get("lot", [])}, key=lambda lot: (lot not in alike, lot)
    )


def _how(lots: Sequence[str], alike: Mapping[str, str]) -> str:
    told = ", ".join(f"{lot} looks like {alike[lot]}" for lot in lots[:_NAMED] if lot in alike)
    return f": {told}" if told else ", which sends them as well"


def _filter(bundle: Bundle, symptoms: Sequence[Symptom]) -> str:
    """The failed ones of these symptoms, and no others."""
    return f"status:failed {_where(bundle, symptoms)}"


def _where(bundle: Bundle, symptoms: Sequence[Symptom]) -> str:
    """In words that somebody can read and type: what was said, and where."""
    codes = sorted({one.code for one in symptoms})
    plants = sorted({one.plant for one in symptoms if one.plant is not None})
    plain = all(_PLAIN.fullmatch(code) for code in codes)
    parts = [f"code:{','.join(codes)}" if plain else f"group:{','.join(sorted({one.group for one in symptoms}))}"]
    parts += [f"flow:{','.join(sorted({one.flow for one in symptoms}))}"]
    parts += [f"target:{','.join(sorted({one.target for one in symptoms}))}"]
    if PROFILES[bundle.kind].joins in (Joins.SOURCE, Joins.SOURCE_CODE):
        parts.append(f"source:{','.join(sorted({one.source for one in symptoms}))}")
    if _told_apart(bundle, symptoms):
        parts.append(f"plant:{','.join(plants)}")
    return " ".join(parts)


def _told_apart(bundle: Bundle, symptoms: Sequence[Symptom]) -> bool:
    """Whether a filter has to name their plants."""
    by_plant = bundle.kind in _BY_INSTANCE or PROFILES[bundle.kind].joins is Joins.NEIGHBOURS
    return by_plant and all(one.plant is not None for one in symptoms)


_BY_INSTANCE = (CauseKind.UNREACHABLE, CauseKind.SLOW, CauseKind.DROPPED)
"""At one plant's instance of a system it may be one of these, at another's another, with the same code."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def selecting(bundle: Bundle) -> str:
    """A filter for all that is in trouble because of it."""
    parts = []
    for symptoms in (bundle.symptoms, bundle.carried):
        own = [one for one in symptoms if one.status is not Status.HELD]
        held = [one for one in symptoms if one.status is Status.HELD]
        if own:
            parts.append(f"status:{','.join(sorted({one.status for one in own}))} {_where(bundle, own)}")
        if held:
            parts.append(f"status:held target:{','.join(sorted({one.target for one in held}))} waiting_on:breaker*")
    return parts[0] if len(parts) == 1 else " or ".join(f"({part})" for part in parts)


# Causes that no failure tells of


def for_twins(cause: str, twins: Sequence[Twin]) -> list[Step]:
    """Stop the intake, close the later ones that are not posted, take back the later ones that are."""
    steps = _holds(cause, {(one.flow, one.plant) for one in twins}, "resent under new message ids")
    waiting = [one.id for one in twins if one.status not in CLOSED and one.status not in _UNCLEAR]
    posted = [one.id for one in sorted(twins, key=lambda one: one.created_at, reverse=True) if one.status in _POSTED]
    if waiting:
        text = f"Close the {len(waiting)} later ones that are not posted yet, before anything is replayed."
        steps.append(_of_ids(cause, Phase.STOP, Doing.DISCARD, text, waiting, "discard"))
    if posted:
        text = (
            f"Take back the {len(posted)} later ones that were posted, newest first; the first of each stays. What was "
            "built on one meanwhile is named by the plan, and is reversed before."
        )
        steps.append(_of_ids(cause, Phase.SET_RIGHT, Doing.COMPENSATE, text, posted, "compensate"))
    return steps + _releases(cause, steps)


_POSTED = frozenset({Status.PROCESSED, Status.RESOLVED})


def for_skewed(cause: str, skewed: Sequence[Skewed]) -> list[Step]:
    """Hold the flow, correct what was posted since."""
    steps = _holds(cause, {(one.flow, one.plant) for one in skewed}, "quantities are wrong")
    ids = [one.id for one in sorted(skewed, key=lambda one: one.created_at, reverse=True)]
    text = (
        f"Correct the {len(ids)} that were posted: reversed, and posted with {_factor(skewed)} times the quantity. "
        "What was built on one meanwhile is named by the plan, and is reversed before."
    )
    steps.append(_of_ids(cause, Phase.SET_RIGHT, Doing.CORRECT, text, ids, "correct"))
    return steps + _releases(cause, steps)


def _factor(skewed: Sequence[Skewed]) -> str:
    return " or ".join(sorted({times(one.factor) for one in skewed}))


def for_lost(cause: str, lost: Sequence[Event]) -> list[Step]:
    """Open again what was acknowledged and is not there."""
    ids = [one.id for one in sorted(lost, key=lambda one: one.created_at)]
    text = f"Open the {len(ids)} again that the systems themselves do not have; each is asked for once more first."
    command = _command(["reconcile", "orders", "--reopen", "--reason", "REASON"])
    reopen = _of_ids(cause, Phase.CARE, Doing.REOPEN, text, ids, "reopen")
    again = "kind:acknowledged-not-applied status:failed"
    return [
        msgspec.structs.replace(reopen, command=command),
        Step(
            cause=cause,
            phase=Phase.SEND,
            do=Doing.REPLAY,
            text=f"Replay the {len(ids)} that were opened again, one first.",
            filter=again,
            command=_command(["tx", "replay", "--filter", again, "--canary", "1", "--reason", "REASON"]),
        ),
    ]


def for_replaced(cause: str, replaced: Sequence[Event]) -> list[Step]:
    """Close what nobody is owed any more."""
    text = f"Close the {len(replaced)} unprocessed, with a reason: newer versions of the same were applied."
    ids = [one.id for one in replaced]
    return [_of_ids(cause, Phase.SET_RIGHT, Doing.DISCARD, text, ids, "discard")]


def _holds(cause: str, places: set[tuple[str, str | None]], why: str) -> list[Step]:
    return [
        Step(
            cause=cause,
            phase=Phase.STOP,
            do=Doing.HOLD,
            text=f"Hold {_place(flow, plant)}, so that no more of it is posted.",
            flow=flow,
            plant=plant,
            command=_command(["systems", "hold", *_at(flow, plant), "--reason", why]),
        )
        for flow, plant in sorted(places, key=str)
    ]


def _releases(cause: str, steps: Sequence[Step]) -> list[Step]:
    return [
        Step(
            cause=cause,
            phase=Phase.LET_GO,
            do=Doing.RELEASE,
            text=f"Let {step.flow.replace('-', ' ')} go again when its source is mended.",
            flow=step.flow,
            plant=step.plant,
            command=_command(["systems", "release", *_at(step.flow, step.plant), "--reason", "REASON"]),
        )
        for step in steps
        if step.do is Doing.HOLD and step.flow is not None
    ]


def _place(flow: str, plant: str | None) -> str:
    return flow.replace("-", " ") + (f" of plant {plant}" if plant else "")


def _at(flow: str, plant: str | None) -> list[str]:
    return ["--flow", flow, *(["--plant", plant] if plant else [])]


def _of_ids(cause: str, phase: Phase, do: Doing, text: str, ids: list[str], verb: str) -> Step:
    some = ids[:_NAMED] + ([MORE] if len(ids) > _NAMED else [])
    return Step(
        cause=cause,
        phase=phase,
        do=do,
        text=text,
        ids=ids[:MOST_IDS],
        command=_command(["tx", verb, *some, "--reason", "REASON"]),
    )


_BARE = frozenset({"REASON", "DOCUMENT", "ID", MORE})


def _command(words: Sequence[str]) -> str:
    return " ".join(["andon", *(word if word in _BARE else shlex.quote(word) for word in words)])
