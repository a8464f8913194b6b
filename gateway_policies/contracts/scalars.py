"""Numbers, texts and arrays of one way to be valid against those of another."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from gateway_policies.contracts.acceptance import LOOSE_FORMATS
from gateway_policies.contracts.branch import WHOLE, Branch, Limit
from gateway_policies.contracts.gaps import Gap, Mark, Need, mark_of
from gateway_policies.contracts.patterns import Unknown, counterexample

_WIDER_FORMATS: Final = {
    "email": {"idn-email"},
    "hostname": {"idn-hostname"},
    "uri": {"uri-reference", "iri", "iri-reference"},
    "uri-reference": {"iri-reference"},
    "iri": {"iri-reference"},
    "int32": {"int64"},
    "float": {"double"},
}
"""Formats by those that have all of their values."""


def numbers(sub: Branch, sup: Branch) -> Iterator[Gap]:
    """What numbers the one lets through and the other does not."""
    if sup.integer is not None and not _multiple(sub, Fraction(1)):
        yield Gap("type", "number", "integer", mark_of(sub, "type"), Mark(sup.integer, "type"))
    yield from _bound("minimum", sub.lower, sup.lower, sub, sup, 1)
    yield from _bound("maximum", sub.upper, sup.upper, sub, sup, -1)
    for each in sup.multiples:
        if not _multiple(sub, each.value):
            mine = sub.multiples[0] if sub.multiples else None
            yield Gap("multiple-of", mine and mine.value, each.value, _mark(mine, sub), Mark(each.node, "multipleOf"))
    yield from _formats(sub, sup, numeric=True)


def _multiple(branch: Branch, of: Fraction) -> bool:
    own = [each.value for each in branch.multiples] + ([Fraction(1)] if branch.integer is not None else [])
    return any((each / of).denominator == 1 for each in own)


def _mark(limit: Limit | None, branch: Branch) -> Mark | None:
    return mark_of(branch) if limit is None else Mark(limit.node, limit.keyword)


def _bound(facet: str, sub: Limit | None, sup: Limit | None, mine: Branch, theirs: Branch, sign: int) -> Iterator[Gap]:
    """A gap where the other's bound is tighter; ``sign`` is 1 for lower bounds, -1 for upper ones."""
    if sup is None:
        return
    if sub is not None:
        ahead = sign * sub.value - sign * sup.value
        if ahead > 0 or (ahead == 0 and (sub.exclusive or not sup.exclusive)):
            return
    yield Gap(facet, sub and _worded(sub), _worded(sup), _mark(sub, mine), _mark(sup, theirs))


def _worded(limit: Limit) -> Fraction | tuple[Fraction, str]:
    return (limit.value, "exclusive") if limit.exclusive else limit.value


def sizes(sub: Branch, sup: Branch, least: str, most: str) -> Iterator[Gap]:
    """What sizes the one lets through and the other does not."""
    low, high = sup.limit(least, largest=True), sup.limit(most, largest=False)
    if low is not None and low.value > 0:
        yield from _bound(least, sub.limit(least, largest=True), low, sub, sup, 1)
    yield from _bound(most, sub.limit(most, largest=False), high, sub, sup, -1)


def strings(sub: Branch, sup: Branch) -> Iterator[Gap]:
    """What texts the one lets through and the other does not."""
    yield from sizes(sub, sup, "minLength", "maxLength")
    for pattern, node in sup.patterns.items():
        gap = _pattern(sub, pattern)
        if gap is not None:
            certain, mine, example = gap
            keyword = mark_of(sub, "pattern")
            told = (pattern, example) if example is not None else pattern
            yield Gap("pattern", mine, told, keyword, Mark(node, "pattern"), certain=certain)
    yield from _formats(sub, sup, numeric=False)


def _pattern(sub: Branch, pattern: str) -> tuple[bool, str | None, str | None] | None:
    """Whether a text gets past ``sub`` and not past the pattern: how sure that is, the closest pattern, such a text."""
    if pattern in sub.patterns:
        return None
    found = [(mine, counterexample(mine, pattern)) for mine in sub.patterns] or [("", counterexample("", pattern))]
    if any(example is None for _, example in found):
        return None
    mine, example = found[0]
    if isinstance(example, Unknown) or example is None:
        return not sub.patterns, mine or None, None
    bounded = any(keyword in node.value for node in sub.nodes for keyword in ("minLength", "maxLength", "format"))
    certain = len(sub.patterns) <= 1 and not bounded
    return certain, mine or None, example


def _formats(sub: Branch, sup: Branch, *, numeric: bool) -> Iterator[Gap]:
    for wanted, node in sup.formats.items():
        if wanted == "password" or (not numeric and (wanted in WHOLE or wanted in LOOSE_FORMATS)):
            continue
        if any(mine == wanted or wanted in _WIDER_FORMATS.get(mine, ()) for mine in sub.formats):
            continue
        if numeric and (wanted not in (*WHOLE, "float", "double") or _within(sub, wanted)):
            continue
        mine = next(iter(sub.formats), None)
        yield Gap(
            "format",
            mine,
            wanted,
            mark_of(sub, "format"),
            Mark(node, "format"),
            certain=bool(numeric or not sub.patterns),
        )


def _within(branch: Branch, wanted: str) -> bool:
    """Whether numbers stay within an integer format by their bounds."""
    reach = WHOLE.get(wanted)
    lower, upper = branch.lower, branch.upper
    return (
        reach is not None
        and lower is not None
        and upper is not None
        and -reach <= lower.value
        and upper.value <= reach - 1
    )


def arrays(sub: Branch, sup: Branch) -> tuple[list[Gap], list[Need]]:
    """What arrays the one lets through and the other does not, and what their items need."""
    gaps = list(sizes(sub, sup, "minItems", "maxItems"))
    most = sub.most_items
    if sup.unique is not None and sub.unique is None and (most is None or most.value > 1):
        gaps.append(Gap("uniqueItems", None, True, mark_of(sub), Mark(sup.unique, "uniqueItems")))
    first = max(sub.first_items, sup.first_items)
    needs = [
        Need(f"[{index}]", sub.item(index), sup.item(index))
        for index in range(first)
        if most is None or most.value > index
    ]
    if most is None or most.value > first:
        needs.append(Need("[]", sub.item(first), sup.item(first)))
    return gaps, needs
