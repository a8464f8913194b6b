"""Groups: failed transactions with the same cause have the same fingerprint.

A message is reduced to its template: what differs from one transaction to the next (numbers, ids, hashes, times,
quoted values, users) is masked, and a fault that was passed on whole is reduced to its codes, so that two of the same
cause read the same. Deterministic, so that fingerprints are stable across restarts and machines.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

_LIMIT = 2000  # characters of a message that count
_CODES = 5  # codes of a fault that count

_TIME = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?Z| ?[+-]\d\d:?\d\d)?)?"
_WORD = r"(?:[\w./:-]*\w)?"  # to the end of a word, without the full stop of a sentence

_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"\b(?:{_TIME}|\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\b"), "<time>"),
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    # an apostrophe inside a word quotes nothing
    (re.compile(r"\"[^\"]{1,200}\"|(?<!\w)'[^']{1,200}'(?!\w)|`[^`]{1,200}`|«[^»]{1,200}»|“[^”]{1,200}”"), "<value>"),
    (re.compile(r"\b([Uu]ser|by) [A-Z][A-Z0-9_]{2,}\b"), r"\1 <user>"),
    # a version says which interface, not which document
    (re.compile(rf"(?<![\w<])(?!v\d{{1,2}}\b)(?=[\w./:-]*\d)[^\W\d]{_WORD}"), "<id>"),
    (re.compile(r"(?<![\w<])(?=[\d.,:/-]*[A-Za-z_])\d[\w./:-]*\w"), "<id>"),
    (re.compile(r"(?<![\w<])[-+]?\d(?:[\d.,:/-]*\d)?(?!\w)"), "<n>"),
    (re.compile(r"\s+"), " "),
)
_JSON_CODE = re.compile(r"(?:(?:error|fault|reason)_?)?code|error", re.IGNORECASE)
_JSON_WORDS = re.compile(
    r"message|title|detail|name|reason|fault_?string|error(?:_?(?:message|description))?", re.IGNORECASE
)
_NO_TYPE = "about:blank"  # RFC 9457, section 4.2.1: the problem has no meaning beyond its status
_XML_CODE = re.compile(
    # an element that is called so; the value of one (SOAP 1.2, part 1, section 5.4.6); an attribute
    r"<(?:[\w-]{1,40}:)?(?:fault|error|reason|sub)?code(?: [^<>]{0,200})?>\s*"
    r"(?:<(?:[\w-]{1,40}:)?value(?: [^<>]{0,200})?>\s*)?([^<>\s]{1,80})\s*<"
    r"|<[^<>]{1,200}\s(?:fault|error|reason)?code=[\"']([^\"'\s]{1,80})[\"']",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[/?!]?[A-Za-z][^<>]{0,300}>")


def template(message: str) -> str:
    """A message with everything masked that tells one transaction from the next."""
    text = message[:_LIMIT].strip()
    if text[:1] == "<":
        codes = list(dict.fromkeys(one or other for one, other in _XML_CODE.findall(text)))[:_CODES]
        if codes:
            return f"fault {' '.join(codes)}"
        text = _TAG.sub(" ", text)
    elif text[:1] in ("{", "["):
        fault = _json_fault(text)
        if fault is not None:
            return fault
    return _masked(text)


def _masked(text: str) -> str:
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text.strip()


def fingerprint(flow: str, target: str, kind: str, code: str, shape: str) -> str:
    """Sixteen hex digits that name a group.

    Args:
        flow, target: where it failed.
        kind, code: the failure's.
        shape: the template of its message.
    """
    parts = f"{flow}\x1f{target}\x1f{kind}\x1f{code}\x1f{shape}"
    return hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()[:16]


def _json_fault(text: str) -> str | None:
    """A JSON fault by its codes, which do not change from one document to the next; one that has only numbers, or none,
    by what it says in words as well. None where the text is no JSON that says anything."""
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):  # cut short, or no JSON at all: then it is text
        return None
    codes, numbers, words = _Found(), _Found(), _Found()
    for name, value, depth in _members(tree):
        if isinstance(value, str):
            outer = depth <= 1  # further in are the fields of documents, which have types and names of their own
            code = _JSON_CODE.fullmatch(name) or (outer and name.lower() == "type" and value != _NO_TYPE)
            if code and not re.search(r"\s", value):
                codes.add(value[:80])
            elif outer and _JSON_WORDS.fullmatch(name):
                words.add(_masked(value))
        elif isinstance(value, int) and not isinstance(value, bool) and _JSON_CODE.fullmatch(name):
            numbers.add(str(value))
    found = sorted(codes) or sorted(numbers) + sorted(words)  # members of an object have no order
    return f"fault {' '.join(found)}" if found else None


class _Found(list[str]):
    """The first few of a kind, each once."""

    def add(self, text: str) -> None:
        if text and text not in self and len(self) < _CODES:
            self.append(text)


def _members(tree: Any) -> Iterator[tuple[str, Any, int]]:
    """Every member of every object, with the depth of the object: the outermost ones first."""
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop(0)
        if isinstance(node, dict):
            for name, value in node.items():
                yield name, value, depth
            waiting += [(value, depth + 1) for value in node.values()]
        elif isinstance(node, list):
            waiting += [(value, depth + 1) for value in node]
