"""Keeping the numbers small: minutes for two days, hours for a hundred days, days for good."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog
from sqlalchemy import Connection, delete, exists, select

from hub.errors import StoreError
from hub.store.database import Database
from hub.store.schema import kpi_counts, kpi_spans, reconciliations
from transactions.clock import Clock, to_micros
from transactions.kpis.windows import HOUR, MINUTE, hours_from, minutes_from

log = structlog.get_logger("andon.kpis")
EVERY = 1_800.0
"""Seconds from one time to the next."""


def forget(connection: Connection, now: datetime) -> None:
    """Drop old minutes and hours, which their days stand for, and old reconciliations that have a newer one."""
    for grain, before in ((MINUTE, minutes_from(now)), (HOUR, hours_from(now))):
        for table in (kpi_counts, kpi_spans):
            old = (table.c.grain == grain, table.c.at < int(before.timestamp()))
            connection.execute(delete(table).where(*old))
    newer = reconciliations.alias("newer")
    connection.execute(
        delete(reconciliations).where(
            reconciliations.c.at < to_micros(hours_from(now)),
            exists(
                select(newer.c.at).where(
                    newer.c.kind == reconciliations.c.kind,
                    newer.c.plant == reconciliations.c.plant,
                    newer.c.at > reconciliations.c.at,
                )
            ),
        )
    )


class Housekeeper:
    """Keeps the numbers small while the hub runs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._going: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; what an earlier run left is done at once."""
        self._going = asyncio.create_task(self._go(), name="key figures housekeeping")

    async def close(self) -> None:
        """Leave the rest to the next start."""
        if self._going is not None:
            self._going.cancel()
            await asyncio.gather(self._going, return_exceptions=True)

    async def _go(self) -> None:
        while True:
            now = self._clock.now()
            try:
                await self._database.write(lambda c, at=now: forget(c, at))  # type: ignore[misc]
            except StoreError as error:  # the writer has logged it; it is done the next time
                log.debug("kpis.not-compacted", error=error.detail)
            await asyncio.sleep(EVERY)
