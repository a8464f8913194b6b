"""Where two documents of a flow differ, by structure, with masks on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonpath_rfc9535
from lxml import etree
from msgspec import Struct

from hub.documents import Document, Form, Written, read_document
from hub.edits.json_edit import Kept, take_out
from hub.edits.json_patch import same_json
from hub.edits.xml_edit import Node, masked_nodes
from hub.masks import FlowMasks
from hub.masks.flow import UNREADABLE
from hub.masks.json_document import Place, place_text, write_json
from hub.masks.xml_document import leaves_of, place_of
from transactions.edits import MAX_DIFFERENCES, FieldDifference
from transactions.errors import AndonError
from transactions.history import MASK

_SHOWN = 500  # characters of a value


class Compared(Struct, frozen=True, kw_only=True):
    """What differs.

    Attributes:
        differences: the first of them.
        more: how many others there are.
        withheld: why nothing is told.
    """

    differences: list[FieldDifference]
    more: int = 0
    withheld: str | None = None

    @property
    def same(self) -> bool:
        """Both say the same, though they may be written differently."""
        return not self.differences and self.withheld is None


def compare(before: tuple[bytes, str], after: tuple[bytes, str], masks: FlowMasks | None) -> Compared:
    """Where two documents differ.

    Args:
        before: content and content type.
        after: the same of the other one.
        masks: of their flow.
    """
    try:
        old, new = read_document(*before), read_document(*after)
    except AndonError:
        if before[0] == after[0]:
            return Compared(differences=[])
        if masks is not None:
            return Compared(differences=[], withheld=UNREADABLE)
        return Compared(differences=[FieldDifference(path="", before=_as_text(before[0]), after=_as_text(after[0]))])
    if old.form is not new.form:
        return Compared(differences=[], withheld="one is JSON and the other is XML")
    try:
        found = list(_json(old, new, masks) if old.form is Form.JSON else _xml(old, new, masks))
    except (jsonpath_rfc9535.JSONPathError, etree.XPathError):
        return Compared(differences=[], withheld=UNREADABLE)
    return Compared(differences=found[:MAX_DIFFERENCES], more=max(0, len(found) - MAX_DIFFERENCES))


def _as_text(content: bytes) -> str:
    return _cut(content.decode("utf-8", "replace"))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


# JSON


def _json(old: Document, new: Document, masks: FlowMasks | None) -> Iterator[FieldDifference]:
    before, after = [old.tree], [new.tree]
    if masks is not None:
        take_out(before, masks.json_paths)
        take_out(after, masks.json_paths)
    waiting: list[tuple[Any, Any, Place]] = [(before[0], after[0], ())]
    while waiting:
        one, other, place = waiting.pop()
        if isinstance(one, Kept) and isinstance(other, Kept):
            if not same_json(one.value, other.value):
                yield FieldDifference(path=place_text(place), before=MASK, after=MASK)
        elif isinstance(one, dict) and isinstance(other, dict):
            names = [*one, *(name for name in other if name not in one)]
            waiting += [
                (one.get(name, _NOTHING), other.get(name, _NOTHING), (*place, name)) for name in reversed(names)
            ]
        elif isinstance(one, list) and isinstance(other, list):
            for index in reversed(range(max(len(one), len(other)))):
                first = one[index] if index < len(one) else _NOTHING
                second = other[index] if index < len(other) else _NOTHING
                waiting.append((first, second, (*place, index)))
        elif not _alike(one, other):
            yield FieldDifference(path=place_text(place), before=_json_text(one), after=_json_text(other))


_NOTHING = object()


def _alike(one: Any, other: Any) -> bool:
    if one is _NOTHING or other is _NOTHING or isinstance(one, Kept) is not isinstance(other, Kept):
        return one is other
    if isinstance(one, Written) and isinstance(other, Written):
        return one.written == other.written  # 12.5 and 12.50 are the same number and not the same document
    return same_json(one, other)


def _json_text(value: Any) -> str | None:
    if value is _NOTHING:
        return None
    return _cut(value if type(value) is str else write_json(_covered(value), pretty=False).decode())


def _covered(node: Any) -> Any:
    if isinstance(node, Kept):
        return MASK
    if isinstance(node, dict):
        return {name: _covered(value) for name, value in node.items()}
    return [_covered(each) for each in node] if isinstance(node, list) else node


# XML


def _xml(old: Document, new: Document, masks: FlowMasks | None) -> Iterator[FieldDifference]:
    paths = () if masks is None else masks.xml_paths
    before, after = _Covered(old.tree, paths), _Covered(new.tree, paths)
    if old.tree.tag != new.tree.tag:
        yield FieldDifference(path="/", before=old.tree.tag, after=new.tree.tag)
        return
    waiting = [(old.tree, new.tree)]
    while waiting:
        one, other = waiting.pop()
        yield from _node(before, one, after, other)
        if before.hides(one, None) or after.hides(other, None):
            continue
        first, second = _children(one), _children(other)
        for key in first.keys() - second.keys():
            yield FieldDifference(path=before.place(first[key], None), before=before.whole(first[key]), after=None)
        for key in second.keys() - first.keys():
            yield FieldDifference(path=after.place(second[key], None), before=None, after=after.whole(second[key]))
        waiting += [(first[key], second[key]) for key in reversed(first) if key in second]


def _children(element: Any) -> dict[tuple[str, int], Any]:
    """Children by name, and by their number among those of that name."""
    found: dict[tuple[str, int], Any] = {}
    counts: dict[str, int] = {}
    for child in element.iterchildren(etree.Element):
        counts[child.tag] = counts.get(child.tag, 0) + 1
        found[child.tag, counts[child.tag]] = child
    return found


class _Covered:
    """A document with what masks hide of it."""

    def __init__(self, plain: Any, paths: tuple[str, ...]) -> None:
        self._plain = plain
        self._masked: dict[Node, str] = masked_nodes(plain, paths)
        self._order = {element: number for number, element in enumerate(plain.iter(etree.Element))}

    def place(self, element: Any, attribute: str | None) -> str:
        return place_of(self._plain, element, attribute)

    def hides(self, element: Any, attribute: str | None) -> bool:
        return (self._order[element], None) in self._masked or (self._order[element], attribute) in self._masked

    def value(self, element: Any, attribute: str | None) -> str | None:
        """What is there, as it is shown."""
        real = element.get(attribute) if attribute is not None else (element.text or "").strip()
        return MASK if real and self.hides(element, attribute) else real

    def whole(self, element: Any) -> str:
        """An element with what is in it, on one line."""
        if any(self.hides(each, name) for each in element.iter(etree.Element) for name in (None, *each.keys())):
            return MASK
        return _cut(" ".join(leaves_of(element)))


def _node(before: _Covered, one: Any, after: _Covered, other: Any) -> Iterator[FieldDifference]:
    if before.hides(one, None) or after.hides(other, None):
        if tuple(leaves_of(one)) != tuple(leaves_of(other)):
            hidden = (MASK if before.hides(one, None) else before.whole(one)) or None
            shown = (MASK if after.hides(other, None) else after.whole(other)) or None
            yield FieldDifference(path=before.place(one, None), before=hidden, after=shown)
        return
    if (one.text or "").strip() != (other.text or "").strip():
        told = (_cut(before.value(one, None) or ""), _cut(after.value(other, None) or ""))
        yield FieldDifference(path=before.place(one, None), before=told[0], after=told[1])
    for name in dict.fromkeys([*one.keys(), *other.keys()]):
        if one.get(name) != other.get(name):
            first, second = before.value(one, name), after.value(other, name)
            yield FieldDifference(
                path=before.place(one, name),
                before=None if first is None else _cut(first),
                after=None if second is None else _cut(second),
            )
