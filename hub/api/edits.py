"""Editing a payload: a draft is stored, and nothing is sent; a plan puts it in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from hub.api.routing import JSON, Call, Route, read_limited
from hub.api.sizes import BODY_LIMIT
from hub.documents import media_type
from hub.edits.making import Base, Made, merged, patched
from hub.edits.refusal import CannotEdit, WantsReveal
from hub.edits.stored import applied_base, base_of, draft_of, keep_draft
from hub.store.questions import one_row
from hub.store.rows import etag_of
from hub.store.transitions import TxRow
from transactions.canonical import sha256_bytes
from transactions.clock import from_micros
from transactions.edits import PATCH_MEDIA, SET_MEDIA, STEPS_MEDIA, Draft, SetRequest, Step, check_steps
from transactions.errors import Claimed, Forbidden, Invalid, Refused, Stale, UnsupportedMedia
from transactions.model import Status
from transactions.people import Permission
from transactions.states import Event, allowed
from transactions.untrusted import parse_json, repeated_member

if TYPE_CHECKING:
    from hub.app import Hub

_REASON = 1_000  # characters of a reason at most
IF_MATCH = "if-match"


class EditParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is edited; whether a document that does not fit its schema is stored all the same; and whether it is the
    right document instead of one that was posted, for a correction."""

    reason: Annotated[str, Meta(max_length=_REASON)]
    force_schema: bool = False
    correction: bool = False


async def edit_payload(hub: Hub, call: Call) -> Response:
    """Store a draft: a patch is merged on the document here, so that masked fields stay what they were."""
    params: EditParams = call.params
    reason, etag, tx_id = params.reason.strip(), _etag(call.request), call.path["id"]
    if not reason:
        raise Invalid("An edit wants a reason: it stays with the revision for ever. Nothing was stored. Say why.")
    content = await read_limited(call.request, BODY_LIMIT)
    sent_as = call.request.headers.get("content-type", "")
    steps = _steps(content, media_type(sent_as)[0])
    may_reveal = Permission.REVEAL in call.principal.permissions
    now, actor = hub.clock.now(), call.principal.subject

    def looked_at(connection: Connection) -> TxRow:
        """The transaction, while it is what the editor looked at."""
        row: TxRow = one_row(connection, tx_id, call.reach)
        if row.claimed_by:
            raise Claimed(f"Batch {row.claimed_by} is at work on {tx_id}. Nothing was stored. Wait for its end.")
        if params.correction and not allowed(Status(row.status), Event.COMPENSATE):
            raise Refused(f"Only what was posted is corrected, and {tx_id} is {row.status}. Nothing was stored.")
        if not params.correction and row.status != Status.FAILED:
            raise Refused(f"Only a failed one is edited, and {tx_id} is {row.status}. {_instead(row.status)}")
        if etag != etag_of(row):
            raise Stale(
                f"Transaction {tx_id} changed since you looked at it: somebody may have edited it first. "
                "Nothing was stored. Look at it again, and edit what is there now."
            )
        return row

    def make(connection: Connection) -> Made:
        row = looked_at(connection)
        base = applied_base(connection, row) if params.correction else base_of(connection, row)
        made = _made(base, steps, content, sent_as, may_reveal=may_reveal)
        if made.sha256 == sha256_bytes(base.content):
            raise Refused("The edit changes nothing in the document. Nothing was stored.")
        if made.findings and not params.force_schema:
            first = made.findings[0]
            raise Refused(
                f"The edited document does not fit its schema: {first.path} {first.message}. Nothing was stored. "
                "Correct it, or override with force_schema (--force-schema).",
                findings=msgspec.to_builtins(made.findings),
            )
        return made

    def store(connection: Connection) -> Draft:
        fresh = keep_draft(connection, looked_at(connection), made, actor, reason, now)
        stored = draft_of(connection, tx_id)
        assert stored is not None
        return Draft(
            id=tx_id,
            base=stored.base,
            sha256=stored.sha256,
            size=stored.size,
            content_type=stored.content_type,
            created_at=from_micros(stored.created_at),
            created_by=stored.created_by,
            reason=stored.reason,
            difference=made.compared.differences,
            more=made.compared.more,
            findings=made.findings,
            etag=etag_of(fresh),
        )

    def _made(base: Base, steps: list[Step] | None, content: bytes, sent_as: str, *, may_reveal: bool) -> Made:
        try:
            if steps is not None:
                return patched(base, steps, hub.landscape, may_reveal=may_reveal)
            kind = media_type(base.content_type)[0]
            if media_type(sent_as)[0] != kind:
                raise UnsupportedMedia(
                    f"The document is {kind}, and the body is {sent_as[:80] or 'of no type'}. "
                    f"Nothing was stored. Send a whole document of that type, a JSON Patch as {PATCH_MEDIA}, or values "
                    f"at paths as {SET_MEDIA}."
                )
            return merged(base, content, sent_as, hub.landscape, may_reveal=may_reveal)
        except WantsReveal as error:
            raise Forbidden(
                f"The edit cannot be made: {error.reason}. Nothing was stored.", permission=str(Permission.REVEAL)
            ) from error
        except CannotEdit as error:
            raise Refused(
                f"The edit cannot be made: {error.reason}. Nothing was stored. Correct it and try again."
            ) from error

    made = await hub.database.read(make)
    draft = await hub.database.write(store)
    return Response(msgspec.json.encode(draft), media_type=JSON, headers={"etag": f'"{draft.etag}"'})


