"""Random lives of transactions on a real store, as deliveries and people make them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from hub.ids import new_id
from hub.store.database import Database, open_database
from hub.store.journal import journal
from hub.store.schema import transactions
from hub.store.transitions import CLEAR_FAILURE, fail, fetch, move
from transactions.clock import to_micros
from transactions.kpis.definitions import HOLD_FLOW
from transactions.model import Failure, FailureKind, Status
from transactions.states import Event, allowed

BEGIN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BY_DELIVERY = (Event.DISPATCH, Event.HOLD, Event.RELEASE)
CLAIMED = {"claimed_by": "b-1", "status_before": Status.FAILED}
LET_GO = {"claimed_by": None, "status_before": None}
TARGETS = {"goods-receipt": ("ERP", "QMS"), HOLD_FLOW: ("ERP", "WMS", "MES"), "labor-time": ("ERP",)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def come_in(connection: Connection, flow: str, plant: str | None, at: datetime, **changes: Any) -> list[str]:
    """A document comes in; returns the ids of its transactions."""
    book, made = journal(connection), []
    created, process = to_micros(at), new_id(at)
    for target in TARGETS[flow]:
        values: dict[str, Any] = {
            "id": new_id(at),
            "flow": flow,
            "plant": plant,
            "source": "MES",
            "target": target,
            "status": Status.PENDING,
            "risk": "financial",
            "created_at": created,
            "due_at": created + 15 * 60 * 1_000_000,
            "attempts": 0,
            "business_keys": "{}",
            "correlation_id": process,
            "idempotency_key": f"key-{process}-{target}",
            "key_origin": "recipe",
            "content_type": "application/json",
            "payload_sha256": "ab" * 32,
            "revision": 1,
            "version": 1,
            "definitive": 1,
            "lookups": 0,
            "tries": 0,
            **changes,
        }
        connection.execute(transactions.insert(), values)
        book.story(values["id"], at, f"Received from MES for {target}", by="test", status=Status.PENDING)
        book.kpis.received(flow, plant, target, created, values["due_at"])
        made.append(str(values["id"]))
    book.kpis.document(flow, plant, created)
    return made


def step(connection: Connection, tx_id: str, event: Event, at: datetime) -> Status | None:
    """One step of a life, with the columns that deliveries and plans set; None where the table has no such step."""
    row = fetch(connection, tx_id)
    assert row is not None
    if not allowed(Status(row.status), event):
        return None
    values: dict[str, Any] = {}
    if event is Event.DISPATCH:
        values = {"attempts": row.attempts + 1}
    elif event is Event.RUN:
        values = dict(CLAIMED)
    elif event in (Event.PROCESSED, Event.DUPLICATE, Event.RESOLVE_APPLIED, Event.COMPENSATED):
        values = dict(CLEAR_FAILURE)
    if event not in (Event.DISPATCH, Event.HOLD, Event.RELEASE, Event.ACCEPTED, Event.LOST, Event.RUN, Event.RETRY):
        values |= LET_GO
    if event in (Event.FAIL, Event.WAIT_EXCEEDED, Event.PARKED, Event.PARTLY_PROCESSED, Event.LOST):
        kind = FailureKind.MASTER_DATA
        failure = Failure(kind=kind, help=kind.help, code="M1", message="Material is missing", system=row.target)
        text = None if event in (Event.FAIL, Event.WAIT_EXCEEDED) else f"It is {event}"
        return fail(connection, row, failure, now=at, by="test", event=event, text=text, values=values)
    if event in (Event.RESOLVE_NOT_APPLIED, Event.REOPEN):
        values["failed_at"] = to_micros(at)
    text = None if event is Event.DISPATCH else f"It happened: {event}"
    return move(connection, row, event, now=at, by="test", text=text, values=values)


@pytest.fixture
def live() -> Callable[[Connection, int, int], datetime]:
    """Live some random lives: ``(connection, seed, documents)``; returns when the last thing happened."""

    def lives(connection: Connection, seed: int, documents: int) -> datetime:
        chance = random.Random(seed)
        ids: list[str] = []
        at = BEGIN
        for _ in range(documents):
            at += timedelta(seconds=chance.expovariate(1 / 40))
            ids += come_in(connection, chance.choice(list(TARGETS)), chance.choice(["P01", "P02", None]), at)
            for _ in range(chance.randrange(12)):
                at += timedelta(seconds=chance.expovariate(1 / 9))
                row = fetch(connection, chance.choice(ids[-12:]))
                assert row is not None
                events = [event for event in Event if allowed(Status(row.status), event)]
                if events:
                    step(connection, row.id, chance.choice(events), at)
        return at

    return lives


@pytest.fixture(name="come_in")
def _come_in() -> Callable[..., list[str]]:
    return come_in


@pytest.fixture(name="step")
def _step() -> Callable[..., Status | None]:
    return step
