"""Keeping the numbers small: minutes for two days, hours for a hundred days, then days."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Table, delete, exists, func, literal, select

from hub.errors import StoreError
from hub.kpis.counting import adding_counts
from hub.store.counting import adding
from hub.store.database import Database
from hub.store.schema import kpi_counts, kpi_spans, reconciliations
from transactions.clock import Clock, to_micros
from transactions.kpis.counts import Measure
from transactions.kpis.windows import DAY, HOUR, MINUTE, hours_from, minutes_from

log = structlog.get_logger("andon.kpis")
EVERY = 1_800.0
"""Seconds from one time to the next."""

_MEASURES = [measure.value for measure in Measure]


def forget(connection: Connection, now: datetime) -> None:
    """Drop minutes that their hours stand for, turn old hours into days, and drop old reconciliations that have a
    newer one."""
    minutes, hours = int(minutes_from(now).timestamp()), int(hours_from(now).timestamp())
    for table in (kpi_counts, kpi_spans):
        connection.execute(delete(table).where(table.c.grain == MINUTE, table.c.at < minutes))
    dialect = connection.dialect.name
    _days(connection, kpi_counts, ("plant", "flow", "target"), _MEASURES, adding_counts(dialect), hours)
    keys = ("plant", "flow", "target", "span", "slot")
    _days(connection, kpi_spans, keys, ["count"], adding(dialect, kpi_spans), hours)
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


def _days(
    connection: Connection, table: Table, keys: tuple[str, ...], numbers: list[str], add: Any, before: int
) -> None:
    """Add the hours before a moment (seconds) to their days, and drop them."""
    old = (table.c.grain == HOUR, table.c.at < before)
    day = table.c.at - table.c.at % DAY
    place = [table.c[name] for name in keys]
    question = select(
        literal(DAY).label("grain"),
        day.label("at"),
        *place,
        *(func.sum(table.c[name]).label(name) for name in numbers),
    )
    rows = connection.execute(question.where(*old).group_by(day, *place)).mappings().all()
    if rows:
        connection.execute(add, [dict(row) for row in rows])
        connection.execute(delete(table).where(*old))


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
