"""What stopped a transaction at the gateway, worked out from what the gateway answered and the policies that are
live."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from gateway_policies.explaining.judging import Judged, judge
from gateway_policies.explaining.refused import RefusedCall, read_refusal
from gateway_policies.explaining.stopped_call import StoppedCall, concerned, stopped_call
from gateway_policies.gateway import GatewayRevision
from hub.gateway.kept import Kept, revisions, to_revision
from hub.store.gateway_schema import gateway_revisions
from hub.store.schema import attempts
from transactions.errors import Refused
from transactions.model import GATEWAY

_HEADERS: msgspec.json.Decoder[dict[str, str]] = msgspec.json.Decoder(dict[str, str])
_CHANGES: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])
_LOOKED_AT = 200
"""Revisions that are looked through for the one since which it is so."""


def what_stopped(connection: Connection, row: Any, now: datetime) -> StoppedCall:
    """What stopped a transaction.

    Args:
        connection: a reader's.
        row: of the transaction.
        now: the moment that grants and credentials are held against.

    Raises:
        Refused: no policy of the gateway stopped it.
    """
    call = _refused_call(connection, row) if row.failure_system == GATEWAY else None
    if call is None:
        raise Refused(_other(row))
    found = judge(call, Kept(connection).live, now.astimezone(UTC).date())
    return stopped_call(row.id, found, revision_since(connection, found))


def revision_since(connection: Connection, found: Judged) -> GatewayRevision | None:
    """The newest change of what stopped a call; None where none of the newest changes is."""
    begin = found.policy
    if begin is None:
        return None
    if found.consumer is not None and ".grant." in begin:
        begin = f"consumer.{found.consumer}.grant."
    rows = connection.execute(
        revisions()
        .where(gateway_revisions.c.changes.contains(f'"{begin}', autoescape=True))
        .order_by(gateway_revisions.c.number.desc())
        .limit(_LOOKED_AT)
    )
    return next((to_revision(row) for row in rows if concerned(found, _CHANGES.decode(row.changes))), None)


def _refused_call(connection: Connection, row: Any) -> RefusedCall | None:
    """The newest attempt's, where the gateway answered it."""
    tried = connection.execute(
        select(attempts)
        .where(attempts.c.tx_id == row.id, attempts.c.response_headers.is_not(None))
        .order_by(attempts.c.n.desc())
        .limit(1)
    ).first()
    if tried is None:
        return None
    return read_refusal(
        tried.response_status, _HEADERS.decode(tried.response_headers), (tried.response_body or "").encode()
    )


def _other(row: Any) -> str:
    if row.failure_kind is None:
        return f"Nothing stops {row.id}: it is {row.status}, and its newest attempt did not fail."
    return (
        f"No policy of the gateway stopped {row.id}: {row.failure_system} says {row.failure_kind} "
        f"({row.failure_code}). No policy would let it pass. 'andon tx show {row.id}' says what helps."
    )
