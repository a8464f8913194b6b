"""Who works on a transaction: a ticket, and a count of such changes beside the version."""

from alembic import op
from sqlalchemy import inspect

from hub.store.migrations.adding import add_columns
from hub.store.schema import metadata

revision = "0006"
down_revision = "0005"

INDEXES = ("tx_assignee", "tx_ticket")


def upgrade() -> None:
    """Add the columns, and the indexes that filters by them use."""
    add_columns("transactions", "ticket", "owned")
    there = {index["name"] for index in inspect(op.get_bind()).get_indexes("transactions")}
    for index in metadata.tables["transactions"].indexes:
        if index.name in INDEXES and index.name not in there:
            index.create(op.get_bind())
