"""What changed of a schema beside what it lets through: defaults, ``readOnly``, ``deprecated``, discriminators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gateway_policies.contracts.branch import Conj
from gateway_policies.contracts.change import Direction, Level
from gateway_policies.contracts.documents import Dialect, Node
from gateway_policies.contracts.gaps import Gap, Mark
from gateway_policies.contracts.schemas import Schemas
from gateway_policies.contracts.values import key_of

_MEDIA: Final = ("contentEncoding", "contentMediaType")


def notes(
    older: Schemas, before: Conj, newer: Schemas, after: Conj, direction: Direction, *, flipped: bool
) -> Iterator[Gap]:
    """What changed; ``flipped`` when the newer contract is the one that may let no more through."""
    some, others = older.spine(before), newer.spine(after)
    for facet, old, new, mine, theirs, level in _all(older, newer, some, others, direction):
        if flipped:
            yield Gap(facet, new, old, theirs, mine, level=level)
        else:
            yield Gap(facet, old, new, mine, theirs, level=level)


_Note = tuple[str, Any, Any, Mark | None, Mark | None, Level]


def _all(older: Schemas, newer: Schemas, some: Conj, others: Conj, direction: Direction) -> Iterator[_Note]:
    yield from _default(some, others, direction)
    yield from _flag("deprecated", some, others, Level.COMPATIBLE, Level.COMPATIBLE)
    if older.dialect is not Dialect.JSON_SCHEMA or newer.dialect is not Dialect.JSON_SCHEMA:
        request = direction is Direction.REQUEST
        read_only = Level.BREAKING if request else Level.COMPATIBLE
        write_only = Level.COMPATIBLE if request else Level.BREAKING
        yield from _flag("readOnly", some, others, read_only, Level.COMPATIBLE)
        yield from _flag("writeOnly", some, others, write_only, Level.COMPATIBLE)
    for keyword in _MEDIA:
        old, new = _said(some, keyword), _said(others, keyword)
        if _differ(old, new):
            yield (keyword, _value(old), _value(new), _mark(old, some), _mark(new, others), Level.BREAKING)
    yield from _discriminator(some, others)


def _default(some: Conj, others: Conj, direction: Direction) -> Iterator[_Note]:
    old, new = _said(some, "default"), _said(others, "default")
    if not _differ(old, new):
        return
    level = Level.COMPATIBLE
    if direction is Direction.REQUEST:
        # One that appears may be what the API has always done; one that goes or changes is not.
        level = Level.UNDECIDED if old is None else Level.BREAKING
    yield ("default", _value(old), _value(new), _mark(old, some), _mark(new, others), level)


def _flag(keyword: str, some: Conj, others: Conj, became: Level, ended: Level) -> Iterator[_Note]:
    old = next((Mark(node, keyword) for node in some if node.flag(keyword)), None)
    new = next((Mark(node, keyword) for node in others if node.flag(keyword)), None)
    if (old is None) != (new is None):
        level = became if new is not None else ended
        yield (keyword, old is not None, new is not None, _mark(old, some), _mark(new, others), level)


def _discriminator(some: Conj, others: Conj) -> Iterator[_Note]:
    old, new = _discriminating(some), _discriminating(others)
    if old is not None and new is not None and old[1] != new[1]:
        yield ("discriminator", old[1], new[1], old[0], new[0], Level.BREAKING)


def _discriminating(schemas: Conj) -> tuple[Mark, str] | None:
    for node in schemas:
        found = node.get("discriminator")
        name = found.text("propertyName") if found is not None else None
        if name is not None:
            return Mark(node, "discriminator"), name
    return None


def _said(schemas: Conj, keyword: str) -> Mark | None:
    return next((Mark(node, keyword) for node in schemas if keyword in node.value), None)


def _value(mark: Mark | None) -> Any:
    """What is said, in a tuple, so that null is something."""
    return None if mark is None else (mark.node.value[mark.keyword],)


def _differ(old: Mark | None, new: Mark | None) -> bool:
    if old is None or new is None:
        return old is not new
    return key_of(old.node.value[old.keyword]) != key_of(new.node.value[new.keyword])


def _mark(mark: Mark | None, schemas: Conj) -> Mark | None:
    return mark or (_here(schemas[0]) if schemas else None)


def _here(node: Node) -> Mark:
    return Mark(node)
