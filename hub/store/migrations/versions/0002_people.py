"""People and their tokens, approvals, reviews, and where plans act."""

from alembic import op

from hub.store.schema import metadata

revision = "0002"
down_revision = "0001"

TABLES = ("people", "people_tokens", "plan_places", "approvals", "reviews")


def upgrade() -> None:
    """Make them; a plan that was stored before is about everything, as nobody wrote down where it acts."""
    connection = op.get_bind()
    metadata.create_all(connection, tables=[metadata.tables[name] for name in TABLES])
    connection.exec_driver_sql("INSERT INTO plan_places (plan, plant, flow) SELECT hash, '', '' FROM plans")
