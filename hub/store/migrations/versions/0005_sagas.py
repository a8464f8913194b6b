"""Reversals of what was posted."""

from alembic import op

from hub.store.schema import metadata

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the record of which transaction reverses which."""
    metadata.create_all(op.get_bind(), tables=[metadata.tables["reversals"]])
