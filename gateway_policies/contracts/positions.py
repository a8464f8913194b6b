"""Where a JSON pointer is in a text, JSON or YAML: looked for only when somebody asks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import yaml

from gateway_policies.contracts.change import pointer_to
from gateway_policies.contracts.yaml_events import Loader

_MARK: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)

Position = tuple[int, int]


def positions(text: str, wanted: Iterable[str]) -> dict[str, Position]:
    """Line and column, from 1, of what pointers lead to: of a member its name, of an item its beginning.

    What is not to be found, as what an anchor repeats, is where the nearest thing above it is.
    """
    pointers = set(wanted)
    above = {each for pointer in pointers for each in _above(pointer)}
    found: dict[str, Position] = {"": (1, 1)}
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        found |= {pointer: _line(text, place) for pointer, place in _json(text) if pointer in above}
    if len(found) == 1:
        found |= {pointer: place for pointer, place in _yaml(text) if pointer in above}
    return {pointer: next(found[each] for each in _above(pointer) if each in found) for pointer in pointers}


def _above(pointer: str) -> Iterator[str]:
    """A pointer, and those above it, the whole last."""
    while pointer:
        yield pointer
        pointer = pointer.rpartition("/")[0]
    yield ""


def _line(text: str, place: int) -> Position:
    return text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)


class _Frame:
    """An object or an array that was begun; ``key`` is the member that comes, or the item's index."""

    __slots__ = ("is_object", "key", "pointer", "seen")

    def __init__(self, pointer: str, *, is_object: bool) -> None:
        self.pointer = pointer
        self.is_object = is_object
        self.key: str | int | None = None if is_object else 0
        self.seen: set[str] = set()

    @property
    def here(self) -> str:
        """The pointer of what comes next."""
        return self.pointer if self.key is None else pointer_to(self.pointer, self.key)


def _json(text: str) -> Iterator[tuple[str, int]]:
    frames: list[_Frame] = []
    for match in _MARK.finditer(text):
        mark, top = match[0], frames[-1] if frames else None
        if mark == "," and top is not None:
            top.key = None if top.is_object else (top.key if isinstance(top.key, int) else 0) + 1
        elif mark in "}]":
            if frames:
                frames.pop()
        elif mark not in ",:":
            if top is not None and not top.is_object:
                yield top.here, match.start()
            if mark in "{[":
                frames.append(_Frame(top.here if top else "", is_object=mark == "{"))
            elif top is not None and top.is_object and top.key is None:
                top.key = _unquoted(mark)
                yield top.here, match.start()


def _unquoted(mark: str) -> str:
    import json

    try:
        return str(json.loads(mark))
    except json.JSONDecodeError:  # the text was read before; this is a place to name, no more
        return mark


def twice(text: str) -> Position:
    """Where, in a JSON text, an object has a member whose name stands in it already."""
    seen: set[str] = set()
    for pointer, place in _json(text):
        if pointer in seen:
            return _line(text, place)
        seen.add(pointer)
    return 1, 1


def word(text: str, wanted: str) -> Position:
    """Where a bare word is in a JSON text."""
    return _line(text, next((match.start() for match in _MARK.finditer(text) if match[0] == wanted), 0))


def _yaml(text: str) -> Iterator[tuple[str, Position]]:
    frames: list[_Frame] = []
    try:
        for event in yaml.parse(text, Loader=Loader):
            yield from _event(event, frames)
    except yaml.YAMLError:  # it was read before, or nobody asks for more than its beginning
        return


def _event(event: Any, frames: list[_Frame]) -> Iterator[tuple[str, Position]]:
    if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
        frames.pop()
        _passed(frames)
        return
    if not isinstance(event, yaml.NodeEvent):
        return
    top = frames[-1] if frames else None
    begin: Any = event.start_mark
    mark = (begin.line + 1, begin.column + 1)
    names_a_member = top is not None and top.is_object and top.key is None
    if top is not None and names_a_member:
        top.key = str(event.value) if isinstance(event, yaml.ScalarEvent) else "*"
        yield top.here, mark
        return
    if top is not None and not top.is_object:
        yield top.here, mark
    if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
        frames.append(_Frame(top.here if top else "", is_object=isinstance(event, yaml.MappingStartEvent)))
    else:
        _passed(frames)


def _passed(frames: list[_Frame]) -> None:
    """A value is over: the next member, or the next item."""
    if frames:
        top = frames[-1]
        top.key = None if top.is_object else (top.key if isinstance(top.key, int) else 0) + 1
