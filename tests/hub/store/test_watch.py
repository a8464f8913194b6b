"""A store that takes no writes is noticed by the first that is refused, and its end by trying."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection, select

from hub.errors import StoreError
from hub.store import watch
from hub.store.database import Database
from hub.store.schema import meta
from hub.store.watch import StoreWatch
from transactions.clock import SystemClock

LARGE = "x" * 2_000_000


@pytest.fixture
async def watched(store: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StoreWatch]:
    monkeypatch.setattr(watch, "TRY_AGAIN", 0.02)
    made = StoreWatch(store, SystemClock())
    yield made
    await made.close()


async def pages(store: Database, most: int | None) -> None:
    """Let the file have ``most`` pages; None for as many as it has now."""

    def limit(connection: Connection) -> None:
        found = connection.exec_driver_sql("PRAGMA page_count").scalar() if most is None else most
        connection.exec_driver_sql(f"PRAGMA max_page_count={found}")

    await store.write(limit)


async def until(what: str, condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)
    assert condition(), what


def put(connection: Connection) -> None:
    connection.execute(meta.insert(), {"name": "large", "value": LARGE})


async def test_a_full_database_is_noticed_and_so_is_its_end(store: Database, watched: StoreWatch) -> None:
    await pages(store, None)
    with pytest.raises(StoreError, match=r"full.*Nothing of this request was done.*disk has room"):
        await store.write(put)
    await until("it is noticed", lambda: watched.refusal is not None)
    assert watched.refusal is not None
    assert "full" in watched.refusal.because
    first = watched.refusal.since
    with pytest.raises(StoreError):
        await store.write(put)
    assert watched.refusal.since == first, "since the first of them"
    await pages(store, 1_000_000)
    await until("it writes again", lambda: watched.refusal is None)
    await store.write(put)
    left = await store.read(lambda c: set(c.execute(select(meta.c.name)).scalars()))
    assert "room" not in left


async def test_what_a_small_write_finds_is_no_room(store: Database, watched: StoreWatch) -> None:
    """All but full: a name more or less would make it come and go by the second."""
    await pages(store, None)
    with pytest.raises(StoreError):
        await store.write(put)
    await until("it is noticed", lambda: watched.refusal is not None)
    await store.write(lambda c: c.execute(meta.insert(), {"name": "small", "value": "x"}))
    tried = watched._trying
    await asyncio.sleep(0.2)
    assert watched.refusal is not None
    assert watched._trying is tried


async def test_a_defect_of_ours_is_no_full_disk(store: Database, watched: StoreWatch) -> None:
    await store.write(put)
    with pytest.raises(StoreError):
        await store.write(put)  # the name is taken
    with pytest.raises(StoreError):
        await store.write(lambda c: c.exec_driver_sql("insert into no_such_table values (1)"))
    with pytest.raises(StoreError):  # and what must be written is not tried for ever
        await asyncio.wait_for(store.insist(lambda c: c.exec_driver_sql("insert into no_such_table values (1)")), 30)
    await asyncio.sleep(0.05)
    assert watched.refusal is None


async def test_what_is_closed_tries_no_more(store: Database, watched: StoreWatch) -> None:
    watched._notice("disk full")
    await watched.close()
    assert watched._trying is not None
    assert watched._trying.done()
    watched._notice("again")
    assert watched._trying.done()
