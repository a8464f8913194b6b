"""Payloads as somebody may see them: with the masks of now, or as they are."""

from __future__ import annotations

import base64
from typing import Any, Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from hub.charset import text_of
from hub.documents import media_type
from hub.masks import FlowMasks, Hidden, Masks
from hub.masks.stored import secrets_of
from hub.store.questions import one_row
from hub.store.rows import to_revision
from hub.store.schema import drafts, payloads, revisions
from transactions.edits import DRAFT
from transactions.errors import NotFound
from transactions.history import MASK, Payload
from transactions.people import Reach


class Found(Struct, frozen=True, kw_only=True):
    """One revision of a payload.

    Attributes:
        flow: of its transaction.
        one: its row.
        all: the rows of all revisions.
        content: its real bytes.
        headers: that the document came with, as they are.
        draft: the row of the draft, if there is one of the revision in use.
    """

    flow: str
    one: Any
    all: list[Any]
    content: bytes
    headers: dict[str, str]
    draft: Any | None = None


_DRAFT = select(
    drafts.c.tx_id,
    (drafts.c.base + 1).label("revision"),
    drafts.c.sha256,
    drafts.c.size,
    drafts.c.content_type,
    drafts.c.headers,
    drafts.c.created_at,
    drafts.c.created_by,
    drafts.c.reason,
)


def find_payload(connection: Connection, tx_id: str, revision: int | Literal["draft"] | None, reach: Reach) -> Found:
    """One revision of a payload, or its draft; the revision in use where none is named.

    Raises:
        NotFound: no such transaction within reach, or no such revision.
    """
    row = one_row(connection, tx_id, reach)
    draft = connection.execute(_DRAFT.where(drafts.c.tx_id == tx_id, drafts.c.base == row.revision)).first()
    if revision == DRAFT and draft is None:
        raise NotFound(f"Transaction {tx_id} has no draft. Edit it to make one; nothing is sent by that.")
    wanted = row.revision if revision is None else revision
    found = connection.execute(select(revisions).where(revisions.c.tx_id == tx_id).order_by(revisions.c.revision)).all()
    one = draft if revision == DRAFT else next((entry for entry in found if entry.revision == wanted), None)
    if one is None:
        have = ", ".join(str(entry.revision) for entry in found)
        raise NotFound(f"Transaction {tx_id} has no revision {wanted}. It has: {have}.")
    content: bytes = connection.execute(select(payloads.c.content).where(payloads.c.sha256 == one.sha256)).scalar_one()
    return Found(
        flow=row.flow,
        one=one,
        all=list(found),
        content=content,
        headers=msgspec.json.decode(one.headers),
        draft=draft,
    )


class Shown(Struct, frozen=True, kw_only=True):
    """A revision as somebody sees it.

    Attributes:
        found: the revision.
        content: bytes to show; None where all of it is withheld.
        content_type: of ``content``.
        masked: paths that masked something.
        withheld: why all of it is.
        headers: to show.
    """

    found: Found
    content: bytes | None
    content_type: str
    masked: list[str]
    withheld: str | None
    headers: dict[str, str]

    def for_people(self) -> Payload:
        """As JSON: text where it is text in its charset, else base64."""
        one, content = self.found.one, self.content
        text = MASK if content is None else text_of(content, self.content_type)
        return Payload(
            id=one.tx_id,
            revision=one.revision,
            content_type=one.content_type,
            sha256=one.sha256,
            size=len(self.found.content),
            encoding="base64" if text is None else "text",
            content=base64.b64encode(content or b"").decode() if text is None else text,
            headers=self.headers,
            revisions=[to_revision(entry) for entry in self.found.all],
            masked=self.masked,
            withheld=self.withheld,
            draft=None if self.found.draft is None else to_revision(self.found.draft),
        )


def revealed(found: Found) -> Shown:
    """A revision without masks."""
    return Shown(
        found=found,
        content=found.content,
        content_type=found.one.content_type,
        masked=[],
        withheld=None,
        headers=found.headers,
    )


def masked(connection: Connection, found: Found, masks: Masks) -> Shown:
    """A revision with the masks of now."""
    flow = masks.flow(found.flow)
    if flow is None:
        return revealed(found)
    hidden = hide(found, flow)
    kept = hidden.content == found.content
    return Shown(
        found=found,
        content=hidden.content,
        # what is masked is written anew, in UTF-8
        content_type=found.one.content_type if kept else f"{media_type(found.one.content_type)[0]}; charset=utf-8",
        masked=list(hidden.paths),
        withheld=hidden.withheld,
        headers=secrets_of(connection, flow, found.one.tx_id).headers(found.headers),
    )


def hide(found: Found, flow: FlowMasks) -> Hidden:
    """A revision with masks on."""
    return flow.hide(found.content, found.one.content_type)
