"""Questions that take too long are interrupted, and no others."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Connection, func, literal_column, select
from sqlalchemy.exc import OperationalError

from hub.store.database import Database
from hub.store.questions import Counted, count_transactions
from hub.store.schema import transactions
from hub.store.time_limit import interrupted, time_limit


def endless(connection: Connection) -> None:
    numbers = select(literal_column("1").label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1))
    connection.execute(select(func.count()).select_from(numbers)).scalar()


async def test_what_takes_too_long_is_interrupted(store: Database) -> None:
    def question(connection: Connection) -> int:
        for _ in range(3):
            with pytest.raises(OperationalError) as caught, time_limit(connection, 0.01):
                endless(connection)
            assert interrupted(caught.value)
        return int(connection.execute(select(func.count()).select_from(transactions)).scalar_one())

    assert await store.read(question) == 0


async def test_what_begins_after_the_time_is_up_is_interrupted_as_well(store: Database) -> None:
    def question(connection: Connection) -> None:
        with time_limit(connection, 0.001):
            threading.Event().wait(0.02)  # the time is up, and there is no statement to interrupt
            with pytest.raises(OperationalError) as caught:
                endless(connection)
        assert interrupted(caught.value)

    await store.read(question)


async def test_what_is_over_is_not_interrupted_later(store: Database) -> None:
    def question(connection: Connection) -> None:
        for _ in range(200):
            with time_limit(connection, 0.0005):
                pass
            connection.execute(select(func.count()).select_from(transactions)).scalar()
        with time_limit(connection, 30), pytest.raises(OperationalError), time_limit(connection, 0.01):
            endless(connection)

    await store.read(question)


async def test_other_errors_are_not_taken_for_it(store: Database) -> None:
    def question(connection: Connection) -> OperationalError:
        with pytest.raises(OperationalError) as caught, time_limit(connection, 30):
            connection.exec_driver_sql("SELECT nothing FROM nowhere")
        return caught.value

    assert not interrupted(await store.read(question))


async def test_a_count_that_takes_too_long_is_a_least_one(store: Database, add) -> None:
    await store.write(lambda c: [add(c) for _ in range(5)])
    assert await store.read(lambda c: count_transactions(c, None, 30)) == Counted(5)
    # so many rows that the time is up before they are all counted
    never = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 1 FROM n WHERE i < 0"
    many = literal_column(f"EXISTS ({never})")
    found = await store.read(lambda c: count_transactions(c, many, 0.01))
    assert found == Counted(0, exact=False)
