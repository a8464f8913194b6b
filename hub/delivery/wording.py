"""What the body of an answer says, whatever dialect it is in: problem documents (RFC 9457), OData, OAuth, gateways'
own errors, SOAP faults, other XML, HTML pages and plain text.

Bodies are hostile: only so much of them is parsed, by the reader of :mod:`hub.documents`, and nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from hub.delivery.answers import Answer
from hub.documents import Form, Limits, media_type, read_document
from transactions.errors import AndonError

_LIMITS = Limits(max_bytes=262_144, max_depth=40)
_TEXT = 2_000  # characters of a message that are kept
_WORD = 120  # characters of a code or a document number that are kept

_CODE_NAMES = ("code", "errorcode", "reasoncode", "error_code", "number")
_MESSAGE_NAMES = ("message", "detail", "text", "description", "error_msg", "error_description", "faultstring", "title")
_SAP_CODE = re.compile(r"([A-Z0-9]{1,3})/(\d{3})")
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127])


class Said(Struct, frozen=True, kw_only=True):
    """What an answer said of itself; None where it said nothing readable.

    Attributes:
        status: the word the system uses for what it did (``applied``, ``parked`` …), in lower case.
        codes: the codes it gave, the outermost first.
        rejected: the lines it did not take, as sentences.
        fault: it is an error by its form (a SOAP fault, an ``error`` member), whatever its HTTP status.
        page: it is an HTML page, so no application's answer.
    """

    status: str | None = None
    document: str | None = None
    codes: tuple[str, ...] = ()
    message: str | None = None
    rejected: tuple[str, ...] = ()
    sha256: str | None = None
    fault: bool = False
    page: bool = False


def wording(answer: Answer) -> Said:
    """Read what an answer says."""
    head = answer.body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    content_type = answer.headers.get("content-type", "")
    kind, charset = media_type(content_type)
    if kind == "text/html" or head[:14].lower().startswith((b"<!doctype html", b"<html")):
        return Said(message=_page_title(answer.body), page=True)
    # some label JSON as text/plain, and SAP faults as text/html: the first character tells
    form = Form.JSON if head[:1] in (b"{", b"[") else Form.XML if head[:1] == b"<" else None
    if kind.endswith(("/json", "+json", "/xml", "+xml")) and head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        form = Form.JSON if kind.endswith("json") else Form.XML
    if form is None:
        return Said(message=_sentence(answer.body[:8_192].decode("utf-8", "replace")))
    try:
        labelled = f"application/{form}" + (f"; charset={charset}" if charset else "")
        tree = read_document(answer.body, labelled, limits=_LIMITS).tree
    except AndonError:  # not what it looks like: then it is text
        return Said(message=_sentence(answer.body[:8_192].decode("utf-8", "replace")))
    return _json_says(tree) if form is Form.JSON else _xml_says(tree)


def known_form(code: str) -> str:
    """A code as the table of codes writes it: capitals, ``M7/053`` as ``M7053``."""
    code = code.strip().upper()
    match = _SAP_CODE.fullmatch(code)
    return match[1] + match[2] if match else code


# JSON


def _json_says(tree: Any) -> Said:
    if isinstance(tree, list):
        tree = tree[0] if tree else {}
    if not isinstance(tree, dict):
        return Said(message=_text(tree))
    error = tree.get("error", tree.get("fault"))
    if isinstance(error, dict):  # OData, Google-like, Apigee
        return Said(
            codes=tuple(_unique([*_codes(error), *_inner_codes(error)])),
            message=_message(error),
            fault=True,
        )
    if isinstance(error, str) and error:  # OAuth (RFC 6749, 5.2), RFC 6750
        return Said(codes=(error[:_WORD],), message=_message(tree) or _sentence(error), fault=True)
    nested = tree.get("errors")
    first = nested[0] if isinstance(nested, list) and nested and isinstance(nested[0], dict) else {}
    codes = _codes(tree) or _codes(first)
    if not codes and isinstance(tree.get("type"), str):  # RFC 9457: the type is the code where there is no other
        last = re.split(r"[/:#]", str(tree["type"]).rstrip("/"))[-1]
        codes = [last[:_WORD]] if last not in ("", "blank") else []
    status = tree.get("status")
    return Said(
        status=status.strip().lower()[:_WORD] if isinstance(status, str) else None,
        document=_word(tree.get("document")),
        codes=tuple(codes),
        message=_message(tree) or _message(first),
        rejected=tuple(_rejected(tree.get("rejected"))),
        sha256=_word(tree.get("sha256")),
        fault=bool(first),
    )


def _codes(data: dict[str, Any]) -> list[str]:
    found = (_word(value) for name, value in data.items() if name.lower() in _CODE_NAMES)
    return [code for code in found if code]


def _inner_codes(error: dict[str, Any]) -> Iterator[str]:
    """Codes further in: OData's ``details`` and SAP's ``innererror.errordetails``, Apigee's ``detail``."""
    for name in ("innererror", "details", "errordetails", "detail", "errors"):
        inner = error.get(name)
        for one in inner[:20] if isinstance(inner, list) else [inner]:
            if isinstance(one, dict):
                yield from _codes(one)
                yield from _inner_codes(one)


