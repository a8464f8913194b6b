"""Whether nothing can be valid by two schemas at once. True only where that is certain."""

from __future__ import annotations

from typing import Final

from gateway_policies.contracts.acceptance import accepts_in
from gateway_policies.contracts.branch import Branch, Conj, Limit
from gateway_policies.contracts.schemas import Schemas

_DEEPEST: Final = 3


def disjoint(schemas: Schemas, one: Branch, other: Branch, others: Schemas | None = None, depth: int = 0) -> bool:
    """Whether two ways to be valid exclude each other; the second may be of another contract.

    Where a contract does not say whether more members may come, those that it names are taken for all there are.
    """
    others = others or schemas
    if one.values is not None:
        return all(accepts_in(others, other, value) is False for value, _ in one.values.values())
    if other.values is not None:
        return all(accepts_in(schemas, one, value) is False for value, _ in other.values.values())
    return all(_apart(kind, schemas, one, others, other, depth) for kind in one.types & other.types)


def _apart(kind: str, schemas: Schemas, one: Branch, others: Schemas, other: Branch, depth: int) -> bool:
    if kind == "number":
        return _beyond(one.lower, other.upper) or _beyond(other.lower, one.upper)
    if kind == "string":
        return _sizes(one, other, "minLength", "maxLength")
    if kind == "array":
        return _sizes(one, other, "minItems", "maxItems")
    if kind == "object":
        return _sizes(one, other, "minProperties", "maxProperties") or _members(
            schemas, one, others, other, depth, closed_world=schemas.closed_world
        )
    return False


def _sizes(one: Branch, other: Branch, least: str, most: str) -> bool:
    return _beyond(one.limit(least, largest=True), other.limit(most, largest=False)) or _beyond(
        other.limit(least, largest=True), one.limit(most, largest=False)
    )


def _beyond(lower: Limit | None, upper: Limit | None) -> bool:
    if lower is None or upper is None:
        return False
    return lower.value > upper.value or (lower.value == upper.value and (lower.exclusive or upper.exclusive))


def _members(schemas: Schemas, one: Branch, others: Schemas, other: Branch, depth: int, *, closed_world: bool) -> bool:
    """Whether a member that one must have cannot be in the other."""
    if depth >= _DEEPEST:
        return False
    for name in {**one.required, **other.required}:
        mine, theirs = one.member(name), other.member(name)
        if _separate(schemas, mine, others, theirs, depth + 1):
            return True
        if closed_world and name in one.required and not other.knows(name):
            return True
        if closed_world and name in other.required and not one.knows(name):
            return True
    return False


def _separate(schemas: Schemas, mine: Conj, others: Schemas, theirs: Conj, depth: int) -> bool:
    if not mine or not theirs:
        return any(each.value is False for each in mine + theirs)
    some, more = schemas.branches(mine), others.branches(theirs)
    return all(disjoint(schemas, one, other, others, depth) for one in some for other in more)
