"""Masks on what a target answered: it may echo the document in a shape of its own.

Every field of the same name as a masked one is masked, wherever it stands, and every value that repeats what the
document hides. What cannot be read as JSON or XML is withheld whole.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from hub.documents import Limits, Written, read_document
from hub.masks.json_document import is_empty, write_json
from hub.masks.words import Words
from hub.masks.xml_document import local_name, mask_comments, parse_written
from transactions.errors import AndonError
from transactions.history import MASK

WITHHELD = f"{MASK} withheld: this flow masks fields, and the answer cannot be read as JSON or XML"
_LIMITS = Limits(max_bytes=1_048_576)


def hide_answer(body: str, names: frozenset[str] | None, words: Words) -> str:
    """An answer's body as it is shown.

    Args:
        body: the answer as text.
        names: names of masked fields in lower case; None masks every field.
        words: what the document hides.
    """
    text = body.lstrip("\ufeff").strip()
    if not text:
        return body
    if names is None:
        return WITHHELD
    content = text.encode("utf-8", "replace")
    try:
        if text[0] == "<":
            return _hide_xml(content, names, words)
        tree = read_document(content, "application/json", limits=_LIMITS).tree
    except (AndonError, etree.LxmlError):
        return WITHHELD
    return write_json(_hide_json(tree, names, words), pretty="\n" in text).decode()


def _hide_json(node: Any, names: frozenset[str], words: Words) -> Any:
    if isinstance(node, dict):
        return {
            # a name can be a value: a document echoed as {"Meyer": …}
            (MASK if words.repeated_in(name) else name): MASK
            if name.casefold() in names and not is_empty(value)
            else _hide_json(value, names, words)
            for name, value in node.items()
        }
    if isinstance(node, list):
        return [_hide_json(each, names, words) for each in node]
    if node is None or isinstance(node, bool):
        return node
    said = node if isinstance(node, str) else node.written if isinstance(node, Written) else str(node)
    return MASK if words.repeated_in(said) else node


def _hide_xml(content: bytes, names: frozenset[str], words: Words) -> str:
    # read the careful way first: it refuses what must not be parsed at all
    read_document(content, "application/xml; charset=utf-8", limits=_LIMITS)
    root = parse_written(content)
    for element in list(root.iter(etree.Element)):
        _hide_element(element, names, words)
    mask_comments(root)
    declared = '<?xml version="1.0" encoding="utf-8"?>\n' if content.startswith(b"<?xml") else ""
    return f"{declared}{etree.tostring(root.getroottree(), encoding='unicode')}"


def _hide_element(element: Any, names: frozenset[str], words: Words) -> None:
    for name, value in element.items():
        if value and (local_name(name).casefold() in names or words.repeated_in(value)):
            element.set(name, MASK)
    if local_name(element.tag).casefold() in names and ("".join(element.itertext()).strip() or len(element)):
        for child in list(element):
            element.remove(child)
        for name in element.keys():  # noqa: SIM118 - lxml elements iterate over children
            element.set(name, MASK)
        element.text = MASK
    elif element.text and words.repeated_in(element.text):
        element.text = MASK
    if element.tail and words.repeated_in(element.tail):
        element.tail = MASK
