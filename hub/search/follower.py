"""Keeps the index of the search behind the store: a little at a time, and less often while the hub is busy."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy import Connection, delete

from hub.errors import StoreError
from hub.search.sqlite import ATTACHED, SqliteTextIndex, Step
from hub.store.database import TRY_AGAIN, Database
from hub.store.journal import Journal
from hub.store.schema import search_changes
from transactions.errors import Unavailable

log = structlog.get_logger("andon.search")

_LAG = 0.2
"""Seconds after a change until it is looked for."""
_STEP = 0.1
"""Seconds that one step should take."""
_REST = 4.0
"""Rest after a step while others write, against what the step took: a fifth of a processor at most."""
_FIRST, _LEAST, _MOST = 500, 50, 4_000
_KEPT = 1_000
"""Changes that are in the index and still noted, so that noting them costs few writes."""


class SearchFollower:
    """Writes the index behind the store.

    Args:
        database: the store; its readers get the index as soon as it is open.
        index: of its folder.
    """

    def __init__(self, database: Database, index: SqliteTextIndex) -> None:
        self.index = index
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="andon-search")
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._told = False
        self._commits = 0
        self._task: asyncio.Task[None] | None = None
        database.writer.on_commit(self._committed)

    async def start(self) -> None:
        """Take the index up, and follow the store from there. Without one, searches look at everything."""
        await self._open()
        self._task = asyncio.create_task(self._follow(), name="search follower")

    async def close(self) -> None:
        """Finish the step that is under way, and let the file go."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._loop.run_in_executor(self._thread, self.index.close)
        self._thread.shutdown()

    async def _open(self) -> bool:
        try:
            await self._loop.run_in_executor(self._thread, self.index.open)
        except (sqlite3.Error, OSError) as error:
            log.warning("search.no-index", because=str(error))
            return False
        self._database.attach(ATTACHED, self.index.path, self.index.lost)
        return True

    def _committed(self, _told: Journal) -> None:
        # in the writer's thread
        self._commits += 1
        if self._told:
            return
        self._told = True
        try:
            self._loop.call_soon_threadsafe(self._changed.set)
        except RuntimeError:
            log.debug("search.loop-ended")  # the hub is ending, and its next run takes it up

    async def _follow(self) -> None:
        while not self.index.usable:
            await asyncio.sleep(TRY_AGAIN)
            await self._open()
        most, left, forgotten = _FIRST, 1, 0
        while True:
            if not left:
                await self._changed.wait()
                await asyncio.sleep(_LAG)
            self._changed.clear()
            self._told = False
            before, begun = self._commits, time.monotonic()
            step = await self._step(most)
            took = time.monotonic() - begun
            left = step.left
            forgotten = await self._forget(forgotten)
            if step.written >= most:
                most = max(_LEAST, min(_MOST, int(most * _STEP / max(took, 0.001))))
            if left and self._commits != before:
                await asyncio.sleep(took * _REST)

    async def _step(self, most: int) -> Step:
        waits = TRY_AGAIN
        while True:
            try:
                return await self._loop.run_in_executor(self._thread, self.index.step, most)
            except sqlite3.Error as error:
                log.warning("search.index-not-written", because=str(error), again_in=waits)
            await asyncio.sleep(waits)
            waits = min(waits * 2, 60.0)

    async def _forget(self, forgotten: int) -> int:
        """Delete the notes of what is in the index, but for the newest, by which the index knows its store."""
        done = await self._loop.run_in_executor(self._thread, self.index.done_changes)
        if done - forgotten < _KEPT:
            return forgotten

        def job(connection: Connection) -> None:
            connection.execute(delete(search_changes).where(search_changes.c.n < done))

        try:
            await self._database.write(job)
        except (StoreError, Unavailable):
            return forgotten  # there is time, and the writer has logged it
        return done
