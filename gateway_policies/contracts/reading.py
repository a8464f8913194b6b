"""Reads a contract's text, JSON or YAML, into what JSON has: no duplicate keys, no NaN, not too deep, not too large."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import PurePosixPath
from typing import Any, Final

from gateway_policies.contracts.fault import DEEPEST, Fault
from gateway_policies.contracts.positions import twice, word
from gateway_policies.contracts.yaml_events import read_yaml

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a text."""
MOST: Final = 5_000_000
"""Values in a document, with what anchors repeat counted each time."""


class _Twice(ValueError):
    """A member whose name stands there already; where that is, is looked for once it is known."""


class _NoNumber(ValueError):
    """``NaN`` or ``Infinity``."""


def read_value(raw: bytes, file: str) -> Any:
    """The value of a text.

    Args:
        file: its name, whose ending tells JSON from YAML; without one of either the text does.

    Raises:
        Fault: it cannot be read, with line and column.
    """
    if len(raw) > LARGEST:
        raise Fault(f"The file has {len(raw) // 2**20} MiB; at most {LARGEST // 2**20} are read.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Fault("The file is not UTF-8 here.", line, error.start - raw.rfind(b"\n", 0, error.start)) from error
    value = _value(text, PurePosixPath(file).suffix.lower())
    _measure(value)
    return value


def _value(text: str, suffix: str) -> Any:
    if suffix == ".json":
        return _json(text)
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _json(text)
        except Fault:
            return read_yaml(text)
    return read_yaml(text)


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise Fault(f"This is not JSON: {error.msg}.", error.lineno, error.colno) from error
    except RecursionError as error:
        raise Fault(_too_deep()) from error
    except _Twice as error:
        raise Fault(f"The key {error.args[0]!r} stands here a second time.", *twice(text)) from error
    except _NoNumber as error:
        raise Fault(f"JSON has no {error.args[0]}.", *word(text, error.args[0])) from error
    except ValueError as error:  # digits without end
        raise Fault(f"A number cannot be read: {error}.") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Twice(next(key for key in keys if keys.count(key) > 1))
    return made


def _no_constant(name: str) -> Any:
    raise _NoNumber(name)


def _too_deep() -> str:
    return f"This is nested more than {DEEPEST} levels deep, which no contract needs."


def _measure(value: Any) -> None:
    """Refuse what would take too long to go through; anchors can make a small text a large document."""
    level, depth, count = [value], 0, 0
    while level:
        count += len(level)
        if count > MOST:
            raise Fault(f"The document has more than {MOST:,} values once its anchors are followed.")
        if depth > DEEPEST:
            raise Fault(_too_deep())
        below: list[Any] = []
        for each in level:
            if type(each) is dict:
                below.extend(each.values())
            elif type(each) is list:
                below.extend(each)
            elif type(each) is float and not isfinite(each):
                raise Fault("A number in the document is larger than any that can be compared.")
            if len(below) > MOST:
                raise Fault(f"The document has more than {MOST:,} values once its anchors are followed.")
        level, depth = below, depth + 1
