"""One moment of the store, read piece by piece however long that takes, while the writer goes on."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, select

from hub.store.schema import transactions

_AT_ONCE = 10_000  # numbers fetched at one go


class Snapshot:
    """Transactions that match a condition, as they were at one moment.

    Their numbers are kept, eight bytes each; the rows are read when they are wanted, from the same moment. It holds a
    connection of its own and keeps the write-ahead log from shrinking: :meth:`close` it soon.
    """

    def __init__(self, engine: Engine, condition: ColumnElement[bool] | None, order: list[ColumnElement[Any]]) -> None:
        """
        Args:
            engine: of readers.
            condition: which rows; None for all.
            order: how they come.
        """
        self.connection: Connection = engine.connect()
        self._numbers: array[int] = array("q")
        try:
            self.connection.exec_driver_sql("BEGIN")  # the first question fixes the moment
            query = select(transactions.c.seq).order_by(*order)
            found = self.connection.execution_options(stream_results=True).execute(
                query if condition is None else query.where(condition)
            )
            for part in found.partitions(_AT_ONCE):
                self._numbers.extend(row.seq for row in part)
        except BaseException:
            self.close()
            raise
        self._left: Iterator[int] = iter(self._numbers)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._numbers)

    def next_rows(self, most: int) -> list[Any]:
        """The next rows, at most so many; none at the end."""
        numbers = list(islice(self._left, most))
        if not numbers:
            return []
        rows = self.connection.execute(select(transactions).where(transactions.c.seq.in_(numbers))).all()
        by_number = {row.seq: row for row in rows}
        return [by_number[number] for number in numbers]

    def close(self) -> None:
        """Let the connection go, and with it the moment."""
        self.connection.close()
