"""Which clock says when a transaction is due, and its place by priority."""

from alembic import op
from sqlalchemy import case, func, inspect, select, update

from hub.store.migrations.adding import add_columns
from hub.store.ranking import rank_in
from hub.store.schema import metadata, transactions
from transactions.model import DueBecause, Priority, Risk, Status
from transactions.priority import HEAD_START, RANKED, rank_of

revision = "0009"
down_revision = "0008"

INDEXES = ("tx_status_rank", "tx_rank", "tx_status_due", "tx_due")
_T = transactions.c
_RANKED_BY = (_T.seq, _T.id, _T.flow, _T.lane, _T.status, _T.risk, _T.created_at, _T.due_at, _T.line_down)


def upgrade() -> None:
    """Add the columns and fill them. Whatever is stored was dated by its SLO and said of no line that it is down: what
    the flows that are declared now say of both is written when the hub starts, which knows them."""
    connection = op.get_bind()
    add_columns("transactions", "due_because", "line_down", "rank")
    connection.execute(update(transactions).where(_T.due_at.is_not(None)).values(due_because=str(DueBecause.SLO)))
    ahead = case(
        *((_T.risk == str(risk), int(span.total_seconds()) * 1_000_000) for risk, span in HEAD_START.items()), else_=0
    )
    rank = rank_of(Priority.DUE, Risk.LOW, 0, 0) + func.coalesce(_T.due_at, _T.created_at) - ahead
    connection.execute(update(transactions).where(_T.status.in_(sorted(RANKED))).values(rank=rank))
    waited_for = select(_T.blocked_by).where(_T.blocked_by.is_not(None))
    for row in connection.execute(select(*_RANKED_BY, _T.business_keys).where(_T.id.in_(waited_for))).all():
        place = rank_in(connection, row, Status(row.status))
        connection.execute(update(transactions).where(_T.seq == row.seq).values(rank=place))
    there = {index["name"] for index in inspect(connection).get_indexes("transactions")}
    for index in metadata.tables["transactions"].indexes:
        if index.name in INDEXES and index.name not in there:
            index.create(connection)
