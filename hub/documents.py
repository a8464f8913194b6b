"""Business documents: reading JSON and XML that strangers sent, and finding the business keys in them.

Nothing here trusts its input. XML is read without DTDs, entities and network (a document type declaration is refused),
JSON without duplicate members and without ``NaN``; both within limits of size and depth.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Any, NoReturn

import jsonpath_rfc9535
from jsonpath_rfc9535.segments import JSONPathChildSegment
from jsonpath_rfc9535.selectors import IndexSelector, NameSelector
from lxml import etree
from msgspec import Struct

from hub.declarations import Catalogue, KeyPaths
from hub.errors import SettingsError
from transactions.errors import TooLarge, Unreadable, UnsupportedMedia

MAX_KEY_LENGTH = 200
"""Characters of a business key that are kept."""


class Limits(Struct, frozen=True, kw_only=True):
    """How much document is read: ``max_bytes`` of body, ``max_depth`` of nested objects, arrays or elements, and
    ``max_attributes`` of one element (the time to take a namespace off its names grows with the square of them)."""

    max_bytes: int = 10 * 1024 * 1024
    max_depth: int = 64
    max_attributes: int = 256


DEFAULT_LIMITS = Limits()


class Form(StrEnum):
    """How a document is written."""

    JSON = "json"
    XML = "xml"


class Document(Struct, frozen=True, kw_only=True):
    """A document that was read. ``tree`` is plain Python data for JSON, and for XML the root element with namespaces
    stripped from every name. Fractions are :class:`Written`, so that a key keeps its trailing zeros."""

    form: Form
    tree: Any


class Written(float):
    """A number with a fraction or an exponent that remembers how it was written."""

    __slots__ = ("written",)

    def __init__(self, text: str) -> None:
        self.written = text


class _Refused(ValueError):
    """JSON that the grammar allows, or Python's reader, and that is refused all the same."""


def media_type(content_type: str) -> tuple[str, str | None]:
    """The media type in lower case and the charset parameter, if any, of a ``Content-Type`` value."""
    kind, *parameters = content_type.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return kind.strip().lower(), value.strip().strip('"').lower() or None
    return kind.strip().lower(), None


def form_of(content_type: str) -> Form:
    """The form that a ``Content-Type`` value names.

    Raises:
        UnsupportedMedia: neither JSON nor XML.
    """
    kind, _ = media_type(content_type)
    if kind == "application/json" or kind.endswith("+json"):
        return Form.JSON
    if kind in ("application/xml", "text/xml") or kind.endswith("+xml"):
        return Form.XML
    raise UnsupportedMedia(
        f"The content type {content_type[:100]!r} is not one the hub reads, so the document was not taken. "
        "Send JSON as application/json or XML as application/xml (or a type that ends in +json or +xml)."
    )


