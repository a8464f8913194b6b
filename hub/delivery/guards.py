"""What must hold before a request leaves; each guard answers with what the transaction waits for, or None.

They run in the writer, one transaction after the other, so that two of one lane never leave together.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from hub.declarations import FlowDeclaration
from hub.landscape import Landscape
from hub.store.reposts import CORRECTS
from hub.store.schema import business_keys, corrections, holds, reversals, transactions
from hub.store.transitions import REVERSES
from transactions.clock import from_micros
from transactions.history import MASK
from transactions.landscape import Semantics
from transactions.model import Status
from transactions.states import BLOCKING

_BLOCKING = sorted(BLOCKING)
_APPLIED = (Status.PROCESSED, Status.DUPLICATE, Status.RESOLVED)

_AHEAD_IN_LANE = (
    select(
        transactions.c.id,
        transactions.c.flow,
        transactions.c.status,
        transactions.c.definitive,
        transactions.c.object_key,
        transactions.c.claimed_by,
        transactions.c.seq,
        transactions.c.idempotency_key,
    )
    .where(
        transactions.c.lane == bindparam("lane"),
        transactions.c.seq < bindparam("before"),
        transactions.c.status.in_(_BLOCKING),
    )
    .order_by(transactions.c.seq.desc())
)
_REQUIRED = (
    select(transactions.c.id, transactions.c.status, transactions.c.claimed_by)
    .join(business_keys, business_keys.c.tx_seq == transactions.c.seq)
    .where(
        business_keys.c.name == bindparam("name"),
        business_keys.c.value == bindparam("value"),
        transactions.c.flow == bindparam("flow"),
        transactions.c.target == bindparam("target"),
        transactions.c.seq < bindparam("before"),
        transactions.c.status.in_(_BLOCKING),
    )
    .order_by(transactions.c.seq.desc())
    .limit(1)
)
_VERSIONS = select(transactions.c.id, transactions.c.object_version, transactions.c.status).where(
    transactions.c.object_key == bindparam("object_key"), transactions.c.status.in_(_APPLIED)
)

_SEQ_OF_KEY = select(transactions.c.seq).where(
    transactions.c.target == bindparam("target"), transactions.c.idempotency_key == bindparam("key")
)

_CORRECTED = (
    select(transactions.c.id, transactions.c.status)
    .join(corrections, corrections.c.original == transactions.c.id)
    .where(corrections.c.tx_id == bindparam("id"))
)


class Blocked(Struct, frozen=True, kw_only=True):
    """Why a transaction has to wait.

    Attributes:
        kind: lane, requires or people.
        by: the transaction it waits for, where it is one.
        moving: the one it waits for is on its way by itself.
        text: what people read.
        since: when somebody placed the hold, where it is one.
    """

    kind: str
    text: str
    by: str | None = None
    moving: bool = False
    since: datetime | None = None


def active_holds(connection: Connection) -> list[Any]:
    """Holds that people placed and nobody released."""
    return list(connection.execute(select(holds).where(holds.c.released_at.is_(None))).all())


def sets_right(connection: Connection, row: Any) -> bool:
    """Whether a transaction is a reversal, or posts the right thing in place of another."""
    if reversed_key(connection, row) is not None:
        return True
    if row.causation_id is None:
        return False
    return connection.execute(select(corrections.c.tx_id).where(corrections.c.tx_id == row.id)).first() is not None


def held_by_people(row: Any, placed: list[Any], *, sets_right: bool = False) -> Blocked | None:
    """Whether a hold covers the transaction. A hold that names a flow is about its documents: what sets right those
    that were posted (``sets_right``) is why such a hold is placed, and goes on. One of a whole target or plant holds
    everything."""
    for hold in placed:
        if sets_right and hold.flow is not None:
            continue
        if all(
            wanted is None or wanted == actual
            for wanted, actual in ((hold.target, row.target), (hold.plant, row.plant), (hold.flow, row.flow))
        ):
            return Blocked(
                kind="people",
                text=f"hold by {hold.placed_by}: {hold.reason}",
                since=from_micros(hold.placed_at),
            )
    return None


def behind_in_lane(
    connection: Connection, row: Any, flow: FlowDeclaration | None, *, reverses: str | None = None
) -> Blocked | None:
    """Whether an unfinished transaction is ahead in the lane (the nearest one is named).

    A reversal waits only for what may be posted still: not for what is being reversed, and not for what has failed.

    Args:
        reverses: of a reversal, the key of what it reverses.
    """
    if row.lane is None:
        return None
    for ahead in connection.execute(_AHEAD_IN_LANE, {"lane": row.lane, "before": row.seq}):
        if gives_way(ahead, row, flow):
            continue
        if reverses is not None and gives_way_to_reversals(connection, ahead, row, reverses):
            continue
        return Blocked(
            kind="lane",
            by=ahead.id,
            moving=_on_its_way(ahead),
            text=f"sequence: {ahead.flow} {ahead.id} is {ahead.status} ahead of it",
        )
    return None


def gives_way(ahead: Any, row: Any, flow: FlowDeclaration | None) -> bool:
    """In snapshot and command flows a definitively failed version does not hold back a newer one of its object."""
    return bool(
        flow is not None
        and flow.semantics.replaceable
        and ahead.object_key is not None
        and ahead.object_key == row.object_key
        and ahead.status == Status.FAILED
        and ahead.definitive
    )


def gives_way_to_reversals(connection: Connection, ahead: Any, row: Any, reverses: str) -> bool:
    """A reversal waits neither for what is being reversed, nor for what certainly was not applied, nor for what has not
    left and itself waits for the one that is reversed."""
    if ahead.status in (Status.COMPENSATING, Status.COMPENSATION_FAILED):
        return True
    if ahead.status == Status.FAILED:
        return bool(ahead.definitive)
    if ahead.status not in (Status.PENDING, Status.HELD) or reversed_key(connection, ahead) is not None:
        return False
    original = connection.execute(_SEQ_OF_KEY, {"target": row.target, "key": reverses}).scalar()
    return original is not None and bool(ahead.seq > original)


def reversed_key(connection: Connection, row: Any) -> str | None:
    """The key of what a transaction reverses; None where it is no reversal."""
    if not row.idempotency_key.startswith(REVERSES):
        return None
    found = connection.execute(select(reversals.c.original_key).where(reversals.c.tx_id == row.id)).first()
    return None if found is None else str(found.original_key)


def required_first(connection: Connection, row: Any, flow: FlowDeclaration | None) -> Blocked | None:
    """Whether something that must come first has failed or is still on its way."""
    if flow is None or not flow.requires:
        return None
    keys: dict[str, str] = msgspec.json.decode(row.business_keys)
    for need in flow.requires:
        value = keys.get(need.key)
        if value is None:
            continue
        found = connection.execute(
            _REQUIRED,
            {"name": need.key, "value": value, "flow": need.flow, "target": row.target, "before": row.seq},
        ).first()
        if found is not None:
            return Blocked(
                kind="requires",
                by=found.id,
                moving=_on_its_way(found),
                text=f"requires {need.flow} {found.id} ({need.key} {value}), which is {found.status}",
            )
    return None


def corrected_first(connection: Connection, row: Any) -> Blocked | None:
    """Whether what a correction stands in for is still posted: the right thing beside the wrong one doubles it."""
    if not row.idempotency_key.startswith(CORRECTS):
        return None
    found = connection.execute(_CORRECTED, {"id": row.id}).first()
    if found is None or found.status == Status.COMPENSATED:
        return None
    return Blocked(
        kind="requires",
        by=found.id,
        moving=found.status == Status.COMPENSATING,
        text=f"corrects {found.id}, which is {found.status} and has to be reversed first",
    )


def _on_its_way(other: Any) -> bool:
    return bool(other.claimed_by) or other.status in (
        Status.PENDING,
        Status.DELIVERING,
        Status.RETRYING,
        Status.SENT,
        Status.HELD,
    )


def superseded_by(connection: Connection, row: Any, flow: FlowDeclaration | None) -> str | None:
    """The transaction that applied a newer version of the same object; only where the flow lets newer replace older."""
    if flow is None or not flow.semantics.replaceable or row.object_key is None or row.object_version is None:
        return None
    mine = version_order(row.object_version)
    for other in connection.execute(_VERSIONS, {"object_key": row.object_key}):
        if other.object_version is not None and version_order(other.object_version) > mine:
            return str(other.id)
    return None


def searched_keys(row: Any, landscape: Landscape) -> dict[str, str] | None:
    """What a posting that somebody made by hand would have in common with a document; None where it cannot be doubled
    by one: only a ``delta`` moves something twice."""
    flow = landscape.flow(row.flow)
    if flow is None or flow.semantics is not Semantics.DELTA:
        return None
    keys: dict[str, str] = msgspec.json.decode(row.business_keys)
    day = from_micros(row.created_at).strftime("%Y-%m-%d")
    return {"day": day} | {name: value for name, value in keys.items() if value != MASK}


def replaced_among(connection: Connection, ids: list[str], landscape: Landscape) -> set[str]:
    """Those of some transactions that :func:`superseded_by` names a newer version for."""
    rows = connection.execute(select(transactions).where(transactions.c.id.in_(ids))).all()
    return {row.id for row in rows if superseded_by(connection, row, landscape.flow(row.flow)) is not None}


def version_order(version: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key for versions: digits compare as numbers, so that 10 comes after 9."""
    return tuple(
        (1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.findall(r"[0-9]+|[^0-9]+", version)
    )
