"""A hub in the test's own process: its ASGI application, over a real store, delivering to a scripted target."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from hub.api.access import Access, Principal
from hub.app import Hub, application
from hub.declarations import Catalogue
from hub.delivery.profile import QUICK
from hub.landscape import Landscape
from hub.store.database import open_database
from transactions.clock import SystemClock
from transactions.people import Role

TOKENS = {
    "admin-token": Principal(subject="ann", kind="bootstrap", roles=(Role.ADMIN,)),
    "second-token": Principal(subject="bob", kind="user", roles=(Role.OPERATOR, Role.APPROVER)),
    "source-token": Principal(subject="mes-p01", kind="system", roles=(Role.SOURCE,)),
    "empty-token": Principal(subject="nobody", kind="system"),
}


class Api:
    """A client of the application, and the hub behind it."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.app = application(hub)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, raise_app_exceptions=False),
            base_url="http://hub/admin/v1/",
            headers={"Authorization": "Bearer admin-token"},
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    async def second(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request of another person, who may act and approve."""
        return await self.client.request(method, path, headers={"Authorization": "Bearer second-token"}, **more)

    async def send(self, flow: str = "report", headers: dict[str, str] | None = None, **document: str) -> str:
        """Take in a document; returns the id of its transaction."""
        answer = await self.client.post("ingress", params={"flow": flow}, json=document, headers=headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["items"][0]["id"])

    async def settled(self, tx_id: str) -> dict[str, Any]:
        """The transaction once it is open or closed."""
        async with asyncio.timeout(30):
            while True:
                found: dict[str, Any] = (await self.client.get(f"transactions/{tx_id}")).json()
                if found["status"] in ("processed", "failed", "in-doubt", "parked", "held", "duplicate"):
                    return found
                await asyncio.sleep(0.005)

    async def plan(self, action: str, *ids: str, **options: Any) -> dict[str, Any]:
        """A stored plan."""
        body: dict[str, Any] = {"action": action, "reason": "test", "options": options}
        if action not in ("hold", "release"):
            body["ids"] = list(ids)
        answer = await self.client.post("plans", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def run(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Run a plan, with a second person where it wants one, and wait for the end of its batch."""
        answer = await self.client.post(f"plans/{plan['hash']}/run")
        begun = answer.json()
        if begun.get("type") == "urn:andon:problem:second-person-wanted":
            answer = await self.second("POST", f"plans/{plan['hash']}/approve", json={"reason": "looked at"})
            begun = answer.json()["batch"]
        assert answer.is_success, answer.text
        async with asyncio.timeout(30):
            while True:
                batch: dict[str, Any] = (await self.client.get(f"batches/{begun['id']}")).json()
                if batch["finished_at"] is not None:
                    return batch
                await asyncio.sleep(0.005)


def problem(response: httpx.Response, status: int, kind: str) -> str:
    """Hold an answer against RFC 9457 and this project's types; returns its detail."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == f"urn:andon:problem:{kind}"
    assert body["status"] == status
    assert body["title"]
    assert body["instance"].startswith("/")
    return str(body["detail"])


@pytest.fixture(name="problem")
def _problem():
    return problem


@pytest.fixture
async def own_hub(tmp_path: Path, catalogue: Catalogue, target) -> AsyncIterator[Hub]:
    """A started hub with the catalogue of the delivery tests."""
    database = open_database(tmp_path)
    landscape = Landscape(catalogue)
    landscape.use_addresses({"ERP": target.url, "EDI": target.url})
    access = Access()
    for token, principal in TOKENS.items():
        access.accept(token, principal)
    hub = Hub(
        database=database,
        landscape=landscape,
        profile=msgspec.structs.replace(QUICK, backoff=0.02, backoff_limit=0.05, read_timeout=2.0),
        clock=SystemClock(),
        access=access,
        platform="test",
        chance=random.Random(1),
    )
    await hub.start()
    yield hub
    await hub.close()
    database.close()


@pytest.fixture
async def local(own_hub: Hub) -> AsyncIterator[Api]:
    """A signed-in client of the hub in this process."""
    api = Api(own_hub)
    yield api
    await api.client.aclose()
