"""Edits: what is changed in a document, what differs afterwards, and what a draft of one is."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from transactions.errors import Invalid
from transactions.untrusted import parse_json

MAX_STEPS = 500
MAX_DIFFERENCES = 200
"""Differences that are told of one document; of more, their number."""
_DEPTH = 64
_EXACT = 2**53
"""Beyond it two systems may read two numbers (RFC 8259, section 6), and canonical JSON has no form for it."""

DRAFT: Literal["draft"] = "draft"
"""How the revision that is not in use yet is named."""
PATCH_MEDIA = "application/json-patch+json"
SET_MEDIA = "application/vnd.andon.set+json"
STEPS_MEDIA = "application/vnd.andon.steps+json"
"""A list of steps as plans have them: those of JSON Patch, and ``set``."""


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One step of a patch: an operation of JSON Patch (RFC 6902), or ``set``.

    Attributes:
        op: what to do. ``set`` puts a value wherever its path finds something.
        path: a JSON Pointer (RFC 6901); for ``set`` a JSONPath (RFC 9535), or an XPath 1.0 in XML.
        value: for add, replace, test and set.
        from_: for move and copy.
        loose: of ``set``: the value is a text that becomes the type of what stands there.
    """

    op: Literal["add", "remove", "replace", "move", "copy", "test", "set"]
    path: str
    value: Any = UNSET
    from_: str | UnsetType = msgspec.field(name="from", default=UNSET)
    loose: bool = False


class FieldDifference(Struct, frozen=True, kw_only=True):
    """One place where two documents differ; ``before`` or ``after`` is None where there is nothing."""

    path: str
    before: str | None
    after: str | None


class Finding(Struct, frozen=True, kw_only=True):
    """Something in a document that does not fit its schema."""

    path: str
    message: str


class PlannedEdit(Struct, frozen=True, kw_only=True):
    """The document that a plan will send for one of its items.

    Attributes:
        id: of the transaction.
        base: the revision that was edited.
        sha256: of the document; the plan sends this one and no other.
        size: in bytes.
        content_type: of the document.
        made_by: who wrote it: of a stored draft its editor.
        difference: to the base, masked where the flow masks.
        more: differences that are not told.
        findings: what does not fit the schema, where that is overruled.
    """

    id: str
    base: int
    sha256: str
    size: int
    content_type: str
    made_by: str
    difference: list[FieldDifference]
    more: int = 0
    findings: list[Finding] = []


class Draft(Struct, frozen=True, kw_only=True):
    """A document that was edited and is not in use; nothing is sent by storing it.

    Attributes:
        etag: of the transaction, which is a new one now.
    """

    id: str
    base: int
    sha256: str
    size: int
    content_type: str
    created_at: datetime
    created_by: str
    reason: str
    difference: list[FieldDifference]
    more: int
    findings: list[Finding]
    etag: str


class PayloadDifference(Struct, frozen=True, kw_only=True):
    """Where two revisions of a payload differ; ``same`` also where they are written differently and say the same.
    ``withheld`` says why nothing is told."""

    id: str
    from_: str = msgspec.field(name="from")
    to: str
    same: bool
    differences: list[FieldDifference]
    more: int
    withheld: str | None = None


class SetRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Values to put at paths; see :class:`Step`."""

    set: dict[str, Any]


def parse_set(text: str) -> Step:
    """``PATH=VALUE`` (the value becomes the type of what stands there) or ``PATH:=JSON``, as a step.

    Raises:
        Invalid: it is neither.
    """
    at = _sign(text)
    if at <= 0:
        raise Invalid(
            f"{text!r} is not PATH=VALUE. Nothing was done. Write '$.a.b=KG' for JSON, '//A/B=KG' for XML, or "
            "'$.a.b:=JSON' for a value that is no text."
        )
    if text[at - 1] == ":":
        try:
            value = parse_json(text[at + 1 :].encode(), object)
        except msgspec.DecodeError as error:
            raise Invalid(f"{text!r}: what follows := is no JSON ({error}). Nothing was done.") from error
        return Step(op="set", path=text[: at - 1], value=value)
    return Step(op="set", path=text[:at], value=text[at + 1 :], loose=True)


def say_set(step: Step) -> str:
    """A ``set`` as :func:`parse_set` reads it."""
    if step.loose:
        return f"{step.path}={step.value}"
    return f"{step.path}:={msgspec.json.encode(step.value).decode()}"


def _sign(text: str) -> int:
    """Where the first ``=`` outside of brackets and quotes is: a path may have conditions."""
    depth, quote = 0, ""
    for place, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"" and depth:
            quote = char
        elif char in "[(":
            depth += 1
        elif char in "])":
            depth -= 1
        elif char == "=" and depth == 0:
            return place
    return -1


def check_steps(steps: list[Step]) -> None:
    """Hold steps against what they want, before any document is looked at.

    Raises:
        Invalid: a value or a ``from`` is missing or too much; a number or a nesting that has no canonical form.
    """
    if len(steps) > MAX_STEPS:
        raise Invalid(f"A patch has {MAX_STEPS} steps at most, and this one {len(steps):,}. Nothing was changed.")
    for number, step in enumerate(steps, 1):
        wants_value = step.op in ("add", "replace", "test", "set")
        if wants_value is (step.value is UNSET):
            said = "wants a value" if wants_value else "takes no value"
            raise Invalid(f"Step {number} of the patch ({step.op}) {said}. Nothing was changed.")
        wants_from = step.op in ("move", "copy")
        if wants_from is (step.from_ is UNSET):
            said = "wants a from" if wants_from else "takes no from"
            raise Invalid(f"Step {number} of the patch ({step.op}) {said}. Nothing was changed.")
        if step.loose and (step.op != "set" or not isinstance(step.value, str)):
            raise Invalid(f"Step {number} of the patch: loose is for a set with a text. Nothing was changed.")
        if wants_value and not is_plain(step.value):
            raise Invalid(
                f"Step {number} of the patch has a value that is nested deeper than {_DEPTH} levels, or a number that "
                "not every system reads alike. Nothing was changed. Write such a number as a text."
            )


def is_plain(value: Any) -> bool:
    """Whether a JSON value has a canonical form (RFC 8785) and a sane depth."""
    level = [value]
    for _ in range(_DEPTH):
        for node in level:
            if isinstance(node, int) and not isinstance(node, bool) and abs(node) >= _EXACT:
                return False
            if isinstance(node, float) and not math.isfinite(node):
                return False
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return True
    return False
