"""The control API: faults, emission, and the ledger, for the hub that started the simulator."""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Protocol, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from hub.errors import SimulatorError
from hub.simulator.ledger import Ledger
from hub.simulator.settings import Ways
from transactions.books import Fault, FaultChange
from transactions.errors import PROBLEM_BASE, AndonError, Invalid, MethodNotAllowed, NotFound, Unauthenticated
from transactions.pages import Page

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SimulatorState(Struct, frozen=True, kw_only=True):
    """How the story stands.

    Attributes:
        emitting: whether documents are being emitted.
        emitted: how many so far.
        outbox_waiting: how many of them the hub has not accepted.
        plant_clock: the time in the plants (RFC 3339).
        finished: whether every document that was asked for is emitted.
    """

    emitting: bool
    emitted: int
    outbox_waiting: int
    plant_clock: str
    finished: bool


class Resume(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Go on with emission; ``documents`` pauses it by itself after so many more."""

    documents: Annotated[int, Meta(ge=1)] | None = None


class Controlled(Protocol):
    """What the control API controls."""

    def faults(self) -> list[Fault]:
        """Every fault, and where it is on."""
        ...

    async def set_fault(self, change: FaultChange) -> None:
        """Switch a fault."""
        ...

    def pause(self) -> None:
        """Stop emission."""
        ...

    def resume(self, documents: int | None) -> None:
        """Go on with emission."""
        ...

    def state(self) -> SimulatorState:
        """How the story stands."""
        ...

    async def ledger(self) -> Ledger:
        """Read the books."""
        ...

    def send_by(self, ways: Ways) -> None:
        """Send documents through the gateway from now on, where it has a way for them."""
        ...


def control_application(controlled: Controlled, token: str) -> web.Application:
    """The routes; each wants the bearer token."""

    async def show_faults(request: web.Request) -> web.StreamResponse:
        return _json(Page(items=controlled.faults()))

    async def put_fault(request: web.Request) -> web.StreamResponse:
        await controlled.set_fault(_read(await request.read(), FaultChange))
        return _json(Page(items=controlled.faults()))

    async def pause(request: web.Request) -> web.StreamResponse:
        controlled.pause()
        return _json(controlled.state())

    async def resume(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        controlled.resume(_read(body, Resume).documents if body else None)
        return _json(controlled.state())

    async def state(request: web.Request) -> web.StreamResponse:
        return _json(controlled.state())

    async def ledger(request: web.Request) -> web.StreamResponse:
        return _json(await controlled.ledger())

    async def put_ways(request: web.Request) -> web.StreamResponse:
        controlled.send_by(_read(await request.read(), Ways))
        return _json(controlled.state())

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
                raise Unauthenticated("The simulator's control API wants the token that its hub gave it.")
            return await handler(request)
        except AndonError as error:
            return _problem(error, request.path)
        except sqlite3.Error as error:
            full = SimulatorError(
                f"The books of the simulated systems take no writes: {error}. What they have told is kept. "
                "Check that the disk of the data folder has room."
            )
            return _problem(full, request.path)
        except web.HTTPNotFound:
            return _problem(NotFound(f"The simulator's control API has no {request.path}."), request.path)
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            return _problem(MethodNotAllowed(f"{request.path} takes {allowed}."), request.path)

    application = web.Application(middlewares=[guarded])
    application.router.add_get("/faults", show_faults)
    application.router.add_put("/faults", put_fault)
    application.router.add_post("/pause", pause)
    application.router.add_post("/resume", resume)
    application.router.add_get("/state", state)
    application.router.add_get("/ledger", ledger)
    application.router.add_put("/ways", put_ways)
    return application


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Invalid(f"The body cannot be read: {error}. Nothing was changed.") from error


def _problem(error: AndonError, instance: str) -> web.Response:
    body = {
        "type": PROBLEM_BASE + error.problem,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": instance,
        **error.extra,
    }
    headers = {"WWW-Authenticate": 'Bearer realm="simulator"'} if error.status == 401 else None
    content = msgspec.json.encode(body)
    return web.Response(status=error.status, body=content, content_type="application/problem+json", headers=headers)


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
