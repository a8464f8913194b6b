"""Changes of the gateway that wait for a second person."""

from alembic import op

from hub.store.gateway_schema import gateway_asked
from hub.store.schema import metadata

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the table."""
    metadata.create_all(op.get_bind(), tables=[gateway_asked])
