"""The access log followed: nothing twice, nothing left out, wherever a process dies, whatever becomes of the file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from access_log import NOW, line, lines
from sqlalchemy import Connection, select

from hub.store.database import Database
from hub.store.usage_schema import usage_coverage, usage_positions
from hub.usage import following
from hub.usage.following import UsageFollower
from hub.usage.log import AccessLog, Position
from transactions.errors import AndonError

Total = Callable[..., int]


class Fixed:
    def now(self) -> Any:
        return NOW


@pytest.fixture
def follower(store: Database, logs: Path) -> UsageFollower:
    return UsageFollower(store, logs, Fixed(), every=0.005)


def again(store: Database, logs: Path) -> UsageFollower:
    """Another process that takes up what one left."""
    return UsageFollower(store, logs, Fixed(), every=0.005)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


async def test_what_is_written_is_counted(follower: UsageFollower, logs: Path, total: Total) -> None:
    follower.start()
    (logs / "access.jsonl").write_bytes(lines(3))
    await until(lambda: total() == 3)
    with (logs / "access.jsonl").open("ab") as file:
        file.write(lines(4, begin=10))
    await until(lambda: total() == 7 and follower.behind() == 0)
    await follower.close()


async def test_a_run_goes_on_where_the_last_one_ended(store: Database, logs: Path, total: Total) -> None:
    log = logs / "access.jsonl"
    for number in range(1, 6):
        with log.open("ab") as file:
            file.write(line(number))
        for _ in range(2):
            await again(store, logs).catch_up()
        assert total() == number


@pytest.mark.parametrize("step", [17])
async def test_a_log_that_grows_byte_by_byte_with_a_new_process_each_time(
    store: Database, logs: Path, total: Total, step: int
) -> None:
    content = lines(4)
    for cut in [*range(0, len(content), step), len(content)]:
        (logs / "access.jsonl").write_bytes(content[:cut])
        await again(store, logs).catch_up()
        assert total() == content[:cut].count(b"\n")
    assert (await store.read(lambda c: c.execute(select(usage_positions)).one())).unreadable == 0


async def test_a_torn_line_that_the_next_process_writes_after(store: Database, logs: Path, total: Total) -> None:
    (logs / "access.jsonl").write_bytes(line(0) + line(1)[:100] + lines(2, begin=2))
    await again(store, logs).catch_up()
    assert total() == 3
    assert (await store.read(lambda c: c.execute(select(usage_positions)).one())).unreadable == 1


class Died(AndonError):
    """A process that ends where it stands."""


def crash_points() -> Iterator[int]:
    yield from range(10)


@pytest.mark.parametrize("point", crash_points())
async def test_a_process_that_dies_at_any_step_of_a_rotation(
    store: Database, logs: Path, total: Total, point: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step that changes something may be the last one; whoever writes goes on writing meanwhile."""
    steps = 0

    def dying(step: Callable[..., Any], after: bool) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            nonlocal steps
            here, steps = steps, steps + 1
            if here == point and not after:
                raise Died("before")
            found = step(*arguments)
            if here == point:
                raise Died("after")
            return found

        return run

    writer = Writer(logs)
    writer.write(3)
    log = logs / "access.jsonl"
    first = UsageFollower(store, logs, Fixed(), every=0.005)
    first.log = AccessLog(logs, rotate_at=600)
    first.reopen = writer.reopened
    with monkeypatch.context() as patched:
        for name in ("rotate", "forget"):
            patched.setattr(first.log, name, dying(getattr(first.log, name), after=bool(point % 2)))
        patched.setattr(following, "advance", dying(following.advance, after=bool(point % 2)))
        patched.setattr(first.running, "add", dying(first.running.add, after=False))  # written, and nothing more
        for _ in range(6):
            try:
                await first.catch_up()
                await first._rotate()
            except Died:
                break
            writer.write(1)
    writer.write(2)
    second = again(store, logs)
    second.log = AccessLog(logs, rotate_at=600)
    second.reopen = writer.reopened
    for _ in range(6):
        await second.catch_up()
        await second._rotate()
    assert log.exists()
    assert total() == writer.written
    assert len(list(logs.iterdir())) <= 2
    writer.close()


