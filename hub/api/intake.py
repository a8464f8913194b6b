"""Documents come in: from sources at ``/ingress/FLOW``, from people at ``/admin/v1/ingress``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection, select
from starlette.requests import Request
from starlette.responses import Response

from hub.api.access import Principal
from hub.api.routing import JSON, Call, Route, read_json, read_limited, read_params
from hub.delivery.answers import Found, LookupAnswer
from hub.delivery.classify import code_table
from hub.delivery.envelope import plain_value
from hub.delivery.wording import known_form
from hub.documents import DEFAULT_LIMITS
from hub.intake import Accepted, Arrival, sort_arrival, take_in
from hub.store.journal import journal
from hub.store.questions import by_key
from hub.store.schema import transactions
from hub.store.shown import shown
from transactions.errors import Forbidden, NotFound, UnsupportedMedia
from transactions.model import Transaction
from transactions.people import Permission

if TYPE_CHECKING:
    from hub.app import Hub


class SendParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a document belongs."""

    flow: Annotated[str, Meta(min_length=1)]
    plant: str | None = None


class IngressParams(Struct, frozen=True, forbid_unknown_fields=True):
    """The plant a source speaks for, where the document does not say."""

    plant: str | None = None


class Received(Struct, frozen=True):
    """The transactions a document became, one per target."""

    items: list[Transaction]


THE_GATEWAY = "the gateway"
"""As whom the hub's own gateway hands documents over; nobody else can be called so."""


def _sender(request: Request, who: Principal) -> str:
    """Who sends a document: behind the gateway the client that it let through."""
    if who.subject == THE_GATEWAY:
        return plain_value(request.headers.get("andon-client", "")) or who.subject
    return who.subject


async def _receive(
    hub: Hub, request: Request, flow: str, plant: str | None, who: Principal, *, audited: bool = False
) -> Accepted:
    """Take in the document of a request; ``audited`` writes into the audit chain, in the same write, who sent it."""
    by, reach = _sender(request, who), hub.reach(who)
    if not reach.covers_flow(flow):  # before anything is said of the flow, or read
        raise _beyond(who, f"of the flow {flow!r}")
    content_type = request.headers.get("content-type", "")
    if not content_type:
        raise UnsupportedMedia("The document has no content type. Send application/json or application/xml.")
    if hub.landscape.flow(flow) is None:  # before the body is read
        raise NotFound(
            f"There is no flow {flow!r}. The document was not taken. "
            f"Flows here: {', '.join(sorted(hub.landscape.catalogue.flow))}."
        )
    arrival = Arrival(
        flow=flow,
        plant=plant,
        content=await read_limited(request, DEFAULT_LIMITS.max_bytes),
        content_type=plain_value(content_type),
        headers={
            name.lower(): value if name.lower() == "idempotency-key" else plain_value(value)
            for name, value in request.headers.items()
        },
        sent_by=by,
    )
    found = sort_arrival(arrival, hub.landscape)
    if not reach.covers(found.plant, flow):
        raise _beyond(who, "without a plant" if found.plant is None else f"of the plant {found.plant!r}")
    # What the request says goes before what the document says, and the target reads the document.
    inside = found.keys.get("plant")
    if inside in hub.landscape.catalogue.plant and not reach.covers(inside, flow):
        raise _beyond(who, f"that are, as they say themselves, of the plant {inside!r}")
    now = hub.clock.now()

    def store(connection: Connection) -> Accepted:
        accepted = take_in(connection, found, now)
        if audited and not accepted.again:
            told = {"flow": flow, "plant": found.plant, "transactions": accepted.ids, "sha256": found.sha256}
            journal(connection).effect(now, by, "document.sent", accepted.ids[0], None, None, told)
        return accepted

    return await hub.database.write(store)


def _beyond(who: Principal, what: str) -> Forbidden:
    return Forbidden(
        f"{who.subject} may not send documents {what}: these rights reach {who.limits.describe()} only. "
        "The document was not taken. Ask an admin of the hub, or whoever keeps the issuer.",
        permission=str(Permission.INGRESS),
    )


async def send_document(hub: Hub, call: Call) -> Received:
    """A document that a person sends as a source would; the audit names the person."""
    accepted = await _receive(hub, call.request, call.params.flow, call.params.plant, call.principal, audited=True)
    now = hub.clock.now()

    def question(connection: Connection) -> dict[str, Transaction]:
        rows = connection.execute(select(transactions).where(transactions.c.id.in_(accepted.ids)))
        return {row.id: shown(connection, row, now, hub.landscape.masks) for row in rows.all()}

    by_id = await hub.database.read(question)
    return Received([by_id[tx_id] for tx_id in accepted.ids])


class Reply(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a target says, unasked, of a document it was sent; the words are those of a lookup's answer."""

    key: Annotated[str, Meta(min_length=1, max_length=255)]
    status: Literal["applied", "parked", "in-progress", "rejected"]
    sha256: str | None = None
    document: str | None = None
    code: str | None = None
    message: str | None = None


async def reply(hub: Hub, request: Request) -> Response:
    """A reply or confirmation from a target: what makes documents of such flows final."""
    said = await read_json(request, Reply)
    target = request.path_params["target"]
    reach = hub.reach(request.scope["principal"])
    # What is beyond reach is not there: a reply must not find out which keys other plants use.
    await hub.database.read(lambda c: by_key(c, target, said.key, reach))
    answer = LookupAnswer(
        status=Found(said.status),
        sha256=said.sha256,
        document=said.document,
        code=said.code,
        message=said.message,
        kind=code_table().get(known_form(said.code)) if said.code else None,
    )
    found = await hub.engine.replied(target, said.key, answer)
    body = {"id": found.id, "status": found.status}
    return Response(msgspec.json.encode(body), media_type=JSON)


async def ingress(hub: Hub, request: Request) -> Response:
    """A document from a source system: durable before it is answered."""
    params = read_params(request, IngressParams)
    accepted = await _receive(hub, request, request.path_params["flow"], params.plant, request.scope["principal"])
    targets = await hub.database.read(
        lambda c: c.execute(
            select(transactions.c.id, transactions.c.target).where(transactions.c.id.in_(accepted.ids))
        ).all()
    )
    body = {"items": [{"id": row.id, "target": row.target} for row in targets]}
    return Response(msgspec.json.encode(body), status_code=202, media_type=JSON)


ROUTES = (
    Route(
        method="POST",
        path="ingress",
        summary="Send a document as a source system would (raw body; Idempotency-Key and ce-* headers are honoured)",
        handler=send_document,
        permission=Permission.SEND,
        params=SendParams,
        body=bytes,
        answers=Received,
        status=202,
        problems=("not-found", "too-large", "unsupported-media-type", "unreadable-document", "key-reused"),
    ),
)
