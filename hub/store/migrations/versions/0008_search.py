"""What the index of the search has still to learn."""

from alembic import op

from hub.store.schema import metadata

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the record of changes. What is stored is indexed from its beginning by the hub that serves it."""
    metadata.create_all(op.get_bind(), tables=[metadata.tables["search_changes"]])
