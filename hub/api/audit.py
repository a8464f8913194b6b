"""The audit chain: its pages, its key, and exports whose end is signed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct
from sqlalchemy import ColumnElement, func, select
from starlette.responses import Response, StreamingResponse

from hub.api.routing import Call, Route
from hub.api.transactions import Limit
from hub.store.chain import Range, fix_range, piece
from hub.store.journal import journal
from hub.store.paging import DEFAULT_LIMIT, Order, page
from hub.store.rows import to_audit
from hub.store.schema import audit
from transactions.audit import GENESIS
from transactions.audit_export import End, entry_line
from transactions.audit_key import AuditKey
from transactions.clock import to_micros
from transactions.history import AuditEntry
from transactions.pages import Page
from transactions.people import Permission

if TYPE_CHECKING:
    from hub.app import Hub

JSON_LINES = "application/x-ndjson"
_PIECE = 200  # entries that are in memory at one time

Wanted = Annotated[str, Meta(min_length=1, max_length=500, description="exact, or its beginning and a *")] | None
Moment = Annotated[datetime, Meta(tz=True)] | None
Seq = Annotated[int, Meta(ge=1, le=2**53 - 1)] | None


class AuditParams(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of the audit chain: entries that fit all that is given, from ``since`` on and before ``until``."""

    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None
    actor: Wanted = None
    action: Wanted = None
    subject: Wanted = None
    since: Moment = None
    until: Moment = None


class ExportParams(Struct, frozen=True, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}):
    """Which entries; all of them unless told."""

    first: Seq = None
    last: Seq = None


async def list_audit(hub: Hub, call: Call) -> Page[AuditEntry]:
    """The audit chain, newest first."""
    params: AuditParams = call.params
    order = Order("seq", audit.c.seq, audit.c.seq, True, "audit")
    found = select(audit).where(*_conditions(params))
    return await hub.database.read(lambda c: page(c, found, order, params.limit, params.cursor, to_audit))


def _conditions(params: AuditParams) -> list[ColumnElement[bool]]:
    conditions = [
        _matches(column, text)
        for column, text in (
            (audit.c.actor, params.actor),
            (audit.c.action, params.action),
            (audit.c.subject, params.subject),
        )
        if text is not None
    ]
    if params.since is not None:
        conditions.append(audit.c.at >= to_micros(params.since))
    if params.until is not None:
        conditions.append(audit.c.at < to_micros(params.until))
    return conditions


def _matches(column: Any, text: str) -> ColumnElement[bool]:
    if not text.endswith("*"):
        return column == text  # type: ignore[no-any-return]
    begin = text.removesuffix("*")
    return func.substr(column, 1, len(begin)) == begin  # LIKE would not tell capitals apart


async def show_key(hub: Hub, _call: Call) -> AuditKey:
    """The key that signs exports."""
    return hub.signer.public()


async def export_audit(hub: Hub, call: Call) -> Response:
    """Entries as JSON lines, and a signed end. That somebody exports them is in the chain before the first one leaves,
    behind the last one that does."""
    if call.request.method == "HEAD":  # nothing leaves, so nothing is on record
        return Response(media_type=JSON_LINES)
    params: ExportParams = call.params
    hub.signer.public()  # without a key there is no end, and nothing should leave
    asked = await hub.database.read(lambda c: fix_range(c, params.first, params.last))
    now, actor = hub.clock.now(), call.principal.subject
    told = {"first": asked.first, "last": asked.last, "head": asked.head}
    await hub.database.write(
        lambda c: journal(c).effect(now, actor, "audit.exported", f"{asked.first}-{asked.last}", None, None, told)
    )
    return StreamingResponse(_lines(hub, asked, now), media_type=JSON_LINES)


async def _lines(hub: Hub, asked: Range, now: datetime) -> AsyncIterator[bytes]:
    """What the store has, as it has it: where that does not hold, whoever checks it is told."""
    position, count, head, previous = asked.first - 1, 0, GENESIS, GENESIS
    while True:
        entries, lines = await hub.database.read(
            lambda c, position=position: _written(piece(c, position, asked.last, _PIECE))  # type: ignore[misc]
        )
        if not entries:
            break
        if count == 0:
            previous = entries[0].previous
        count += len(entries)
        position, head = entries[-1].seq, entries[-1].hash
        yield lines
    yield hub.signer.end_line(
        End(
            platform=hub.platform,
            first=asked.first,
            last=asked.last,
            count=count,
            head=head,
            previous=previous,
            at=now,
        )
    )


def _written(entries: list[AuditEntry]) -> tuple[list[AuditEntry], bytes]:
    """With their lines, which take a while to write: not on the event loop."""
    return entries, b"".join(entry_line(entry) for entry in entries)


ROUTES = (
    Route(
        method="GET",
        path="audit",
        summary="The audit chain, newest first",
        handler=list_audit,
        permission=Permission.AUDIT,
        whole_hub=True,
        params=AuditParams,
        answers=Page[AuditEntry],
        problems=("bad-cursor",),
    ),
    Route(
        method="GET",
        path="audit/key",
        summary="The public key that signs exports of the audit chain",
        handler=show_key,
        permission=Permission.AUDIT,
        whole_hub=True,
        answers=AuditKey,
    ),
    Route(
        method="GET",
        path="audit/export",
        summary="Entries of the audit chain as JSON lines, with a signed end; that it was exported is in the chain",
        handler=export_audit,
        permission=Permission.AUDIT,
        whole_hub=True,
        params=ExportParams,
        media=JSON_LINES,
    ),
)
