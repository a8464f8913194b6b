"""Calls about edits of payloads."""

from __future__ import annotations

from platforms.calls import Call, params, segments
from transactions.edits import Draft, PayloadDifference


def edit(
    id: str,  # noqa: A002
    content: bytes,
    content_type: str,
    *,
    etag: str,
    reason: str,
    force_schema: bool = False,
    correction: bool = False,
) -> Call[Draft]:
    """Store a draft: a whole document, a JSON Patch or values at paths, as ``content_type`` says. Nothing is sent.

    Args:
        id: of the transaction.
        content: the document or patch.
        content_type: which of them it is.
        etag: of the transaction as it was looked at.
        reason: stays with the revision.
        force_schema: also where the document does not fit its schema.
        correction: it is the right document instead of one that was posted.
    """
    return Call(
        method="PATCH",
        path=segments("transactions", id, "payload"),
        answers=Draft,
        params=params(
            reason=reason,
            force_schema="true" if force_schema else None,
            correction="true" if correction else None,
        ),
        body=content,
        content_type=content_type,
        headers={"If-Match": f'"{etag}"'},
        changes=True,
    )


def difference(id: str, before: str | None = None, after: str | None = None) -> Call[PayloadDifference]:  # noqa: A002
    """Where two revisions differ; ``draft`` names the one that is not in use."""
    return Call(
        method="GET",
        path=segments("transactions", id, "payload", "diff"),
        answers=PayloadDifference,
        params={name: value for name, value in (("from", before), ("to", after)) if value is not None},
    )
