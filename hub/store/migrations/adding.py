"""Adding columns in a migration. A new database has them from the first one on, which makes tables as they are declared
today."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, inspect
from sqlalchemy.types import TypeEngine

from hub.store.schema import metadata


def add_columns(table: str, *names: str) -> None:
    """Add columns of the declared schema where they are missing."""
    there = {column["name"] for column in inspect(op.get_bind()).get_columns(table)}
    for name in names:
        if name not in there:
            declared = metadata.tables[table].c[name]
            kind: TypeEngine[object] = declared.type
            op.add_column(table, Column(name, kind, nullable=declared.nullable, server_default=declared.server_default))
