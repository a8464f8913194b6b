"""What happened: attempts, the timeline of a transaction, the audit chain's entries, events."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from transactions.model import Failure, Status

MASK = "▒▒▒"
"""What stands where a value is masked."""


class Attempt(Struct, frozen=True, kw_only=True):
    """One try to deliver, or one question to the target (``purpose`` says which)."""

    n: int
    purpose: Literal["delivery", "lookup"]
    started_at: datetime
    finished_at: datetime | None
    by: str
    batch: str | None
    revision: int
    method: str
    url: str
    request_headers: dict[str, str]
    response_status: int | None
    response_headers: dict[str, str] | None
    response_body: str | None
    outcome: str | None
    failure: Failure | None


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """One line of a transaction's story: a status change, an attempt, or something a person did."""

    at: datetime
    kind: Literal["status", "attempt", "action", "note"]
    by: str
    text: str
    status: Status | None = None
    before: Status | None = None
    attempt: Attempt | None = None


class Revision(Struct, frozen=True, kw_only=True):
    """One revision of a payload, without its content."""

    revision: int
    sha256: str
    size: int
    content_type: str
    created_at: datetime
    created_by: str
    reason: str | None = None


class Payload(Struct, frozen=True, kw_only=True):
    """A payload for a person to read.

    Attributes:
        encoding: ``text`` where the content is text in its own charset, else ``base64``.
        headers: the headers the document came in with.
        masked: paths of what is masked in the content; ``size`` and ``sha256`` are those of the real bytes.
        withheld: why nothing of the content is shown, where masks cannot be applied to it.
        draft: the edited document that is stored and not in use, if there is one.
    """

    id: str
    revision: int
    content_type: str
    sha256: str
    size: int
    encoding: Literal["text", "base64"]
    content: str
    headers: dict[str, str]
    revisions: list[Revision]
    masked: list[str] = []
    withheld: str | None = None
    draft: Revision | None = None


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One entry of the audit chain. ``hash`` is over ``previous`` and every other field in canonical JSON."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    previous: str
    hash: str


class StreamEvent(Struct, frozen=True, kw_only=True):
    """One event of the stream: something changed, and where to look.

    ``type`` is ``transaction``, ``plan``, ``batch``, ``approval``, ``hold``, ``gateway`` or ``simulator``; ``id`` names
    the thing, of a gateway its revision; ``reset`` says that something was missed, so that everything is to be looked
    at anew. ``data`` has what a list or a board needs to follow without asking again.
    """

    seq: int
    at: datetime
    type: str
    id: str
    data: dict[str, Any]
