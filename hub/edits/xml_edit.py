"""Edits of XML documents: values at XPaths, and whole documents over what masks show."""

from __future__ import annotations

import copy
from typing import Any

from lxml import etree
from msgspec import Struct

from hub.edits.refusal import CannotEdit, WantsReveal
from hub.masks.xml_document import find_xml, leaves_of, local_name, place_of
from transactions.edits import Step
from transactions.history import MASK

Node = tuple[int, str | None]  # element by its number in the document, attribute


class Pair(Struct, frozen=True):
    """A document twice: ``plain`` without namespaces, comments and instructions, for paths; ``written`` with all of it.
    Both have the same elements in the same order."""

    plain: Any
    written: Any


def edit_xml(pair: Pair, steps: list[Step], paths: tuple[str, ...], *, may_reveal: bool) -> None:
    """Put values where XPaths find elements and attributes; ``pair.written`` is changed.

    Args:
        pair: the document.
        steps: ``set`` only.
        paths: where it is masked.
        may_reveal: masked fields may be replaced.

    Raises:
        CannotEdit: a step does not apply, or touches a masked field.
    """
    masked = masked_nodes(pair.plain, paths)
    shown = copy.deepcopy(pair.plain)  # paths may have conditions, and must not ask what is masked
    shown_elements = list(shown.iter(etree.Element))
    for number, attribute in masked:
        _cover(shown_elements[number], attribute)
    written = list(pair.written.iter(etree.Element))
    plain = list(pair.plain.iter(etree.Element))
    order = {element: number for number, element in enumerate(shown_elements)}
    for number, step in enumerate(steps, 1):
        where = f"step {number}: " if len(steps) > 1 else ""
        if step.op != "set":
            raise CannotEdit(f"{where}JSON Patch is for JSON, and this document is XML. Use --set XPATH=VALUE")
        for element, attribute in _found(shown, step.path, where):
            which = order[element]
            covered = (which, None) in masked or (which, attribute) in masked or _inside(plain[which], plain, masked)
            if covered and not may_reveal:
                raise WantsReveal(place_of(pair.plain, plain[which], attribute))
            if attribute is None and len(plain[which]) and (which, None) not in masked:
                raise CannotEdit(f"{where}{step.path[:80]!r} finds an element with others inside. Name the innermost")
            _write(written[which], attribute, _text(step.value, where), where)
            if not covered:
                _write(element, attribute, _text(step.value, where), where)


def masked_nodes(plain: Any, paths: tuple[str, ...]) -> dict[Node, str]:
    """What masks cover, each with the path that finds it."""
    order = {element: number for number, element in enumerate(plain.iter(etree.Element))}
    found: dict[Node, str] = {}
    for path in paths:
        for element, attribute in find_xml(plain, path):
            values = leaves_of(element) if attribute is None else (element.get(attribute, ""),)
            if any(values):
                found.setdefault((order[element], attribute), path)
    return found


def merge_xml(new: Pair, base: Pair, paths: tuple[str, ...], *, may_reveal: bool) -> bool:
    """Put the real values into a whole document that was written over what masks show of ``base``.

    Args:
        new: the new document; ``new.written`` is changed.
        base: the document that was edited.
        paths: where both are masked.
        may_reveal: masked fields may be replaced and removed.

    Returns:
        Whether a value was put back.

    Raises:
        CannotEdit: the mark of a mask stands where there is no masked field, or a masked field was changed.
    """
    if not paths:
        return False
    old_plain = list(base.plain.iter(etree.Element))
    old_written = list(base.written.iter(etree.Element))
    kept = {
        place_of(base.plain, old_plain[number], attribute): (number, attribute)
        for number, attribute in _outermost(masked_nodes(base.plain, paths), old_plain)
    }
    plain, written = list(new.plain.iter(etree.Element)), list(new.written.iter(etree.Element))
    back: list[tuple[int, str | None, Node]] = []
    seen: set[str] = set()
    covered: set[int] = set()
    for number, attribute in _outermost(masked_nodes(new.plain, paths), plain):
        place = place_of(new.plain, plain[number], attribute)
        seen.add(place)
        value = plain[number].get(attribute) if attribute is not None else (plain[number].text or "").strip()
        if value == MASK and (attribute is not None or not len(plain[number])):
            if place not in kept:
                raise CannotEdit(f"{place} has the mark of a masked field, and there was none")
            back.append((number, attribute, kept[place]))
            covered.add(number)
        elif not may_reveal:
            raise WantsReveal(place)
    for place in kept.keys() - seen:
        if not may_reveal:
            raise WantsReveal(place)
    _refuse_stray_marks(new.plain, plain, covered, base.plain)
    for number, attribute, (old, _) in back:
        _restore(written[number], attribute, old_written[old])
    return bool(_merge_comments(new.written, base.written)) or bool(back)


