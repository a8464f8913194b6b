"""Events as server-sent events: durable, resumed after ``Last-Event-ID`` without a gap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, func, select
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hub.api.access import demand
from hub.api.gate import caller
from hub.api.routing import Call, Route
from hub.store.journal import Journal
from hub.store.reach import reaches_plan
from hub.store.rows import to_event
from hub.store.schema import batches, events
from transactions.errors import Forbidden, Invalid, Unauthenticated, Unavailable
from transactions.history import StreamEvent
from transactions.people import Permission, Reach

if TYPE_CHECKING:
    from hub.app import Hub

_PING = 15.0
_CHUNK = 500
_WANTED = frozenset({Permission.READ})


class Followers:
    """Wakes every open stream when events were committed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self.closing = False

    def committed(self, told: Journal) -> None:
        """From the writer's thread, after each commit."""
        if told.events:
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:
                self.closing = True  # the loop has ended, and with it every stream

    def close(self) -> None:
        """End every stream."""
        self.closing = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def next_change(self) -> asyncio.Event:
        """An event that is set at the next change."""
        return self._changed


async def follow(hub: Hub, call: Call) -> Response:
    """The stream: from after ``Last-Event-ID``, else from now on."""
    if call.request.method == "HEAD":  # a stream without a body would never end
        return Response(media_type="text/event-stream")
    given = call.request.headers.get("last-event-id")
    if given is not None and not (given.isascii() and given.isdigit() and len(given) < 19):
        raise Invalid("Last-Event-ID must be the id of an event of this stream, a number.")
    newest: int = await hub.database.read(
        lambda c: c.execute(select(func.coalesce(func.max(events.c.seq), 0))).scalar_one()
    )
    return StreamingResponse(
        _stream(hub, call.request, newest if given is None else int(given), newest, call.reach),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )


async def _stream(hub: Hub, request: Request, last: int, newest: int, reach: Reach) -> AsyncIterator[bytes]:
    yield f": connected, newest {newest}\n\n".encode()
    if last > newest:  # an id of another store: start over with what is here
        last = newest
        yield _reset(hub, last)
    while not hub.followers.closing:
        now_reach = await _still(hub, request)
        if now_reach is None:
            return
        reach = now_reach
        changed = hub.followers.next_change()
        position = last
        rows = await hub.database.read(
            lambda c, position=position: c.execute(  # type: ignore[misc]
                select(events).where(events.c.seq > position).order_by(events.c.seq).limit(_CHUNK)
            ).all()
        )
        if rows:
            if position and rows[0].seq > position + 1:  # older events were pruned: the follower looks anew
                yield _reset(hub, position)
            yield b"".join(
                b"id: %d\nevent: %b\ndata: %b\n\n" % (row.seq, row.type.encode(), msgspec.json.encode(to_event(row)))
                for row in await _seen(hub, rows, reach)
            )
            last = rows[-1].seq
            continue
        try:
            async with asyncio.timeout(_PING):
                await changed.wait()
        except TimeoutError:
            yield b": ping\n\n"


async def _still(hub: Hub, request: Request) -> Reach | None:
    """How far the follower's rights reach now: a stream may be open for days, and rights that were taken back, or a
    token that ended, are no rights. None ends it, and the next request is told why."""
    try:
        who = await hub.access.who(request.headers.get("authorization"), caller(request))
        demand(who, _WANTED)
    except (Unauthenticated, Forbidden, Unavailable):
        return None
    return hub.reach(who)


def _reset(hub: Hub, seq: int) -> bytes:
    """What was missed cannot be told any more: the follower looks anew at everything, and goes on from ``seq``."""
    event = StreamEvent(seq=seq, at=hub.clock.now(), type="reset", id="", data={})
    return b"id: %d\nevent: reset\ndata: %b\n\n" % (seq, msgspec.json.encode(event))


async def _seen(hub: Hub, rows: Sequence[Any], reach: Reach) -> Sequence[Any]:
    """Those events that are about what is within reach."""
    if reach.everything:
        return rows

    def question(connection: Connection) -> list[Any]:
        return [row for row in rows if _about(connection, row, reach)]

    return await hub.database.read(question)


def _about(connection: Connection, row: Any, reach: Reach) -> bool:
    data = msgspec.json.decode(row.data)
    match row.type:
        case "transaction":
            return reach.covers(data["plant"], data["flow"])
        case "hold":
            return reach.touches(data["plant"], data["flow"])
        case "plan" | "approval":
            return reaches_plan(connection, reach, row.id)
        case "batch":
            plan = connection.execute(select(batches.c.plan).where(batches.c.id == row.id)).scalar()
            return plan is not None and reaches_plan(connection, reach, plan)
        case _:
            return False


ROUTES = (
    Route(
        method="GET",
        path="events",
        summary="Events as they happen (server-sent events); resumes after Last-Event-ID",
        handler=follow,
        permission=Permission.READ,
        media="text/event-stream",
    ),
)
