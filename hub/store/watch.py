"""Whether the store takes writes: a full disk is noticed by the first write that is refused, and its end by trying."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog
from msgspec import Struct
from sqlalchemy import Connection

from hub.errors import StoreError
from hub.store.database import TRY_AGAIN, Database
from hub.store.journal import upsert
from hub.store.schema import meta
from transactions.clock import Clock

log = structlog.get_logger("andon.store")
ROOM = 1_048_576
"""Bytes that have to find room before the store counts as one that takes writes again: on a disk that is all but full a
small write passes now and then."""
_NAME = "room"


class Refusal(Struct, frozen=True):
    """The store takes no writes: since when, and what the database says."""

    since: datetime
    because: str


class StoreWatch:
    """Knows whether the store refuses to write. While it does, a write is tried again and again, so that it is
    known at once when there is room, though nobody asks for anything."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._loop = asyncio.get_running_loop()
        self._trying: asyncio.Task[None] | None = None
        self._closed = False
        self.refusal: Refusal | None = None
        database.writer.on_refusal(self._refused)

    async def close(self) -> None:
        """Try no more."""
        self._closed = True
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.gather(self._trying, return_exceptions=True)

    def _refused(self, because: str) -> None:
        # in the writer's thread
        try:
            self._loop.call_soon_threadsafe(self._notice, because)
        except RuntimeError:
            log.debug("store.loop-ended")  # the hub is ending, and nobody asks any more

    def _notice(self, because: str) -> None:
        if self._trying is None and not self._closed:
            self.refusal = Refusal(self._clock.now(), because)
            log.error("store.takes-no-writes", because=because)
            self._trying = asyncio.create_task(self._try(), name="store watch")

    async def _try(self) -> None:
        while True:
            await asyncio.sleep(TRY_AGAIN)
            try:
                await self._database.write(_take_room)
                await self._database.write(_give_room_back)
            except StoreError:  # the writer has logged it
                continue
            break
        log.info("store.writes-again")
        self.refusal, self._trying = None, None


def _take_room(connection: Connection) -> None:
    statement = upsert(connection.dialect.name, meta)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value}),
        {"name": _NAME, "value": "." * ROOM},
    )


def _give_room_back(connection: Connection) -> None:
    connection.execute(meta.delete().where(meta.c.name == _NAME))
