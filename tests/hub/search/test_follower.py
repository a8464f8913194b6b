"""The index follows the store by itself."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from hub.search import follower as following
from hub.search.follower import SearchFollower
from hub.search.sqlite import SqliteTextIndex
from hub.store.schema import search_changes

from .conftest import Shelf

PATIENCE = 30.0


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():
            await asyncio.sleep(0.02)


@pytest.fixture
async def followed(tmp_path: Path) -> AsyncIterator[Shelf]:
    shelf = Shelf(tmp_path)
    for n in range(120):  # a store that was there before the index
        shelf.add(f'{{"order":"old-{n}"}}'.encode())
    shelf.database.search_with(shelf.shown)
    follower = SearchFollower(shelf.database, shelf.index)
    await follower.start()
    yield shelf
    await follower.close()
    shelf.database.close()


async def caught_up(shelf: Shelf) -> bool:
    return await shelf.behind() == 0


async def test_what_was_stored_before_is_indexed(followed: Shelf) -> None:
    await until(lambda: caught_up(followed))
    assert await followed.find("old-119") == {"tx-120"}


async def test_what_comes_and_changes_is_indexed(followed: Shelf) -> None:
    await until(lambda: caught_up(followed))
    one = followed.add(b'{"order":"new-1"}')
    assert await followed.find("new-1") == {one}
    followed.change(one, failure_message="Period is closed")
    assert await followed.find("closed") == {one}
    await followed.database.write(lambda c: None)  # the follower hears of commits of the writer
    await until(lambda: caught_up(followed))
    assert await followed.find("new-1") == await followed.find("closed") == {one}


async def test_notes_of_what_is_indexed_go_and_the_newest_stays(
    followed: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_KEPT", 3)

    def notes(connection: Connection) -> tuple[int, int]:
        row = connection.execute(select(func.count(), func.max(search_changes.c.n))).one()
        return row[0], row[1]

    for n in range(7):
        followed.change("tx-1", failure_message=f"failure {n}")
    await followed.database.write(lambda c: None)

    async def forgotten() -> bool:
        return await followed.database.read(notes) == (1, 7)

    await until(forgotten)
    assert await followed.find('"failure 6"') == {"tx-1"}


async def test_an_index_that_cannot_be_written_is_tried_again(followed: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    await until(lambda: caught_up(followed))
    tries = 0
    real = SqliteTextIndex.step

    def full(index: SqliteTextIndex, most: int) -> object:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise sqlite3.OperationalError("database or disk is full")
        return real(index, most)

    monkeypatch.setattr(following, "TRY_AGAIN", 0.01)
    monkeypatch.setattr(SqliteTextIndex, "step", full)
    one = followed.add(b'{"order":"new-1"}')
    await followed.database.write(lambda c: None)
    await until(lambda: caught_up(followed))
    assert tries >= 3
    assert await followed.find("new-1") == {one}


async def test_without_a_file_searches_are_answered_and_the_file_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "TRY_AGAIN", 0.01)
    shelf = Shelf(tmp_path)
    one = shelf.add(b'{"order":"new-1"}')
    shelf.database.search_with(shelf.shown)
    shelf.index.path.mkdir()
    follower = SearchFollower(shelf.database, shelf.index)
    await follower.start()
    assert await shelf.find("new-1") == {one}
    assert await shelf.behind() == 1
    shelf.index.path.rmdir()
    await until(lambda: caught_up(shelf))
    assert await shelf.find("new-1") == {one}
    await follower.close()
    shelf.database.close()
