"""Waves of batches."""

from hub.store.migrations.adding import add_columns

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Items say in which wave they are; those of earlier runs were in one."""
    add_columns("batch_items", "wave")
