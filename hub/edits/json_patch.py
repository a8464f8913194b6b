"""JSON Patch (RFC 6902) on a tree, by JSON Pointers (RFC 6901)."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from hub.edits.refusal import CannotEdit
from transactions.edits import Step

_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_BAD_ESCAPE = re.compile(r"~(?![01])")


def apply_patch(root: list[Any], step: Step) -> None:
    """Apply one operation to the tree that stands in ``root``.

    Raises:
        CannotEdit: it does not apply. The tree may be changed in part: work on one that can be thrown away.
    """
    _OPERATIONS[step.op](root, step)


def pointer_of(text: str) -> list[str]:
    """The tokens of a JSON Pointer.

    Raises:
        CannotEdit: it is none.
    """
    if text and not text.startswith("/"):
        raise CannotEdit(f"{text[:80]!r} is no JSON Pointer (RFC 6901): it begins with a slash, like /a/0/b")
    if _BAD_ESCAPE.search(text):
        raise CannotEdit(f"{text[:80]!r} is no JSON Pointer (RFC 6901): a tilde is written ~0, a slash ~1")
    return [token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:]]


def same_json(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON: true is no 1, and 1.0 is 1."""
    waiting = [(one, other)]
    while waiting:
        a, b = waiting.pop()
        if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
            if a is not b:
                return False
        elif isinstance(a, dict) and isinstance(b, dict):
            if a.keys() != b.keys():
                return False
            waiting += [(a[name], b[name]) for name in a]
        elif isinstance(a, list) and isinstance(b, list):
            if len(a) != len(b):
                return False
            waiting += zip(a, b, strict=True)
        elif (
            isinstance(a, dict | list)
            or isinstance(b, dict | list)
            or isinstance(a, str) is not isinstance(b, str)
            or a != b
        ):
            return False
    return True


def _kind(value: Any) -> type:
    """What a value is as JSON."""
    return next(kind for kind in (dict, list, str, object) if isinstance(value, kind))


def _find(root: list[Any], text: str) -> tuple[Any, str | int]:
    """The container and the member or index that a pointer leads to; the last token may lead to nothing."""
    tokens = pointer_of(text)
    if not tokens:
        return root, 0
    node: Any = root[0]
    for token in tokens[:-1]:
        node = node[_there(node, token, text)]
    return node, _last(node, tokens[-1], text)


def _last(node: Any, token: str, text: str) -> str | int:
    if isinstance(node, dict):
        return token
    if isinstance(node, list):
        if token == "-":  # noqa: S105 - RFC 6901: after the last element
            return len(node)
        if not _INDEX.fullmatch(token):
            raise CannotEdit(f"{text[:80]!r} leads into an array with {token[:40]!r}, which is no index")
        return int(token)
    raise CannotEdit(f"{text[:80]!r} leads into what is neither an object nor an array")


def _there(node: Any, token: str, text: str) -> str | int:
    """A token that leads to something that is there."""
    name = _last(node, token, text)
    if (isinstance(name, str) and name not in node) or (isinstance(name, int) and name >= len(node)):
        raise CannotEdit(f"{text[:80]!r} finds nothing: there is no {token[:40]!r}")
    return name


def _existing(root: list[Any], text: str) -> tuple[Any, str | int]:
    container, name = _find(root, text)
    if container is not root:
        _there(container, str(name), text)
    return container, name


def _put(container: Any, name: str | int, value: Any, text: str, root: list[Any]) -> None:
    if isinstance(container, list) and container is not root:
        assert isinstance(name, int)
        if name > len(container):
            raise CannotEdit(f"{text[:80]!r} is beyond the end of the array")
        container.insert(name, value)
    else:
        container[name] = value


def _add(root: list[Any], step: Step) -> None:
    container, name = _find(root, step.path)
    _put(container, name, copy.deepcopy(step.value), step.path, root)


def _remove(root: list[Any], step: Step) -> None:
    container, name = _existing(root, step.path)
    if container is root:
        raise CannotEdit("the whole document cannot be removed")
    del container[name]


def _replace(root: list[Any], step: Step) -> None:
    container, name = _existing(root, step.path)
    container[name] = copy.deepcopy(step.value)


def _move(root: list[Any], step: Step) -> None:
    assert isinstance(step.from_, str)
    if pointer_of(step.path)[: len(pointer_of(step.from_))] == pointer_of(step.from_) and step.path != step.from_:
        raise CannotEdit(f"{step.from_[:80]!r} cannot be moved into itself")
    container, name = _existing(root, step.from_)
    if step.path == step.from_:
        return
    if container is root:
        raise CannotEdit("the whole document cannot be moved")
    value = container[name]
    del container[name]
    target, at = _find(root, step.path)
    _put(target, at, value, step.path, root)


def _copy(root: list[Any], step: Step) -> None:
    assert isinstance(step.from_, str)
    container, name = _existing(root, step.from_)
    value = copy.deepcopy(container[name])
    target, at = _find(root, step.path)
    _put(target, at, value, step.path, root)


def _test(root: list[Any], step: Step) -> None:
    container, name = _existing(root, step.path)
    if not same_json(container[name], step.value):
        raise CannotEdit(f"what stands at {step.path[:80]!r} is not what the test wants")


_OPERATIONS: dict[str, Callable[[list[Any], Step], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
