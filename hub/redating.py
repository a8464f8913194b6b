"""Dating what is owed again where the flows, the shifts or the calendar are declared otherwise than they were: beside
everything else, a little at a time, and again from its beginning where the hub ends before it is done."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from hub.deadlines import Deadlines
from hub.store.database import Database
from hub.store.dating import date_some, undated

log = structlog.get_logger("andon.deadlines")


class Redating:
    """Dates what is owed by the declarations of now.

    Args:
        database: the store.
        deadlines: of now.
    """

    def __init__(self, database: Database, deadlines: Deadlines) -> None:
        self._database, self._deadlines = database, deadlines
        self._going: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin, where there is something to do."""
        if await self._database.read(lambda c: undated(c, self._deadlines)):
            self._going = asyncio.create_task(self._go(), name="dating what is owed")

    async def close(self) -> None:
        """Leave the rest to the next start."""
        if self._going is not None:
            self._going.cancel()
            await asyncio.gather(self._going, return_exceptions=True)

    async def done(self) -> None:
        """Wait until everything is dated."""
        if self._going is not None:
            await self._going

    async def _go(self) -> None:
        after: int | None = 0
        while after is not None:
            after = await self._database.insist(partial(date_some, deadlines=self._deadlines, after=after))
        log.info("deadlines.dated", declarations=self._deadlines.digest)
