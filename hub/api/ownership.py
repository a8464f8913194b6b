"""Who works on a transaction, and notes. These want no plan: they send nothing and change no document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from hub.api.routing import JSON, Call, Route
from hub.store import ownership, questions
from transactions.history import TimelineEntry
from transactions.model import Transaction
from transactions.ownership import AssignRequest, NoteRequest, changes_of, note_text
from transactions.pages import Page
from transactions.people import Permission

if TYPE_CHECKING:
    from hub.app import Hub


async def assign_transaction(hub: Hub, call: Call) -> Response:
    """Set who works on it, its ticket, what people wait for."""
    import msgspec

    who, now = call.principal.subject, hub.clock.now()
    changes = changes_of(call.body, who)
    expected = call.request.headers.get("if-match")
    found = await hub.database.write(
        lambda c: ownership.assign(
            c,
            call.path["id"],
            changes,
            who=who,
            now=now,
            reach=call.reach,
            masks=hub.landscape.masks,
            expected=expected,
        )
    )
    return Response(msgspec.json.encode(found), media_type=JSON, headers={"etag": f'"{found.etag}"'})


async def note_transaction(hub: Hub, call: Call) -> Page[TimelineEntry]:
    """Add a note; answers with the timeline that it is in."""
    who, now, masks = call.principal.subject, hub.clock.now(), hub.landscape.masks
    text, tx_id = note_text(call.body), call.path["id"]
    await hub.database.write(lambda c: ownership.note(c, tx_id, text, who=who, now=now, reach=call.reach, masks=masks))
    return await hub.database.read(lambda c: questions.timeline_of(c, tx_id, call.reach, masks))


ROUTES = (
    Route(
        method="POST",
        path="transactions/{id}/assign",
        summary="Who works on a transaction, its ticket, and what people wait for; takes If-Match",
        handler=assign_transaction,
        permission=Permission.ACT,
        body=AssignRequest,
        answers=Transaction,
        problems=("not-found", "stale", "refused"),
    ),
    Route(
        method="POST",
        path="transactions/{id}/note",
        summary="Add a note, which stays with the transaction",
        handler=note_transaction,
        permission=Permission.ACT,
        body=NoteRequest,
        answers=Page[TimelineEntry],
        problems=("not-found",),
    ),
)
