"""Every way to a page leads to the same page."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, event, select

from hub.masks import NO_MASKS
from hub.store import ways
from hub.store.database import Database
from hub.store.filter_sql import compile_filter
from hub.store.paging import page
from hub.store.questions import SORTABLE, transaction_order, transaction_page
from hub.store.schema import transactions
from transactions.clock import to_micros

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
COUNT = 60
SORTS = [f"{sign}{name}" for name in SORTABLE for sign in ("", "-")]
FILTERS = [
    "",
    "status:failed",
    "plant:P01",
    "-plant:P01",
    "plant:none",
    "flow:f1,f2 status:failed",
    "age>10s",
    "age<20s -status:held",
    "flow:f1 or target:T2",
    "source:NOBODY",
    "attempts>1",
]


@pytest.fixture
async def filled(store: Database, add) -> Database:
    chance = random.Random(5)

    def fill(connection: Connection) -> None:
        for _ in range(COUNT):
            failed = chance.random() < 0.6
            came = chance.randrange(30)
            add(
                connection,
                flow=f"f{chance.randrange(4)}",
                plant=chance.choice([None, "P01", "P02"]),
                target=f"T{chance.randrange(3)}",
                status="failed" if failed else chance.choice(["held", "processed"]),
                created_at=to_micros(NOW) - came * 1_000_000,
                failed_at=to_micros(NOW) - chance.randrange(came + 1) * 1_000_000 if failed else None,
                due_at=chance.choice([None, to_micros(NOW) + chance.randrange(9)]),
                rank=chance.choice([None, chance.randrange(9)]),
                attempts=chance.randrange(4),
            )

    await store.write(fill)
    return store


def pages(connection: Connection, text: str, sort: str, limit: int) -> list[str]:
    """The ids of all pages, as the list of transactions makes them."""
    order, found, cursor = transaction_order(sort), [], None

    def condition(has_value: bool):
        failed = has_value if order.name == "failed_at" else None
        return compile_filter(text, frozenset(), NOW, failed=failed) if text else None

    for _ in range(COUNT + 1):
        one = transaction_page(connection, condition, order, limit, cursor, NOW, NO_MASKS)
        found += [each.id for each in one.items]
        cursor = one.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


def naive(connection: Connection, text: str, sort: str) -> list[str]:
    """The same, sorted by the database."""
    order = transaction_order(sort)
    query = select(transactions.c.id)
    if text:
        query = query.where(compile_filter(text, frozenset(), NOW))  # type: ignore[arg-type]
    return list(connection.execute(query.order_by(*order.columns())).scalars())


@pytest.mark.parametrize(
    ("steps", "little", "walk"),
    [(30.0, 1_000, 30.0), (0.0, 1_000, 30.0), (0.0, 2, 30.0), (0.0, 2, 0.0), (0.0, 0, 30.0)],
)
async def test_every_way_leads_to_the_same_rows(
    filled: Database, monkeypatch: pytest.MonkeyPatch, steps: float, little: int, walk: float
) -> None:
    monkeypatch.setattr(ways, "_LITTLE", little)
    monkeypatch.setattr(ways, "_LOOK", 30.0)
    monkeypatch.setattr(ways, "_STEPS", steps)
    monkeypatch.setattr(ways, "_WALK", walk)

    def question(connection: Connection) -> None:
        for text, sort in itertools.product(FILTERS, SORTS):
            assert pages(connection, text, sort, 7) == naive(connection, text, sort), (text, sort)

    await filled.read(question)


async def test_a_page_needs_no_second_question_where_it_ends_within_a_value(filled: Database) -> None:
    asked: list[str] = []

    def question(connection: Connection) -> list[str]:
        order = transaction_order("flow")
        found = page(connection, select(transactions), order, 3, None, lambda row: asked.append(row.flow) or row.flow)
        return found.items

    assert await filled.read(question) == ["f0"] * 3


async def statements_of(
    store: Database, text: str, sort: str, monkeypatch: pytest.MonkeyPatch, steps: float
) -> list[str]:
    """The statements that a page takes."""
    said: list[str] = []
    monkeypatch.setattr(ways, "_STEPS", steps)
    monkeypatch.setattr(ways, "_LOOK", 30.0)
    monkeypatch.setattr(ways, "_sorting", {})

    def note(_connection, _cursor, statement: str, *_rest) -> None:
        said.append(" ".join(statement.split()))

    def question(connection: Connection) -> None:
        event.listen(connection, "before_cursor_execute", note)
        order, filter_of = transaction_order(sort), lambda _: compile_filter(text, frozenset(), NOW)
        assert len(transaction_page(connection, filter_of, order, 3, None, NOW, NO_MASKS).items) == 3

    await store.read(question)
    return said


async def test_what_matches_much_is_met_along_the_order(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    said = await statements_of(filled, "plant:P01", "-created_at", monkeypatch, 30.0)
    assert said[-2].startswith("EXPLAIN QUERY PLAN SELECT")
    assert "FROM transactions INDEXED BY tx_created WHERE" in said[-1]
    said = await statements_of(filled, "status:failed", "-failed_at", monkeypatch, 30.0)
    assert "INDEXED BY" not in said[-1]  # an index has both


async def test_what_matches_little_is_fetched_and_sorted(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ways._within
    monkeypatch.setattr(ways, "_within", lambda c, query, seconds: real(c, query, seconds) if seconds > 1 else None)
    said = await statements_of(filled, "plant:P01", "-created_at", monkeypatch, 0.0)
    assert "SELECT count(*)" in said[1]
    assert said[2].startswith("SELECT transactions.seq")
    assert "ORDER BY +transactions.created_at DESC" in said[2]
    assert len(said) == 4
