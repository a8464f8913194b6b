"""Dating: what is owed is dated anew where the declarations change, and where an older version did not date it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select

from hub.deadlines import Deadlines
from hub.declarations import shipped_catalogue
from hub.redating import Redating
from hub.store.database import open_database
from hub.store.dating import CHUNK, date_again, date_some, remember_dating, undated
from hub.store.schema import group_due, transactions
from hub.store.transitions import change, fetch
from transactions.clock import to_micros
from transactions.model import DueBecause, Priority, Status
from transactions.priority import priority_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # 13:00 in Berlin, in the early shift
SHIPPED = shipped_catalogue()
DEADLINES = Deadlines(SHIPPED)


def with_flow(name: str, **changes: Any) -> Deadlines:
    flow = msgspec.structs.replace(SHIPPED.flow[name], **changes)
    return Deadlines(msgspec.structs.replace(SHIPPED, flow={**SHIPPED.flow, name: flow}))


def labor(add: Any, connection: Any, **changes: Any) -> str:
    due = to_micros(NOON + timedelta(hours=12))
    tx_id: str = add(connection, flow="labor-time", status=Status.FAILED, due_at=due, due_because="slo", **changes)
    return tx_id


async def test_what_is_owed_is_dated_and_what_is_closed_stays(store, add) -> None:
    def job(connection: Any) -> Any:
        owed = labor(add, connection, fingerprint="g1")
        closed = add(connection, flow="labor-time", status=Status.PROCESSED, due_at=1, due_because="slo")
        gone = add(connection, flow="no-such-flow", status=Status.FAILED, due_at=2, due_because="slo")
        assert undated(connection, DEADLINES)
        after: int | None = 0
        while after is not None:
            after = date_some(connection, DEADLINES, after)
        return owed, closed, gone

    ids = await store.write(job)
    rows = [await store.read(lambda c, tx_id=tx_id: fetch(c, tx_id)) for tx_id in ids]
    shift_end = to_micros(datetime(2026, 3, 2, 13, 0, tzinfo=UTC))
    assert [(row.due_at, row.due_because) for row in rows] == [
        (shift_end, DueBecause.SHIFT_END),
        (1, DueBecause.SLO),
        (2, DueBecause.SLO),
    ]
    owed = rows[0]
    assert priority_of(owed.rank) is Priority.DUE
    assert (owed.version, owed.owned) == (1, 1), "a plan that is waiting still fits"
    assert not await store.read(lambda c: undated(c, DEADLINES))
    counted = await store.read(lambda c: c.execute(select(group_due.c.slot, group_due.c.count)).all())
    assert [(slot, count) for slot, count in counted if count] == [(shift_end // 300_000_000, 1)]


async def test_nothing_is_written_where_nothing_changes(store, add) -> None:
    def job(connection: Any) -> Any:
        tx_id = labor(add, connection)
        date_again(connection, tx_id, DEADLINES)
        once = fetch(connection, tx_id)
        date_again(connection, tx_id, DEADLINES)
        return once, fetch(connection, tx_id)

    once, twice = await store.write(job)
    assert tuple(once) == tuple(twice)


async def test_another_document_has_another_deadline(store, add) -> None:
    def job(connection: Any) -> Any:
        tx_id = add(
            connection,
            flow="goods-receipt",
            status=Status.FAILED,
            due_at=to_micros(NOON) + 900_000_000,
            due_because="slo",
        )
        change(connection, fetch(connection, tx_id), business_keys='{"expiry":"2026-03-02T13:05:00"}')
        date_again(connection, tx_id, DEADLINES)
        return fetch(connection, tx_id)

    row = await store.write(job)
    assert row.due_because == DueBecause.LOT_EXPIRY
    assert row.due_at == to_micros(NOON + timedelta(minutes=5))


async def test_a_calendar_that_changes_dates_everything_again_in_the_background(store, add) -> None:
    def fill(connection: Any) -> None:
        for _ in range(CHUNK + 3):
            labor(add, connection)
        remember_dating(connection, DEADLINES)

    await store.write(fill)
    untouched = Redating(store, DEADLINES)
    await untouched.start()
    await untouched.done()
    assert await reasons(store) == {"slo"}
    other = with_flow("labor-time", clocks=[DueBecause.PERIOD_CLOSE], slo="9w")
    redating = Redating(store, other)
    await redating.start()
    await redating.done()
    await redating.close()
    assert await reasons(store) == {"period-close"}
    assert not await store.read(lambda c: undated(c, other))


async def test_one_that_is_ended_half_way_begins_again(store, add) -> None:
    def half(connection: Any) -> None:
        for _ in range(CHUNK + 3):
            labor(add, connection)
        assert date_some(connection, DEADLINES, 0) is not None

    await store.write(half)
    assert await reasons(store) == {"slo", "shift-end"}
    redating = Redating(store, DEADLINES)
    await redating.start()
    await redating.done()
    assert await reasons(store) == {"shift-end"}


async def reasons(store: Any) -> set[str]:
    return set(await store.read(lambda c: c.execute(select(transactions.c.due_because)).scalars().all()))


def test_an_upgraded_store_answers_as_a_new_one(tmp_path, add) -> None:
    """Rows of the version before have neither rank nor reason: the migration and the start fill them."""
    store = open_database(tmp_path)
    with store.engine.begin() as connection:
        down = add(connection, flow="downtime-event", status=Status.FAILED, risk="low", due_at=7,
                   business_keys='{"phase":"start","line":"P01-L1"}')  # fmt: skip
        waits = labor(add, connection, business_keys='{"order":"1","line":"P01-L1"}')
        behind = add(connection, status=Status.HELD, blocked_by=waits, due_at=9)
        moving = add(connection, status=Status.SENT, due_at=9)
        connection.exec_driver_sql("UPDATE transactions SET due_because = NULL, rank = NULL, line_down = 0")
        connection.exec_driver_sql("DROP INDEX tx_rank")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0008'")
    store.close()
    store = open_database(tmp_path)
    try:
        with store.engine.begin() as connection:
            found = {tx_id: fetch(connection, tx_id) for tx_id in (down, waits, behind, moving)}
            assert {row.due_because for row in found.values()} == {"slo"}
            assert priority_of(found[waits].rank) is Priority.LINE_WAITS
            assert found[moving].rank is None
            assert undated(connection, DEADLINES)
            after: int | None = 0
            while after is not None:
                after = date_some(connection, DEADLINES, after)
            assert priority_of(fetch(connection, down).rank) is Priority.LINE_DOWN
            assert priority_of(fetch(connection, waits).rank) is Priority.LINE_WAITS
            assert fetch(connection, waits).due_because == "shift-end"
            names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'tx_rank'").all()
            assert names
    finally:
        store.close()
