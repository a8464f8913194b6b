"""Edits of JSON documents. Masked values are taken out before a step is applied and put back where they went, so that
no step sees one, and none is lost."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonpath_rfc9535
from jsonpath_rfc9535.segments import JSONPathChildSegment
from jsonpath_rfc9535.selectors import NameSelector

from hub.documents import Written
from hub.edits.json_patch import apply_patch, pointer_of
from hub.edits.refusal import CannotEdit, WantsReveal
from hub.masks.json_document import Place, find_json, find_masked, place_text
from transactions.edits import Step
from transactions.history import MASK

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,200})(\.[0-9]{1,200})?([eE][+-]?[0-9]{1,3})?")


class Kept(str):
    """What stands in a document for a masked value while it is edited.

    Attributes:
        value: the real one.
    """

    __slots__ = ("value",)
    value: Any

    @classmethod
    def of(cls, value: Any) -> Kept:
        """The mask over ``value``."""
        kept = cls(MASK)
        kept.value = value
        return kept

    def __deepcopy__(self, _memo: Any) -> Kept:
        return self  # one value, wherever it is written: so it is seen when it is there twice


def edit_json(tree: Any, steps: list[Step], paths: tuple[str, ...], *, may_reveal: bool) -> Any:
    """Apply steps to a tree, which is changed.

    Args:
        tree: as :func:`hub.documents.read_document` reads it.
        steps: see :class:`transactions.edits.Step`.
        paths: where it is masked.
        may_reveal: masked fields may be replaced and removed.

    Returns:
        The new tree.

    Raises:
        CannotEdit: a step does not apply, or touches a masked field.
    """
    root = [tree]
    kept = take_out(root, paths)
    for number, step in enumerate(steps, 1):
        try:
            if step.op == "set":
                _set(root, step)
            else:
                _careful_patch(root, step)
        except CannotEdit as error:
            if isinstance(error, WantsReveal) or len(steps) == 1:
                raise
            raise CannotEdit(f"step {number}: {error.reason}") from error
    _put_back(root, kept, paths, may_reveal=may_reveal)
    return root[0]


def take_out(root: list[Any], paths: tuple[str, ...]) -> dict[int, tuple[Kept, Place]]:
    """Put a mask over every masked value of the tree in ``root``, the outermost where one is inside another."""
    found = sorted((one for _, one in find_masked(root, paths)), key=lambda one: len(one[2]))
    outermost: dict[Place, tuple[Any, str | int]] = {}
    for container, name, place in found:
        if not any(place[:length] in outermost for length in range(len(place))):
            outermost[place] = (container, name)
    kept: dict[int, tuple[Kept, Place]] = {}
    for place, (container, name) in outermost.items():
        one = Kept.of(container[name])
        container[name] = one
        kept[id(one)] = (one, place)
    return kept


def _put_back(
    root: list[Any], kept: dict[int, tuple[Kept, Place]], paths: tuple[str, ...], *, may_reveal: bool
) -> None:
    now: dict[int, Place] = {}
    spots: list[tuple[Any, str | int, Kept]] = []
    for container, name, place in _every(root):
        one = container[name]
        if isinstance(one, Kept):
            if id(one) in now:
                raise CannotEdit(f"{place_text(place)} would repeat a masked field, and a masked field is not copied")
            now[id(one)] = place
            spots.append((container, name, one))
    for key, (_, place) in kept.items():
        if key not in now and not may_reveal:
            raise WantsReveal(place_text(place))
    for container, name, one in spots:
        container[name] = one.value
    masked = {place for _, (_, _, place) in find_masked(root, paths)}
    for place in now.values():
        if not any(place[:length] in masked for length in range(len(place) + 1)):
            raise CannotEdit(f"{place_text(place)} would show a masked field, since nothing masks that place")
    if not may_reveal:
        there = set(now.values())
        for place in masked:
            if not any(place[:length] in there for length in range(len(place) + 1)):
                raise WantsReveal(place_text(place))


def _every(root: list[Any]) -> Iterator[tuple[Any, str | int, Place]]:
    """Every place of the tree in ``root``."""
    waiting: list[tuple[Any, str | int, Place]] = [(root, 0, ())]
    while waiting:
        container, name, place = waiting.pop()
        yield container, name, place
        node = container[name]
        if isinstance(node, dict):
            waiting += [(node, member, (*place, member)) for member in node]
        elif isinstance(node, list):
            waiting += [(node, index, (*place, index)) for index in range(len(node))]


def _careful_patch(root: list[Any], step: Step) -> None:
    if step.op == "test" and _tests_masked(root, step):
        raise CannotEdit(f"{step.path[:80]!r} is or holds a masked field, which is not tested")
    apply_patch(root, step)


def _tests_masked(root: list[Any], step: Step) -> bool:
    node: Any = root[0]
    for token in pointer_of(step.path):
        if isinstance(node, dict) and token in node:
            node = node[token]
        elif isinstance(node, list) and token.isdigit() and int(token) < len(node):
            node = node[int(token)]
        else:
            return False
    return any(isinstance(container[name], Kept) for container, name, _ in _every([node]))


# set


def _set(root: list[Any], step: Step) -> None:
    try:
        found = list(find_json(root, step.path))
        places = found or list(_absent_member(root, step.path))
    except jsonpath_rfc9535.JSONPathError as error:
        raise CannotEdit(f"{step.path[:80]!r} is no JSONPath (RFC 9535): {error}") from error
    if not places:
        raise CannotEdit(f"{step.path[:80]!r} finds nothing")
    for container, name, place in places:
        there = container[name] if found else ""
        container[name] = _as_there(step.value, there, place) if step.loose else copy.deepcopy(step.value)


def _absent_member(root: list[Any], path: str) -> Iterator[tuple[Any, str | int, Place]]:
    """Where a member would stand that is not there: in the objects that the path without its last name finds."""
    query = jsonpath_rfc9535.compile(path)
    if not query.segments:
        return
    last = query.segments[-1]
    if type(last) is not JSONPathChildSegment or len(last.selectors) != 1:
        return
    selector = last.selectors[0]
    if not isinstance(selector, NameSelector):
        return
    rest = jsonpath_rfc9535.JSONPathQuery(env=query.env, segments=tuple(query.segments[:-1]))
    for node in rest.finditer(root[0]):
        if isinstance(node.value, dict):
            yield node.value, selector.name, (*node.location, selector.name)


def _as_there(text: str, there: Any, place: Place) -> Any:
    """A text as the type of what stands there."""
    if isinstance(there, str):
        return text
    if isinstance(there, bool):
        if text not in ("true", "false"):
            raise CannotEdit(f"{place_text(place)} is true or false, and {text[:40]!r} is neither")
        return text == "true"
    if isinstance(there, int | float):
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise CannotEdit(f"{place_text(place)} is a number, and {text[:40]!r} is none")
        return Written(text) if match[1] or match[2] else int(text)
    if there is None:
        try:
            return json.loads(text, parse_float=Written, parse_constant=_no_number)
        except ValueError:
            return text
    raise CannotEdit(f"{place_text(place)} holds an object or array; name what is inside it, or write PATH:=JSON")


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def merge_json(tree: Any, base: Any, paths: tuple[str, ...], *, may_reveal: bool) -> bool:
    """Put the real values into a whole document that was written over what masks show of ``base``.

    Args:
        tree: the new document, which is changed.
        base: the document that was edited, which is changed too.
        paths: where both are masked.
        may_reveal: masked fields may be replaced and removed.

    Returns:
        Whether a value was put back.

    Raises:
        CannotEdit: the mark of a mask stands where there is no masked field, or a masked field was changed.
    """
    old_root, root = [base], [tree]
    kept = {place: one for one, place in take_out(old_root, paths).values()}
    spots = {place: (container, name) for _, (container, name, place) in find_masked(root, paths)}
    back: list[tuple[Any, str | int, Any]] = []
    for place, (container, name) in spots.items():
        if container[name] == MASK:
            if place not in kept:
                raise CannotEdit(f"{place_text(place)} has the mark of a masked field, and there was none")
            back.append((container, name, kept[place].value))
        elif not may_reveal:
            raise WantsReveal(place_text(place))
    for place in kept:
        if place not in spots and not may_reveal:
            raise WantsReveal(place_text(place))
    _refuse_reordered(root[0], old_root[0])
    _refuse_stray_marks(root, old_root, set(spots))
    for container, name, value in back:
        container[name] = value
    return bool(back)


def _refuse_stray_marks(root: list[Any], old_root: list[Any], masked: set[Place]) -> None:
    before = {
        place
        for container, name, place in _every(old_root)
        if container[name] == MASK and not isinstance(container[name], Kept)
    }
    for container, name, place in _every(root):
        if container[name] == MASK and place not in masked and place not in before:
            raise CannotEdit(f"{place_text(place)} has the mark of a masked field, and there was none")


def _refuse_reordered(tree: Any, base: Any) -> None:
    """Values go back by their place, so lines with masked fields stay in their places.

    Raises:
        CannotEdit: a line with a masked field stands where another one stood.
    """
    waiting = [(tree, base, "$")]
    while waiting:
        new, old, where = waiting.pop()
        if isinstance(new, dict) and isinstance(old, dict):
            waiting += [(new[name], old[name], f"{where}.{name}") for name in new if name in old]
        elif isinstance(new, list) and isinstance(old, list):
            for index, (one, other) in enumerate(zip(new, old, strict=False)):
                if _has_mark(one) and one != other and any(one == each for each in old):
                    raise CannotEdit(
                        f"{where}[{index}] stood in another place, and has a masked field that would not move with it. "
                        "Move it with a JSON Patch"
                    )
                waiting.append((one, other, f"{where}[{index}]"))


def _has_mark(node: Any) -> bool:
    return any(container[name] == MASK for container, name, _ in _every([node]))
