"""A real store in a folder of its own, and transactions put into it directly."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from hub.ids import new_id
from hub.store.database import Database, open_database
from hub.store.journal import journal
from hub.store.schema import transactions
from transactions.clock import to_micros
from transactions.model import Status

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


@pytest.fixture
def add() -> Callable[..., str]:
    """Insert a transaction on a writer's connection, tallied as intake does; returns its id."""
    numbers = itertools.count(1)

    def insert(connection: Connection, **changes: Any) -> str:
        n = next(numbers)
        values: dict[str, Any] = {
            "id": new_id(NOON),
            "flow": "material-consumption",
            "plant": "P01",
            "source": "MES",
            "target": "ERP",
            "status": Status.PENDING,
            "risk": "financial",
            "created_at": to_micros(NOON) + n,
            "attempts": 0,
            "business_keys": "{}",
            "correlation_id": f"c-{n}",
            "idempotency_key": f"key-{n}",
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
        key = (
            values["status"],
            values["plant"] or "",
            values["flow"],
            values["target"],
            values.get("fingerprint") or "",
        )
        book = journal(connection)
        book.tallies[key] += 1
        book.groups.count_due(values["status"], key[4], key[1], values.get("due_at"), 1)
        return str(values["id"])

    return insert


@pytest.fixture
def row_of() -> Callable[[Connection, str], Any]:
    def fetch(connection: Connection, tx_id: str) -> Any:
        return connection.execute(select(transactions).where(transactions.c.id == tx_id)).one()

    return fetch
