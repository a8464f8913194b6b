"""A target that reverses, for what only the hub's side of a compensation is asked of."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web


class ReversingTarget:
    """A target that reverses by key, and says what followed; the test chooses how."""

    def __init__(self) -> None:
        self.reversed: list[tuple[str, dict[str, Any], str]] = []
        self.follows: dict[str, list[dict[str, Any]]] = {}
        self.refuse: dict[str, web.Response] = {}
        self.refuse_documents: dict[str, web.Response] = {}
        self.refuse_all = False
        self.drop: set[str] = set()
        self.known: dict[str, str] = {}
        self.asked_follows: list[str] = []
        self.silent = False
        self.hold_after = 0
        self.held, self.go = asyncio.Event(), asyncio.Event()

    async def documents(self, request: web.Request) -> web.Response:
        key = request.headers["Idempotency-Key"]
        if self.refuse_all:
            return web.json_response({"error": {"code": "M7053", "message": "closed"}}, status=422)
        if key in self.refuse_documents:
            return self.refuse_documents[key]
        self.known[key] = hashlib.sha256(await request.read()).hexdigest()
        return web.json_response({"status": "applied", "document": f"doc-{len(self.known)}"}, status=201)

    async def lookup(self, request: web.Request) -> web.Response:
        sha256 = self.known.get(request.match_info["key"])
        if sha256 is None:
            return web.json_response({"status": "absent"})
        return web.json_response({"status": "applied", "sha256": sha256, "document": "4711"})

    async def followers(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        self.asked_follows.append(key)
        if self.silent:
            return web.json_response({}, status=503)
        return web.json_response({"items": self.follows.get(key, [])})

    async def reverse(self, request: web.Request) -> web.Response:
        key, body = request.match_info["key"], await request.read()
        if key in self.refuse:
            return self.refuse[key]
        under = request.headers["Idempotency-Key"]
        self.reversed.append((key, msgspec.json.decode(body), under))
        self.known[under] = hashlib.sha256(body).hexdigest()
        if len(self.reversed) == self.hold_after:
            self.held.set()
            await self.go.wait()
        if key in self.drop:
            self.drop.discard(key)
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"status": "reversed", "document": f"rev-{len(self.reversed)}"}, status=201)

    @property
    def keys(self) -> list[str]:
        return [key for key, _, _ in self.reversed]


@pytest.fixture
async def erp(bench: Any) -> AsyncIterator[ReversingTarget]:
    """An ERP that can reverse, in place of the scripted one."""
    target = ReversingTarget()
    app = web.Application()
    app.router.add_post("/documents/{flow}", target.documents)
    app.router.add_get("/postings/{key}/follows", target.followers)
    app.router.add_post("/postings/{key}/reversal", target.reverse)
    app.router.add_get("/postings/{key}", target.lookup)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    bench.landscape.use_addresses({"ERP": f"http://{host}:{port}"})
    catalogue = bench.landscape.catalogue
    catalogue.system["ERP"] = msgspec.structs.replace(
        catalogue.system["ERP"],
        follows="/postings/{key}/follows?date={date}",
        reversal="/postings/{key}/reversal",
    )
    for name in ("consumption", "report"):
        catalogue.flow[name] = msgspec.structs.replace(catalogue.flow[name], reversal="262")
    yield target
    await runner.cleanup()