class Writer:
    """Whoever writes the log: keeps its file open, wherever that was renamed to, until it is told."""

    def __init__(self, logs: Path) -> None:
        self._path = logs / "access.jsonl"
        self._file = self._path.open("ab", buffering=0)
        self.written = 0

    def write(self, count: int) -> None:
        for _ in range(count):
            self._file.write(line(self.written))
            self.written += 1

    async def reopened(self) -> None:
        self._file.close()
        self._file = self._path.open("ab", buffering=0)

    def close(self) -> None:
        self._file.close()


async def test_rotation_while_it_is_written(store: Database, logs: Path, total: Total) -> None:
    writer = Writer(logs)
    follower = UsageFollower(store, logs, Fixed(), every=0.001)
    follower.log = AccessLog(logs, rotate_at=2_000)
    follower.reopen = writer.reopened
    follower.start()
    async with asyncio.timeout(30):
        while follower.position.generation < 3:
            writer.write(1)
            await asyncio.sleep(0.001)
    await until(lambda: total() == writer.written)
    await follower.close()
    writer.close()


async def test_a_store_that_takes_no_write_for_a_while_loses_nothing(
    store: Database, logs: Path, total: Total, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    refusals = 2
    real = following.advance

    def refusing(connection: Connection, *more: Any) -> Any:
        nonlocal refusals
        found = real(connection, *more)
        if refusals:
            refusals -= 1
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))
        return found

    monkeypatch.setattr(following, "advance", refusing)
    monkeypatch.setattr("hub.store.database.TRY_AGAIN", 0.001)
    (logs / "access.jsonl").write_bytes(lines(5))
    await again(store, logs).catch_up()
    assert (refusals, total()) == (0, 5)


async def test_kinds_that_were_forgotten_are_counted_again(
    store: Database, logs: Path, total: Total, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_HOUSEKEEPING", 0.002)
    far = (365 + 60) * 86_400  # so long ago that nothing is kept of it
    follower = again(store, logs)
    follower.start()
    with (logs / "access.jsonl").open("ab", buffering=0) as file:
        for number in range(20):
            file.write(line(number) + line(number - far, client=f"stranger-{number % 3}"))
            await asyncio.sleep(0.005)
    await until(lambda: follower.behind() == 0 and total() == 20)
    await follower.close()
    orphans = "SELECT count(*) FROM gateway_usage_counts WHERE kind NOT IN (SELECT id FROM gateway_usage_kinds)"
    assert (await store.read(lambda c: c.exec_driver_sql(orphans).scalar())) == 0


async def test_two_that_follow_one_log_count_it_once(store: Database, logs: Path, total: Total) -> None:
    (logs / "access.jsonl").write_bytes(lines(50))
    one, other = again(store, logs), again(store, logs)
    one.start()
    other.start()
    await until(lambda: total() >= 50)
    with (logs / "access.jsonl").open("ab") as file:
        file.write(lines(50, begin=100))
    await until(lambda: total() >= 100)
    await one.close()
    await other.close()
    assert total() == 100


async def test_what_the_data_plane_serves_is_measured_also_without_calls(
    store: Database, follower: UsageFollower
) -> None:
    follower.served = lambda: frozenset({"stock"})
    follower.start()

    def covered() -> list[Any]:
        with store.read_engine.connect() as connection:
            return list(connection.execute(select(usage_coverage)).all())

    await until(lambda: bool(covered()))
    at = int(NOW.timestamp())
    assert covered() == [("stock", at, at)]
    follower.served = lambda: frozenset({"stock", "orders"})
    await until(lambda: len(covered()) == 2)  # at once, not in a minute
    await follower.close()
    assert sorted(covered()) == [("orders", at, at), ("stock", at, at)]


async def test_a_file_that_cannot_be_read_is_told_once_and_tried_again(
    follower: UsageFollower, logs: Path, total: Total, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = follower.log.next_chunk, 3

    def refusing(position: Position) -> Any:
        nonlocal refused
        if refused:
            refused -= 1
            raise PermissionError(13, "Permission denied")
        return real(position)

    monkeypatch.setattr(follower.log, "next_chunk", refusing)
    monkeypatch.setattr(following, "TRY_AGAIN", 0.001)
    (logs / "access.jsonl").write_bytes(line())
    follower.start()
    await until(lambda: total() == 1)
    await follower.close()
