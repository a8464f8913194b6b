"""What the gateway's access log comes to: counts, peaks, arrivals, and how far it was read."""

from alembic import op

from hub.store.schema import metadata
from hub.store.usage_schema import USAGE

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the tables."""
    metadata.create_all(op.get_bind(), tables=list(USAGE))
