"""Every change keeps its numbers: tallies and board always say what counting would."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, text

from hub.store.board import board
from hub.store.database import Database
from hub.store.questions import Counted, count_tallies, status_counts
from hub.store.schema import events, tallies, timeline, transactions
from hub.store.transitions import CLEAR_FAILURE, fail, fetch, move
from transactions.clock import to_micros
from transactions.errors import TransitionRefused
from transactions.grouping import fingerprint, template
from transactions.model import Failure, FailureKind, Status
from transactions.people import EVERYTHING
from transactions.states import CLOSED, Event, allowed

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ALIKE = ("status", "plant", "flow", "target", "fingerprint")
Add = Callable[..., str]


def a_failure(chance: random.Random) -> Failure:
    kind = chance.choice([FailureKind.MASTER_DATA, FailureKind.PERIOD_CLOSED, FailureKind.LOCKED])
    return Failure(
        kind=kind, help=kind.help, code=f"M{kind.value}", message=f"Order {chance.random()} cannot", system="ERP"
    )


def one_step(connection: Connection, tx_id: str, chance: random.Random) -> None:
    row = fetch(connection, tx_id)
    assert row is not None
    event = chance.choice(list(Event))
    at = NOON + timedelta(minutes=chance.randrange(240))
    if not allowed(Status(row.status), event):
        with pytest.raises(TransitionRefused):
            move(connection, row, event, now=at, by="test", text="no")
    elif event in (Event.FAIL, Event.WAIT_EXCEEDED):
        fail(connection, row, a_failure(chance), now=at, by="test", event=event)
    elif event in (Event.PROCESSED, Event.RESOLVE_APPLIED):
        move(connection, row, event, now=at, by="test", text=str(event), values=CLEAR_FAILURE)
    else:
        move(connection, row, event, now=at, by="test", text=str(event), to=chance.choice([None, *Status]))


def counted(connection: Connection) -> Counter[tuple[str, ...]]:
    columns = [func.coalesce(transactions.c[name], "").label(name) for name in ALIKE]
    return Counter(
        {tuple(row[:5]): row[5] for row in connection.execute(select(*columns, func.count()).group_by(*columns))}
    )


def tallied(connection: Connection) -> Counter[tuple[str, ...]]:
    return Counter(
        {tuple(row[:5]): row[5] for row in connection.execute(select(*[tallies.c[n] for n in ALIKE], tallies.c.count))}
    )


async def walked(store: Database, add: Add, seed: int, steps: int = 150) -> None:
    chance = random.Random(seed)

    def start(connection: Connection) -> list[str]:
        return [
            add(connection, plant=plant, flow=flow, target=target, due_at=to_micros(NOON) + chance.randrange(-9, 9))
            for plant in ("P01", None)
            for flow in ("goods-receipt", "labor-time")
            for target in ("ERP", "WMS")
        ]

    ids = await store.write(start)
    for _ in range(steps // 10):

        def some(connection: Connection) -> None:
            for _ in range(10):
                one_step(connection, chance.choice(ids), chance)

        await store.write(some)
        assert await store.read(tallied) == await store.read(counted)


@pytest.mark.parametrize("seed", range(6))
async def test_tallies_are_what_counting_says_after_any_walk(store: Database, add: Add, seed: int) -> None:
    await walked(store, add, seed)
    assert min((await store.read(tallied)).values()) > 0  # what is at zero is gone
    assert await store.read(lambda c: count_tallies(c, None)) == Counted(8)


@pytest.mark.parametrize("seed", range(4))
async def test_the_board_says_what_plain_sql_says(store: Database, add: Add, seed: int) -> None:
    await walked(store, add, 100 + seed)
    shown = await store.read(lambda c: board(c, "test", [], NOON, EVERYTHING))
    rows = await store.read(lambda c: c.execute(text("select * from transactions")).mappings().all())
    assert shown.counts == {status: sum(row["status"] == status for row in rows) for status in Status}
    assert shown.counts == await store.read(lambda c: status_counts(c, EVERYTHING))
    late = [row for row in rows if Status(row["status"]) not in CLOSED and row["due_at"] < to_micros(NOON)]
    assert shown.overdue == len(late) == sum(lamp.overdue for lamp in shown.lamps)
    failed = [row for row in rows if row["status"] == "failed"]
    oldest = min((row["failed_at"] for row in failed if row["failed_at"]), default=None)
    assert (None if shown.oldest_failed_at is None else to_micros(shown.oldest_failed_at)) == oldest
    for lamp in shown.lamps:
        mine = [row for row in rows if (row["plant"], row["flow"]) == (lamp.plant, lamp.flow)]
        assert lamp.counts == Counter(Status(row["status"]) for row in mine)
        at = [row["failed_at"] for row in mine if row["status"] == "failed" and row["failed_at"]]
        assert lamp.oldest_failed_at is None if not at else to_micros(lamp.oldest_failed_at) == min(at)  # type: ignore[arg-type]


async def test_a_refused_step_changes_nothing(store: Database, add: Add) -> None:
    tx_id = await store.write(lambda c: add(c, status=Status.PROCESSED))
    before = await store.read(lambda c: (fetch(c, tx_id), tallied(c)))

    def step(connection: Connection) -> None:
        move(connection, fetch(connection, tx_id), Event.DISPATCH, now=NOON, by="test", text="no")  # type: ignore[arg-type]

    with pytest.raises(TransitionRefused):
        await store.write(step)
    assert await store.read(lambda c: (fetch(c, tx_id), tallied(c))) == before


async def test_a_failure_is_written_counted_and_told(store: Database, add: Add) -> None:
    kind = FailureKind.PERIOD_CLOSED
    failure = Failure(kind=kind, help=kind.help, code="M7053", message="Period 3 not open", system="ERP")

    def job(connection: Connection) -> str:
        tx_id = add(connection, status=Status.DELIVERING, created_at=to_micros(NOON) - 5)
        fail(connection, fetch(connection, tx_id), failure, now=NOON, by="hub")  # type: ignore[arg-type]
        return tx_id

    tx_id = await store.write(job)
    row: Any = await store.read(lambda c: fetch(c, tx_id))
    assert (row.status, row.failure_code, row.failure_help, row.failed_at) == (
        "failed",
        "M7053",
        "decision",
        to_micros(NOON),
    )
    assert row.fingerprint == fingerprint(row.flow, row.target, kind, "M7053", template(failure.message))
    assert row.version == 2  # the ETag moved
    told = await store.read(lambda c: c.execute(select(events)).one())
    assert (told.type, told.id) == ("transaction", tx_id)
    line = await store.read(lambda c: c.execute(select(timeline)).one())
    assert line.text == "Failed: period-closed M7053. ERP says: Period 3 not open"
    shown = await store.read(lambda c: board(c, "test", [], NOON, EVERYTHING))
    assert shown.lamps[0].trend == [0, 0, 0, 0, 0, 0, 0, 1]


async def test_nothing_failed_before_it_came_in_whatever_the_clock_says(store: Database, add: Add) -> None:
    kind = FailureKind.LOCKED
    failure = Failure(kind=kind, help=kind.help, code="M3897", message="locked", system="ERP")
    later = to_micros(NOON) + 3_600_000_000

    def job(connection: Connection) -> str:
        tx_id = add(connection, status=Status.DELIVERING, created_at=later)
        fail(connection, fetch(connection, tx_id), failure, now=NOON, by="hub")  # type: ignore[arg-type]
        return tx_id

    tx_id = await store.write(job)
    row: Any = await store.read(lambda c: fetch(c, tx_id))
    assert row.failed_at == later


@pytest.mark.parametrize(("event", "freed"), [(Event.PROCESSED, True), (Event.FAIL, False), (Event.LOST, False)])
async def test_who_waits_for_a_transaction_goes_on_when_it_is_closed(
    store: Database, add: Add, event: Event, freed: bool
) -> None:
    def job(connection: Connection) -> str:
        ahead = add(connection, status=Status.DELIVERING)
        behind = add(connection, status=Status.HELD, blocked_by=ahead, hold_kind="lane", waiting_on="sequence")
        move(connection, fetch(connection, ahead), event, now=NOON, by="hub", text="x")  # type: ignore[arg-type]
        return behind

    behind = await store.write(job)
    row: Any = await store.read(lambda c: fetch(c, behind))
    expected = ("pending", None, None) if freed else ("held", row.blocked_by, "sequence")
    assert (row.status, row.blocked_by, row.waiting_on) == expected
