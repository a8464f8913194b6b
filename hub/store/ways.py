"""Rows of a page, in order, on the way that costs least.

Two ways lead to the first rows of an order. One fetches whatever matches and sorts it: quick where that is little. The
other walks along an index of the order and takes what matches until there is enough: quick where much matches. A
database chooses by what it knows of whole columns; what it cannot know is how much of this filter there is, so a short
look decides, and a walk that does not find enough for too long is given up.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ClauseElement, ColumnElement, Connection, Executable, Select, Table, func, literal_column, select
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.compiler import compiles

from hub.store.time_limit import interrupted, time_limit

_LITTLE = 1_000
"""Rows that are fetched and sorted without a second thought."""
_LOOK = 0.03
"""Seconds that the look may take."""
_WALK = 0.5
"""Seconds that a walk may take."""


class HintingCompiler(SQLiteCompiler):
    """Writes the hints of a statement, which for SQLite are ``INDEXED BY``."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        """A hint as it stands behind its table."""
        return text


def first_rows(
    connection: Connection, query: Select[Any], order: list[tuple[ColumnElement[Any], bool]], count: int, index: str
) -> list[Any]:
    """The first rows of a query in an order.

    Args:
        connection: a reader's.
        query: with its condition, and without an order.
        order: columns to sort by, each with whether it descends.
        count: how many rows are wanted.
        index: the index that has this order.
    """
    natural = query.order_by(*(column.desc() if descends else column.asc() for column, descends in order)).limit(count)
    if query.whereclause is None or connection.dialect.name != "sqlite":
        return list(connection.execute(natural).all())
    if not is_little(connection, query):
        rows = _walk(connection, natural, index)
        if rows is not None:
            return rows
    fetched = [_Plain(column) for column, _ in order]
    fetching = query.order_by(
        *(one.desc() if descends else one.asc() for one, (_, descends) in zip(fetched, order, strict=True))
    )
    return list(connection.execute(fetching.limit(count)).all())


def is_little(connection: Connection, query: Select[Any]) -> bool:
    """Whether a query has few rows, as far as a short look tells."""
    some = query.with_only_columns(literal_column("1")).limit(_LITTLE).subquery()
    try:
        with time_limit(connection, _LOOK):
            found: int = connection.execute(select(func.count()).select_from(some)).scalar_one()
    except OperationalError as error:
        if not interrupted(error):
            raise
        return False
    return found < _LITTLE


def _walk(connection: Connection, natural: Select[Any], index: str) -> list[Any] | None:
    """The rows along an index: the planner's, if it knows one that has this order, else ``index``. None where it took
    too long."""
    table = next(one for one in natural.get_final_froms() if isinstance(one, Table))
    plan = connection.execute(_Explained(natural)).all()
    sorts = any("TEMP B-TREE" in str(row[-1]) for row in plan)
    along = natural.with_hint(table, f"INDEXED BY {index}", "sqlite") if sorts else natural
    try:
        with time_limit(connection, _WALK):
            return list(connection.execute(along).all())
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
