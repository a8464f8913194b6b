"""Calls about the audit chain."""

from __future__ import annotations

from datetime import datetime

from platforms.calls import Call, params
from transactions.audit_key import AuditKey
from transactions.history import AuditEntry
from transactions.pages import Page

JSON_LINES = "application/x-ndjson"


def entries(
    limit: int | None = None,
    cursor: str | None = None,
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Call[Page[AuditEntry]]:
    """Entries, newest first; a text that ends with ``*`` is a beginning."""
    found = params(
        limit=limit,
        cursor=cursor,
        actor=actor,
        action=action,
        subject=subject,
        since=None if since is None else since.isoformat(),
        until=None if until is None else until.isoformat(),
    )
    return Call(method="GET", path="audit", answers=Page[AuditEntry], params=found)


def key() -> Call[AuditKey]:
    """The key that signs exports."""
    return Call(method="GET", path="audit/key", answers=AuditKey)


def export(first: int | None = None, last: int | None = None) -> Call[bytes]:
    """Entries ``first`` to ``last`` as lines, with a signed end; for ``download``, as there may be millions."""
    return Call(
        method="GET",
        path="audit/export",
        answers=bytes,
        accept=JSON_LINES,
        params={**params(to=last), **({} if first is None else {"from": str(first)})},
    )
