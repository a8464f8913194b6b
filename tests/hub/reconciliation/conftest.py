"""A hub in the test's own process, and systems whose books and answers the test writes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from aiohttp import web

from hub.api.access import Access, Principal
from hub.app import Hub, application
from hub.declarations import Catalogue, read_catalogue
from hub.delivery.http import HttpChannel
from hub.delivery.profile import QUICK
from hub.landscape import Landscape
from hub.reconciliation.asking import Asker
from hub.reconciliation.reconciling import Reconciler, Wanted
from hub.store.database import open_database
from transactions.clock import Clock, SystemClock
from transactions.people import EVERYTHING, Limits, Reach, Role
from transactions.reconciliation.model import Difference, Kind, Reconciliation
from transactions.reconciliation.tolerance import EXACT, Tolerance

_INQUIRY = {"path": "/inquiries/orders?as_of={as_of}&plant={plant}&limit={limit}", "next": "$.next"}
_FLOW = {
    "title": "A flow", "document": "Document", "semantics": "delta", "slo": "15m", "risk": "financial", "owner": "team",
}  # fmt: skip

DECLARED: dict[str, Any] = {
    "default_plant": "P01",
    "plant": {"P01": {"title": "One"}, "P02": {"title": "Two"}},
    "system": {
        "MES": {
            "title": "MES",
            "local": True,
            "inquiry": {
                "orders": {
                    **_INQUIRY,
                    "key": {"order": "$.id"},
                    "values": {"confirmed": "$.confirmed", "state": "$.state"},
                    "units": {"confirmed": "$.unit"},
                }
            },
        },
        "ERP": {
            "title": "ERP",
            "settle_after": "50ms",
            "inquiry": {
                "orders": {
                    "path": "/inquiries/orders?cursor={cursor}&as_of={as_of}&n={limit}",
                    "items": "$.value",
                    "next": "$.cursor",
                    "key": {"order": "$.order.number"},
                    "values": {"confirmed": "$.confirmed", "state": "$.state"},
                    "units": {"confirmed": "EA"},
                },
                "inventory": {
                    **_INQUIRY,
                    "path": "/inquiries/stock",
                    "key": {"material": "$.material", "lot": "$.lot"},
                    "values": {"quantity": "$.quantity"},
                    "units": {"quantity": "$.unit"},
                },
            },
        },
        "WMS": {
            "title": "WMS",
            "local": True,
            "settle_after": "50ms",
            "inquiry": {
                "inventory": {
                    **_INQUIRY,
                    "path": "/inquiries/stock?as_of={as_of}",
                    "plant": None,
                    "key": {"material": "$.material", "lot": "$.lot"},
                    "values": {"quantity": "$.quantity"},
                    "units": {"quantity": "$.unit"},
                }
            },
        },
        "EDI": {
            "title": "EDI",
            "idempotent": "none",
            "lookup": "",
            "settle_after": "50ms",
            "inquiry": {"orders": {**_INQUIRY, "key": {"order": "$.id"}, "values": {"state": "$.state"}}},
        },
    },
    "flow": {
        "confirmation": {
            **_FLOW,
            "sources": ["MES"],
            "targets": ["ERP"],
            "identity": ["event"],
            "keys": {"json": {"event": "$.event", "order": "$.order", "quantity": "$.quantity"}},
        },
        "state": {
            **_FLOW,
            "sources": ["MES"],
            "targets": ["ERP", "EDI"],
            "semantics": "snapshot",
            "identity": ["event"],
            "object": "order",
            "version": "version",
            "keys": {"json": {"event": "$.event", "order": "$.order", "version": "$.version"}},
        },
        "movement": {
            **_FLOW,
            "sources": ["MES"],
            "targets": ["ERP", "WMS"],
            "identity": ["event"],
            "keys": {"json": {"event": "$.event", "material": "$.lines[0].material", "lot": "$.lines[0].lot"}},
        },
    },
    "reconciliation": {
        "orders": {
            "key": ["order"],
            "field": {
                "confirmed": {
                    "flows": ["confirmation"],
                    "amount": True,
                    "adds": ["confirmation"],
                    "quantities": "$.quantity",
                },
                "state": {"flows": ["state"]},
            },
        },
        "inventory": {
            "key": ["material", "lot"],
            "field": {
                "quantity": {
                    "flows": ["movement"],
                    "amount": True,
                    "alike": True,
                    "takes": ["movement"],
                    "quantities": "$.lines[?@.material == {material} && @.lot == {lot}].quantity",
                }
            },
        },
    },
}

Script = Callable[[web.Request], Awaitable[web.StreamResponse]]


class World:
    """Every system behind one port: ``/ERP``, ``/MES-P01``. Documents are applied, unless ``deliver`` says no."""

    def __init__(self) -> None:
        self.books: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.inquire: dict[str, Script] = {}
        self.deliver: dict[str, tuple[int, dict[str, Any]]] = {}
        self.lookups: dict[str, dict[str, Any]] = {}
        self.posted: dict[str, set[str]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.looked_up: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/{label}/inquiries/{kind}", self._inquiry)
        app.router.add_post("/{label}/documents/{flow}", self._document)
        app.router.add_get("/{label}/postings/{key}", self._lookup)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def addresses(self, catalogue: Catalogue) -> dict[str, str]:
        labels = [name if plant is None else f"{name}/{plant}" for name, plant in catalogue.instances()]
        return {label: f"{self.url}/{label.replace('/', '-')}" for label in labels}

    def says(self, label: str, *entries: dict[str, Any], kind: str = "orders") -> None:
        self.books[label.replace("/", "-"), kind] = list(entries)

    async def _inquiry(self, request: web.Request) -> web.StreamResponse:
        label = request.match_info["label"]
        self.asked.append((label, dict(request.query)))
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if label in self.inquire:
            return await self.inquire[label](request)
        items = self.books.get((label, request.match_info["kind"]), [])
        return web.json_response({"value" if "n" in request.query else "items": items})

    async def _document(self, request: web.Request) -> web.StreamResponse:
        label = request.match_info["label"]
        status, body = self.deliver.get(label, (201, {"status": "applied", "document": "4900000001"}))
        if status in (200, 201):
            self.posted.setdefault(label, set()).add(request.headers["Idempotency-Key"])
        return web.json_response(body, status=status)

    async def _lookup(self, request: web.Request) -> web.StreamResponse:
        label, key = request.match_info["label"], request.match_info["key"]
        self.looked_up.append(label)
        if label in self.lookups:
            return web.json_response(self.lookups[label])
        there = key in self.posted.get(label, set())
        return web.json_response({"status": "applied", "document": "1"} if there else {"status": "absent"})


class Later:
    """A clock that is ahead."""

    def __init__(self, clock: Clock, by: timedelta) -> None:
        self._clock, self._by = clock, by

    def now(self) -> datetime:
        return self._clock.now() + self._by


class Room:
    """The hub, the world it is in, and what a test does with both."""

    def __init__(self, hub: Hub, world: World, channel: HttpChannel) -> None:
        self.hub, self.world, self.channel = hub, world, channel

    async def send(
        self, flow: str, plant: str = "P01", headers: dict[str, str] | None = None, **document: Any
    ) -> dict[str, str]:
        """Take in a document, and wait until nothing of it moves; the ids by target."""
        async with self.client() as client:
            answer = await client.post("ingress", params={"flow": flow, "plant": plant}, json=document, headers=headers)
            assert answer.status_code == 202, answer.text
            ids = {item["target"]: item["id"] for item in answer.json()["items"]}
            async with asyncio.timeout(30):
                for name in ids.values():
                    while (await client.get(f"transactions/{name}")).json()["status"] in (
                        "pending", "delivering", "retrying", "sent",
                    ):  # fmt: skip
                        await asyncio.sleep(0.005)
        return ids

    async def act(self, action: str, *ids: str) -> None:
        async with self.client() as client:
            plan = await client.post("plans", json={"action": action, "reason": "test", "ids": list(ids)})
            assert plan.status_code == 201, plan.text
            name = plan.json()["hash"]
            ran = await client.post(f"plans/{name}/run")
            if ran.status_code == 409:
                second = {"Authorization": "Bearer second"}
                ran = await client.post(f"plans/{name}/approve", json={"reason": "looked"}, headers=second)
            assert ran.is_success, ran.text
            batch = ran.json().get("batch") or ran.json()
            async with asyncio.timeout(30):
                while (await client.get(f"batches/{batch['id']}")).json()["finished_at"] is None:
                    await asyncio.sleep(0.005)

    async def reconcile(
        self,
        kind: Kind = Kind.ORDERS,
        *,
        reach: Reach = EVERYTHING,
        as_of: datetime | None = None,
        tolerance: Tolerance = EXACT,
        plant: str | None = None,
        limit: int = 100,
        later: timedelta = timedelta(seconds=1),
    ) -> Reconciliation:
        """Ask ``later``: by then no late posting can land any more."""
        wanted = Wanted(kind=kind, as_of=as_of, tolerance=tolerance, plant=plant, limit=limit)
        hub = self.hub
        reconciler = Reconciler(
            hub.database, hub.landscape, self.channel, "Bearer for-systems", Later(hub.clock, later)
        )
        return await reconciler.reconcile(wanted, reach)

    async def only(self, kind: Kind = Kind.ORDERS, **how: Any) -> Difference:
        """The one difference that there is."""
        found = await self.reconcile(kind, **how)
        (item,) = found.items
        return item

    def client(self, token: str = "admin") -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=application(self.hub), raise_app_exceptions=False),
            base_url="http://hub/admin/v1/",
            headers={"Authorization": f"Bearer {token}"},
        )


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
def declared() -> dict[str, Any]:
    """What the catalogue is read from; a test may ask for it first, and change it."""
    return msgspec.json.decode(msgspec.json.encode(DECLARED))


@pytest.fixture
async def room(tmp_path: Path, world: World, declared: dict[str, Any]) -> AsyncIterator[Room]:
    catalogue = read_catalogue(declared, "test")
    landscape = Landscape(catalogue)
    landscape.use_addresses(world.addresses(catalogue))
    access = Access()
    for token, principal in {
        "admin": Principal(subject="ann", kind="bootstrap", roles=(Role.ADMIN,)),
        "second": Principal(subject="bob", kind="user", roles=(Role.APPROVER,)),
        "one-plant": Principal(subject="cay", kind="user", roles=(Role.VIEWER,), limits=Limits(plants=["P01"])),
        "no-flow": Principal(subject="dee", kind="user", roles=(Role.VIEWER,), limits=Limits(flows=["state"])),
    }.items():
        access.accept(token, principal)
    database = open_database(tmp_path)
    hub = Hub(
        database=database,
        landscape=landscape,
        profile=msgspec.structs.replace(
            QUICK, attempts=1, backoff=0.02, backoff_limit=0.05, read_timeout=0.5, lookup_pause=0.01, lookups=1
        ),
        clock=SystemClock(),
        access=access,
        platform="test",
        chance=random.Random(1),
        authorization="Bearer for-systems",
    )
    await hub.start()
    channel = HttpChannel(hub.profile)
    yield Room(hub, world, channel)
    await channel.close()
    await hub.close()
    database.close()


@pytest.fixture
async def asker(world: World, declared: dict[str, Any]) -> AsyncIterator[Callable[..., Asker]]:
    """Makes askers over the world's systems."""
    catalogue = read_catalogue(declared, "test")
    landscape = Landscape(catalogue)
    landscape.use_addresses(world.addresses(catalogue))
    channel = HttpChannel(msgspec.structs.replace(QUICK, read_timeout=0.5))
    yield lambda **how: Asker(channel, landscape, "Bearer for-systems", **how)
    await channel.close()
