"""The gateway's state: what is live and whose it is, what each policy set applied last, revisions."""

from alembic import op

from hub.store.gateway_schema import gateway_applied, gateway_resources, gateway_revisions
from hub.store.schema import metadata

revision = "0012"
down_revision = "0011"

TABLES = [gateway_resources, gateway_applied, gateway_revisions]


def upgrade() -> None:
    """Make the tables."""
    metadata.create_all(op.get_bind(), tables=TABLES)
