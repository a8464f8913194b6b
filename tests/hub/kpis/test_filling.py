"""An older store, upgraded, answers like one that counted from its first day; and so does a seeded one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from hub.kpis.filling import fill
from hub.seed import seed
from hub.store.database import open_database
from hub.store.schema import kpi_counts, kpi_spans, transactions
from transactions.clock import to_micros
from transactions.kpis.counts import Measure, Span
from transactions.kpis.windows import DAY

NOW = datetime(2026, 9, 14, 6, 30, tzinfo=UTC)


class Stopped:
    def now(self) -> datetime:
        return NOW


def everything(connection: Connection) -> tuple[list[Any], list[Any], list[Any]]:
    counts = [tuple(row) for row in connection.execute(select(kpi_counts)) if any(row[5:])]
    spans = [tuple(row) for row in connection.execute(select(kpi_spans)) if row.span != Span.REACHED and row.count]
    since = connection.execute(select(transactions.c.id, transactions.c.troubled_at)).all()
    return sorted(counts), sorted(spans), sorted(tuple(row) for row in since)


async def test_a_store_of_before_is_counted_when_it_is_opened(
    tmp_path: Path, live: Callable[[Connection, int, int], datetime]
) -> None:
    database = open_database(tmp_path)
    await database.write(lambda c: live(c, 77, 80))
    before = await database.read(everything)
    database.close()
    with sqlite3.connect(tmp_path / "andon.db") as connection:
        for table in ("kpi_counts", "kpi_spans", "reconciliations"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("UPDATE transactions SET troubled_at = NULL")
        connection.execute("ALTER TABLE transactions DROP COLUMN troubled_at")
        connection.execute("UPDATE alembic_version SET version_num = '0009'")
    connection.close()
    database = open_database(tmp_path)
    after = await database.read(everything)
    database.close()
    assert before[0]
    # however long ago that was by now: days are kept for good
    for told, kept in zip(after[:2], before[:2], strict=True):
        assert [row for row in told if row[0] == DAY] == [row for row in kept if row[0] == DAY]
    assert after[2] == before[2]


async def test_a_seeded_store_has_counted_what_its_history_says(tmp_path: Path) -> None:
    seed(tmp_path / "data", 1_500, 5, Stopped())
    database = open_database(tmp_path / "data")

    def told_again(connection: Connection) -> tuple[list[Any], list[Any]]:
        counts = fill(connection, to_micros(NOW))
        names = [column.name for column in kpi_counts.c]
        return sorted(tuple(row[name] for name in names) for row in counts.count_rows()), counts.span_rows()

    seeded = await database.read(everything)
    again, spans = await database.write(told_again)
    database.close()
    assert seeded[0] == again
    assert seeded[1] == spans == []
    received = list(kpi_counts.c.keys()).index(Measure.RECEIVED)
    assert sum(row[received] for row in again if row[0] == 60) == 1_500
