"""The one writer: what is queued commits together, and only what is at fault fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from hub.errors import StoreError
from hub.store.database import Database, open_database
from hub.store.journal import Journal, journal
from hub.store.rows import to_audit
from hub.store.schema import audit, events, meta
from transactions.audit import verify
from transactions.clock import EPOCH
from transactions.errors import Claimed, Unavailable


def put(name: str, value: str = "x") -> Callable[[Connection], str]:
    def job(connection: Connection) -> str:
        connection.execute(meta.insert(), {"name": name, "value": value})
        return name

    return job


async def names(store: Database) -> set[str]:
    return await store.read(lambda c: set(c.execute(select(meta.c.name)).scalars()))


class Gate:
    """Keeps the writer busy, so that what is asked for meanwhile becomes one group."""

    def __init__(self, store: Database) -> None:
        self._opened, entered = threading.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        self.entered = entered

        def wait(_connection: Connection) -> None:
            loop.call_soon_threadsafe(entered.set)
            assert self._opened.wait(20)

        self._task = asyncio.ensure_future(store.write(wait))

    async def __aenter__(self) -> None:
        await asyncio.wait_for(self.entered.wait(), 20)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)  # the tasks of the group have put their jobs
        self._opened.set()
        await self._task


async def test_a_write_is_there_for_readers_once_it_returns(store: Database) -> None:
    assert await store.write(put("a")) == "a"
    assert await names(store) >= {"a"}


async def test_what_is_queued_is_committed_together(store: Database) -> None:
    commits: list[Journal] = []
    store.writer.on_commit(commits.append)
    async with Gate(store):
        tasks = [asyncio.ensure_future(store.write(put(f"n{n}"))) for n in range(50)]
    assert await asyncio.gather(*tasks) == [f"n{n}" for n in range(50)]
    assert len(commits) == 2  # the gate, and the fifty


async def test_one_failing_job_fails_alone(store: Database) -> None:
    async with Gate(store):
        tasks = [
            asyncio.ensure_future(store.write(put("a"))),
            asyncio.ensure_future(store.write(put("a", "again"))),  # the key is taken
            asyncio.ensure_future(store.write(_refuse)),
            asyncio.ensure_future(store.write(put("b"))),
        ]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[0] == "a"
    assert isinstance(results[1], StoreError)
    assert isinstance(results[2], Claimed)
    assert results[3] == "b"
    assert await names(store) >= {"a", "b"}
    assert "refused-half-way" not in await names(store)


def _refuse(connection: Connection) -> None:
    put("refused-half-way")(connection)
    journal(connection).event(EPOCH, "ghost", "1", {})
    journal(connection).effect(EPOCH, "ann", "ghost", "1", None, None, None)
    raise Claimed("batch 7 holds it")


async def test_what_a_rolled_back_job_told_is_forgotten(store: Database) -> None:
    told: list[Journal] = []
    store.writer.on_commit(told.append)
    async with Gate(store):
        tasks = [
            asyncio.ensure_future(store.write(_tell("one"))),
            asyncio.ensure_future(store.write(_refuse)),
            asyncio.ensure_future(store.write(_tell("two"))),
        ]
    await asyncio.gather(*tasks, return_exceptions=True)
    kinds = await store.read(lambda c: list(c.execute(select(events.c.type).order_by(events.c.seq)).scalars()))
    assert kinds == ["one", "two"]
    assert [event["type"] for journal_ in told for event in journal_.events] == ["one", "two"]
    actions = await store.read(lambda c: list(c.execute(select(audit.c.action).order_by(audit.c.seq)).scalars()))
    assert actions == ["one", "two"]


def _tell(what: str) -> Callable[[Connection], None]:
    def job(connection: Connection) -> None:
        journal(connection).event(EPOCH, what, "1", {})
        journal(connection).effect(EPOCH, "ann", what, "1", "because", {"n": 1}, {"n": 2})

    return job


async def test_the_audit_chain_is_in_the_order_of_commits_and_holds(store: Database) -> None:
    for group in range(4):
        async with Gate(store):
            tasks = [asyncio.ensure_future(store.write(_tell(f"{group}.{n}"))) for n in range(5)]
            tasks.insert(2, asyncio.ensure_future(store.write(_refuse)))
        await asyncio.gather(*tasks, return_exceptions=True)
    entries = await store.read(lambda c: [to_audit(row) for row in c.execute(select(audit).order_by(audit.c.seq))])
    assert [entry.action for entry in entries] == [f"{group}.{n}" for group in range(4) for n in range(5)]
    assert verify(entries) is None


async def test_nothing_is_told_when_a_single_job_fails(store: Database) -> None:
    told: list[Journal] = []
    store.writer.on_commit(told.append)
    with pytest.raises(Claimed):
        await store.write(_refuse)
    assert told == []


async def test_a_defect_reaches_its_caller_and_the_writer_lives_on(store: Database) -> None:
    def broken(_connection: Connection) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.write(broken)
    assert await store.write(put("after")) == "after"


async def test_what_the_database_refuses_is_said_for_people(store: Database) -> None:
    with pytest.raises(StoreError, match="Nothing of this request was done"):
        await store.write(lambda c: c.execute(text("insert into no_such_table values (1)")))


async def test_a_caller_that_went_away_does_not_undo_its_write(store: Database) -> None:
    async with Gate(store):
        task = asyncio.ensure_future(store.write(put("left")))
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.write(put("next"))
    assert await names(store) >= {"left", "next"}


async def test_close_finishes_what_is_queued(tmp_path: Path) -> None:
    store = open_database(tmp_path)
    tasks = [asyncio.ensure_future(store.write(put(f"n{n}"))) for n in range(300)]
    await asyncio.sleep(0)
    await asyncio.to_thread(store.close)
    assert len(await asyncio.gather(*tasks)) == 300
    again = open_database(tmp_path)
    assert await names(again) >= {f"n{n}" for n in range(300)}
    again.close()


async def test_a_write_after_the_end_is_refused_and_does_not_wait_for_ever(tmp_path: Path) -> None:
    store = open_database(tmp_path)
    store.close()
    with pytest.raises(Unavailable, match="ending"):
        await asyncio.wait_for(store.write(put("late")), 30)


async def test_closing_twice_is_closing(tmp_path: Path) -> None:
    store = open_database(tmp_path)
    store.close()
    store.close()


async def test_a_reader_cannot_write(store: Database) -> None:
    def write(connection: Connection) -> Any:
        return connection.execute(meta.insert(), {"name": "sneaked", "value": "x"})

    with pytest.raises(StoreError):
        await store.read(write)
    assert "sneaked" not in await names(store)


async def test_readers_see_only_whole_groups(store: Database) -> None:
    seen: list[set[str]] = []
    inside, go_on = threading.Event(), threading.Event()

    def half(connection: Connection) -> None:
        put("half")(connection)
        inside.set()
        assert go_on.wait(20)

    task = asyncio.ensure_future(store.write(half))
    assert await asyncio.to_thread(inside.wait, 20)
    seen.append(await names(store))
    go_on.set()
    await task
    seen.append(await names(store))
    assert ["half" in found for found in seen] == [False, True]
