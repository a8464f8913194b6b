"""The HTTP API of one simulated system: documents, postings, books, probe."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
from aiohttp import web

from hub.declarations import Catalogue
from hub.simulator.account import Account
from hub.simulator.arrival import Arrivals
from hub.simulator.effects import BOOKS
from hub.simulator.inquiry import INQUIRIES, answer, read_asked
from hub.simulator.outbox import RECORDED, recorded_time
from hub.simulator.postings import Document, Instance, Postings
from hub.simulator.refusals import ProxyRefusal, Refusal, render
from transactions.errors import Unreadable

BODY_LIMIT = 16 * 1024 * 1024
_SEARCHABLE = ("order", "material", "lot", "quantity", "day")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SystemApi:
    """One instance's routes.

    Args:
        account: its books.
        path: the database they are in, for inquiries.
    """

    def __init__(
        self,
        instance: Instance,
        catalogue: Catalogue,
        arrivals: Arrivals,
        postings: Postings,
        account: Account,
        path: Path,
    ) -> None:
        self._instance = instance
        self._catalogue = catalogue
        self._arrivals = arrivals
        self._postings = postings
        self._account = account
        self._path = path

    def application(self) -> web.Application:
        """The routes, with refusals worded in the system's dialect."""
        application = web.Application(client_max_size=BODY_LIMIT, middlewares=[self._worded])
        application.router.add_post("/documents/{flow}", self._document)
        application.router.add_get("/postings", self._search)
        application.router.add_get("/postings/{key:.+}/follows", self._follows)
        application.router.add_get("/postings/{key:.+}", self._lookup)
        application.router.add_post("/postings/{key:.+}/reversal", self._reverse)
        application.router.add_get("/probe", self._probe)
        application.router.add_get("/inquiries/{kind}", self._inquire)
        for book in BOOKS.get(self._instance.system, ()):
            application.router.add_get(f"/{book}", self._book(book))
        return application

    @web.middleware
    async def _worded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ProxyRefusal as refusal:
            return refusal.response()
        except Refusal as refusal:
            return self._render(refusal)
        except Unreadable as error:
            return self._render(Refusal(400, "UNREADABLE", error.detail))
        except web.HTTPRequestEntityTooLarge:
            return self._render(Refusal(413, "TOO_LARGE", f"The document is above {BODY_LIMIT} bytes"))
        except web.HTTPNotFound:
            return self._render(Refusal(404, "NOT_FOUND", f"There is no {request.path} in {self._instance.system}"))
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            return self._render(Refusal(405, "METHOD", f"{request.path} takes {allowed}", {"Allow": allowed}))

    def _render(self, refusal: Refusal) -> web.Response:
        return render(refusal, self._instance.dialect, self._instance.system)

    async def _document(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["flow"]
        flow = self._catalogue.flow.get(name)
        if flow is None or self._instance.system not in flow.targets:
            raise Refusal(404, "NOT_FOUND", f"{self._instance.system} takes no documents of flow {name}")
        body = await request.read()
        key = request.headers.get("Idempotency-Key")
        document = Document(
            flow=name,
            plant=request.headers.get("ce-plant") or self._instance.plant or self._catalogue.default_plant or "",
            key=None if key is None else unquote(key),
            body=body,
            reading=self._postings.reader.read(name, body),
            recorded_at=recorded_time(request.headers.get(RECORDED)),
        )
        return await self._arrivals.take(self._instance, request, document)

    async def _lookup(self, request: web.Request) -> web.StreamResponse:
        if self._catalogue.system[self._instance.system].lookup is None:
            raise Refusal(404, "NOT_FOUND", f"{self._instance.system} cannot be asked for a posting")
        return _json(200, self._postings.lookup(self._instance, request.match_info["key"]))

    async def _reverse(self, request: web.Request) -> web.StreamResponse:
        return await self._arrivals.take_back(self._instance, request, request.match_info["key"])

    async def _follows(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        found = self._postings.followed(self._instance, key)
        closed = self._arrivals.closed_period(self._instance, key, request.query.get("date") or None)
        return _json(200, {"items": [*found, *([] if closed is None else [closed])]})

    async def _search(self, request: web.Request) -> web.StreamResponse:
        unknown = sorted(set(request.query) - set(_SEARCHABLE))
        if unknown:
            raise Refusal(400, "UNKNOWN_PARAMETER", f"No such search field: {', '.join(unknown)}")
        return _json(200, {"items": self._postings.search(self._instance, dict(request.query))})

    async def _inquire(self, request: web.Request) -> web.StreamResponse:
        kind = request.match_info["kind"]
        if kind not in INQUIRIES:
            raise Refusal(404, "NOT_FOUND", f"{self._instance.system} has no inquiry {kind}: {', '.join(INQUIRIES)}")
        asked = read_asked(dict(request.query))
        found = await asyncio.to_thread(answer, self._path, self._instance.name, kind, asked)
        following = str(request.rel_url.update_query(after=found.entries[-1]["id"])) if found.more else None
        if self._instance.dialect == "odata":
            link = {} if following is None else {"@odata.nextLink": following}
            return _json(200, {"value": found.entries, **link})
        return _json(200, {"items": found.entries, "next": following})

    async def _probe(self, request: web.Request) -> web.StreamResponse:
        return _json(200, {"status": "ok", "system": self._instance.name})

    def _book(self, kind: str) -> Handler:
        async def show(request: web.Request) -> web.StreamResponse:
            return _json(200, {"items": self._account.entries(kind)})

        return show


def _json(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
