"""Masks on JSON documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import jsonpath_rfc9535
import msgspec
from jsonpath_rfc9535.segments import JSONPathChildSegment, JSONPathRecursiveDescentSegment
from jsonpath_rfc9535.selectors import IndexSelector, NameSelector, WildcardSelector

from hub.documents import Written
from hub.masks.document import Hidden, Hit
from transactions.history import MASK

Place = tuple[str | int, ...]
Found = tuple[Any, str | int, Place]  # container, member or index, place


def hide_json(tree: Any, content: bytes, paths: tuple[str, ...]) -> Hidden:
    """Mask what ``paths`` find in ``tree``, which is changed. Null and what is empty hide nothing and stay.

    Args:
        tree: the document as :func:`hub.documents.read_document` reads it.
        content: the bytes it was read from.
        paths: JSONPaths.

    Raises:
        jsonpath_rfc9535.JSONPathError: a path cannot be evaluated on this document.
    """
    root = [tree]  # so that the root, too, stands in a container
    hits: list[Hit] = []
    found: list[Found] = []
    for path, one in find_masked(root, paths):
        container, name, place = one
        found.append(one)
        hits.append(Hit(path, place_text(place), container[name], tuple(leaves(container[name]))))
    if not hits:
        return Hidden(content=content)
    for container, name, _ in found:  # only now, since a filter may look at what another path masks
        container[name] = MASK
    return Hidden(
        content=write_json(root[0], pretty=b"\n" in content.strip()),
        paths=tuple(dict.fromkeys(hit.path for hit in hits)),
        hits=tuple(hits),
    )


def find_masked(root: list[Any], paths: tuple[str, ...]) -> Iterator[tuple[str, Found]]:
    """Every place that ``paths`` find and that is not empty, once, with the path that found it.

    Args:
        root: the tree, in a list.
        paths: JSONPaths.
    """
    seen: set[tuple[int, str | int]] = set()
    for path in paths:
        for container, name, place in find_json(root, path):
            if not is_empty(container[name]) and (id(container), name) not in seen:
                seen.add((id(container), name))
                yield path, (container, name, place)


def find_json(root: list[Any], path: str) -> Iterator[Found]:
    """What a JSONPath finds in the tree that stands in ``root``.

    Raises:
        jsonpath_rfc9535.JSONPathError: the path is none, or cannot be evaluated on this document.
    """
    return _finder(path)(root)


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: null, and a text, object or array without anything in it."""
    return value is None or (isinstance(value, str | dict | list) and not value)


def leaves(value: Any) -> Iterator[str]:
    """Every single value in ``value`` as text; true, false and null are nobody's secret."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
        elif isinstance(node, Written):
            yield node.written
        elif node is not None and not isinstance(node, bool):
            yield str(node)


def write_json(tree: Any, *, pretty: bool) -> bytes:
    """A tree as JSON, numbers as they were written; laid out on lines where ``pretty``."""
    try:
        content = msgspec.json.encode(tree, enc_hook=_number)
    except UnicodeEncodeError:  # half of a pair of surrogates, which JSON can escape and UTF-8 cannot hold
        content = msgspec.json.encode(_whole(tree), enc_hook=_number)
    return msgspec.json.format(content, indent=2) if pretty else content


def place_text(place: Place) -> str:
    """A place as a normalised JSONPath (RFC 9535, 2.7), with names after a dot where that is the same."""
    text = "$"
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.isidentifier() and step.isascii():
            text += f".{step}"
        else:
            quoted = step.replace("\\", "\\\\").replace("'", "\\'")
            text += f"['{quoted}']"
    return text


def _number(value: Any) -> Any:
    if isinstance(value, Written):
        return msgspec.Raw(value.written.encode())
    raise NotImplementedError(f"{type(value).__name__} is no part of a document")


def _whole(node: Any) -> Any:
    if isinstance(node, str):
        return node.encode("utf-8", "replace").decode("utf-8")
    if isinstance(node, dict):
        return {_whole(name): _whole(value) for name, value in node.items()}
    return [_whole(each) for each in node] if isinstance(node, list) else node


# finding


@lru_cache(maxsize=1024)
def _finder(path: str) -> Callable[[list[Any]], Iterator[Found]]:
    query = jsonpath_rfc9535.compile(path)
    plain = all(
        type(segment) in (JSONPathChildSegment, JSONPathRecursiveDescentSegment)
        and all(type(one) in (NameSelector, IndexSelector, WildcardSelector) for one in segment.selectors)
        for segment in query.segments
    )

    def stepwise(root: list[Any]) -> Iterator[Found]:
        nodes: Iterator[Found] = iter([(root, 0, ())])
        for segment in query.segments:
            nodes = _step(nodes, segment)
        return nodes

    def by_library(root: list[Any]) -> Iterator[Found]:
        for node in query.finditer(root[0]):
            container: Any = root
            name: str | int = 0
            for step in node.location:
                container, name = container[name], step
            yield container, name, tuple(node.location)

    # nearly every path is plain, and walking it is ten times as fast as the library's node objects
    return stepwise if plain else by_library


def _step(nodes: Iterator[Found], segment: Any) -> Iterator[Found]:
    deep = type(segment) is JSONPathRecursiveDescentSegment
    for container, name, place in nodes:
        for value, at in _below(container[name], place) if deep else ((container[name], place),):
            for selector in segment.selectors:
                yield from _select(value, at, selector)


def _select(value: Any, place: Place, selector: Any) -> Iterator[Found]:
    if isinstance(selector, NameSelector):
        if isinstance(value, dict) and selector.name in value:
            yield value, selector.name, (*place, selector.name)
    elif isinstance(selector, IndexSelector):
        if isinstance(value, list) and -len(value) <= selector.index < len(value):
            index = selector.index % len(value)
            yield value, index, (*place, index)
    elif isinstance(value, dict):
        for name in value:
            yield value, name, (*place, name)
    elif isinstance(value, list):
        for index in range(len(value)):
            yield value, index, (*place, index)


def _below(value: Any, place: Place) -> Iterator[tuple[Any, Place]]:
    """A node and all that is inside it."""
    waiting = [(value, place)]
    while waiting:
        node, at = waiting.pop()
        yield node, at
        if isinstance(node, dict):
            waiting += [(child, (*at, name)) for name, child in node.items()]
        elif isinstance(node, list):
            waiting += [(child, (*at, index)) for index, child in enumerate(node)]
