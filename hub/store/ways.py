"""Rows of a page, in order, on the way that costs least.

Two ways lead to the first rows of an order. One walks along an index of the order and takes what matches until there
is enough: quick where much matches. The other fetches whatever matches and sorts it: quick where that is little. A
database chooses by what it knows of whole columns, and cannot know how much of this filter there is; so a few steps
are walked first, then a short look tells how much there is, and a walk that finds too little for too long is given up.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import ClauseElement, Column, ColumnElement, Connection, Executable, FromClause, Select, func, select
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.compiler import compiles

from hub.store.time_limit import interrupted, time_limit

_LITTLE = 5_000
"""Rows that are fetched and sorted without a second thought."""
_STEPS = 0.01
"""Seconds of the first steps."""
_LOOK = 0.03
"""Seconds that the look may take."""
_WALK = 2.0
"""Seconds that a walk may take."""


class HintingCompiler(SQLiteCompiler):
    """Writes the hints of a statement, which for SQLite are ``INDEXED BY``."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        """A hint as it stands behind its table."""
        return text


class Way(Enum):
    """A way that is known to be the better one."""

    WALK = "walk"
    FETCH = "fetch"


def first_rows(
    connection: Connection,
    query: Select[Any],
    order: list[tuple[ColumnElement[Any], bool]],
    count: int,
    index: str,
    way: Way | None = None,
) -> list[Any]:
    """The first rows of a query in an order.

    Args:
        connection: a reader's.
        query: with its condition, and without an order.
        order: columns to sort by, each with whether it descends.
        count: how many rows are wanted.
        index: the index that has this order.
        way: the better one, where that is known.
    """
    natural = query.order_by(*(column.desc() if descends else column.asc() for column, descends in order)).limit(count)
    if query.whereclause is None or connection.dialect.name != "sqlite":
        return list(connection.execute(natural).all())
    if way is Way.FETCH:
        return _fetched(connection, query, order, count)
    along = (
        natural.with_hint(_table(order), f"INDEXED BY {index}", "sqlite") if _sorts(connection, natural) else natural
    )
    rows = _within(connection, along, _STEPS) if way is None else None
    if rows is None and (way is Way.WALK or not is_little(connection, query, _table(order))):
        rows = _within(connection, along, _WALK)
    return _fetched(connection, query, order, count) if rows is None else rows


def _fetched(
    connection: Connection, query: Select[Any], order: list[tuple[ColumnElement[Any], bool]], count: int
) -> list[Any]:
    """All that matches, sorted by number; only the rows that are wanted are read whole."""
    table = _table(order)
    keys = [_Plain(column) for column, _ in order]
    ordered = [key.desc() if descends else key.asc() for key, (_, descends) in zip(keys, order, strict=True)]
    wanted = connection.execute(query.with_only_columns(table.c.seq).order_by(*ordered).limit(count)).scalars().all()
    whole = query.with_only_columns(*query.selected_columns).where(table.c.seq.in_(wanted))
    by_number = {row.seq: row for row in connection.execute(whole)}
    return [by_number[seq] for seq in wanted if seq in by_number]


def _table(order: list[tuple[ColumnElement[Any], bool]]) -> FromClause:
    column = order[0][0]
    assert isinstance(column, Column)
    return column.table


def shortly(connection: Connection, query: Select[Any]) -> list[Any] | None:
    """The rows of a query, if they are there in the time of a short look."""
    return _within(connection, query, _LOOK)


def is_little(connection: Connection, query: Select[Any], table: FromClause) -> bool:
    """Whether a query of ``table`` has few rows, as far as a short look tells."""
    some = query.with_only_columns(table.c.seq).limit(_LITTLE).subquery()
    found = shortly(connection, select(func.count()).select_from(some))
    return found is not None and int(found[0][0]) < _LITTLE


_KNOWN = 512
_sorting: dict[Any, bool] = {}
"""Of queries, by their form, whether they are sorted; asking costs as much as a page."""


def _sorts(connection: Connection, query: Select[Any]) -> bool:
    """Whether the planner sorts, since it has no index of filter and order or takes another one."""
    form = query._generate_cache_key()
    key = None if form is None else (id(connection.engine), form.key)
    if key in _sorting:
        return _sorting[key]
    plan = connection.execute(_Explained(query)).all()
    found = any("TEMP B-TREE" in str(row[-1]) for row in plan)
    if key is not None:
        if len(_sorting) >= _KNOWN:
            _sorting.clear()
        _sorting[key] = found
    return found


def _within(connection: Connection, query: Select[Any], seconds: float) -> list[Any] | None:
    """The rows of a query; None where it took too long."""
    try:
        with time_limit(connection, seconds):
            return list(connection.execute(query).all())
    except OperationalError as error:
        if not interrupted(error):
            raise
        return None


class _Explained(Executable, ClauseElement):
    """How SQLite would answer a query."""

    inherit_cache = False

    def __init__(self, query: Select[Any]) -> None:
        self.query = query


@compiles(_Explained)
def _explain(element: Any, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN QUERY PLAN {compiler.process(element.query, **options)}"


class _Plain(ColumnElement[Any]):
    """A column for which the planner looks for no index."""

    inherit_cache = False

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.column = column
        self.type = column.type


@compiles(_Plain)
def _plain(element: Any, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.column, **options)}"
