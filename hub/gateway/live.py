"""The policies that are live, in memory: read again when the gateway has taken a change."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from gateway_policies.model import Resource
from hub.gateway.kept import Kept
from hub.store.database import Database
from hub.store.gateway_schema import gateway_revisions

_NUMBER = select(func.coalesce(func.max(gateway_revisions.c.number), 0))


class LivePolicies:
    """What is live at the hub's gateway."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._revision = -1
        self._live: Mapping[str, Resource] = {}

    async def read(self) -> Mapping[str, Resource]:
        """What is in force, by address, at the newest revision.

        Raises:
            StoreError: it cannot be read.
        """
        found = await self._database.read(self._newer)
        if found is not None:
            self._revision, self._live = found
        return self._live

    def _newer(self, connection: Connection) -> tuple[int, Mapping[str, Resource]] | None:
        number: int = connection.execute(_NUMBER).scalar_one()
        if number == self._revision:
            return None
        return number, Kept(connection).live
