"""Gaps as changes: which id, and how a message says it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NamedTuple

from gateway_policies.contracts.catalogue import BOUNDS
from gateway_policies.contracts.change import Change, Direction, Level
from gateway_policies.contracts.gaps import Gap, Mark
from gateway_policies.contracts.values import shown


@dataclass(frozen=True, slots=True)
class Subject:
    """What a schema describes.

    Attributes:
        prefix: what ids of its changes begin with, ``request-body``.
        words: what messages call it, ``the request body``.
        operation: ``POST /orders``; empty for a schema by itself.
    """

    prefix: str
    words: str
    direction: Direction
    operation: str = ""


class Told(NamedTuple):
    """A gap with what was before and what is after."""

    facet: str
    before: Any
    after: Any
    before_mark: Mark | None
    after_mark: Mark | None
    certain: bool
    name: str | None
    level: Level | None

    @classmethod
    def of(cls, gap: Gap, *, sub_is_older: bool) -> Told:
        """A gap, seen from before to after."""
        mine, theirs = (gap.sub, gap.sub_mark), (gap.sup, gap.sup_mark)
        before, after = (mine, theirs) if sub_is_older else (theirs, mine)
        return cls(gap.facet, before[0], after[0], before[1], after[1], gap.certain, gap.name, gap.level)


def change_of(told: Told, path: str, subject: Subject, level: Level) -> Change:
    """The change that a gap is."""
    own = f"{path}.{told.name}" if path and told.name else told.name or path
    suffix, words = _named(told, subject)
    prefix = f"{subject.direction.value}-property" if own else subject.prefix
    where = f"The property {own} of {subject.words}" if own else subject.words[:1].upper() + subject.words[1:]
    return Change(
        id=suffix if suffix.startswith(("new-", "request-", "response-")) else f"{prefix}-{suffix}",
        level=level,
        message=f"{where} {words}.",
        operations=(subject.operation,) if subject.operation else (),
        path=own,
        before=told.before_mark and told.before_mark.spot,
        after=told.after_mark and told.after_mark.spot,
    )


_PLAIN: Final = {
    "pattern": "pattern",
    "format": "format",
    "multiple-of": "multiple-of",
    "uniqueItems": "unique-items",
    "dependentRequired": "dependent-required",
}
_FLAGS: Final = {
    "null": ("became-nullable", "may be null now", "became-not-nullable", "may no longer be null"),
    "deprecated": ("deprecated", "is deprecated now", "reactivated", "is no longer deprecated"),
    "readOnly": ("became-read-only", "is read-only now", "became-not-read-only", "is no longer read-only"),
    "writeOnly": ("became-write-only", "is write-only now", "became-not-write-only", "is no longer write-only"),
}


def _named(told: Told, subject: Subject) -> tuple[str, str]:
    """How the id ends, and what the message says after what it is about."""
    facet, before, after = told.facet, told.before, told.after
    if facet in BOUNDS:
        return _bound(told)
    if facet in _FLAGS:
        return _flag(told)
    if facet in _PLAIN:
        return _plain(told)
    if facet == "type":
        return _type(str(before), str(after))
    if facet == "property":
        return _property(told, subject)
    if facet == "required":
        return _required(told, subject)
    if facet in ("enum", "enum-value"):
        return _enum(told)
    if facet == "default":
        return _default(before, after)
    return _other(told)


def _bound(told: Told) -> tuple[str, str]:
    stem, words = BOUNDS[told.facet]
    before, after = _amount(told.before), _amount(told.after)
    if told.before is None:
        return f"{stem}-set", f"has a {words} now: {after}"
    if told.after is None:
        return f"{stem}-removed", f"has no {words} any more; it was {before}"
    up = _key(told.after, told.facet) > _key(told.before, told.facet)
    verb, said = ("increased", "raised") if up else ("decreased", "lowered")
    return f"{stem}-{verb}", f"has its {words} {said} from {before} to {after}"


def _key(value: Any, facet: str) -> tuple[Fraction, int]:
    """How bounds follow each other: one that excludes its value lies further in."""
    sign = 1 if facet.startswith("min") else -1
    return (value[0], sign) if isinstance(value, tuple) else (value, 0)


def _amount(value: Any) -> str:
    return f"{shown(value[0])} (itself excluded)" if isinstance(value, tuple) else shown(value)


def _flag(told: Told) -> tuple[str, str]:
    became, now, ended, no_longer = _FLAGS[told.facet]
    yes = told.after in ("nullable", True)
    return (became, now) if yes else (ended, no_longer)


def _plain(told: Told) -> tuple[str, str]:
    stem = _PLAIN[told.facet]
    before, after = (value[0] if isinstance(value, tuple) else value for value in (told.before, told.after))
    added, removed, changed = _PLAIN_WORDS[stem]
    if before is None:
        return f"{stem}-added", added.format(_text(after)) + _example(told)
    if after is None:
        return f"{stem}-removed", removed.format(_text(before)) + _example(told)
    return f"{stem}-changed", changed.format(_text(before), _text(after)) + _example(told)


_PLAIN_WORDS: Final = {
    "pattern": ("must match {} now", "need no longer match {}", "has its pattern changed from {} to {}"),
    "format": ("has the format {} now", "no longer has the format {}", "has its format changed from {} to {}"),
    "multiple-of": (
        "must be a multiple of {} now",
        "need no longer be a multiple of {}",
        "must be a multiple of another number: {} before, {} now",
    ),
    "unique-items": ("takes no item twice now", "takes the same item more than once now", ""),
    "dependent-required": ("has a new rule: {}", "no longer has the rule: {}", ""),
}


def _example(told: Told) -> str:
    """A text that tells two patterns apart."""
    if isinstance(told.after, tuple):
        return f" (no longer, for example, {shown(told.after[1])})"
    return f" (now also, for example, {shown(told.before[1])})" if isinstance(told.before, tuple) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)


def _type(before: str, after: str) -> tuple[str, str]:
    old, new = _types(before), _types(after)
    verb = "changed"
    if _within(new, old):
        verb = "specialized"
    elif _within(old, new):
        verb = "generalized"
    return f"type-{verb}", f"has its type changed from {before} to {after}"


def _types(words: str) -> set[str]:
    if words == "anything":
        return {"array", "boolean", "null", "number", "integer", "object", "string"}
    return set() if words == "nothing" else set(words.split(" or "))


def _within(some: set[str], others: set[str]) -> bool:
    return some <= others | ({"integer"} if "number" in others else set())


def _property(told: Told, subject: Subject) -> tuple[str, str]:
    request = subject.direction is Direction.REQUEST
    if told.after is None:
        kind = "request-property-removed" if request else f"response-{told.before}-property-removed"
        return kind, "was removed"
    if request:
        return f"new-{told.after}-request-property", f"was added, {told.after}"
    return f"response-{told.after}-property-added", f"was added, {told.after}"


def _required(told: Told, subject: Subject) -> tuple[str, str]:
    before, after = told.before, told.after
    if str(after).startswith("required"):
        more = ", with a default" if str(after).endswith("default") else ""
        if before is None and subject.direction is Direction.REQUEST:
            return "new-required-request-property", f"was added, required{more}"
        return "became-required", f"became required{more}"
    return "became-optional", "became optional"


def _enum(told: Told) -> tuple[str, str]:
    if told.facet == "enum":
        if told.after is not None:
            return "became-enum", f"takes only these values now: {shown(told.after)}"
        return "no-longer-enum", f"takes more than the values that were listed: {shown(told.before)}"
    if told.before is not None:
        return "enum-value-removed", f"no longer has the value {shown(told.before[0])}"
    return "enum-value-added", f"has the new value {shown(told.after[0])}"


def _default(before: Any, after: Any) -> tuple[str, str]:
    if before is None:
        return "default-value-added", f"has a default now: {shown(after[0])}"
    if after is None:
        return "default-value-removed", f"has no default any more; it was {shown(before[0])}"
    return "default-value-changed", f"has its default changed from {shown(before[0])} to {shown(after[0])}"


def _other(told: Told) -> tuple[str, str]:
    facet, before, after = told.facet, told.before, told.after
    if facet == "additionalProperties":
        closing = after in ("none", "some")
        strict = after if closing else before
        verbs = ("closed", "opened") if strict == "none" else ("narrowed", "widened")
        said = (
            ("no longer takes properties that it does not name", "takes properties that it does not name now")
            if strict == "none"
            else ("has a schema for properties that it does not name now", "takes any properties beside those named")
        )
        return f"additional-properties-{verbs[0 if closing else 1]}", said[0 if closing else 1]
    if facet == "member":
        if after is not None:
            return "constrained", "is described now, and was let through undescribed before"
        return "unconstrained", "is let through undescribed now, and was described before"
    if facet == "propertyNames":
        verb = "narrowed" if before is not None else "widened"
        return f"property-names-{verb}", "is not a name that is allowed " + ("now" if before is not None else "before")
    if facet == "alternative":
        verb = "removed" if before is not None else "added"
        return f"alternative-{verb}", f"has the alternative {before or after} {verb}"
    if facet == "discriminator":
        return "discriminator-changed", f"tells its alternatives apart by {after}, no longer by {before}"
    if facet in ("contentEncoding", "contentMediaType"):
        stem = "content-encoding" if facet == "contentEncoding" else "content-media-type"
        was, now = (shown(each[0]) if each else "none" for each in (before, after))
        return f"{stem}-changed", f"has its {stem.replace('-', ' ')} changed from {was} to {now}"
    if facet == "condition":
        return (
            "condition-changed",
            f"has another condition ({after or before}), and whether it lets as much through is not known",
        )
    return "not-compared", "is too large or too deep to be compared"
