"""Keyset pages: every row once, whatever is added meanwhile, in every order."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, create_engine, select

from hub.store.paging import Order, order_of, page
from transactions.errors import BadCursor, Invalid
from transactions.pages import Cursor, encode_cursor

things = Table(
    "things",
    MetaData(),
    Column("id", String, primary_key=True),
    Column("rank", Integer),
    Column("name", String, nullable=False),
    Column("n", Integer, nullable=False, unique=True),
)
SORTS = [f"{sign}{name}" for name in ("rank", "name", "id") for sign in ("", "-")]


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    things.metadata.create_all(engine)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def insert(connection: Connection, *rows: tuple[int | None, str]) -> list[str]:
    start = len(connection.execute(select(things.c.id)).all())
    values = [
        {"id": f"{(start + at) * 7919 % 10007:05d}", "rank": rank, "name": name, "n": start + at}
        for at, (rank, name) in enumerate(rows)
    ]
    if values:
        connection.execute(things.insert(), values)
    return [str(value["id"]) for value in values]


def one_page(connection: Connection, order: Order, limit: int, cursor: str | None) -> tuple[list[Any], str | None]:
    found = page(connection, select(things), order, limit, cursor, lambda row: row)
    return found.items, found.next_cursor


rows = st.lists(st.tuples(st.none() | st.integers(-2, 2), st.sampled_from("abc")), max_size=25)


@given(first=rows, added=st.lists(rows, max_size=4), sort=st.sampled_from(SORTS), limit=st.integers(1, 7))
def test_walking_forward_sees_every_row_once_while_rows_are_added(
    first: list[tuple[int | None, str]], added: list[list[tuple[int | None, str]]], sort: str, limit: int
) -> None:
    engine = create_engine("sqlite://")
    things.metadata.create_all(engine)
    with engine.connect() as connection:
        there = insert(connection, *first)
        order = order_of(things, ("rank", "name", "id"), sort, "id")
        seen: list[Any] = []
        cursor, more = None, list(added)
        while True:
            items, cursor = one_page(connection, order, limit, cursor)
            assert len(items) <= limit
            seen += items
            if cursor is None:
                break
            assert len(items) == limit
            if more:
                insert(connection, *more.pop())
    engine.dispose()
    ids = [row.id for row in seen]
    assert len(ids) == len(set(ids)), "a row came twice"
    assert set(there) <= set(ids), "a row was left out"
    assert seen == sorted(seen, key=lambda row: _rank(row, order), reverse=order.descending)


def _rank(row: Any, order: Order) -> tuple[Any, ...]:
    value = getattr(row, order.name)
    last = value is None if not order.descending else value is not None  # reversed as a whole when it descends
    return (last, "" if value is None else value, row.id)


@pytest.mark.parametrize("sort", ["rank", "-rank"])
def test_rows_without_a_value_come_last_in_both_directions(connection: Connection, sort: str) -> None:
    insert(connection, (None, "a"), (2, "a"), (None, "a"), (1, "a"))
    items, _ = one_page(connection, order_of(things, ("rank",), sort, "id"), 10, None)
    ranks = [row.rank for row in items]
    assert ranks == ([1, 2, None, None] if sort == "rank" else [2, 1, None, None])


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_seam_between_values_and_none(connection: Connection, limit: int) -> None:
    there = insert(connection, (1, "a"), (2, "a"), (None, "a"), (None, "a"))
    order, cursor, seen = order_of(things, ("rank",), "rank", "id"), None, []
    for _ in range(5):
        items, cursor = one_page(connection, order, limit, cursor)
        seen += [row.id for row in items]
        if cursor is None:
            break
    assert sorted(seen) == sorted(there)


def test_a_full_last_page_says_that_it_is_the_last(connection: Connection) -> None:
    insert(connection, (1, "a"), (2, "a"))
    assert one_page(connection, order_of(things, ("id",), "id", "id"), 2, None)[1] is None


def test_a_cursor_of_another_order_is_refused(connection: Connection) -> None:
    insert(connection, (1, "a"), (2, "a"))
    _, cursor = one_page(connection, order_of(things, ("rank",), "rank", "id"), 1, None)
    with pytest.raises(BadCursor, match="ordered by 'things:rank'"):
        one_page(connection, order_of(things, ("rank",), "-rank", "id"), 1, cursor)


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor("things:n", 1, "not a number"),
        Cursor("things:n", 1, "9" * 30),
        Cursor("things:n", "one", "1"),
        Cursor("things:n", None, "1"),
        Cursor("things:n", 1, ""),
    ],
    ids=repr,
)
def test_a_cursor_made_by_hand_is_bad_and_nothing_else(connection: Connection, cursor: Cursor) -> None:
    insert(connection, (1, "a"), (2, "a"))
    with pytest.raises(BadCursor):
        one_page(connection, order_of(things, ("n",), "n", "n"), 1, encode_cursor(cursor))


@given(
    value=st.none() | st.integers() | st.floats() | st.text(),
    row=st.text(),
    name=st.sampled_from(["n", "rank", "name"]),
)
def test_no_cursor_breaks_a_page(value: Any, row: str, name: str) -> None:
    engine = create_engine("sqlite://")
    things.metadata.create_all(engine)
    try:
        written = base64.urlsafe_b64encode(msgspec.json.encode([f"things:{name}", value, row])).rstrip(b"=").decode()
    except (UnicodeEncodeError, msgspec.EncodeError, OverflowError):
        return
    with engine.connect() as connection:
        insert(connection, (1, "a"), (2, "b"))
        try:
            one_page(connection, order_of(things, (name,), name, "n" if name == "n" else "id"), 1, written)
        except BadCursor as error:
            assert error.status == 400  # noqa: PT017
    engine.dispose()


@pytest.mark.parametrize("sort", ["size", "", "-", "--id", "id desc"])
def test_an_order_that_there_is_not_is_refused_with_those_there_are(sort: str) -> None:
    with pytest.raises(Invalid, match="It can be by: rank, name"):
        order_of(things, ("rank", "name"), sort, "id")