def _found(shown: Any, path: str, where: str) -> list[tuple[Any, str | None]]:
    try:
        found = list(find_xml(shown, path))
    except etree.XPathError as error:
        raise CannotEdit(f"{where}{path[:80]!r} is no XPath 1.0 without prefixes: {error}") from error
    if not found:
        raise CannotEdit(f"{where}{path[:80]!r} finds no element and no attribute")
    return found


def _cover(element: Any, attribute: str | None) -> None:
    """Hide what a node says and keep its elements, so that the count stays."""
    if attribute is not None:
        element.set(attribute, MASK)
        return
    for each in element.iter(etree.Element):
        each.text = MASK
        each.tail = None if each is not element else each.tail
        for name in each.keys():  # noqa: SIM118 - lxml elements iterate over children
            each.set(name, MASK)


def _inside(element: Any, elements: list[Any], masked: dict[Node, str]) -> bool:
    """Whether a masked element is around this one."""
    order = {id(elements[number]) for number, attribute in masked if attribute is None}
    return any(id(around) in order for around in element.iterancestors())


def _outermost(masked: dict[Node, str], elements: list[Any]) -> list[Node]:
    whole = {elements[number] for number, attribute in masked if attribute is None}
    return [
        (number, attribute)
        for number, attribute in masked
        if not any(around in whole for around in elements[number].iterancestors())
        and (attribute is None or elements[number] not in whole)
    ]


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise CannotEdit(f"{where}an element or attribute of XML takes a text or a number")


def _write(element: Any, attribute: str | None, text: str, where: str) -> None:
    try:
        if attribute is None:
            element.text = text
            return
        for name in element.keys():  # noqa: SIM118 - lxml elements iterate over children
            if local_name(name) == attribute:
                element.set(name, text)
    except ValueError as error:  # control characters
        raise CannotEdit(f"{where}the value has characters that XML cannot hold") from error


def _refuse_stray_marks(plain: Any, elements: list[Any], covered: set[int], base: Any) -> None:
    before = _marks(base)
    for number, element in enumerate(elements):
        if number in covered:
            continue
        for attribute in (None, *element.keys()):
            value = element.get(attribute) if attribute is not None else element.text
            place = place_of(plain, element, attribute)
            if MASK in (value or "") and place not in before:
                raise CannotEdit(f"{place} has the mark of a masked field, and there was none")


def _marks(plain: Any) -> set[str]:
    """Where a document itself says what masks say."""
    return {
        place_of(plain, element, attribute)
        for element in plain.iter(etree.Element)
        for attribute in (None, *element.keys())
        if MASK in ((element.get(attribute) if attribute is not None else element.text) or "")
    }


def _restore(element: Any, attribute: str | None, old: Any) -> None:
    if attribute is not None:
        for name in element.keys():  # noqa: SIM118 - lxml elements iterate over children
            if local_name(name) == attribute:
                real = next(value for key, value in old.attrib.items() if local_name(key) == attribute)
                element.set(name, real)
        return
    tail = element.tail
    element.clear()
    element.tail = tail
    for name, value in old.attrib.items():
        element.set(name, value)
    element.text = old.text
    for child in old:
        element.append(copy.deepcopy(child))


def _merge_comments(new: Any, old: Any) -> int:
    """Comments and instructions are masked as well; those that still say so get their words back, by their order.

    Raises:
        CannotEdit: there are others now, so that nobody knows which was which.
    """
    there, before = _spoken(new), _spoken(old)
    marked = [node for node in there if (node.text or "").strip() == MASK]
    if not marked:
        return 0
    if [type(node) for node in there] != [type(node) for node in before]:
        raise CannotEdit("the masked comments are others than before. Leave all of them in, or take all of them out")
    for node, real in zip(there, before, strict=True):
        if (node.text or "").strip() == MASK:
            node.text = real.text
    return len(marked)


def _spoken(root: Any) -> list[Any]:
    tree = root.getroottree()
    return [node for node in tree.xpath("//comment() | //processing-instruction()") if (node.text or "").strip()]
