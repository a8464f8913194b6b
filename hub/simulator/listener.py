"""A listening port that can be down for a while and stays ours: closed is refused, not left unanswered."""

from __future__ import annotations

import socket

from aiohttp import web

from hub.errors import SimulatorError
from hub.ports import before_listening, take_port

_HOST = "127.0.0.1"
_BACKLOG = 512


class Listener:
    """One application on one port of the loopback interface."""

    def __init__(self, application: web.Application) -> None:
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        self._site: web.SockSite | None = None
        self._reserved: socket.socket | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{_HOST}:{self.port}"

    @property
    def up(self) -> bool:
        """Whether it takes connections."""
        return self._site is not None

    async def open(self, wanted: int | None, *, down: bool) -> int:
        """Take a port: the wanted one when it is free, else any.

        Args:
            down: keep it closed for now.

        Returns:
            The port.
        """
        await self._runner.setup()
        taken = _bind(wanted or 0)
        if taken is None:
            taken = _bind(0)
        assert taken is not None, "the system always has a free port, or raises"
        self.port = taken.getsockname()[1]
        self._reserved = taken
        if not down:
            await self.rise()
        return self.port

    async def rise(self) -> None:
        """Take connections.

        Raises:
            SimulatorError: somebody else has taken the port.
        """
        if self._site is not None:
            return
        # Listening turns the reserved socket itself into the open one: there is no moment in which the port is free.
        taken = self._reserved or _bind(self.port)
        if taken is None:
            raise SimulatorError(f"Port {self.port} was taken by another program while the simulated system was down.")
        before_listening(taken)
        self._site = web.SockSite(self._runner, taken, backlog=_BACKLOG)
        self._reserved = None
        await self._site.start()

    async def fall(self) -> None:
        """Refuse connections, and break those that are open."""
        if self._site is None:
            return
        site, self._site = self._site, None
        await site.stop()
        server = self._runner.server
        for connection in list(server.connections) if server is not None else []:
            if connection.transport is not None:
                connection.transport.abort()
        self._reserved = _bind(self.port)

    async def close(self) -> None:
        """Give the port back."""
        self._site = None
        await self._runner.cleanup()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None


def _bind(port: int) -> socket.socket | None:
    """A bound socket that does not listen, or None when the port is taken."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        take_port(bound, _HOST, port)
    except OSError:
        bound.close()
        if port == 0:
            raise
        return None
    return bound
