"""Key figures, kept by the minute, the hour and the day; what reconciliations came to."""

from datetime import UTC, datetime

from alembic import op

from hub.kpis.filling import fill
from hub.kpis.keeping import forget
from hub.store.migrations.adding import add_columns
from hub.store.schema import metadata
from transactions.clock import to_micros

revision = "0010"
down_revision = "0009"

TABLES = ("kpi_counts", "kpi_spans", "reconciliations")


def upgrade() -> None:
    """Make the tables, and count what is stored: lives are told once more from their timelines. Documents that a source
    sent again left no trace and are counted from now on."""
    connection = op.get_bind()
    metadata.create_all(connection, tables=[metadata.tables[name] for name in TABLES])
    add_columns("transactions", "troubled_at")
    now = datetime.now(UTC)  # of the machine: a migration has no clock handed in
    fill(connection, to_micros(now)).write(connection)
    forget(connection, now)
