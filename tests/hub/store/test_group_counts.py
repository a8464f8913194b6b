"""What is counted of groups is what looking at every transaction would say."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from hub.store.database import Database, open_database
from hub.store.group_counts import SLOT
from hub.store.journal import HALF_HOUR
from hub.store.schema import (
    attempts,
    batch_items,
    batches,
    group_due,
    group_failures_by_half_hour,
    group_plants,
    transactions,
)
from hub.store.transitions import CLEAR_FAILURE, fail, fetch, give_back, move
from transactions.clock import to_micros
from transactions.grouping import fingerprint, template
from transactions.model import Failure, FailureKind, Status
from transactions.states import Event, allowed

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
Add = Callable[..., str]
KINDS = [FailureKind.MASTER_DATA, FailureKind.PERIOD_CLOSED]
Step = tuple[int, int, FailureKind, int]
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 9), st.sampled_from(KINDS), st.integers(0, 300)),
    min_size=50,
    max_size=120,
)


def a_failure(kind: FailureKind, number: int = 1) -> Failure:
    return Failure(kind=kind, help=kind.help, code="M1", message=f"Order {number} cannot", system="ERP")


def group_of(kind: FailureKind) -> str:
    shape = template(a_failure(kind).message)
    return fingerprint("material-consumption", "ERP", kind, "M1", shape)


class Diary:
    """What a test did, counted by itself."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], list[int]] = {}
        self.trend: Counter[tuple[str, int, str]] = Counter()
        self.ended: Counter[tuple[str, str]] = Counter()
        self.repeated: Counter[tuple[str, str]] = Counter()

    def step(self, connection: Connection, tx_id: str, choice: int, kind: FailureKind, minutes: int) -> None:
        row = fetch(connection, tx_id)
        assert row is not None
        events = [event for event in Event if allowed(Status(row.status), event)]
        if not events:  # closed for good
            return
        event = events[choice % len(events)]
        at, plant, claim = NOON + timedelta(minutes=minutes), row.plant or "", row.group_before
        if event in (Event.FAIL, Event.WAIT_EXCEEDED, Event.LOST):
            fail(connection, row, a_failure(kind, minutes), now=at, by="test", event=event)
            self.seen.setdefault((group_of(kind), plant), []).append(to_micros(at))
            if event is Event.LOST:
                return
            self.trend[group_of(kind), to_micros(at) // HALF_HOUR, plant] += 1
        elif event is Event.RUN:
            values = {"claimed_by": "B", "status_before": row.status, "group_before": row.fingerprint}
            move(connection, row, event, now=at, by="test", text="again", values=values)
            return
        elif event is Event.CANCEL:
            if row.claimed_by:
                give_back(connection, row, now=at, by="test", reason="cancelled")
            return
        elif event in (Event.PROCESSED, Event.RESOLVE_APPLIED, Event.DUPLICATE):
            move(connection, row, event, now=at, by="test", text="done", values=CLEAR_FAILURE)
        else:
            move(connection, row, event, now=at, by="test", text="x")
        after: Any = fetch(connection, tx_id)
        if claim and row.claimed_by and after.claimed_by is None:
            self.ended[claim, plant] += 1
            self.repeated[claim, plant] += after.fingerprint == claim


def due_counted(connection: Connection) -> Counter[tuple[Any, ...]]:
    grouped = transactions.c.fingerprint.is_not(None)
    rows = connection.execute(select(transactions).where(grouped, transactions.c.due_at.is_not(None)))
    return Counter((row.status, row.fingerprint, row.plant or "", row.due_at // SLOT) for row in rows)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_counters_equal_a_recount_after_any_history(steps: list[Step], store: Database, add: Add) -> None:
    diary = Diary()

    def begin(connection: Connection) -> list[str]:
        for table in (transactions, group_plants, group_failures_by_half_hour, group_due):
            connection.execute(table.delete())
        places: list[dict[str, Any]] = [
            {"plant": plant, "due_at": due} for plant, due in (("P01", 7), (None, 4_000_000_000), ("P02", None))
        ]
        # on its way already, so that most steps are allowed
        return [add(connection, status=Status.DELIVERING, **place) for place in places]

    ids = await store.write(begin)
    for at in range(0, len(steps), 5):

        def some(connection: Connection, at: int = at) -> None:
            for which, choice, kind, minutes in steps[at : at + 5]:
                diary.step(connection, ids[which], choice, kind, minutes)

        await store.write(some)
    await store.read(lambda c: _compare(c, diary))


def _compare(connection: Connection, diary: Diary) -> None:
    due = Counter({tuple(row[:4]): row[4] for row in connection.execute(select(group_due))})
    assert due == due_counted(connection)
    assert all(due.values())  # what is at zero is gone
    trend = {tuple(row[:3]): row[3] for row in connection.execute(select(group_failures_by_half_hour))}
    assert trend == diary.trend
    for row in connection.execute(select(group_plants)):
        moments = diary.seen.pop((row.fingerprint, row.plant))
        assert (row.first_seen, row.last_seen) == (min(moments), max(moments))
        place = row.fingerprint, row.plant
        assert (row.replayed, row.repeated) == (diary.ended[place], diary.repeated[place])
    assert not diary.seen


def _as_it_was(path: Path) -> None:
    """Take from a database what the version before did not have."""
    with sqlite3.connect(path) as connection:
        for table in ("group_plants", "group_failures_by_half_hour", "group_due"):
            connection.execute(f"DROP TABLE {table}")
        for index in ("tx_group_due", "tx_groups"):
            connection.execute(f"DROP INDEX {index}")
        connection.execute("ALTER TABLE transactions DROP COLUMN group_before")
        connection.execute("UPDATE alembic_version SET version_num = '0006'")
    connection.close()


async def test_an_upgraded_store_has_counted_what_it_holds(tmp_path: Path, add: Add) -> None:
    database = open_database(tmp_path)
    data, period = KINDS
    moment = to_micros(NOON)

    def old(connection: Connection) -> None:
        def failed(kind: FailureKind, **values: Any) -> str:
            return add(connection, status="failed", fingerprint=group_of(kind), failed_at=moment, due_at=9, **values)

        again = failed(data, plant="P01")
        failed(data, plant=None, claimed_by="B", status_before="failed")
        failed(period, plant="P02")
        done = add(connection, status="processed", plant="P02", target="ERP")
        add(connection, status="pending")
        batch = {"id": "B", "plan": "p", "action": "replay", "state": "done", "reason": "r", "options": "{}"}
        connection.execute(batches.insert(), {**batch, "started_by": "ann", "started_at": 1, "total": 2})
        for n, (tx_id, state, after) in enumerate(((again, "failed", data), (done, "processed", None))):
            item = {"batch": "B", "n": n, "tx_id": tx_id, "flow": "material-consumption", "target": "ERP"}
            connection.execute(batch_items.insert(), {**item, "etag": "1.1", "state": state, "updated_at": 1})
            before = period if after is None else data
            for at, (of, kind) in enumerate(((None, before), ("B", after)), 1):
                said = None if kind is None else msgspec.json.encode(a_failure(kind)).decode()
                tried = {"tx_id": tx_id, "n": at, "purpose": "delivery", "started_at": at, "by": "hub", "batch": of}
                sent = {"revision": 1, "method": "POST", "url": "u", "request_headers": "{}", "failure": said}
                connection.execute(attempts.insert(), {**tried, **sent})

    await database.write(old)
    due = await database.read(due_counted)
    database.close()
    _as_it_was(tmp_path / "andon.db")

    database = open_database(tmp_path)
    try:
        assert due == await database.read(
            lambda c: Counter({tuple(row[:4]): row[4] for row in c.execute(select(group_due))})
        )
        known = await database.read(lambda c: {tuple(row) for row in c.execute(select(group_plants))})
        assert known == {
            (group_of(data), "P01", moment, moment, 1, 1),
            (group_of(data), "", moment, moment, 0, 0),
            (group_of(period), "P02", moment, moment, 1, 0),
        }
        trend = await database.read(lambda c: c.execute(select(func.sum(group_failures_by_half_hour.c.count))).scalar())
        assert trend == 3
        claims = select(transactions.c.group_before).where(transactions.c.group_before.is_not(None))
        assert await database.read(lambda c: c.execute(claims).scalars().all()) == [group_of(data)]
    finally:
        database.close()


@pytest.mark.parametrize("twice", [False, True])
async def test_what_fails_in_one_group_of_jobs_is_seen_once_for_each_plant(
    store: Database, add: Add, twice: bool
) -> None:
    def job(connection: Connection) -> None:
        for minutes in (5, 1, 9):
            tx_id = add(connection, status=Status.DELIVERING)
            at = NOON + timedelta(minutes=minutes)
            fail(connection, fetch(connection, tx_id), a_failure(KINDS[0]), now=at, by="hub")  # type: ignore[arg-type]

    for _ in range(2 if twice else 1):
        await store.write(job)
    row: Any = await store.read(lambda c: c.execute(select(group_plants)).one())
    assert (row.first_seen, row.last_seen) == tuple(to_micros(NOON + timedelta(minutes=m)) for m in (1, 9))
