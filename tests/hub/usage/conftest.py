"""A real store, and a folder for the access log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from plant_doubles import plant
from sqlalchemy import func, select

from gateway_policies.traffic.counting import Clients, Tally
from gateway_policies.traffic.entries import read_entries
from hub.store.database import Database, open_database
from hub.store.usage_schema import usage_counts
from transactions.kpis.windows import DAY


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "gateway" / "log"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def tallied() -> Callable[..., Tally]:
    """What lines come to, where the plant's consumers are known."""

    def count(*lines: bytes) -> Tally:
        found = Tally(Clients(plant()))
        entries, found.unreadable = read_entries(b"".join(lines).splitlines())
        found.add_all(entries)
        return found

    return count


@pytest.fixture
def total(store: Database) -> Callable[..., int]:
    """How many calls are counted in a grain."""

    def count(grain: int = DAY) -> int:
        asked = select(func.coalesce(func.sum(usage_counts.c.calls), 0)).where(usage_counts.c.grain == grain)
        with store.read_engine.connect() as connection:
            return int(connection.execute(asked).scalar_one())

    return count
