"""A hub in the test's own process, with as much caution as a test wants, and naive servers that have none.

Each test of this folder first shows an attack on a construct without the protection, then that Andon withstands it.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from migrated_store import migrated_once

from hub.api.access import Access, Principal
from hub.app import Hub, application
from hub.caution import Caution
from hub.declarations import shipped_catalogue
from hub.delivery.profile import QUICK
from hub.landscape import Landscape
from hub.store.database import open_database
from transactions.clock import SystemClock
from transactions.people import Role

__all__ = ["migrated_once"]

TOKENS = {
    "ann-token": Principal(subject="ann", kind="user", roles=(Role.ADMIN,)),
    "bea-token": Principal(subject="bea", kind="user", roles=(Role.VIEWER,)),
    "mes-token": Principal(subject="mes", kind="system", roles=(Role.SOURCE,)),
}


@pytest.fixture
async def bare_hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub that delivers to nobody: none of its targets has an address."""
    database = open_database(tmp_path)
    access = Access()
    for token, principal in TOKENS.items():
        access.accept(token, principal)
    hub = Hub(
        database=database,
        landscape=Landscape(shipped_catalogue()),
        profile=QUICK,
        clock=SystemClock(),
        access=access,
        platform="test",
        chance=random.Random(1),
    )
    await hub.start()
    yield hub
    await hub.close()
    database.close()


Client = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def client_of(bare_hub: Hub) -> AsyncIterator[Client]:
    """Clients of the hub, each of its own application with the caution that is asked for."""
    clients: list[httpx.AsyncClient] = []

    def make(caution: Caution | None = None, token: str | None = "ann-token") -> httpx.AsyncClient:
        app = application(bare_hub, caution or Caution(names=()))
        clients.append(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
                base_url="http://127.0.0.1:8470",
                headers={"Authorization": f"Bearer {token}"} if token else {},
            )
        )
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


Serve = Callable[..., AbstractAsyncContextManager[int]]


@pytest.fixture
def serve() -> Serve:
    """Serves an ASGI application on a free port of this machine, with the protocol that is asked for."""

    @asynccontextmanager
    async def run(app: Any, protocol: Any = "h11") -> AsyncIterator[int]:
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            http=protocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listening])
        loop = asyncio.create_task(server.main_loop())
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await loop
            await server.shutdown(sockets=[listening])
            listening.close()

    return run


@pytest.fixture
def exchange() -> Callable[[int, bytes], Awaitable[tuple[bytes, bytes]]]:
    """Sends bytes to a port of this machine; what comes back until the connection ends, as head and body."""

    async def send(port: int, data: bytes) -> tuple[bytes, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        head, _, body = (await asyncio.wait_for(reader.read(), 15)).partition(b"\r\n\r\n")
        writer.close()
        return head, body

    return send


def problem(answer: httpx.Response, status: int, kind: str) -> str:
    """Hold an answer against RFC 9457 and this project's types; returns its detail."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"urn:andon:problem:{kind}"
    assert body["status"] == status
    return str(body["detail"])


@pytest.fixture(name="problem")
def _problem() -> Callable[[httpx.Response, int, str], str]:
    return problem
