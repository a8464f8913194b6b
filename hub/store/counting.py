"""Counting in tables: statements that add to what is there, in the words of a database."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Table, bindparam
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

HALF_HOUR = 1_800_000_000
"""Microseconds."""


def upsert(dialect: str, table: Any) -> Any:
    """An insert that can say what happens on conflict, in the words of a database."""
    return postgres_insert(table) if dialect == "postgresql" else sqlite_insert(table)


@lru_cache(maxsize=8)
def adding(dialect: str, table: Table) -> Any:
    """Add to the column ``count`` of a table of counts."""
    statement = upsert(dialect, table)
    keys = [column.name for column in table.primary_key]
    return statement.on_conflict_do_update(
        index_elements=keys, set_={"count": table.c.count + statement.excluded.count}
    )


@lru_cache(maxsize=8)
def dropping_zeros(table: Table) -> Any:
    """Delete one row of a table of counts (its key in parameters ``of_NAME``), if it is at zero."""
    return table.delete().where(
        *(column == bindparam(f"of_{column.name}") for column in table.primary_key), table.c.count == 0
    )
