"""Drafts of payloads, the documents that plans will send, and what corrects what."""

from alembic import op

from hub.store.schema import metadata

revision = "0004"
down_revision = "0003"

TABLES = ("drafts", "planned_edits", "corrections")


def upgrade() -> None:
    """Make them."""
    metadata.create_all(op.get_bind(), tables=[metadata.tables[name] for name in TABLES])