def read_document(content: bytes, content_type: str, *, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Read a business document.

    Args:
        content: the body as it came, UTF-8 unless a byte order mark, the charset or an XML declaration says otherwise.
        content_type: the ``Content-Type`` it came with.
        limits: size and depth that are accepted.

    Raises:
        UnsupportedMedia: neither JSON nor XML, or in a charset the hub does not read.
        TooLarge: more bytes than the limit.
        Unreadable: not what its content type says; ``line``, ``column`` (from 1, where known) and ``reason`` are extra.
    """
    form = form_of(content_type)
    if len(content) > limits.max_bytes:
        raise TooLarge(
            f"The document has {len(content):,} bytes and the limit is {limits.max_bytes:,}, so it was not taken. "
            "Split it, or raise the limit in the hub's settings."
        )
    if not content.strip():
        raise Unreadable("The document is empty. Send the document in the body of the request.", reason="empty body")
    _, charset = media_type(content_type)
    if form is Form.JSON:
        return Document(form=form, tree=_read_json(_decode_json(content, charset), limits))
    return Document(form=form, tree=_read_xml(as_utf8(content, charset), limits))


# JSON


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        # RFC 8259 leaves the meaning open: two systems could read two different documents
        raise _Refused(f"an object has the member {twice[:50]!r} twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=Written, parse_constant=_no_constant)

_JSON_CHARSETS = frozenset({None, "utf-8", "utf8", "us-ascii", "utf-16", "utf-16le", "utf-16be"})


def _decode_json(content: bytes, charset: str | None) -> str:
    if charset not in _JSON_CHARSETS:
        raise UnsupportedMedia(f"JSON in the charset {charset!r} is not read (RFC 8259 wants UTF-8). Send it as UTF-8.")
    encoding = json.detect_encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise _unreadable("JSON", line, column, f"byte {error.start} is not valid {encoding}") from error


def _read_json(text: str, limits: Limits) -> Any:
    try:
        tree = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _unreadable("JSON", error.lineno, error.colno, error.msg) from error
    except _Refused as error:
        raise _unreadable("JSON", None, None, str(error)) from error
    except RecursionError as error:
        raise _too_deep("JSON", limits) from error
    except ValueError as error:  # Python's limit on the digits of an integer
        raise _unreadable("JSON", None, None, "a number has too many digits") from error
    # with no more brackets than levels allowed there is nothing to measure
    if text.count("{") + text.count("[") > limits.max_depth and _json_depth_over(tree, limits.max_depth):
        raise _too_deep("JSON", limits)
    return tree


def _json_depth_over(tree: Any, limit: int) -> bool:
    level = [tree]
    for _ in range(limit):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return any(isinstance(node, dict | list) for node in level)


# XML

_PARSER = etree.XMLParser(
    encoding="utf-8",
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    dtd_validation=False,
    huge_tree=False,
    recover=False,
    remove_comments=True,
    remove_pis=True,
    collect_ids=False,
)

_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")

_XML_CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "iso-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "windows-1252",
}


def as_utf8(content: bytes, charset: str | None) -> bytes:
    """An XML document in UTF-8, without a byte order mark.

    Raises:
        UnsupportedMedia: it is in a charset the hub does not read.
        Unreadable: its bytes are not valid in its charset.
    """
    # RFC 7303: the byte order mark wins, then the charset parameter, then the XML declaration
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    else:
        declared = _DECLARED.match(content)
        name = charset or (declared[1].decode("ascii").lower() if declared else "utf-8")
        if name not in _XML_CHARSETS:
            raise UnsupportedMedia(f"XML in the charset {name[:40]!r} is not read. Send it as UTF-8 or UTF-16.")
        encoding = _XML_CHARSETS[name]
    if encoding == "utf-8":
        return content
    try:
        return content.decode(encoding).encode("utf-8")
    except UnicodeError as error:
        raise _unreadable("XML", None, None, f"the bytes are not valid {encoding}") from error


def _has_doctype(content: bytes) -> bool:
    """Whether a document type declaration stands before the root element (the only place it can)."""
    position = 0
    while (position := content.find(b"<", position)) >= 0:
        if content.startswith(b"<!DOCTYPE", position):
            return True
        if content.startswith(b"<?", position):
            end = content.find(b"?>", position)
        elif content.startswith(b"<!--", position):
            end = content.find(b"-->", position)
        else:
            return False
        if end < 0:
            return False
        position = end
        position += 1
    return False


def _read_xml(content: bytes, limits: Limits) -> Any:
    if _has_doctype(content):
        raise _unreadable("XML", None, None, "it has a document type declaration (DOCTYPE), which the hub refuses")
    try:
        root = etree.fromstring(content, _PARSER)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        reason = re.sub(r", line \d+, column \d+.*", "", error.msg or "not well-formed")
        raise _unreadable("XML", line or None, column or None, reason) from error
    if _deeper_than(limits.max_depth)(root):
        raise _too_deep("XML", limits)
    if _more_attributes_than(limits.max_attributes)(root):
        raise _unreadable("XML", None, None, f"an element has more than {limits.max_attributes} attributes")
    _strip_namespaces(root)
    return root


@lru_cache(maxsize=8)
def _deeper_than(levels: int) -> etree.XPath:
    return etree.XPath(f"boolean({'/*' * (levels + 1)})")


@lru_cache(maxsize=8)
def _more_attributes_than(number: int) -> etree.XPath:
    return etree.XPath(f"boolean(//*[@*[{number + 1}]])")


def _strip_namespaces(root: Any) -> None:
    for element in root.iter(etree.Element):
        tag = element.tag
        if tag[0] == "{":
            element.tag = tag[tag.index("}") + 1 :]
        for name in element.keys():  # noqa: SIM118 - lxml elements iterate over children
            if name[0] == "{":
                element.attrib[name[name.index("}") + 1 :]] = element.attrib.pop(name)


# keys

Find = Callable[[Any], Iterator[Any]]


def extract_keys(document: Document, paths: KeyPaths) -> dict[str, str]:
    """The business keys of a document, each the first value that its paths find; keys with no value are absent.

    Values are strings: numbers as they were written, trimmed, control characters as blanks, at most
    :data:`MAX_KEY_LENGTH` characters.

    Raises:
        Unreadable: a path cannot be evaluated on this document.
    """
    if document.form is Form.JSON:
        named, compiled = paths.json, _json_path
    else:
        named, compiled = paths.xml, _xpath
    keys: dict[str, str] = {}
    for name, path in named.items():
        for one in (path,) if isinstance(path, str) else path:
            value = _first(compiled(one), document.tree, name)
            if value:
                keys[name] = value
                break
    return keys


def check_paths(catalogue: Catalogue, name: str = "settings") -> None:
    """Compile every key path of a catalogue.

    Args:
        catalogue: whose flows are checked.
        name: of the file, for the message.

    Raises:
        SettingsError: with every path that does not compile, each with its place and the reason.
    """
    problems = [
        f"{name}: flow.{flow_name}.keys.{form}.{key}: {problem}"
        for flow_name, flow in catalogue.flow.items()
        for form, named, compiled in ((Form.JSON, flow.keys.json, _json_path), (Form.XML, flow.keys.xml, _xpath))
        for key, path in named.items()
        for one in ([path] if isinstance(path, str) else path)
        if (problem := _problem_of(compiled, one)) is not None
    ]
    if problems:
        raise SettingsError("\n".join(problems))


def _problem_of(compiled: Callable[[str], Find], path: str) -> str | None:
    try:
        find = compiled(path)
        if compiled is _xpath:  # an unknown prefix or function shows only when it is evaluated
            list(find(etree.Element("document")))
    except jsonpath_rfc9535.JSONPathError as error:
        return f"{path!r} is not a JSONPath (RFC 9535): {error}"
    except etree.XPathError as error:
        return f"{path!r} is not an XPath 1.0 without prefixes: {error}"
    return None


def _first(find: Find, tree: Any, name: str) -> str | None:
    try:
        for found in find(tree):
            value = _key_text(found)
            if value:
                return value
    except (jsonpath_rfc9535.JSONPathError, etree.XPathError) as error:
        raise Unreadable(
            f"The business key {name!r} cannot be looked up in this document: {error}. "
            "The document was not taken. Simplify the path of that key in the flow's settings.",
            reason=str(error),
        ) from error
    return None


def json_find(path: str) -> Callable[[Any], str | None]:
    """What a JSONPath finds first, as text: in any parsed JSON, read as a business key is."""
    find = _json_path(path)

    def first(tree: Any) -> str | None:
        return next((text for text in map(_key_text, find(tree)) if text), None)

    return first


def json_texts(path: str) -> Callable[[Any], list[str]]:
    """Everything that a JSONPath finds in parsed JSON, as text; what is neither text nor number is left out."""
    find = _json_path(path)
    return lambda tree: [text for text in map(_key_text, find(tree)) if text]


def json_nodes(path: str) -> Callable[[Any], list[Any]]:
    """Everything that a JSONPath finds in parsed JSON."""
    find = _json_path(path)
    return lambda tree: list(find(tree))


_CONTROLS = dict.fromkeys((*range(32), 127), " ")


def _key_text(value: Any) -> str | None:
    if isinstance(value, str):
        text = value.translate(_CONTROLS).strip()[:MAX_KEY_LENGTH].rstrip()
        # a lone surrogate (JSON can escape one) cannot be stored as UTF-8
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Written):
        return value.written[:MAX_KEY_LENGTH]
    if isinstance(value, int):
        return str(value)[:MAX_KEY_LENGTH]
    return None


@lru_cache(maxsize=4096)
def _json_path(path: str) -> Find:
    query = jsonpath_rfc9535.compile(path)
    steps: list[str | int] = []
    for segment in query.segments:
        selector = segment.selectors[0]
        if type(segment) is not JSONPathChildSegment or len(segment.selectors) != 1:
            break
        if isinstance(selector, NameSelector):
            steps.append(selector.name)
        elif isinstance(selector, IndexSelector):
            steps.append(selector.index)
        else:
            break
    else:
        return _walk(tuple(steps))
    return lambda tree: (node.value for node in query.finditer(tree))


def _walk(steps: tuple[str | int, ...]) -> Find:
    """A chain of members and indexes finds one node or none, without the library's node objects."""

    def find(tree: Any) -> Iterator[Any]:
        value: Any = tree
        for step in steps:
            if not isinstance(value, dict if isinstance(step, str) else list):
                return
            container: Any = value
            try:
                value = container[step]
            except (KeyError, IndexError):
                return
        yield value

    return find


_STRING_VALUE = etree.XPath("string()", smart_strings=False)


@lru_cache(maxsize=4096)
def _xpath(path: str) -> Find:
    evaluate = etree.XPath(path, smart_strings=False)

    def find(root: Any) -> Iterator[Any]:
        result = evaluate(root)
        for item in result if isinstance(result, list) else [result]:
            if isinstance(item, etree._Element):
                yield str(_STRING_VALUE(item))
            elif isinstance(item, float):
                # XPath's own string() of a number: no fraction where there is none
                yield str(int(item)) if item.is_integer() else "" if item != item else repr(item)
            else:
                yield item

    return find


# messages


def _unreadable(form: str, line: int | None, column: int | None, reason: str) -> Unreadable:
    place = f"line {line}, column {column}: " if line else ""
    return Unreadable(
        f"The document is not readable {form}: {place}{reason}. It was not taken. Correct it and send it again.",
        line=line,
        column=column,
        reason=reason,
    )


def _too_deep(form: str, limits: Limits) -> Unreadable:
    return _unreadable(form, None, None, f"it is nested deeper than {limits.max_depth} levels")
