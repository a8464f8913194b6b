"""Runs batches: keeps a bounded number of items under way until none are left. All state is in the store, so that a
batch goes on by itself after a restart."""

from __future__ import annotations

import asyncio

import msgspec
import structlog
from sqlalchemy import select

from hub.errors import StoreError
from hub.landscape import Landscape
from hub.recovery import batches as stored
from hub.recovery.actions import ASKING, KINDS
from hub.recovery.heard import NOTHING, Heard
from hub.recovery.questioner import Questioner
from hub.store.database import TRY_AGAIN, Database
from hub.store.journal import Journal
from hub.store.schema import batches
from hub.store.writer import is_defect
from transactions.batches import Batch, BatchState
from transactions.clock import Clock
from transactions.plans import Action, PlanOptions

log = structlog.get_logger("andon.batches")
CONCURRENCY = 16
_ASKED_AT_ONCE = 64
_AT_ONCE = 500  # items of an action without requests, in one write


class Runner:
    """One task per running batch."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        questioner: Questioner | None = None,
        landscape: Landscape | None = None,
    ) -> None:
        self._database, self._clock = database, clock
        self._questioner, self._landscape = questioner, landscape
        self._wakes: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._loop = asyncio.get_running_loop()
        self._database.writer.on_commit(self._committed)

    async def start(self) -> None:
        """Take up batches that an earlier run of the hub left running."""
        found = await self._database.read(
            lambda c: c.execute(select(batches.c.id).where(batches.c.state == BatchState.RUNNING)).scalars().all()
        )
        for batch_id in found:
            self.follow(batch_id)

    async def close(self) -> None:
        """Stop running; what is stored goes on at the next start."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def follow(self, batch_id: str) -> None:
        """Begin to run a stored batch, or go on with one."""
        if batch_id in self._tasks:
            self._again.add(batch_id)  # its task may be about to end, having seen it paused
            self._wakes[batch_id].set()
        else:
            self._wakes[batch_id] = asyncio.Event()
            task = asyncio.create_task(self._run(batch_id), name=f"batch {batch_id}")
            self._tasks[batch_id] = task
            task.add_done_callback(lambda done: self._ended(batch_id, done))

    def _ended(self, batch_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(batch_id, None)
        again = batch_id in self._again
        self._again.discard(batch_id)
        self._wakes.pop(batch_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("batch.broke", batch=batch_id, exc_info=error)
        elif again and not task.cancelled():
            self.follow(batch_id)

    def _committed(self, told: Journal) -> None:
        # in the writer's thread
        if told.batches:
            try:
                self._loop.call_soon_threadsafe(self._wake, set(told.batches))
            except RuntimeError:
                log.debug("batches.loop-ended")  # the hub is ending; the store knows the state

    def _wake(self, changed: set[str]) -> None:
        for batch_id in changed & self._wakes.keys():
            self._wakes[batch_id].set()

    async def _run(self, batch_id: str) -> None:
        while True:
            try:
                await self._go_on(batch_id)
            except StoreError as error:  # unreadable for now: it goes on when it can be read
                if is_defect(error.__cause__):
                    raise
                log.error("batch.store-refused", batch=batch_id, error=error.detail)  # noqa: TRY400 - no more in a trace
                await asyncio.sleep(TRY_AGAIN)
            else:
                return

    async def _go_on(self, batch_id: str) -> None:
        row = await self._database.read(lambda c: c.execute(select(batches).where(batches.c.id == batch_id)).one())
        options = msgspec.json.decode(row.options, type=PlanOptions)
        bound = (
            (options.concurrency or CONCURRENCY)
            if Action(row.action) in KINDS and KINDS[Action(row.action)].sends
            else _AT_ONCE
        )
        next_slot = self._loop.time()
        wake = self._wakes[batch_id]
        while True:
            wake.clear()
            busy = await self._database.read(lambda c: stored.under_way(c, batch_id))
            free = bound - busy
            taken = 0
            if free > 0:
                if options.rate is not None:
                    free = 1
                    await asyncio.sleep(max(0.0, next_slot - self._loop.time()))
                    next_slot = max(next_slot, self._loop.time()) + 1.0 / options.rate
                taken = await self._take_up(batch_id, Action(row.action), options, free)
            if taken == 0 and busy == 0:
                if (await self._finish(batch_id)).state is not BatchState.RUNNING:
                    return
                continue
            if taken == 0 or taken >= free:
                if options.rate is not None and taken:
                    continue
                await wake.wait()

    async def _take_up(self, batch_id: str, action: Action, options: PlanOptions, count: int) -> int:
        heard: dict[str, Heard] = {}
        if action in ASKING and self._questioner is not None:
            # What the plan was told may be hours old: the targets are asked again, now.
            rows = await self._database.read(lambda c: stored.upcoming(c, batch_id, min(count, _ASKED_AT_ONCE)))
            heard = dict.fromkeys((row.id for row in rows), NOTHING)
            heard |= await self._questioner.ask(action, rows, options)
        now = self._clock.now()
        return await self._database.insist(
            lambda c: stored.take_up(c, batch_id, count, now, landscape=self._landscape, heard=heard)
        )

    async def _finish(self, batch_id: str) -> Batch:
        now = self._clock.now()
        batch = await self._database.insist(lambda c: stored.finish(c, batch_id, now))
        if batch.state is not BatchState.RUNNING:
            log.info("batch.rests", batch=batch_id, state=batch.state, counts=batch.counts)
        return batch
