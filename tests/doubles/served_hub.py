"""A hub in a thread of this process, over HTTP, with people who govern its gateway."""

from __future__ import annotations

import asyncio
import random
import socket
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import uvicorn

from hub.api.access import Access, Principal
from hub.app import Hub, application
from hub.dataplane.dataplane import DataPlane
from hub.delivery.profile import QUICK
from hub.landscape import Landscape
from hub.settings import read_settings
from hub.store.database import open_database
from transactions.clock import SystemClock
from transactions.people import Role

PEOPLE = (
    ("a-token", "grete", Role.POLICY_ADMIN),
    ("another-token", "otto", Role.APPROVER),
    ("admin-token", "ann", Role.ADMIN),
    ("reader-token", "rita", Role.VIEWER),
)
"""Tokens, whose they are, and what those may do."""
TABLES = ("gateway_resources", "gateway_applied", "gateway_revisions", "gateway_asked", "approvals", "reviews", "plans")


class Served:
    """A hub that is served until it is told to end."""

    def __init__(
        self, data: Path, *, alone: bool = False, dataplane: Callable[[Hub, str], DataPlane] | None = None
    ) -> None:
        """``alone``: nothing wants a second person. ``dataplane`` makes what enforces its policies, at its URL."""
        self.data, self._alone, self._dataplane = data, alone, dataplane
        self._ready, self._thread = threading.Event(), threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread.start()
        assert self._ready.wait(30)

    async def _serve(self) -> None:
        database = open_database(self.data)
        access = Access()
        for token, name, role in PEOPLE:
            access.accept(token, Principal(subject=name, kind="user", roles=(role,)))
        hub = Hub(
            database=database,
            landscape=Landscape(read_settings(None).catalogue),
            profile=QUICK,
            clock=SystemClock(),
            access=access,
            platform="test",
            chance=random.Random(1),
        )
        self.hub = hub
        if self._alone:
            hub.gateway.why_second = lambda *_: {}
        if self._dataplane is not None:
            hub.enforcement.dataplane = self._dataplane(hub, self.url)
        await hub.start()
        config = uvicorn.Config(application(hub), lifespan="off", log_level="error")
        self._server = uvicorn.Server(config)
        self._ready.set()
        await self._server.serve(sockets=[self._listening])
        await hub.close()
        database.close()

    def end(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)

    def empty(self) -> None:
        """Make its gateway a new one."""
        self.run(*((f"DELETE FROM {table}", ()) for table in TABLES))

    def run(self, *statements: tuple[str, tuple[Any, ...]]) -> None:
        """Write into its store behind its back."""
        with closing(sqlite3.connect(self.data / "andon.db", timeout=30)) as connection, connection:
            for statement, values in statements:
                connection.execute(statement, values)
