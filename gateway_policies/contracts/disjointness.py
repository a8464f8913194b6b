"""Whether nothing can be valid by two schemas at once. True only where that is certain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway_policies.contracts.acceptance import accepts_in
from gateway_policies.contracts.branch import Branch, Conj, Limit
from gateway_policies.contracts.schemas import Schemas

_DEEPEST: Final = 3


@dataclass(frozen=True, slots=True)
class _Sides:
    """Two contracts, and whether an object has but the members that a schema names."""

    one: Schemas
    other: Schemas
    closed_world: bool


def disjoint(
    schemas: Schemas, one: Branch, other: Branch, others: Schemas | None = None, *, closed_world: bool | None = None
) -> bool:
    """Whether two ways to be valid exclude each other.

    Args:
        others: whose the second is, where that is another contract.
        closed_world: whether nothing is valid by both that has members which only one of them names, where both must
            have some of their own; None for what the schemas say of themselves.
    """
    closed = schemas.closed_world if closed_world is None else closed_world
    return _disjoint(_Sides(schemas, others or schemas, closed), one, other, 0)


def _disjoint(sides: _Sides, one: Branch, other: Branch, depth: int) -> bool:
    if one.values is not None:
        return all(accepts_in(sides.other, other, value) is False for value, _ in one.values.values())
    if other.values is not None:
        return all(accepts_in(sides.one, one, value) is False for value, _ in other.values.values())
    return all(_apart(kind, sides, one, other, depth) for kind in one.types & other.types)


def _apart(kind: str, sides: _Sides, one: Branch, other: Branch, depth: int) -> bool:
    if kind == "number":
        return _beyond(one.lower, other.upper) or _beyond(other.lower, one.upper)
    if kind == "string":
        return _sizes(one, other, "minLength", "maxLength")
    if kind == "array":
        return _sizes(one, other, "minItems", "maxItems")
    if kind == "object":
        return _sizes(one, other, "minProperties", "maxProperties") or _members(sides, one, other, depth)
    return False


def _sizes(one: Branch, other: Branch, least: str, most: str) -> bool:
    return _beyond(one.limit(least, largest=True), other.limit(most, largest=False)) or _beyond(
        other.limit(least, largest=True), one.limit(most, largest=False)
    )


def _beyond(lower: Limit | None, upper: Limit | None) -> bool:
    if lower is None or upper is None:
        return False
    return lower.value > upper.value or (lower.value == upper.value and (lower.exclusive or upper.exclusive))


def _members(sides: _Sides, one: Branch, other: Branch, depth: int) -> bool:
    """Whether a member that one must have cannot be in the other."""
    if depth >= _DEEPEST:
        return False
    for name in {**one.required, **other.required}:
        if _separate(sides, one.member(name), other.member(name), depth + 1):
            return True
    own = any(not other.knows(name) for name in one.required)
    return sides.closed_world and own and any(not one.knows(name) for name in other.required)


def _separate(sides: _Sides, mine: Conj, theirs: Conj, depth: int) -> bool:
    if not mine or not theirs:
        return any(each.value is False for each in mine + theirs)
    some, more = sides.one.branches(mine), sides.other.branches(theirs)
    return all(_disjoint(sides, one, other, depth) for one in some for other in more)
