"""Follows the access log of the gateway, and counts it: nothing twice, nothing left out, however the hub ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from sqlalchemy import Connection, func, select

from gateway_policies.traffic.counting import Clients, Kind, Tally
from gateway_policies.traffic.entries import read_entries
from hub.errors import StoreError
from hub.gateway.kept import Kept
from hub.store.database import TRY_AGAIN, Database
from hub.store.gateway_schema import gateway_revisions
from hub.usage.keeping import advance, cover, forget, position
from hub.usage.log import AccessLog, Chunk, Position
from hub.usage.running import UsageRunning
from transactions.clock import Clock
from transactions.errors import AndonError, Stale, Unavailable

log = structlog.get_logger("andon.usage")

EVERY = 1.0
"""Seconds from one look at the log to the next."""
_HOUSEKEEPING = 1_800.0
_COVER = 60.0
_MOST_KINDS = 100_000
"""Whose numbers are kept in memory."""

Reopen = Callable[[], Awaitable[None]]
Served = Callable[[], "frozenset[str]"]


async def _nobody() -> None:
    """Nobody writes the log who would have to be told."""


def _none() -> frozenset[str]:
    return frozenset()


class UsageFollower:
    """Counts the access log while the hub runs.

    Args:
        database: where counts go.
        folder: where the log is.
        clock: for what is kept how long.
        every: seconds from one look to the next.

    Attributes:
        reopen: tells whoever writes the log that its file was renamed.
        served: the names of the APIs that the data plane serves now: their calls are counted, also where there are
            none.
    """

    def __init__(self, database: Database, folder: Path, clock: Clock, every: float = EVERY) -> None:
        self._database, self._clock, self._every = database, clock, every
        self.log = AccessLog(folder)
        self.reopen: Reopen = _nobody
        self.served: Served = _none
        self.running = UsageRunning()
        self.position = Position()
        self.unreadable = 0
        self._clients = Clients()
        self._revision = -1
        self._kinds: dict[Kind, int] = {}
        self._turn = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin where an earlier run ended."""
        self._tasks = [
            asyncio.create_task(self._follow(), name="usage follower"),
            asyncio.create_task(self._keep_small(), name="usage housekeeping"),
            asyncio.create_task(self._keep_covered(), name="usage coverage"),
        ]

    async def close(self) -> None:
        """End; what was written and not counted yet is counted by the next run."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def catch_up(self) -> None:
        """Count all that is there now."""
        async with self._turn:
            self.position, _, self.unreadable = await self._database.read(position)
            while await self._step():
                pass

    def behind(self) -> int:
        """Bytes of the log that are not counted yet."""
        return self.log.behind(self.position)

    async def _follow(self) -> None:
        told = ""
        while True:
            try:
                await self.catch_up()
                await self._rotate()
                told = ""
            except Unavailable:
                return  # the hub is ending
            except Stale:
                log.warning("usage.counted-elsewhere")  # it goes on from there
            except (OSError, AndonError) as error:
                if str(error) != told:  # once, not every second
                    log.warning("usage.not-counted", because=str(error))
                    told = str(error)
                await asyncio.sleep(TRY_AGAIN)
            await asyncio.sleep(self._every)

    async def _step(self) -> bool:
        """Count what comes next; whether there is more."""
        before = self.position
        chunk = await asyncio.to_thread(self.log.next_chunk, before)
        if chunk is None:
            return False
        if chunk.replaced:
            log.warning("usage.log-replaced", means="it is counted from its beginning")
        await self._learn()
        tally = await asyncio.to_thread(self._tally, chunk)
        known = dict(self._kinds)
        found = await self._database.insist(lambda c: advance(c, before, chunk.after, tally, known))
        self.position = chunk.after
        self._kinds = found if len(known) > _MOST_KINDS else known | found
        self.unreadable += tally.unreadable
        self.running.add(tally)
        if tally.unreadable:
            log.warning("usage.unreadable-lines", lines=tally.unreadable)
        if chunk.after.generation != before.generation:
            await asyncio.to_thread(self.log.forget, chunk.after)
        return chunk.more

    def _tally(self, chunk: Chunk) -> Tally:
        tally = Tally(self._clients)
        entries, tally.unreadable = read_entries(chunk.lines)
        tally.add_all(entries)
        return tally

    async def _learn(self) -> None:
        """Know the consumers that are at the gateway now."""
        found = await self._database.read(lambda c: _clients(c, self._revision))
        if found is not None:
            self._revision, self._clients = found

    async def _rotate(self) -> None:
        await asyncio.to_thread(self.log.forget, self.position)
        if await asyncio.to_thread(self.log.wants_rotation, self.position):
            await asyncio.to_thread(self.log.rotate, self.position)
            await self.reopen()

    async def _keep_small(self) -> None:
        while True:
            now = self._clock.now()
            try:
                async with self._turn:  # kinds are forgotten too, and the next counts must not know them any more
                    self._kinds = {}
                    await self._database.write(lambda c, at=now: forget(c, at))  # type: ignore[misc]
            except StoreError as error:  # the writer has logged it; it is done the next time
                log.debug("usage.not-forgotten", error=error.detail)
            await asyncio.sleep(_HOUSEKEEPING)

    async def _keep_covered(self) -> None:
        """Say that the calls of what the data plane serves are counted: at once where that is something else than
        before, and every minute."""
        said: frozenset[str] = frozenset()
        rounds = 0
        while True:
            apis = self.served()
            if apis and (apis != said or rounds * self._every >= _COVER):
                now = int(self._clock.now().timestamp())
                try:
                    await self._database.write(lambda c, n=now, a=apis: cover(c, dict.fromkeys(a, (n, n))))  # type: ignore[misc]
                    said, rounds = apis, 0
                except StoreError as error:  # the writer has logged it; it is done the next time
                    log.debug("usage.not-covered", error=error.detail)
            await asyncio.sleep(self._every)
            rounds += 1


def _clients(connection: Connection, known: int) -> tuple[int, Clients] | None:
    revision: int = connection.execute(select(func.coalesce(func.max(gateway_revisions.c.number), 0))).scalar_one()
    return None if revision == known else (revision, Clients(Kept(connection).live))
