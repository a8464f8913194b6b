"""A cause in sentences: its title, and why it is taken for the cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from transactions.causes.joining import Bundle
from transactions.causes.kinds import CauseKind
from transactions.causes.places import (
    Places,
    flows_in_words,
    listed,
    objects_in_words,
    plants_in_words,
    sources_in_words,
    systems_in_words,
)
from transactions.causes.reading import OVERTAKEN
from transactions.causes.symptoms import Surroundings, Symptom
from transactions.model import Status

_TITLES: dict[CauseKind, str] = {
    CauseKind.UNREACHABLE: "{systems} cannot be reached",
    CauseKind.CERTIFICATE: "The client certificate is not accepted by {systems}",
    CauseKind.CREDENTIALS: "{systems} refuses the credentials: they have expired or changed",
    CauseKind.SCOPE: "The scope for {flows} is missing at {systems}",
    CauseKind.VERSION_RETIRED: "{systems} retired the version in use for {flows}",
    CauseKind.THROTTLED: "{systems} throttles: more is sent than its quota",
    CauseKind.SLOW: "{systems} answers too late",
    CauseKind.DROPPED: "{systems} breaks connections before it answers",
    CauseKind.MATERIAL: "{Objects} is not in {places} ({systems})",
    CauseKind.MASTER_DATA: "Master data is missing in {systems}: {codes}",
    CauseKind.LOT: "{sources} sends lots that no target knows",
    CauseKind.UNIT: "{sources} sends a unit of measure that nobody mapped",
    CauseKind.SCHEMA: "{sources} sends documents that do not keep to the schema",
    CauseKind.MAPPING: "{systems} cannot map what it is sent: {codes}",
    CauseKind.LOCKED: "{Objects} is locked in {systems}",
    CauseKind.APPROVAL: "{Objects} waits for an approval in {systems}",
    CauseKind.PERIOD: "The posting period is closed in {systems}",
    CauseKind.RULE: "{systems} refuses by its rules: {codes}",
    CauseKind.CONFLICT: "{systems} holds something else: {codes}",
    CauseKind.HAND_POSTED: "Somebody posts by hand in {systems}",
    CauseKind.PARKED: "{systems} parks what it accepts",
    CauseKind.PARTIAL: "{systems} posts a part and leaves lines open",
    CauseKind.NOT_APPLIED: "{systems} acknowledges and does not post",
    CauseKind.UNCLEAR: "Nobody knows what {systems} did: it gave no clear answer",
    CauseKind.REPEATED: "{sources} sends the same events again under new message ids",
    CauseKind.QUANTITIES: "Quantities from {sources} are off by {factor}",
    CauseKind.NOT_UNDONE: "{systems} does not reverse what should be undone: {codes}",
    CauseKind.SUPERSEDED: "Old versions came after newer ones at {systems}: nothing is owed",
    CauseKind.KNOWN: "{systems} has it already: nothing is owed",
    CauseKind.MALFORMED: "{sources} sends documents that cannot be read",
}


def words(
    kind: CauseKind, places: Places, around: Surroundings, codes: Iterable[str] = (), factor: str = ""
) -> dict[str, str]:
    """What sentences about a cause are filled in with."""
    objects = objects_in_words(kind, places)
    return {
        "systems": systems_in_words(places, around),
        "sources": sources_in_words(places, around),
        "flows": flows_in_words(places.flows),
        "places": plants_in_words(places.plants) if places.plants else "its plant",
        "objects": objects,
        "Objects": objects[:1].upper() + objects[1:],
        "codes": listed(sorted(set(codes))),
        "factor": factor,
    }


def answers_again(bundle: Bundle, answering: Mapping[str, datetime], around: Surroundings) -> bool:
    """Whether what could not be reached has answered since, everywhere: failures outlive what made them."""
    return bundle.kind is CauseKind.UNREACHABLE and all(
        one.status is not Status.HELD  # by a breaker, which is open then
        and (answered := answering.get(around.instance(one.target, one.plant))) is not None
        and (one.last_seen is None or answered > one.last_seen)
        for one in bundle.symptoms
    )


def title(
    kind: CauseKind,
    filled: Mapping[str, str],
    *,
    cut: str | None = None,
    targets: Iterable[str] = (),
    over: bool = False,
) -> str:
    """The cause in a sentence.

    Args:
        cut: the plant whose line is cut.
        targets: the systems there.
        over: what could not be reached answers again.
    """
    if cut is not None and over:
        return f"The line to plant {cut} was cut: {listed(sorted(targets))} could not be reached, and answer again"
    if over:
        return f"{filled['systems']} could not be reached, and answers again"
    if cut is not None:
        return f"The line to plant {cut} is cut: {listed(sorted(targets))} cannot be reached"
    text = _TITLES[kind].format_map(filled)
    many = filled["Objects"][:1].isdigit()
    return (
        text.replace(" is ", " are ", 1).replace(" waits ", " wait ", 1)
        if many and "{Objects}" in _TITLES[kind]
        else text
    )


def evidence_of(
    bundle: Bundle, losses: Mapping[str, Mapping[str, int]], around: Surroundings, *, over: bool = False
) -> list[str]:
    """Why it is taken for the cause."""
    told = [_said(bundle.symptoms, around)]
    silent = _silence(bundle.symptoms, losses, around)
    if silent:
        told.append(silent)
    if over:
        told.append("There were answers after the last of these failures.")
    groups = {one.group for one in bundle.symptoms if one.group}
    if len(groups) > 1:
        flows = {one.flow for one in bundle.symptoms}
        told.append(f"{len(groups)} groups of {len(flows)} flow{'s' * (len(flows) > 1)} have this in common.")
    waiting = sum(one.behind.transactions for one in bundle.all)
    if waiting:
        told.append(f"{waiting} more wait{'s' * (waiting == 1)} behind {'them' if _count(bundle) > 1 else 'it'}.")
    if bundle.carried:
        codes = sorted({one.code for one in bundle.carried})
        count = sum(one.count for one in bundle.carried)
        told.append(f"It explains {count} more ({listed(codes)}), which are symptoms of it.")
    return told


def _count(bundle: Bundle) -> int:
    return sum(one.count for one in bundle.symptoms)


def _said(symptoms: list[Symptom], around: Surroundings) -> str:
    who = sorted({around.instance(one.target, one.plant) for one in symptoms})
    codes = sorted({one.code for one in symptoms})
    count = sum(one.count for one in symptoms)
    states = sorted({one.status for one in symptoms})
    state = "" if states == [Status.FAILED] else f" ({listed([str(one) for one in states])})"
    return f"{listed(codes)} from {listed(who)}, for {count} transaction{'s' * (count != 1)}{state}."


_SILENCES = {
    "read-timeout": "no answer in time",
    "connection-lost": "connection lost before the answer",
    "connection-refused": "connection refused",
    "connect-timeout": "no connection in time",
}


def _silence(symptoms: list[Symptom], losses: Mapping[str, Mapping[str, int]], around: Surroundings) -> str | None:
    here: dict[str, int] = {}
    if any(one.code in ("breaker-open", "not-applied", OVERTAKEN) for one in symptoms):
        for name in {around.instance(one.target, one.plant) for one in symptoms}:
            for code, count in losses.get(name, {}).items():
                here[code] = here.get(code, 0) + count
    told = [f"{_SILENCES[code]} ({count})" for code, count in sorted(here.items()) if code in _SILENCES]
    return f"Before that: {', '.join(told)}." if told else None