def _message(data: dict[str, Any]) -> str | None:
    members = {name.lower(): value for name, value in data.items()}
    for name in _MESSAGE_NAMES:
        value = members.get(name)
        if isinstance(value, dict):  # OData 2: {"lang": "en", "value": "…"}
            value = value.get("value")
        if isinstance(value, str) and (sentence := _sentence(value)):
            return sentence
    return None


def _rejected(lines: Any) -> Iterator[str]:
    for line in lines[:20] if isinstance(lines, list) else []:
        if isinstance(line, dict):
            where, code, text = (_text(line.get(name)) for name in ("line", "code", "message"))
            why = " ".join(part for part in (code, text) if part)
            yield f"line {where or '?'}" + (f": {why}" if why else "")


# XML


def _xml_says(root: Any) -> Said:
    fault = next((node for node in _all(root, 2_000) if _name(node) == "fault"), None)
    if fault is not None:
        return _soap_fault(fault)
    inner = _named(root, *_CODE_NAMES)
    return Said(
        status=(_named(root, "status") or "").lower() or None,
        document=_named(root, "document", "documentnumber"),
        codes=(inner,) if inner else (),
        message=_long(root, *_MESSAGE_NAMES) or _sentence(" ".join(root.itertext())),
        sha256=_named(root, "sha256"),
        fault=_name(root) in ("error", "errors", "exception"),
    )


def _soap_fault(fault: Any) -> Said:
    detail = next((node for node in _all(fault, 200) if _name(node) == "detail"), None)
    codes = [_named(detail, *_CODE_NAMES) if detail is not None else None]
    if detail is None or codes == [None]:
        # SOAP 1.2: the innermost Subcode says most; SOAP 1.1: faultcode
        values = [_text(node.text) for node in _all(fault, 200) if _name(node) in ("value", "faultcode")]
        codes = [value.rpartition(":")[2] for value in reversed(values) if value]
    return Said(
        codes=tuple(code[:_WORD] for code in codes if code),
        message=_long(fault, "faultstring", "text", "message"),
        fault=True,
    )


def _all(root: Any, limit: int) -> Iterator[Any]:
    for number, node in enumerate(root.iter("*")):
        if number >= limit:
            return
        yield node


def _name(node: Any) -> str:
    return str(node.tag).lower()


def _named(root: Any, *names: str) -> str | None:
    return _word(_long(root, *names))


def _long(root: Any, *names: str) -> str | None:
    texts: dict[str, str] = {}
    for node in _all(root, 2_000):
        sentence = _sentence(node.text or "")
        if sentence:
            texts.setdefault(_name(node), sentence)
    return next((texts[name] for name in names if name in texts), None)


# text


def _page_title(body: bytes) -> str | None:
    text = body[:65_536].decode("utf-8", "replace")
    match = re.search(r"<(title|h1)[^>]{0,200}>([^<]{1,500})<", text, re.IGNORECASE)
    return _sentence(match[2] if match else re.sub(r"<[^<>]{0,500}>", " ", text))


def _sentence(text: str) -> str | None:
    # lone surrogates cannot be stored as UTF-8; control characters have no place on a terminal
    clean = text[: _TEXT * 4].encode("utf-8", "replace").decode("utf-8").translate(_CONTROLS)
    return " ".join(clean.split())[:_TEXT] or None


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return _sentence(str(getattr(value, "written", value)))


def _word(value: Any) -> str | None:
    text = _text(value)
    return text[:_WORD] if text else None


def _unique(codes: list[str]) -> list[str]:
    return list(dict.fromkeys(codes))
