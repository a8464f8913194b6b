"""A hub's parts in the test's own process, over a real store, delivering to a target whose answers the test chooses.

A scripted target stands in only for what a simulated system cannot be made to do at an exact moment.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from migrated_store import migrated_once, really_migrated
from sqlalchemy import select

from hub.declarations import Catalogue, read_catalogue
from hub.delivery.channel import Channel
from hub.delivery.engine import Engine
from hub.delivery.http import HttpChannel
from hub.delivery.profile import QUICK, Profile
from hub.edits.making import Made
from hub.intake import Arrival, sort_arrival, take_in
from hub.landscape import Landscape
from hub.logs import set_up_logs
from hub.recovery import batches, building
from hub.recovery.questioner import Questioner
from hub.recovery.runner import Runner
from hub.store.database import Database, open_database
from hub.store.schema import attempts, batch_items, transactions
from transactions.batches import Batch
from transactions.clock import SystemClock
from transactions.model import Status
from transactions.people import EVERYTHING
from transactions.plans import Action, Plan, PlanOptions, PlanRequest

__all__ = ["migrated_once", "really_migrated"]

FAST: Profile = msgspec.structs.replace(
    QUICK,
    connect_timeout=0.5,
    read_timeout=0.3,
    backoff=0.02,
    backoff_limit=0.05,
    breaker_pause=0.1,
    breaker_wait=0.3,
    lookup_pause=0.02,
    lookups=4,
    parked_every=0.1,
    reply_within=0.2,
)

DECLARED: dict[str, Any] = {
    "default_plant": "P01",
    "plant": {"P01": {"title": "One"}, "P02": {"title": "Two"}},
    "system": {
        "MES": {"title": "MES", "idempotent": "lookup"},
        "ERP": {"title": "ERP", "idempotent": "lookup", "settle_after": "150ms"},
        "EDI": {"title": "EDI", "idempotent": "none", "settle_after": "100ms"},
    },
    "flow": {
        "consumption": {
            "title": "Consumption",
            "sources": ["MES"],
            "targets": ["ERP"],
            "document": "OperationsPerformance",
            "identity": ["event"],
            "order_by": "order",
            "semantics": "delta",
            "slo": "15m",
            "risk": "financial",
            "owner": "erp-team",
            "verify": "lookup",
            "keys": {"json": {"event": "$.event", "order": "$.order", "material": "$.material"}},
        },
        "report": {
            "title": "Report",
            "sources": ["MES"],
            "targets": ["ERP"],
            "document": "Report",
            "identity": ["event"],
            "semantics": "event",
            "slo": "15m",
            "risk": "low",
            "owner": "mes-team",
            "keys": {"json": {"event": "$.event", "order": "$.order"}},
        },
        "plan": {
            "title": "Plan",
            "sources": ["MES"],
            "targets": ["ERP"],
            "document": "Plan",
            "identity": ["plan", "version"],
            "object": "plan",
            "version": "version",
            "order_by": "plan",
            "semantics": "snapshot",
            "slo": "15m",
            "risk": "operational",
            "owner": "aps-team",
            "keys": {"json": {"plan": "$.plan", "version": "$.version"}},
        },
        "receipt": {
            "title": "Receipt",
            "sources": ["MES"],
            "targets": ["ERP"],
            "document": "Receipt",
            "identity": ["event"],
            "semantics": "delta",
            "requires": [{"flow": "consumption", "key": "order"}],
            "slo": "15m",
            "risk": "financial",
            "owner": "erp-team",
            "keys": {"json": {"event": "$.event", "order": "$.order"}},
        },
        "notice": {
            "title": "Notice",
            "sources": ["MES"],
            "targets": ["EDI"],
            "document": "Notice",
            "identity": ["event"],
            "semantics": "event",
            "slo": "15m",
            "risk": "low",
            "owner": "edi-team",
            "keys": {"json": {"event": "$.event"}},
        },
    },
}

Script = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]


async def applied(_request: web.Request, _body: bytes) -> web.StreamResponse:
    """The usual answer."""
    return web.json_response({"status": "applied", "document": "4900000001"}, status=201)


class ScriptedTarget:
    """A target that answers what the test tells it to, and remembers what it was sent."""

    def __init__(self) -> None:
        self.deliver: Script = applied
        self.lookup: Script | None = None
        self.received: list[tuple[str, bytes, dict[str, str]]] = []
        self.asked: list[str] = []
        self.posted: dict[str, bytes] = {}
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/documents/{flow}", self._on_document)
        app.router.add_get("/postings/{key}", self._on_lookup)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _on_document(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        key = request.headers["Idempotency-Key"]
        self.received.append((key, body, {name.lower(): value for name, value in request.headers.items()}))
        answer = await self.deliver(request, body)
        if answer.status in (200, 201):
            self.posted[key] = body
        return answer

    async def _on_lookup(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        self.asked.append(key)
        if self.lookup is not None:
            return await self.lookup(request, b"")
        if key in self.posted:
            import hashlib

            digest = hashlib.sha256(self.posted[key]).hexdigest()
            return web.json_response({"status": "applied", "sha256": digest, "document": "4900000001"})
        return web.json_response({"status": "absent"})

    def keys_sent(self) -> list[str]:
        """The keys of what it was sent, in order."""
        return [key for key, _, _ in self.received]


class Workbench:
    """Store, engine and runner, as a hub has them."""

    def __init__(
        self, database: Database, landscape: Landscape, profile: Profile, channel: Channel | None = None
    ) -> None:
        self.database, self.landscape, self.profile, self.channel = database, landscape, profile, channel
        self.clock = SystemClock()
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        database.writer.on_commit(lambda _told: self._loop.call_soon_threadsafe(self._changed.set))
        self.make()

    def make(self) -> None:
        """New engine and runner, as after a start."""
        channel = self.channel or HttpChannel(self.profile)
        self.engine = Engine(self.database, self.landscape, channel, self.profile, self.clock, random.Random(1))
        self.questioner = Questioner(self.engine, self.landscape)
        self.runner = Runner(self.database, self.clock, self.questioner, self.landscape)

    async def start(self) -> None:
        await self.engine.start()
        await self.runner.start()

    async def stop(self) -> None:
        await self.runner.close()
        await self.engine.close(patience=1.0)

    async def send(
        self, flow: str, plant: str | None = None, headers: dict[str, str] | None = None, **document: Any
    ) -> str:
        """Take in a document; returns the id of its (first) transaction."""
        arrival = Arrival(
            flow=flow,
            plant=plant,
            content=msgspec.json.encode(document),
            content_type="application/json",
            headers=headers or {},
            sent_by="test",
        )
        found = sort_arrival(arrival, self.landscape)
        now = self.clock.now()
        accepted = await self.database.write(lambda c: take_in(c, found, now))
        return accepted.ids[0]

    async def row(self, tx_id: str) -> Any:
        return await self.database.read(
            lambda c: c.execute(select(transactions).where(transactions.c.id == tx_id)).one()
        )

    async def tries(self, tx_id: str) -> list[Any]:
        return await self.database.read(
            lambda c: list(c.execute(select(attempts).where(attempts.c.tx_id == tx_id).order_by(attempts.c.n)).all())
        )

    async def until(self, tx_id: str, *statuses: Status, within: float = 10.0) -> Any:
        """The row once it is in one of ``statuses``."""
        row = None
        try:
            async with asyncio.timeout(within):
                while True:
                    self._changed.clear()
                    row = await self.row(tx_id)
                    if row.status in statuses:
                        return row
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{tx_id} is {row and row.status}, not {statuses}") from None

    async def plan(self, action: Action, *ids: str, reason: str = "test", **options: Any) -> Plan:
        now = self.clock.now()
        place = {name: options.pop(name) for name in ("target", "plant", "flow") if name in options}
        request = PlanRequest(
            action=action,
            reason=reason,
            ids=list(ids) if action not in (Action.HOLD, Action.RELEASE) else None,
            options=PlanOptions(**place, **options),
        )
        building.check_request(request, self.landscape)
        documents: dict[str, Made] = {}
        rows = await self.database.read(lambda c: building.select_rows(c, request, None, EVERYTHING))
        heard = await self.questioner.ask(action, rows, request.options)
        plan = await self.database.read(
            lambda c: building.build(
                c,
                request,
                None,
                platform="test",
                actor="ann",
                landscape=self.landscape,
                now=now,
                reach=EVERYTHING,
                documents=documents,
                heard=heard,
            )
        )
        await self.database.write(lambda c: building.store(c, plan, now, documents))
        return plan

    async def begin(self, plan: Plan, now: datetime | None = None) -> Batch:
        """Start a plan's batch; nobody runs it yet."""
        at = now or self.clock.now()
        return await self.database.write(
            lambda c: batches.start(c, building.load(c, plan.hash, at, EVERYTHING), "ann", at, landscape=self.landscape)
        )

    async def stored(self, digest: str, now: datetime | None = None) -> Plan:
        """A plan as the store has it."""
        return await self.database.read(lambda c: building.load(c, digest, now or self.clock.now(), EVERYTHING))

    async def run(self, plan: Plan) -> Batch:
        batch = await self.begin(plan)
        self.runner.follow(batch.id)
        return batch

    async def act(self, action: Action, *ids: str, **options: Any) -> Batch:
        """Plan, run, and wait for the end."""
        return await self.finished((await self.run(await self.plan(action, *ids, **options))).id)

    async def finished(self, batch_id: str, within: float = 10.0) -> Batch:
        async with asyncio.timeout(within):
            while True:
                self._changed.clear()
                batch = await self.database.read(lambda c: batches.load(c, batch_id))
                if batch.finished_at is not None:
                    return batch
                await self._changed.wait()

    async def soon(self, what: str, condition: Callable[[], object], within: float = 10.0) -> None:
        """Wait until ``condition`` holds, where no commit tells of it."""
        end = self._loop.time() + within
        while not condition():
            assert self._loop.time() < end, f"{what}: not within {within:g} s"
            await asyncio.sleep(0.005)

    def settle(self, seconds_ago: float = 3600.0) -> None:
        """From now on every delivery has left so long ago; with fewer than none, its posting may land for so long."""
        self.engine.settling.remaining = lambda _tx, _settle: -seconds_ago  # type: ignore[method-assign]

    async def refuse_writes(self) -> Callable[[], None]:
        """Let the store refuse every write, as it does while a disk is full; what is returned ends that."""
        await self.database.write(lambda c: c.exec_driver_sql("PRAGMA busy_timeout=0"))
        other = sqlite3.connect(str(self.database.engine.url.database), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        return other.close

    async def items(self, batch_id: str) -> list[Any]:
        return await self.database.read(
            lambda c: list(
                c.execute(select(batch_items).where(batch_items.c.batch == batch_id).order_by(batch_items.c.n)).all()
            )
        )

    async def items_when(
        self, batch_id: str, condition: Callable[[list[Any]], object], within: float = 30.0
    ) -> list[Any]:
        """The items of a batch, once ``condition`` holds of them."""
        async with asyncio.timeout(within):
            while True:
                self._changed.clear()
                found = await self.items(batch_id)
                if condition(found):
                    return found
                await self._changed.wait()


@pytest.fixture(autouse=True)
def quiet_logs() -> None:
    """The hub's own set-up: to standard error, whichever that is at the moment."""
    set_up_logs()


@pytest.fixture(scope="session")
def workbench() -> type[Workbench]:
    """The workbench itself, for tests that make their own: they cannot import this file."""
    return Workbench


@pytest.fixture
def catalogue() -> Catalogue:
    return read_catalogue(DECLARED, "test")


@pytest.fixture
async def target() -> AsyncIterator[ScriptedTarget]:
    target = ScriptedTarget()
    await target.start()
    yield target
    await target.stop()


@pytest.fixture
async def bench(tmp_path: Path, catalogue: Catalogue, target: ScriptedTarget) -> AsyncIterator[Workbench]:
    """A running workbench that delivers to ``target``."""
    landscape = Landscape(
        msgspec.structs.replace(
            catalogue,
            system={
                **catalogue.system,
                "EDI": msgspec.structs.replace(catalogue.system["EDI"], lookup=None),
            },
        )
    )
    landscape.use_addresses({"ERP": target.url, "EDI": target.url})
    database = open_database(tmp_path)
    bench = Workbench(database, landscape, FAST)
    await bench.start()
    yield bench
    await bench.stop()
    database.close()
