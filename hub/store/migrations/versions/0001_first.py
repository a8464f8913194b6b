"""The first schema."""

from alembic import op

from hub.store.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table of the first schema."""
    metadata.create_all(op.get_bind())
