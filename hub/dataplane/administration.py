"""Envoy's own administration, over a socket that only this user can open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from hub.errors import DataPlaneError

_TIMEOUT = aiohttp.ClientTimeout(total=10)


class Administration:
    """Asks a running Envoy about itself.

    Args:
        socket: where it listens.
    """

    def __init__(self, socket: Path) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=str(socket)), timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def close(self) -> None:
        """Ask no more."""
        await self._session.close()

    async def ready(self) -> bool:
        """Whether it takes calls."""
        try:
            async with self._session.get("http://envoy/ready") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):  # not there yet
            return False

    async def port(self) -> int:
        """Where the gateway listens.

        Raises:
            DataPlaneError: it does not say so.
        """
        found = msgspec.json.decode(await self._get("listeners?format=json"))
        try:
            return int(found["listener_statuses"][0]["local_address"]["socket_address"]["port_value"])
        except (KeyError, IndexError, TypeError) as error:
            raise DataPlaneError(f"Envoy does not say where it listens: {found!r:.300}") from error

    async def statistics(self, matching: str) -> dict[str, str]:
        """Counters, gauges and texts by their names.

        Args:
            matching: a regular expression that is found in the names.

        Raises:
            DataPlaneError: it does not answer.
        """
        text = await self._get("stats", {"filter": matching})
        pairs = (line.partition(": ") for line in text.decode(errors="replace").splitlines())
        return {name: value.strip('"') for name, _, value in pairs}

    async def reopen_logs(self) -> None:
        """Write on into new files.

        Raises:
            DataPlaneError: it does not answer.
        """
        await self._ask("POST", "reopen_logs")

    async def _get(self, path: str, query: dict[str, str] | None = None) -> bytes:
        return await self._ask("GET", path, query)

    async def _ask(self, method: str, path: str, query: dict[str, Any] | None = None) -> bytes:
        try:
            async with self._session.request(method, f"http://envoy/{path}", params=query) as answer:
                body = await answer.read()
                if answer.status != 200:
                    said = body[:300].decode(errors="replace")
                    raise DataPlaneError(f"Envoy answers {answer.status} to {path}: {said}")
                return body
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise DataPlaneError(f"Envoy does not answer: {error or type(error).__name__}") from error
