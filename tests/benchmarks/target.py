"""A target and sink that does as little as one can: refuses or applies, knows keys, counts. Prints its port."""

from __future__ import annotations

import asyncio
import hashlib
import sys

from aiohttp import web


class Target:
    """What it was told and what it was sent."""

    def __init__(self) -> None:
        self.mode = "refuse"
        self.posted: dict[str, str] = {}
        self.counts = {"deliveries": 0, "lookups": 0, "ingress": 0}

    async def deliver(self, request: web.Request) -> web.Response:
        """A delivery."""
        body = await request.read()
        self.counts["deliveries"] += 1
        if self.mode == "refuse":
            return web.json_response({"code": "M3351", "message": "Plant data is not maintained"}, status=422)
        self.posted[request.headers["Idempotency-Key"]] = hashlib.sha256(body).hexdigest()
        return web.json_response({"status": "applied", "document": f"49{len(self.posted):08d}"}, status=201)

    async def look_up(self, request: web.Request) -> web.Response:
        """A question by idempotency key."""
        self.counts["lookups"] += 1
        sha256 = self.posted.get(request.match_info["key"])
        if sha256 is None:
            return web.json_response({"status": "absent"}, status=404)
        return web.json_response({"status": "applied", "sha256": sha256, "document": "4900000001"})

    async def sink(self, request: web.Request) -> web.Response:
        """What an ingress that keeps nothing would answer."""
        await request.read()
        self.counts["ingress"] += 1
        return web.json_response({"items": []}, status=202)

    async def change(self, request: web.Request) -> web.Response:
        """Another mode, and new counts."""
        self.mode = request.match_info["mode"]
        told = dict(self.counts)
        self.counts = dict.fromkeys(self.counts, 0)
        self.posted.clear()
        return web.json_response(told)


async def main() -> None:
    """Serve until terminated."""
    target = Target()
    app = web.Application()
    app.router.add_post("/documents/{flow}", target.deliver)
    app.router.add_get("/postings/{key}", target.look_up)
    app.router.add_post("/ingress/{flow}", target.sink)
    app.router.add_put("/mode/{mode}", target.change)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
