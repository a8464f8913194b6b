"""Payloads: with masks for everybody who may read, and without for those who may reveal and say why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection
from starlette.responses import Response

from hub.api.routing import Call, Route
from hub.edits.difference import compare
from hub.masks.audited import audited_values, hash_key
from hub.store import payloads
from hub.store.journal import journal
from hub.store.payloads import Shown
from transactions.edits import DRAFT, PayloadDifference
from transactions.errors import Invalid, Refused
from transactions.history import Payload
from transactions.people import Permission

if TYPE_CHECKING:
    from hub.app import Hub

OCTETS = "application/octet-stream"
_REASON = 1_000  # characters of a reason at most

Revision = Annotated[int, Meta(ge=1, le=2**31 - 1, description="the newest, unless told")] | None
Named = Annotated[str, Meta(pattern="^([1-9][0-9]{0,8}|draft)$", description="a number, or 'draft'")]


class PayloadParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Which revision; the one in use unless told."""

    revision: Named | None = None


class DifferenceParams(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Between which two: the revision in use, and the draft or else the one before it, unless told."""

    from_: Named | None = msgspec.field(name="from", default=None)
    to: Named | None = None


def revision_of(named: str | None) -> int | Literal["draft"] | None:
    """A revision as it is named in a request."""
    return None if named is None else DRAFT if named == DRAFT else int(named)


class RevealRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to reveal, and why somebody has to see it; the reason is kept in the audit."""

    revision: Revision = None
    reason: Annotated[str, Meta(max_length=_REASON)]


async def show_payload(hub: Hub, call: Call) -> Any:
    """One revision of the payload, masked: for people as JSON, the bytes as octets."""

    def question(connection: Connection) -> Shown:
        found = payloads.find_payload(connection, call.path["id"], revision_of(call.params.revision), call.reach)
        return payloads.masked(connection, found, hub.landscape.masks)

    return _answer(await hub.database.read(question), call)


async def show_difference(hub: Hub, call: Call) -> PayloadDifference:
    """Where two revisions differ, by structure."""
    params: DifferenceParams = call.params

    def question(connection: Connection) -> PayloadDifference:
        one = payloads.find_payload(connection, call.path["id"], None, call.reach)
        used = one.one.revision
        after = revision_of(params.to) or (DRAFT if one.draft is not None else used)
        before = revision_of(params.from_) or (used if after == DRAFT else max(1, used - 1))
        found = [payloads.find_payload(connection, call.path["id"], which, call.reach) for which in (before, after)]
        masks = hub.landscape.masks.flow(one.flow)
        old, new = ((each.content, each.one.content_type) for each in found)
        compared = compare(old, new, masks)
        return PayloadDifference(
            id=one.one.tx_id,
            from_=str(before),
            to=str(after),
            same=compared.same,
            differences=compared.differences,
            more=compared.more,
            withheld=compared.withheld,
        )

    return await hub.database.read(question)


async def reveal_payload(hub: Hub, call: Call) -> Any:
    """One revision of the payload without masks. It is in the audit before it is answered."""
    request: RevealRequest = call.body
    reason = request.reason.strip()
    if not reason:
        raise Invalid(
            "Revealing wants a reason: it is kept in the audit, with who asked. Nothing was revealed. Say why you have "
            "to see the masked fields of this document."
        )
    now, actor, tx_id = hub.clock.now(), call.principal.subject, call.path["id"]

    def reveal(connection: Connection) -> Shown:
        found = payloads.find_payload(connection, tx_id, request.revision, call.reach)
        flow = hub.landscape.masks.flow(found.flow)
        told: dict[str, Any] = {"revision": found.one.revision, "sha256": found.one.sha256, "paths": [], "values": {}}
        if flow is not None:
            hidden = payloads.hide(found, flow)
            told["paths"] = list(hidden.paths)
            told["values"] = audited_values(hidden, found.content, hash_key(connection))
        book = journal(connection)
        book.effect(now, actor, "payload.revealed", tx_id, reason, None, told)
        book.story(
            tx_id, now, f"{actor} revealed the masked fields of revision {found.one.revision}", by=actor, kind="action"
        )
        return payloads.revealed(found)

    return _answer(await hub.database.write(reveal), call)


def _answer(shown: Shown, call: Call) -> Any:
    if OCTETS not in call.request.headers.get("accept", ""):
        return shown.for_people()
    if shown.content is None:
        raise Refused(
            f"The document is withheld: {shown.withheld}. Nothing of it is shown. Somebody who may reveal it, and says "
            "why, gets its bytes."
        )
    one = shown.found.one
    headers = {
        "content-disposition": f'attachment; filename="{one.tx_id}-{one.revision}"',
        "andon-content-type": shown.content_type.encode("ascii", "replace").decode(),
    }
    if shown.masked:
        headers["andon-masked"] = "true"
    return Response(shown.content, media_type=OCTETS, headers=headers)


ROUTES = (
    Route(
        method="GET",
        path="transactions/{id}/payload",
        summary="A payload, masked: as JSON for people, its bytes with Accept: application/octet-stream",
        handler=show_payload,
        permission=Permission.READ,
        params=PayloadParams,
        answers=Payload,
        also=OCTETS,
        problems=("not-found", "refused"),
    ),
    Route(
        method="GET",
        path="transactions/{id}/payload/diff",
        summary="Where two revisions of a payload differ, by structure; masked where the flow masks",
        handler=show_difference,
        permission=Permission.READ,
        params=DifferenceParams,
        answers=PayloadDifference,
        problems=("not-found",),
    ),
    Route(
        method="POST",
        path="transactions/{id}/payload/reveal",
        summary="A payload without masks, for a reason that is kept in the audit",
        handler=reveal_payload,
        permission=Permission.REVEAL,
        body=RevealRequest,
        answers=Payload,
        also=OCTETS,
        problems=("not-found",),
    ),
)
