"""The edited document: patched or merged, read again, held against its keys and its schema."""

from __future__ import annotations

import codecs
from typing import Any

import jsonpath_rfc9535
from lxml import etree
from msgspec import Struct

from hub.declarations import FlowDeclaration
from hub.documents import DEFAULT_LIMITS, Document, Form, as_utf8, extract_keys, form_of, media_type, read_document
from hub.edits.difference import Compared, compare
from hub.edits.json_edit import edit_json, merge_json
from hub.edits.locks import moved_lock
from hub.edits.refusal import CannotEdit
from hub.edits.xml_edit import Pair, edit_xml, merge_xml
from hub.landscape import Landscape
from hub.masks.json_document import write_json
from hub.masks.xml_document import parse_written
from transactions.canonical import sha256_bytes
from transactions.edits import Finding, Step
from transactions.errors import AndonError
from transactions.history import MASK

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


class Base(Struct, frozen=True, kw_only=True):
    """The document that is edited.

    Attributes:
        keys: its business keys as they were stored, for a document that cannot be read.
    """

    flow: str
    content: bytes
    content_type: str
    keys: dict[str, str]


class Made(Struct, frozen=True, kw_only=True):
    """An edited document that may be sent."""

    content: bytes
    content_type: str
    sha256: str
    keys: dict[str, str]
    compared: Compared
    findings: list[Finding]


def patched(base: Base, steps: list[Step], landscape: Landscape, *, may_reveal: bool = False) -> Made:
    """The document after the steps of a patch.

    Raises:
        CannotEdit: it does not apply, or changes what must stay.
    """
    document = _read(base.content, base.content_type, "the document that is edited")
    json_paths, xml_paths = _masks(base, landscape)
    try:
        if document.form is Form.JSON:
            tree = edit_json(document.tree, steps, json_paths, may_reveal=may_reveal)
            content = write_json(tree, pretty=b"\n" in base.content.strip())
        else:
            pair = _pair(document, base.content, base.content_type)
            edit_xml(pair, steps, xml_paths, may_reveal=may_reveal)
            content = _write_xml(pair.written, base.content)
    except (jsonpath_rfc9535.JSONPathError, etree.XPathError) as error:
        raise CannotEdit(f"a path cannot be evaluated on this document ({error})") from error
    return _held(base, content, _in_utf8(base.content_type), landscape)


def merged(base: Base, content: bytes, content_type: str, landscape: Landscape, *, may_reveal: bool = False) -> Made:
    """A whole new document, with the real values where it shows masks.

    Raises:
        CannotEdit: it cannot be read, or changes what must stay.
    """
    document = _read(content, content_type, "the new document")
    json_paths, xml_paths = _masks(base, landscape)
    if json_paths or xml_paths:
        old = _read(base.content, base.content_type, "the document that is edited, which has masked fields,")
        if old.form is not document.form:
            raise CannotEdit("the new document has another form than the one that is edited")
        if document.form is Form.JSON:
            if merge_json(document.tree, old.tree, json_paths, may_reveal=may_reveal):
                content_type, pretty = _in_utf8(content_type), b"\n" in content.strip()
                content = write_json(document.tree, pretty=pretty)
        else:
            new = _pair(document, content, content_type)
            if merge_xml(new, _pair(old, base.content, base.content_type), xml_paths, may_reveal=may_reveal):
                content, content_type = _write_xml(new.written, content), _in_utf8(content_type)
    return _held(base, content, content_type, landscape)


def unfit(flow_name: str, content: bytes, content_type: str, landscape: Landscape) -> list[Finding]:
    """What of a document does not fit its schema; nothing where none is known. No masked value is repeated."""
    flow = landscape.flow(flow_name)
    found = [] if flow is None else landscape.schemas.check(flow_name, flow.document, content, content_type)
    masks = landscape.masks.flow(flow_name)
    if masks is None or not found:
        return found
    secrets = masks.secrets([(content, content_type)])
    return [
        Finding(path=each.path, message=secrets.sentence(each.message, f"{MASK}, which is masked, does not fit"))
        for each in found
    ]


def _held(base: Base, content: bytes, content_type: str, landscape: Landscape) -> Made:
    """The edited document, held against what must stay."""
    if not content.strip():
        raise CannotEdit("the new document is empty, and an empty document is never sent")
    document = _read(content, content_type, "the new document")
    flow = landscape.flow(base.flow)
    keys: dict[str, str] = {}
    if flow is not None:
        keys = _keys(document, flow)
        moved = moved_lock(flow, _old_keys(base, flow), keys)
        if moved is not None:
            raise CannotEdit(
                f"the business key {moved[0]!r} makes {moved[1]} and stays what it was. "
                "A document about something else is a new one: discard this, and send that from its source"
            )
        keys = _without_hidden(base.flow, content, content_type, keys, landscape)
    compared = compare((base.content, base.content_type), (content, content_type), landscape.masks.flow(base.flow))
    return Made(
        content=content,
        content_type=content_type,
        sha256=sha256_bytes(content),
        keys=keys,
        compared=compared,
        findings=unfit(base.flow, content, content_type, landscape),
    )


def _old_keys(base: Base, flow: FlowDeclaration) -> dict[str, str]:
    try:
        return _keys(_read(base.content, base.content_type, "the document"), flow)
    except CannotEdit:
        return base.keys


def _keys(document: Document, flow: FlowDeclaration) -> dict[str, str]:
    try:
        return extract_keys(document, flow.keys)
    except AndonError as error:
        raise CannotEdit("its business keys cannot be looked up") from error


def _without_hidden(
    flow: str, content: bytes, content_type: str, keys: dict[str, str], landscape: Landscape
) -> dict[str, str]:
    """The keys without values that stand inside what the flow masks, as at intake."""
    masks = landscape.masks.flow(flow)
    hidden = [] if masks is None else masks.keys_in_masks(content, content_type, keys)
    return {name: MASK if name in hidden else value for name, value in keys.items()}


def _read(content: bytes, content_type: str, what: str) -> Document:
    try:
        return read_document(content, content_type, limits=DEFAULT_LIMITS)
    except AndonError as error:
        said = error.extra.get("reason") or error.title
        line, column = error.extra.get("line"), error.extra.get("column")
        place = f"line {line}, column {column}: " if line else ""
        raise CannotEdit(f"{what} cannot be read: {place}{said}") from error


def _masks(base: Base, landscape: Landscape) -> tuple[tuple[str, ...], tuple[str, ...]]:
    masks = landscape.masks.flow(base.flow)
    if masks is None:
        return (), ()
    return (masks.json_paths, ()) if form_of(base.content_type) is Form.JSON else ((), masks.xml_paths)


def _pair(document: Document, content: bytes, content_type: str) -> Pair:
    return Pair(document.tree, parse_written(as_utf8(content, media_type(content_type)[1])))


def _write_xml(root: Any, was: bytes) -> bytes:
    text = etree.tostring(root.getroottree(), encoding="unicode")
    declared = _DECLARATION if b"<?xml" in was[:200] or was.startswith(_WIDE) else ""
    return f"{declared}{text}".encode()


def _in_utf8(content_type: str) -> str:
    """The content type of a document that is written anew."""
    kind, charset = media_type(content_type)
    return content_type if charset in (None, "utf-8", "utf8") else f"{kind}; charset=utf-8"
