"""What the stored documents of a transaction hide."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from hub.masks.flow import FlowMasks, Secrets
from hub.store.schema import payloads, revisions

_DOCUMENTS = (
    select(payloads.c.content, revisions.c.content_type)
    .join(revisions, revisions.c.sha256 == payloads.c.sha256)
    .where(revisions.c.tx_id == bindparam("id"))
    .order_by(revisions.c.revision)
)


def secrets_of(connection: Connection, masks: FlowMasks, tx_id: str) -> Secrets:
    """What every revision of a transaction's payload hides, by the masks of now.

    Args:
        connection: a reader's or the writer's.
        masks: of the transaction's flow.
        tx_id: which transaction.
    """
    rows = connection.execute(_DOCUMENTS, {"id": tx_id})
    return masks.secrets((row.content, row.content_type) for row in rows)
