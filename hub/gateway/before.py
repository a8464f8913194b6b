"""The changes of the gateway that came shortly before a group began to fail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from gateway_policies.explaining.changes_before import MOST, WINDOW, ChangeBefore, change_before, nearest_first
from gateway_policies.overview.access import Access
from hub.gateway.kept import Kept, revisions, to_revision
from hub.store.gateway_schema import gateway_revisions
from hub.store.schema import transactions
from transactions.clock import to_micros
from transactions.groups import Group

_CHANGES: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])
_LOOKED_AT = 50
_NAMED = 20


def changes_before(connection: Connection, group: Group, now: datetime) -> list[ChangeBefore]:
    """The changes before a group's first failure, those that have to do with it first.

    Args:
        connection: a reader's.
        group: within the reach of whoever asks.
        now: the moment that grants are held against.
    """
    first = group.first_seen
    rows = connection.execute(
        revisions()
        .where(gateway_revisions.c.at <= to_micros(first), gateway_revisions.c.at >= to_micros(first - WINDOW))
        .order_by(gateway_revisions.c.number.desc())
        .limit(_LOOKED_AT)
    ).all()
    if not rows:
        return []
    access = Access(Kept(connection).live, now.astimezone(UTC).date())
    named = _named(connection, group.fingerprint)
    found = [
        change_before(to_revision(row), _CHANGES.decode(row.changes), first, named, group.target, access)
        for row in rows
    ]
    return nearest_first(found)[:MOST]


def _named(connection: Connection, fingerprint: str) -> list[str]:
    """The policies that open transactions of a group name."""
    rows = connection.execute(
        select(transactions.c.failure_policy_ref)
        .where(transactions.c.fingerprint == fingerprint, transactions.c.failure_policy_ref.is_not(None))
        .distinct()
        .limit(_NAMED)
    )
    return [row.failure_policy_ref for row in rows]
