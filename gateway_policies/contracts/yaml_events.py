"""YAML as JSON has it: no dates and no ``NO`` that is false, keys once, anchors within bounds.

Built from the parser's events, without recursion: a document as deep as it likes is refused, not a crash. Scalars are
read by the core schema of YAML 1.2, which OpenAPI asks for; PyYAML by itself reads 1.1.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from gateway_policies.contracts.fault import DEEPEST, Fault

_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
_WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)
_STRING = "tag:yaml.org,2002:str"
_LONGEST_NUMBER = 400

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str) -> Any:
    """The only document in a text.

    Raises:
        Fault: it cannot be read, with line and column.
    """
    try:
        return _Builder().build(yaml.parse(text, Loader=Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = " ".join(str(each) for each in (error.context, error.problem) if each)
        raise Fault(f"This is not YAML: {what}.", line, column) from error
    except yaml.YAMLError as error:
        raise Fault(f"This is not YAML: {str(error).splitlines()[0]}.", 1, 1) from error


class _Open:
    """A mapping or a sequence whose end has not come."""

    __slots__ = ("anchor", "awaits", "key", "merge", "value")

    def __init__(self, value: Any, anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: str | None = None
        self.awaits = False
        self.merge: list[Any] = []


class _Builder:
    def __init__(self) -> None:
        self._anchors: dict[str, Any] = {}
        self._open: list[_Open] = []
        self._documents = 0
        self._root: Any = None

    def build(self, events: Any) -> Any:
        for event in events:
            self._take(event)
        if self._documents == 0:
            raise Fault("The file is empty.", 1, 1)
        return self._root

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise _at(event, "A second YAML document begins here; a contract is one.")
        elif isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
            self._anchor(event.anchor, value)
            self._add(value, event)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                inside = any(each.anchor == event.anchor for each in self._open)
                what = "refers to what it stands in" if inside else "was not set before"
                raise _at(event, f"The anchor {event.anchor!r} {what}.")
            self._add(self._anchors[event.anchor], event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._end(event)

    def _begin(self, event: Any) -> None:
        if len(self._open) >= DEEPEST:
            raise _at(event, f"This is nested more than {DEEPEST} levels deep, which no contract needs.")
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append(_Open(value, event.anchor))

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        for merged in done.merge:
            done.value = {**merged, **done.value}
        self._anchor(done.anchor, done.value)
        self._add(done.value, event)

    def _anchor(self, name: str | None, value: Any) -> None:
        if name is not None:
            self._anchors[name] = value

    def _add(self, value: Any, event: Any) -> None:
        if not self._open:
            self._root = value
            return
        top = self._open[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        elif not top.awaits:
            top.key, top.awaits = _key(value, event), True
            if top.key in top.value:
                raise _at(event, f"The key {top.key!r} stands here a second time.")
        else:
            top.awaits = False
            if top.key == "<<":
                top.merge.extend(_merged(value, event))
            else:
                top.value[top.key] = value


def _merged(value: Any, event: Any) -> list[dict[str, Any]]:
    several = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in several):
        raise _at(event, "'<<' merges mappings, and this is none.")
    return several


def _key(value: Any, event: Any) -> str:
    """A key as JSON has it: ``200:`` is the text 200."""
    if isinstance(event, yaml.ScalarEvent):
        return str(event.value)
    if isinstance(value, str):
        return value
    raise _at(event, "A key must be a text.")


def _scalar(event: Any) -> Any:
    text = str(event.value)
    if event.tag == _STRING or not event.implicit[0]:
        if event.tag not in (None, _STRING, "!"):
            raise _at(event, f"The tag {event.tag!r} is not for contracts; JSON has no such thing.")
        return text
    if text in _WORDS:
        return _WORDS[text]
    try:
        return _number(text)
    except (ValueError, OverflowError) as error:
        raise _at(event, f"{text[:40]!r} is no number that can be read.") from error


def _number(text: str) -> Any:
    if len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text) or _HEX.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text


def _at(event: Any, message: str) -> Fault:
    return Fault(message, event.start_mark.line + 1, event.start_mark.column + 1)
