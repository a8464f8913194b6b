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
_JSON_CODE = re.compile(r"(?:error_?)?code|error|type", re.IGNORECASE)
_XML_CODE = re.compile(
    r"<(?:[\w-]{1,40}:)?(?:fault|error|reason)?code(?: [^<>]{0,200})?>\s*([^<>\s]{1,80})\s*<", re.IGNORECASE
)
_TAG = re.compile(r"<[/?!]?[A-Za-z][^<>]{0,300}>")


def template(message: str) -> str:
    """A message with everything masked that tells one transaction from the next."""
    text = message[:_LIMIT].strip()
    codes = _fault_codes(text)
    if codes:
        return f"fault {' '.join(codes)}"
    if text[:1] == "<":
        text = _TAG.sub(" ", text)
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


def _fault_codes(text: str) -> list[str]:
    """The codes in a JSON or XML fault: they do not change from one document to the next."""
    if text[:1] in ("{", "["):
        return _json_codes(text)
    if text[:1] == "<":
        return list(dict.fromkeys(_XML_CODE.findall(text)))[:_CODES]
    return []


def _json_codes(text: str) -> list[str]:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):  # cut short, or no JSON at all: then it is text
        return []
    return list(dict.fromkeys(_codes(tree)))[:_CODES]


def _codes(tree: Any) -> Iterator[str]:
    waiting = [tree]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, dict):
            for name, value in node.items():
                if isinstance(value, str) and _JSON_CODE.fullmatch(name) and not re.search(r"\s", value):
                    yield value[:80]
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
