"""What a handover asks: remarks, and notes and audit entries by their time."""

from alembic import op
from sqlalchemy import inspect

from hub.store.schema import metadata

revision = "0011"
down_revision = "0010"

INDEXES = {"audit": "audit_at", "timeline": "timeline_notes"}


def upgrade() -> None:
    """Make the table and the indexes."""
    connection = op.get_bind()
    metadata.create_all(connection, tables=[metadata.tables["remarks"]])
    for table, name in INDEXES.items():
        if name not in {index["name"] for index in inspect(connection).get_indexes(table)}:
            next(index for index in metadata.tables[table].indexes if index.name == name).create(connection)
