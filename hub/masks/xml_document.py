"""Masks on XML documents.

Paths are evaluated on the tree that business keys are read from (no namespaces, no comments); what they find is masked
in the document as it is written, element by element in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from lxml import etree

from hub.documents import as_utf8, media_type
from hub.masks.document import Hidden, Hit
from transactions.history import MASK

COMMENTS = "//comment()"
"""What the hidden document names as its path where comments or processing instructions were masked: no path leads into
them, and sources write old values there."""

PLACES = 1_000
"""Places that are told apart in one document: finding out where an element stands takes time."""

_WRITTEN = etree.XMLParser(
    encoding="utf-8",
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    dtd_validation=False,
    huge_tree=False,
    recover=False,
    strip_cdata=False,
    collect_ids=False,
)
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


def hide_xml(tree: Any, content: bytes, content_type: str, paths: tuple[str, ...]) -> Hidden:
    """Mask what ``paths`` find. What is empty hides nothing and stays.

    Args:
        tree: the root as :func:`hub.documents.read_document` reads it.
        content: the bytes it was read from.
        content_type: what they came with.
        paths: XPaths to elements and attributes.

    Raises:
        lxml.etree.XPathError: a path cannot be evaluated on this document.
    """
    utf8 = as_utf8(content, media_type(content_type)[1])
    root = parse_written(utf8)
    # both parsers see the same elements in the same order
    order = {element: number for number, element in enumerate(tree.iter(etree.Element))}
    written = list(root.iter(etree.Element))
    hits: list[Hit] = []
    masked: dict[tuple[int, str | None], None] = {}
    for path in paths:
        for element, attribute in find_xml(tree, path):
            which = (order[element], attribute)
            values = tuple(leaves_of(element)) if attribute is None else (element.get(attribute, ""),)
            if which not in masked and any(values):
                masked[which] = None
                place = place_of(tree, element, attribute) if len(hits) < PLACES else ""
                hits.append(Hit(path, place, " ".join(values), values))
    for number, attribute in masked:
        mask_node(written[number], attribute)
    spoken = mask_comments(root)
    if not hits and not spoken:
        return Hidden(content=content)
    text = etree.tostring(root.getroottree(), encoding="unicode")
    declared = _DECLARATION if utf8.lstrip().startswith(b"<?xml") else ""
    declared_paths = dict.fromkeys([*(hit.path for hit in hits), *([COMMENTS] if spoken else [])])
    return Hidden(content=f"{declared}{text}".encode(), paths=tuple(declared_paths), hits=tuple(hits))


def parse_written(content: bytes) -> Any:
    """The root of a document that was read before, with everything that is written in it.

    Args:
        content: UTF-8.
    """
    return etree.fromstring(content, _WRITTEN)


@lru_cache(maxsize=1024)
def _compiled(path: str) -> etree.XPath:
    return etree.XPath(path)


def find_xml(tree: Any, path: str) -> Iterator[tuple[Any, str | None]]:
    """The elements, and the attributes with their elements, that an XPath finds.

    Raises:
        lxml.etree.XPathError: the path is none, or cannot be evaluated on this document.
    """
    found: Any = _compiled(path)(tree)
    for one in found if isinstance(found, list) else []:
        if isinstance(one, etree._Element):
            yield one, None
        elif getattr(one, "is_attribute", False):
            yield one.getparent(), one.attrname


def leaves_of(element: Any) -> Iterator[str]:
    """Every single value in an element: texts and attributes, its own and those of all inside it."""
    for each in element.iter(etree.Element):
        yield from (value for value in each.attrib.values() if value)
    yield from (text.strip() for text in element.itertext() if text.strip())


def mask_node(element: Any, attribute: str | None) -> None:
    """Put the mask over an element, with all that is inside it, or over one of its attributes."""
    if attribute is not None:
        for name in element.keys():  # noqa: SIM118 - lxml elements iterate over children
            if local_name(name) == attribute:
                element.set(name, MASK)
        return
    for name in element.keys():  # noqa: SIM118 - as above
        element.set(name, MASK)
    for child in list(element):
        element.remove(child)
    element.text = MASK


def mask_comments(root: Any) -> bool:
    """Mask what comments and processing instructions say; whether any said something."""
    found = [node for kind in (etree.Comment, etree.PI) for node in root.iter(kind)]
    for start, following in ((root.getprevious(), False), (root.getnext(), True)):
        node = start
        while node is not None:
            found.append(node)
            node = node.getnext() if following else node.getprevious()
    spoken = [node for node in found if (node.text or "").strip()]
    for node in spoken:
        node.text = MASK
    return bool(spoken)


def local_name(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]


def place_of(tree: Any, element: Any, attribute: str | None) -> str:
    """The one path that finds this node, and nothing else, in this document."""
    path: str = tree.getroottree().getpath(element)
    return path if attribute is None else f"{path}/@{attribute}"