def _etag(request: Request) -> str:
    given = request.headers.get(IF_MATCH, "").strip()
    if not given:
        raise Invalid(
            "An edit wants the ETag of the transaction that you looked at, in If-Match, so that nobody's edit is "
            "overwritten unseen. Nothing was stored."
        )
    return given.removeprefix("W/").strip('"')


def _instead(status: str) -> str:
    if status in (Status.PROCESSED, Status.RESOLVED):
        return "What posted the wrong thing is corrected, not edited: 'andon tx correct'. Nothing was stored."
    if status in (Status.IN_DOUBT, Status.SENT, Status.PARKED, Status.PARTLY_PROCESSED):
        return "What became of it is not settled: look it up or resolve it first. Nothing was stored."
    return "Nothing was stored."


def _steps(content: bytes, media: str) -> list[Step] | None:
    """The steps of a patch; None for a whole document."""
    if media not in (PATCH_MEDIA, SET_MEDIA, STEPS_MEDIA):
        return None
    try:
        if media != SET_MEDIA:
            steps = parse_json(content, list[Step])
            if media == PATCH_MEDIA and any(step.op == "set" for step in steps):
                raise Invalid("JSON Patch (RFC 6902) has no 'set'. Nothing was stored.")
        else:
            asked = parse_json(content, SetRequest)
            loose = {path: isinstance(value, str) for path, value in asked.set.items()}
            steps = [Step(op="set", path=path, value=asked.set[path], loose=text) for path, text in loose.items()]
        repeated = repeated_member(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"The patch cannot be read: {error}. Nothing was stored.") from error
    if repeated is not None:
        raise Invalid(f"The patch has {repeated!r} twice in one place. Nothing was stored. Send it once.")
    if not steps:
        raise Invalid("The patch has no steps. Nothing was stored.")
    check_steps(steps)
    return steps


ROUTES = (
    Route(
        method="PATCH",
        path="transactions/{id}/payload",
        summary="Edit a payload, or what was posted (correction): stores a draft, and sends nothing. "
        "A whole document, a JSON Patch, or values at paths",
        handler=edit_payload,
        permission=Permission.ACT,
        params=EditParams,
        body=bytes,
        answers=Draft,
        problems=("not-found", "refused", "claimed", "stale", "unsupported-media-type", "too-large"),
    ),
)
