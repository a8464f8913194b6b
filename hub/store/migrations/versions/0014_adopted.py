"""Revisions of the gateway know what was made by hand before them, so that going back gives it up again."""

from hub.store.migrations.adding import add_columns

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the column."""
    add_columns("gateway_revisions", "adopted")
