"""The chain in the store: what is read of it, and what somebody with a database browser did to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hub.store.chain import Range, broken_tail, fix_range, piece
from hub.store.database import Database, open_database
from hub.store.journal import journal
from transactions.audit import GENESIS
from transactions.clock import EPOCH
from transactions.errors import Invalid


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


async def add(store: Database, count: int) -> None:
    for n in range(count):
        await store.write(
            lambda c, n=n: journal(c).effect(EPOCH, "ann", "thing.done", f"t{n}", None, {"n": n}, {"x": 1.5})
        )


async def do(store: Database, statement: str) -> None:
    await store.write(lambda c: c.exec_driver_sql(statement))


async def test_an_empty_chain_has_a_range_without_entries(store: Database) -> None:
    found = await store.read(lambda c: fix_range(c, None, None))
    assert found == Range(first=1, last=0, head=GENESIS)
    assert await store.read(lambda c: piece(c, 0, 0, 10)) == []
    assert await store.read(broken_tail) is None


async def test_a_range_is_of_what_there_is_now(store: Database) -> None:
    await add(store, 5)
    entries = await store.read(lambda c: piece(c, 0, 99, 99))
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    assert await store.read(lambda c: fix_range(c, None, None)) == Range(first=1, last=5, head=entries[4].hash)
    assert await store.read(lambda c: fix_range(c, 2, 4)) == Range(first=2, last=4, head=entries[3].hash)
    assert await store.read(lambda c: fix_range(c, 5, None)) == Range(first=5, last=5, head=entries[4].hash)
    assert [entry.seq for entry in await store.read(lambda c: piece(c, 1, 4, 2))] == [2, 3]


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [(6, None, "entry 6 was asked for"), (None, 6, "entry 6"), (9, 7, "entry 9"), (4, 2, "No entries lie from 4 to 2")],
)
async def test_a_range_that_is_none_is_refused(store: Database, first: Any, last: Any, why: str) -> None:
    await add(store, 5)
    with pytest.raises(Invalid, match=why):
        await store.read(lambda c: fix_range(c, first, last))


async def test_nothing_can_be_asked_of_an_empty_chain_by_number(store: Database) -> None:
    for first, last in ((1, None), (None, 1)):
        with pytest.raises(Invalid):
            await store.read(lambda c, first=first, last=last: fix_range(c, first, last))


@pytest.mark.parametrize("count", [3, 8, 9, 100])
async def test_a_tail_that_is_whole(store: Database, count: int) -> None:
    await add(store, 8)
    assert await store.read(lambda c: broken_tail(c, count)) is None


@pytest.mark.parametrize(
    ("statement", "seq", "why"),
    [
        ("UPDATE audit SET actor = 'bob' WHERE seq = 6", 6, "content"),
        ("UPDATE audit SET after = '{\"x\":2}' WHERE seq = 6", 6, "content"),
        ("UPDATE audit SET after = 'nonsense' WHERE seq = 6", 6, "cannot be read"),
        ("UPDATE audit SET previous = hash WHERE seq = 6", 6, "link"),
        ("DELETE FROM audit WHERE seq = 6", 6, "missing"),
        ("UPDATE audit SET seq = 60 WHERE seq = 6", 6, "missing"),
    ],
)
async def test_what_was_done_to_a_row_is_found(store: Database, statement: str, seq: int, why: str) -> None:
    await add(store, 8)
    await do(store, statement)
    for count in (5, 100):
        broken = await store.read(lambda c, count=count: broken_tail(c, count))
        assert broken is not None
        assert broken.seq == seq
        assert why in broken.because


async def test_what_lies_before_the_tail_is_not_looked_at(store: Database) -> None:
    await add(store, 8)
    await do(store, "UPDATE audit SET actor = 'bob' WHERE seq = 2")
    assert await store.read(lambda c: broken_tail(c, 5)) is None
    assert await store.read(lambda c: broken_tail(c, 7)) is not None
