"""Whether one value is valid by a schema; None where that cannot be told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from gateway_policies.contracts.branch import WHOLE, Branch, Conj, Opaque
from gateway_policies.contracts.patterns import matches
from gateway_policies.contracts.schemas import Schemas
from gateway_policies.contracts.values import key_of, number, type_of

LOOSE_FORMATS: Final = frozenset({"password", "float", "double", "decimal"})
"""Formats that say how to show or to store a value, not which values there are."""
_DEEPEST: Final = 40
_NO_FORMATS: Final[frozenset[str]] = frozenset()


class _Asked:
    """What was asked on the way to one answer: each schema once for each value, and not too deep.

    Values are told apart by where they are kept, which holds as long as the question does.
    """

    __slots__ = ("depth", "known")

    def __init__(self) -> None:
        self.depth = 0
        self.known: dict[tuple[Conj, int], bool | None] = {}


def accepts(schemas: Schemas, wanted: Conj, value: Any, granted: frozenset[str] = _NO_FORMATS) -> bool | None:
    """Whether a value is valid by all of some schemas.

    Args:
        granted: formats that the value is known to have.
    """
    asked = _Asked()
    return _any(_accepts_in(schemas, branch, value, granted, asked) for branch in schemas.branches(wanted))


def accepts_in(schemas: Schemas, branch: Branch, value: Any) -> bool | None:
    """Whether a value is valid in this way."""
    return _accepts_in(schemas, branch, value, _NO_FORMATS, _Asked())


def _accepts(schemas: Schemas, wanted: Conj, value: Any, asked: _Asked) -> bool | None:
    key = wanted, id(value)
    if key in asked.known:
        return asked.known[key]
    # Until there is an answer, who asks again on the way to it is not told.
    asked.known[key] = None
    if asked.depth < _DEEPEST:
        asked.depth += 1
        asked.known[key] = _any(
            _accepts_in(schemas, branch, value, _NO_FORMATS, asked) for branch in schemas.branches(wanted)
        )
        asked.depth -= 1
    return asked.known[key]


def _accepts_in(schemas: Schemas, branch: Branch, value: Any, granted: frozenset[str], asked: _Asked) -> bool | None:
    kind = type_of(value)
    if kind not in branch.types or (branch.values is not None and key_of(value) not in branch.values):
        return False
    checks: list[bool | None] = [_condition(schemas, each, value, asked) for each in branch.opaques]
    if kind == "number":
        checks += _number(branch, value)
    elif kind == "string":
        checks += _string(branch, value, granted)
    elif kind == "array":
        checks += _array(schemas, branch, value, asked)
    elif kind == "object":
        checks += _object(schemas, branch, value, asked)
    return _all(checks)


def _condition(schemas: Schemas, opaque: Opaque, value: Any, asked: _Asked) -> bool | None:
    node = opaque.node.get(opaque.keyword)
    if node is None:
        return None
    if opaque.keyword == "not":
        found = _accepts(schemas, (node,), value, asked)
        return None if found is None else not found
    if opaque.keyword == "oneOf":
        each = [_accepts(schemas, (child,), value, asked) for child in node.items()]
        if each.count(True) > 1:
            return False
        return None if None in each else each.count(True) == 1
    if opaque.keyword == "contains" and not isinstance(value, list):
        return True
    if opaque.keyword == "dependentSchemas" and not isinstance(value, dict):
        return True
    return None


def _number(branch: Branch, value: Any) -> list[bool | None]:
    exact = number(value)
    if exact is None:
        return [None]
    lower, upper = branch.lower, branch.upper
    found: list[bool | None] = [branch.integer is None or exact.denominator == 1]
    if lower is not None:
        found.append(exact > lower.value or (exact == lower.value and not lower.exclusive))
    if upper is not None:
        found.append(exact < upper.value or (exact == upper.value and not upper.exclusive))
    found.extend((exact / each.value).denominator == 1 for each in branch.multiples)
    found.extend(-WHOLE[each] <= exact < WHOLE[each] for each in branch.formats if each in WHOLE)
    return found


def _string(branch: Branch, value: str, granted: frozenset[str]) -> list[bool | None]:
    least, most = branch.limit("minLength", largest=True), branch.limit("maxLength", largest=False)
    found: list[bool | None] = [least is None or len(value) >= least.value, most is None or len(value) <= most.value]
    found.extend(matches(pattern, value) for pattern in branch.patterns)
    found.extend(True if each in granted or each in LOOSE_FORMATS else None for each in branch.formats)
    return found


def _array(schemas: Schemas, branch: Branch, value: list[Any], asked: _Asked) -> list[bool | None]:
    least, most = branch.limit("minItems", largest=True), branch.most_items
    found: list[bool | None] = [least is None or len(value) >= least.value, most is None or len(value) <= most.value]
    if branch.unique is not None:
        found.append(len({key_of(each) for each in value}) == len(value))
    found.extend(_accepts(schemas, branch.item(index), each, asked) for index, each in enumerate(value))
    return found


def _object(schemas: Schemas, branch: Branch, value: dict[str, Any], asked: _Asked) -> list[bool | None]:
    least, most = branch.limit("minProperties", largest=True), branch.limit("maxProperties", largest=False)
    found: list[bool | None] = [least is None or len(value) >= least.value, most is None or len(value) <= most.value]
    found.append(all(name in value for name in branch.required))
    found.append(all(need in value for name, needs in branch.dependent.items() if name in value for need in needs))
    found.extend(_accepts(schemas, branch.member(name), each, asked) for name, each in value.items())
    if branch.name_rules:
        found.extend(_accepts(schemas, branch.name_rules, name, asked) for name in value)
    return found


def _all(checks: Iterable[bool | None]) -> bool | None:
    found = list(checks)
    if False in found:
        return False
    return None if None in found else True


def _any(checks: Iterable[bool | None]) -> bool | None:
    vague = False
    for each in checks:
        if each:
            return True
        vague = vague or each is None
    return None if vague else False
