"""Keyset pages over any table: stable while rows are added, as fast on page one thousand as on page one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, Table, func, select, tuple_

from hub.store.ways import Way, first_rows, is_little, shortly
from transactions.errors import BadCursor, Invalid
from transactions.pages import Cursor, Page, decode_cursor, encode_cursor

T = TypeVar("T")
MAX_LIMIT = 1000
DEFAULT_LIMIT = 50
_SERIAL = re.compile(r"[0-9]{1,18}")  # what a 64-bit column holds for certain


class Order(Struct, frozen=True):
    """A sort column and its direction, with the unique column that breaks ties.

    Attributes:
        mirrored: descending is ascending backwards, and begins with the rows that have no value in the column.
        index: the index that has this order; for an order of few values the one of ``tie``, along which each value is
            looked for by itself.
        values: where there are few values in the column, the index that has them.
        way: the better one to the rows, where that is known.
    """

    name: str
    column: Any
    tie: Any
    descending: bool
    list_name: str
    mirrored: bool = False
    index: str | None = None
    values: str | None = None
    way: Way | None = None

    @property
    def key(self) -> str:
        """What a cursor is bound to."""
        return f"{self.list_name}:{'-' if self.descending else ''}{self.name}"

    def columns(self) -> list[ColumnElement[Any]]:
        """What a query of all rows is sorted by."""
        absent = self.column.is_not(None) if self.absent_first else self.column.is_(None)
        return [*([absent] if self.column.nullable else []), *_sorted(self, self.column)]

    @property
    def absent_first(self) -> bool:
        """Whether the rows without a value come first; else they come last."""
        return bool(self.mirrored and self.descending and self.column.nullable)


def order_of(
    table: Table,
    allowed: tuple[str, ...],
    sort: str,
    tie: str,
    stored: Mapping[str, str] = MappingProxyType({}),
) -> Order:
    """Read a ``sort`` parameter.

    Args:
        table: the list.
        allowed: fields it can be sorted by.
        sort: the field, with ``-`` before it to descend.
        tie: the unique column that breaks ties.
        stored: columns of fields that are stored under another name; these orders are the same backwards.

    Raises:
        Invalid: not a field this list can be sorted by.
    """
    name = sort.removeprefix("-")
    if name not in allowed:
        raise Invalid(
            f"The list cannot be sorted by {name!r}. It can be by: {', '.join(allowed)}; '-' before it descends."
        )
    column = table.c[stored.get(name, name)]
    return Order(name, column, table.c[tie], sort.startswith("-"), table.name, name in stored)


def page(
    connection: Connection,
    base: Select[Any] | Callable[[bool], Select[Any]],
    order: Order,
    limit: int,
    cursor: str | None,
    convert: Callable[[Any], T],
) -> Page[T]:
    """One page of ``base`` in ``order``; rows without a value in the sort column come last, or where the order says so.

    Args:
        connection: a reader's.
        base: what is listed; where it depends on that, of whether there is a value in the sort column.
        order: its order.
        limit: rows of the page.
        cursor: where it begins.
        convert: makes an item of a row.

    Raises:
        BadCursor: not a cursor of this list and order.
    """
    after = _read_cursor(cursor, order) if cursor else None
    parts = [_with_value, _without_value] if order.column.nullable else [_with_value]
    if order.absent_first:
        parts.reverse()
    begun = 0 if after is None else parts.index(_with_value if after.value is not None else _without_value)
    rows: list[Any] = []
    for place, part in enumerate(parts):
        if place >= begun and len(rows) <= limit:
            query = base(part is _with_value) if callable(base) else base
            rows += part(connection, query, order, limit + 1 - len(rows), after if place == begun else None)
    items, more = rows[:limit], len(rows) > limit
    last = items[-1] if more else None
    return Page(
        items=[convert(row) for row in items],
        next_cursor=None
        if last is None
        else encode_cursor(Cursor(order.key, getattr(last, order.column.name), str(getattr(last, order.tie.name)))),
    )


def _with_value(connection: Connection, base: Select[Any], order: Order, count: int, after: Cursor | None) -> list[Any]:
    query = base.where(order.column.is_not(None)) if order.column.nullable else base
    if after is not None:
        here = tuple_(order.column, order.tie)
        there = tuple_(after.value, order.tie.type.python_type(after.id))
        query = query.where(here < there if order.descending else here > there)
    if order.index is None:
        return list(connection.execute(query.order_by(*_sorted(order, order.column)).limit(count)).all())
    if order.values is not None and order.way is not Way.FETCH and not is_little(connection, query, order.tie.table):
        return _value_by_value(connection, base, order, order.index, count, after)
    both = [(order.column, order.descending), (order.tie, order.descending)]
    return first_rows(connection, query, both, count, order.index, order.way)


def _value_by_value(
    connection: Connection, base: Select[Any], order: Order, index: str, count: int, after: Cursor | None
) -> list[Any]:
    """The same for an order of few values, one after the other: each along the index of the tie."""
    tie = [(order.tie, order.descending)]
    rows: list[Any] = []
    value: Any = None if after is None else after.value
    if after is not None:
        there = order.tie.type.python_type(after.id)
        here = base.where(order.column == value, order.tie < there if order.descending else order.tie > there)
        rows += first_rows(connection, here, tie, count, index, order.way)
    while len(rows) < count:
        value = _next_value(connection, base, order, value)
        if value is None:
            break
        rows += first_rows(connection, base.where(order.column == value), tie, count - len(rows), index, order.way)
    return rows


def _next_value(connection: Connection, base: Select[Any], order: Order, value: Any) -> Any:
    """The next value after ``value`` that something has; one that matches, where that is quick to see."""
    beyond = [] if value is None else [order.column < value if order.descending else order.column > value]
    values = base.with_only_columns(order.column).where(order.column.is_not(None), *beyond)
    along = values.with_hint(order.tie.table, f"INDEXED BY {order.values}", "sqlite")
    found = shortly(connection, along.order_by(_direction(order, order.column)).limit(1))
    if found is not None:
        return found[0][0] if found else None
    extreme = func.max(order.column) if order.descending else func.min(order.column)
    return connection.execute(select(extreme).where(*beyond)).scalar()


def _without_value(
    connection: Connection, base: Select[Any], order: Order, count: int, after: Cursor | None
) -> list[Any]:
    query = base.where(order.column.is_(None))
    if after is not None:
        tie = order.tie.type.python_type(after.id)
        query = query.where(order.tie < tie if order.descending else order.tie > tie)
    if order.index is None:
        return list(connection.execute(query.order_by(_direction(order, order.tie)).limit(count)).all())
    return first_rows(connection, query, [(order.tie, order.descending)], count, order.index, order.way)


def _sorted(order: Order, *columns: Any) -> list[ColumnElement[Any]]:
    return [_direction(order, column) for column in (*columns, order.tie)]


def _direction(order: Order, column: Any) -> ColumnElement[Any]:
    return column.desc() if order.descending else column.asc()  # type: ignore[no-any-return]


def _read_cursor(text: str, order: Order) -> Cursor:
    """A cursor whose value and id fit the columns: one made by hand is refused here, not by the database."""
    cursor = decode_cursor(text, order.key)
    held = isinstance(cursor.value, order.column.type.python_type) or (cursor.value is None and order.column.nullable)
    if held and order.tie.type.python_type is int:
        held = _SERIAL.fullmatch(cursor.id) is not None
    if not held:
        raise BadCursor(
            "The cursor does not fit this list: it was changed on its way. "
            "Start again without a cursor, and pass next_cursor on as it is."
        )
    return cursor


def everything(table: Table) -> Select[Any]:
    """All columns of a table."""
    return select(table)
