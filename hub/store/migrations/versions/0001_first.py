"""The first schema."""

from alembic import op

from hub.store.schema import metadata

revision = "0001"
down_revision = None

TABLES = (
    *("meta", "transactions", "business_keys", "payloads", "revisions", "attempts", "timeline", "ledger", "intake"),
    *("tallies", "groups", "failures_by_half_hour", "holds", "plans", "batches", "batch_items", "events", "audit"),
)


def upgrade() -> None:
    """Make the tables of the first schema."""
    metadata.create_all(op.get_bind(), tables=[metadata.tables[name] for name in TABLES])
