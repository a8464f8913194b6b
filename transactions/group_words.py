"""Groups in sentences: what one is, what is known of it, what to do; and why two of them are two."""

from __future__ import annotations

from datetime import datetime, timedelta
from difflib import SequenceMatcher

from msgspec import Struct

from transactions.durations import short
from transactions.explanation import what_helps, what_never
from transactions.groups import Group, GroupDifference, Part
from transactions.model import Help

_PARTS = ("flow", "target", "kind", "code")
_ALIKE = 0.5
"""Share of the words of two templates that are the same, from which on their places are told."""
_PLACES = 3
"""Places of a template that a sentence names."""


class GroupWords(Struct, frozen=True, kw_only=True):
    """A group in sentences; data is in them as it came, so clean them to show them.

    Attributes:
        what: what it is and how many.
        where: at which plants, how many overdue, what waits behind them.
        when: since when, and how old the oldest is.
        repeats: what replays came to; empty where there were none.
        helps, never: what to do first, and what not to do.
    """

    what: str
    where: str
    when: str
    repeats: str
    helps: str
    never: str


def describe(group: Group, now: datetime) -> GroupWords:
    """What a person needs to know of a group before touching it.

    Args:
        group: as it is now.
        now: the moment that ages count from.
    """
    how_many = f"{group.count:,} failed transactions" if group.count != 1 else "1 failed transaction"
    what = f"{how_many} of {group.flow} to {group.target}: {group.kind} {group.code}, \u201c{group.template}\u201d"
    ages = f"first seen {_ago(now - group.first_seen)}, last {_ago(now - group.last_seen)}"
    if group.oldest_failed_at is not None:
        ages += f"; the oldest that is still failed is {short(now - group.oldest_failed_at)} old"
    helps = what_helps(Help(group.help))
    return GroupWords(
        what=what,
        where=_where(group),
        when=ages,
        repeats=_repeats(group),
        helps=helps + (f" (owner: {group.owner})" if group.owner else ""),
        never=what_never(Help(group.help)),
    )


def badge(group: Group) -> str:
    """That a group comes back after replays, in a few characters; empty where it does not."""
    return f"\u21bb {group.repeated}/{group.replayed}" if group.repeated else ""


def _ago(span: timedelta) -> str:
    return f"{short(span)} ago"


def _where(group: Group) -> str:
    plants = sorted(group.plants.items(), key=lambda place: (-place[1], place[0]))
    parts = [", ".join(f"{plant or 'no plant'} {count:,}" for plant, count in plants) or "nowhere now"]
    if group.overdue:
        parts.append(f"{group.overdue:,} overdue")
    if group.blocked:
        parts.append(f"{group.blocked:,} held behind {'it' if group.count == 1 else 'them'}")
    return "; ".join(parts)


def _repeats(group: Group) -> str:
    if not group.replayed:
        return ""
    if not group.repeated:
        return f"{group.replayed:,} replayed, and none of them failed for this cause again"
    told = f"{group.replayed:,} replayed, of which {group.repeated:,} failed for the same cause again"
    return f"{told}: replaying alone does not help" if 2 * group.repeated >= group.replayed else told


def compare(this: Group, other: Group) -> GroupDifference:
    """Why two groups are not one: which parts of their fingerprints differ, and where their messages do."""
    parts = [
        Part(name=name, this=getattr(this, name), other=getattr(other, name))
        for name in _PARTS
        if getattr(this, name) != getattr(other, name)
    ]
    if this.template != other.template:
        parts.append(Part(name="template", this=this.template, other=other.template))
    return GroupDifference(
        fingerprint=this.fingerprint, other=other.fingerprint, parts=parts, because=_because(this, other, parts)
    )


def _because(this: Group, other: Group, parts: list[Part]) -> str:
    if this.fingerprint == other.fingerprint:
        return "They are one group."
    if not parts:  # what tells them apart is masked
        return "They differ in what is masked, and so not shown."
    told = [f"{part.name} {part.this} and {part.other}" for part in parts if part.name != "template"]
    if this.template == other.template:
        return f"They have the same message and differ in {_listed(told)}."
    where = _words(this.template, other.template)
    return f"They differ in {_listed(told)}, and {where}." if told else f"Only their messages differ: {where}."


def _words(this: str, other: str) -> str:
    """Where two templates differ, word by word."""
    mine, theirs = this.split(), other.split()
    matcher = SequenceMatcher(a=mine, b=theirs, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return "their messages are not alike"
    steps, places = matcher.get_opcodes(), []
    for kind, start, end, other_start, other_end in steps:
        left, right = " ".join(mine[start:end]), " ".join(theirs[other_start:other_end])
        if kind == "replace":
            places.append(f"at word {start + 1} one says \u201c{left}\u201d, the other \u201c{right}\u201d")
        elif kind == "delete":
            places.append(f"only the first says \u201c{left}\u201d, at word {start + 1}")
        elif kind == "insert":
            places.append(f"only the second says \u201c{right}\u201d, at word {other_start + 1}")
    shown = places[:_PLACES]
    more = f", and {len(places) - _PLACES} more places" if len(places) > _PLACES else ""
    return "; ".join(shown) + more


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
