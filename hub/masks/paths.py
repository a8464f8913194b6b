"""Paths as patterns of steps: whether what one path finds may lie inside, or around, what another one masks.

Decided without a document: a filter, a slice or a predicate may select anything.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

import jsonpath_rfc9535
from jsonpath_rfc9535.segments import JSONPathChildSegment
from jsonpath_rfc9535.selectors import IndexSelector, NameSelector
from msgspec import Struct


class Any_(Enum):  # noqa: N801 - a marker, not a type to make more of
    """Any member, item, element or attribute."""

    ANY = "*"


ANY = Any_.ANY


class Step(Struct, frozen=True):
    """One level of a path, or, where ``deep``, that level after any number of others.

    Attributes:
        what: names (text) and indexes (numbers), or any.
        attribute: it is an XML attribute.
    """

    what: frozenset[str | int] | Any_
    deep: bool = False
    attribute: bool = False

    def meets(self, other: Step) -> bool:
        """Whether both may select the same node."""
        if self.attribute is not other.attribute:
            return False
        if self.what is ANY or other.what is ANY:
            return True
        assert not isinstance(self.what, Any_)
        assert not isinstance(other.what, Any_)
        # an index from the end may be any index
        ends = any(isinstance(one, int) and one < 0 for one in self.what | other.what)
        indexes = all(any(isinstance(one, int) for one in side) for side in (self.what, other.what))
        return bool(self.what & other.what) or (ends and indexes)


Pattern = tuple[Step, ...]


@lru_cache(maxsize=4096)
def json_pattern(path: str) -> Pattern:
    """The steps of a JSONPath.

    Raises:
        jsonpath_rfc9535.JSONPathError: it is none.
    """
    steps = []
    for segment in jsonpath_rfc9535.compile(path).segments:
        named: set[str | int] = set()
        for selector in segment.selectors:
            if isinstance(selector, NameSelector):
                named.add(selector.name)
            elif isinstance(selector, IndexSelector):
                named.add(selector.index)
            else:
                named.clear()
                break
        steps.append(Step(frozenset(named) if named else ANY, deep=type(segment) is not JSONPathChildSegment))
    return tuple(steps)


_STEP = re.compile(r"(?P<sep>//?)(?P<at>@?)(?P<name>[^\W\d][\w.-]*|\*)")


@lru_cache(maxsize=4096)
def xml_pattern(path: str) -> Pattern | None:
    """The steps of an XPath that goes down by names to elements or an attribute, whatever its predicates; None where
    it is another expression (a function, a union, another axis)."""
    bare = _without_predicates(path.strip())
    if bare is None:
        return None
    # a relative path starts at the root element
    if bare.startswith("./"):
        bare = f"/*{bare[1:]}"
    elif not bare.startswith("/"):
        bare = f"/*/{bare}"
    steps: list[Step] = []
    position = 0
    while position < len(bare):
        match = _STEP.match(bare, position)
        if match is None or (steps and steps[-1].attribute):
            return None
        name = match["name"]
        steps.append(
            Step(ANY if name == "*" else frozenset({name}), deep=match["sep"] == "//", attribute=bool(match["at"]))
        )
        position = match.end()
    return tuple(steps) or None


def _without_predicates(path: str) -> str | None:
    """The path with every ``[…]`` taken out; None where brackets or quotes do not match."""
    kept: list[str] = []
    depth, quote = 0, ""
    for char in path:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            if not depth:
                return None  # a literal outside a predicate belongs to no location path
            quote = char
        elif char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
            if depth < 0:
                return None
        elif not depth:
            kept.append(char)
    return None if depth or quote else "".join(kept)


def json_covers(mask: str, key: str) -> bool:
    """Whether ``key`` may find a value at, or inside, what ``mask`` masks."""
    masked, keyed = json_pattern(mask), json_pattern(key)
    return not masked or _meets(masked, keyed, whole=False)  # `$` masks all there is


def xml_covers(mask: str, key: str) -> bool:
    """Whether ``key`` may find an element or attribute at or inside what ``mask`` masks, or an element around it,
    whose text is that of all it contains. What cannot be told counts as covered."""
    masked = xml_pattern(mask)
    if masked is None:
        return True
    keyed = [xml_pattern(part.removesuffix("/text()")) for part in _alternatives(key)]
    return any(
        one is None or _meets(masked, one, whole=not one[-1].attribute and not masked[-1].attribute) for one in keyed
    )


def _alternatives(path: str) -> list[str]:
    """The parts of a union; a ``|`` inside a predicate makes parts that are no paths, which counts as covered."""
    return [part.strip() for part in path.split("|")]


def _meets(mask: Pattern, key: Pattern, *, whole: bool) -> bool:
    """Whether some node on the way to what ``key`` finds, or that node itself, is found by ``mask``; with ``whole``
    also whether ``mask`` finds something inside it.

    Levels that a path leaves open (``//``) may be those that the other one names on its way, and never the end of the
    mask: else ``//Order`` could lie in a masked ``//Customer``, and no key could be told from any mask. Where a
    document is built so, :meth:`hub.masks.flow.FlowMasks.keys_in_masks` sees it.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [(0, 0)]
    while waiting:
        place = waiting.pop()
        m, k = place
        if place in seen or k == len(key):
            continue
        seen.add(place)
        if mask[m].meets(key[k]):
            if m + 1 == len(mask) or (whole and k + 1 == len(key)):
                return True
            waiting.append((m + 1, k + 1))
        if mask[m].deep:
            waiting.append((m, k + 1))
        if key[k].deep and m + 1 < len(mask):
            waiting.append((m + 1, k))
    return False


def is_exact(pattern: Pattern) -> bool:
    """Whether a JSONPath says at which depth it finds, so that what it covers is certain without a document."""
    return not any(step.deep for step in pattern)


def last_names(pattern: Pattern) -> frozenset[str]:
    """The name of what a path finds: its own, else that of the nearest around it that has one; none for a path
    without any."""
    for step in reversed(pattern):
        if not isinstance(step.what, Any_) and (names := [one for one in step.what if isinstance(one, str)]):
            return frozenset(names)
    return frozenset()
