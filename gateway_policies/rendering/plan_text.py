"""A plan for a terminal: the verdict first, then what is dangerous, then the rest."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from gateway_policies.planning.model import Change, Hazard, Plan
from gateway_policies.rendering import plan_words as words

SHOWN = 40
"""How many of the harmless changes are told before the rest is only counted."""

_FIELDS = 6


class Tone(StrEnum):
    """What a line is, for whoever colours it."""

    VERDICT = "verdict"
    TITLE = "title"
    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    DETAIL = "detail"
    DRIFT = "drift"
    BLOCKED = "blocked"
    NOTE = "note"


class Line(Struct, frozen=True):
    """A line of text, indented as it is to be shown."""

    tone: Tone
    text: str


_SECOND = "a second person has to approve"
_TONES = {"+": Tone.ADD, "-": Tone.REMOVE}


def plan_lines(plan: Plan, *, verbose: bool = False, folder: str = "") -> Iterator[Line]:
    """A plan, line by line.

    Args:
        verbose: every change with all of its facts, whom it meets, and how it is undone.
        folder: of the policies, from where the reader is.
    """
    yield Line(Tone.VERDICT, plan.verdict.text)
    harmless = all(each.hazard is Hazard.NONE for each in plan.changes)
    for hazard, changes in words.sections(plan):
        yield Line(Tone.NOTE, "")
        yield Line(Tone.TITLE, "Changes" if harmless else words.TITLES[hazard])
        shown = changes if verbose or hazard is not Hazard.NONE else _first(changes)
        width = max(len(words.heading(each)) for each in shown) if len(shown) > 1 else 0
        for change in shown:
            yield from _change(change, min(width, 60), verbose=verbose, folder=folder, back_to=plan.back_to)
        if len(shown) < len(changes):
            yield Line(Tone.NOTE, f"  and {_counted(changes, shown)} more: --verbose tells all")
    told = list(words.notes(plan))
    if told:
        yield Line(Tone.NOTE, "")
    for each in told:
        yield Line(Tone.NOTE, each)


def change_lines(change: Change) -> Iterator[Line]:
    """All there is to say of one change, below its address."""
    for tone, text in _details(change, verbose=True):
        yield Line(tone, text)


def _first(changes: list[Change]) -> list[Change]:
    """As many as fit; what is blocked or drifted is always told."""
    if len(changes) <= SHOWN:
        return changes
    loud = {each.id for each in changes if each.blocked or each.drifted or each.second_person}
    room = max(0, SHOWN - len(loud))
    quiet = {each.id for each in [each for each in changes if each.id not in loud][:room]}
    return [each for each in changes if each.id in loud or each.id in quiet]


def _counted(changes: list[Change], shown: list[Change]) -> str:
    seen = {each.id for each in shown}
    counts: dict[str, int] = {}
    for each in changes:
        if each.id not in seen:
            sign = words.SIGNS[each.action]
            counts[sign] = counts.get(sign, 0) + 1
    return ", ".join(f"{sign}{count:,}" for sign, count in counts.items())


def _change(change: Change, width: int, *, verbose: bool, folder: str, back_to: int | None) -> Iterator[Line]:
    sign = words.SIGNS[change.action]
    place = words.place(change, folder)
    first = f"  {sign} {words.heading(change):<{width if place else 0}}  {place}".rstrip()
    yield Line(_TONES.get(sign, Tone.CHANGE), first)
    details = list(_details(change, verbose=verbose, back_to=back_to))
    if change.because and len(details) > 1 and details[1][1] == _SECOND:  # nothing in between: one line says both
        details[:2] = [(Tone.DETAIL, f"{details[0][1]}: {_SECOND}")]
    yield from (Line(tone, f"      {text}") for tone, text in details)


def _details(change: Change, *, verbose: bool, back_to: int | None = None) -> Iterator[tuple[Tone, str]]:
    if change.because:
        yield Tone.DETAIL, words.why(change)
    origin = words.origin(change, back_to)
    if origin is not None:
        yield Tone.DRIFT, origin
    fields = change.fields if verbose else change.fields[:_FIELDS]
    for each in fields:
        yield (Tone.DETAIL if each.moved == "pending" else Tone.DRIFT), words.field(each)
    if len(fields) < len(change.fields):
        yield Tone.DETAIL, f"and {len(change.fields) - len(fields)} more: --verbose tells all"
    if verbose:
        for fact in words.facts(change):
            yield Tone.DETAIL, fact
    along = words.moved_along(change)
    if along is not None:
        yield Tone.DETAIL, along
    calls = words.calls(change.impact)
    if calls is not None and (verbose or not (change.hazard is Hazard.NONE or words.says_calls(change))):
        yield Tone.DETAIL, calls
    for blocker in change.blockers:
        yield (Tone.BLOCKED if blocker.open else Tone.DETAIL), words.blocker(blocker)
    if change.second_person:
        yield Tone.DETAIL, _SECOND
    needed = words.needed_by(change, len(change.needed_by)) if verbose else words.needed_by(change)
    if needed is not None:
        yield Tone.DETAIL, needed
    if verbose:
        if change.impact.may_call:
            yield Tone.DETAIL, f"may call: {', '.join(change.impact.may_call)}"
        yield from ((Tone.DETAIL, f"{each.from_} → {each.to}") for each in change.moves)
        yield Tone.DETAIL, f"to undo: {change.inverse.summary}"
