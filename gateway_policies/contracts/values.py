"""JSON values as they compare: 1 and 1.0 are the same number, true is none."""

from __future__ import annotations

import json
from collections.abc import Hashable
from fractions import Fraction
from typing import Any


def number(value: Any) -> Fraction | None:
    """A number, exactly as it is written; None of anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def key_of(value: Any) -> Hashable:
    """What two values have in common when JSON Schema calls them equal."""
    exact = number(value)
    if exact is not None:
        return ("number", exact)
    if isinstance(value, dict):
        return ("object", frozenset((name, key_of(each)) for name, each in value.items()))
    if isinstance(value, list):
        return ("array", tuple(key_of(each) for each in value))
    return (type_of(value), value)


def type_of(value: Any) -> str:
    """The JSON type of a value; integers are numbers."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def shown(value: Any) -> str:
    """A value as a message has it: JSON, cut where it is long."""
    if isinstance(value, Fraction):
        return str(value.numerator) if value.denominator == 1 else repr(float(value))
    text = value if isinstance(value, Literal) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


class Literal(str):
    """A text that a message has as it is, without quotes."""

    __slots__ = ()
