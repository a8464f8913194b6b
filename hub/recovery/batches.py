"""Batches in the store: starting one from a plan, taking up its items, cancelling, finishing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, select, update

from hub.ids import new_id
from hub.recovery import building
from hub.recovery.actions import KINDS
from hub.recovery.holding import place_hold, release_holds
from hub.recovery.items import set_state
from hub.store.journal import journal
from hub.store.reach import of_plan
from hub.store.rows import etag_of, moment
from hub.store.schema import batch_items, batches, transactions
from hub.store.transitions import TxRow, fetch, give_back, release_claim
from transactions.batches import Batch, BatchItem, BatchState, ItemState
from transactions.clock import from_micros, to_micros
from transactions.errors import NotFound, Refused
from transactions.model import Status
from transactions.people import EVERYTHING, Reach
from transactions.plans import Action, Plan, PlanOptions, PlanRequest, Verdict
from transactions.states import Event, allowed

_UNDER_WAY = (ItemState.INTENDED, ItemState.SENT, ItemState.IN_DOUBT)
_NOT_SENT = (Status.PENDING, Status.HELD, Status.RETRYING)
_ACTIVE = (BatchState.RUNNING, BatchState.PAUSED)
NOBODY_CAN_SAY = "evidence:%"
"""How ``waiting_on`` begins when asking has ended and only a person can tell."""


_UNDER_WAY_COUNT = (
    select(func.count())
    .select_from(batch_items.join(transactions, transactions.c.id == batch_items.c.tx_id))
    .where(
        batch_items.c.batch == bindparam("of_batch"),
        batch_items.c.state.in_(_UNDER_WAY),
        (batch_items.c.state != ItemState.IN_DOUBT)
        | transactions.c.waiting_on.is_(None)
        | transactions.c.waiting_on.not_like(NOBODY_CAN_SAY),
    )
)


def start(connection: Connection, plan: Plan, actor: str, now: datetime, *, approved_by: str | None = None) -> Batch:
    """Run a stored plan: makes its batch, in the same write that marks the plan as used.

    Args:
        plan: as the store has it in this same write.
        actor: in whose name it runs.
        now: the present moment.
        approved_by: the second person, where it waited for one.

    Raises:
        Stale: used, rejected or expired.
    """
    batch_id = new_id(now)
    building.use(connection, plan, batch_id, approved=approved_by is not None)
    connection.execute(
        batches.insert(),
        {
            "id": batch_id,
            "plan": plan.hash,
            "action": plan.action,
            "state": BatchState.RUNNING,
            "reason": plan.reason,
            "options": msgspec.json.encode(plan.options).decode(),
            "started_by": actor,
            "started_at": to_micros(now),
            "total": len(plan.items),
        },
    )
    if plan.items:
        connection.execute(
            batch_items.insert(),
            [
                {
                    "batch": batch_id,
                    "n": n,
                    "tx_id": item.id,
                    "flow": item.flow,
                    "plant": item.plant,
                    "target": item.target,
                    "etag": item.etag,
                    "state": ItemState.PLANNED if item.verdict is Verdict.SEND else ItemState.SKIPPED,
                    "status": item.status,
                    "reason": None if item.verdict is Verdict.SEND else f"{item.verdict}: {item.because}",
                    "updated_at": to_micros(now),
                }
                for n, item in enumerate(plan.items, 1)
            ],
        )
    book = journal(connection)
    by_two = {} if approved_by is None else {"approved_by": approved_by}
    book.effect(now, actor, f"batch.{plan.action}", batch_id, plan.reason, None, {"plan": plan.hash} | by_two)
    if plan.action is Action.HOLD:
        place_hold(connection, plan.options, plan.reason, actor, now)
    elif plan.action is Action.RELEASE:
        request = PlanRequest(action=plan.action, reason=plan.reason, options=plan.options)
        placed = building.matching_holds(connection, request)
        release_holds(connection, placed, plan.options, plan.reason, actor, now)
    book.batches.add(batch_id)
    return load(connection, batch_id)


def load(connection: Connection, batch_id: str, reach: Reach = EVERYTHING) -> Batch:
    """A batch with the count of its items in each state.

    Raises:
        NotFound: no such batch within reach.
    """
    query = select(batches).where(batches.c.id == batch_id, *of_plan(reach, batches.c.plan))
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"There is no batch {batch_id!r}. `andon batches list` shows those that are here.")
    return to_batch(connection, row)


def to_batch(connection: Connection, row: Any) -> Batch:
    """A row of ``batches`` as the admin API shows it."""
    counted = connection.execute(
        select(batch_items.c.state, func.count()).where(batch_items.c.batch == row.id).group_by(batch_items.c.state)
    )
    found = {state: int(count) for state, count in counted}
    return Batch(
        id=row.id,
        plan=row.plan,
        action=Action(row.action),
        state=BatchState(row.state),
        reason=row.reason,
        started_by=row.started_by,
        started_at=from_micros(row.started_at),
        finished_at=moment(row.finished_at),
        total=row.total,
        counts={str(state): found.get(state, 0) for state in ItemState},
        because=row.because,
    )


def to_item(row: Any) -> BatchItem:
    """A row of ``batch_items`` as the admin API shows it."""
    return BatchItem(
        n=row.n,
        id=row.tx_id,
        flow=row.flow,
        plant=row.plant,
        target=row.target,
        state=ItemState(row.state),
        status=None if row.status is None else Status(row.status),
        reason=row.reason,
        updated_at=from_micros(row.updated_at),
    )


def under_way(connection: Connection, batch_id: str) -> int:
    """How many items have an effect under way, or a question open that may still be answered."""
    found: int = connection.execute(_UNDER_WAY_COUNT, {"of_batch": batch_id}).scalar_one()
    return found


def take_up(connection: Connection, batch_id: str, count: int, now: datetime) -> int:
    """Take up the next ``count`` planned items; their intent is written with the claim.

    Returns:
        How many were looked at; fewer than ``count`` when none are left.
    """
    batch = connection.execute(select(batches).where(batches.c.id == batch_id)).one()
    if batch.state != BatchState.RUNNING:
        return 0
    if _same_failure_recurs(connection, batch, now):
        return 0
    items = connection.execute(
        select(batch_items)
        .where(batch_items.c.batch == batch_id, batch_items.c.state == ItemState.PLANNED)
        .order_by(batch_items.c.n)
        .limit(count)
    ).all()
    for item in items:
        row = fetch(connection, item.tx_id)
        assert row is not None
        kind = KINDS[Action(batch.action)]
        changed = _why_not(row, item.etag, kind.event)
        if changed is not None:
            set_state(connection, batch_id, item.n, ItemState.SKIPPED, Status(row.status), changed, now)
        else:
            kind.carry_out(connection, batch, item, row, now)
    journal(connection).batches.add(batch_id)
    return len(items)


def _why_not(row: TxRow, etag: str, step: Event) -> str | None:
    if row.claimed_by:
        return f"claimed: batch {row.claimed_by} is at work on it"
    if etag_of(row) != etag:
        return f"drifted: it changed since the plan was made, and is {row.status} now"
    return None if allowed(Status(row.status), step) else f"drifted: it is {row.status} now"


def _same_failure_recurs(connection: Connection, batch: Any, now: datetime) -> bool:
    options = msgspec.json.decode(batch.options, type=PlanOptions)
    if options.stop_after_failures is None:
        return False
    worst = connection.execute(
        select(transactions.c.failure_code, func.count().label("n"))
        .select_from(batch_items.join(transactions, transactions.c.id == batch_items.c.tx_id))
        .where(batch_items.c.batch == batch.id, batch_items.c.state == ItemState.FAILED)
        .group_by(transactions.c.fingerprint)
        .order_by(func.count().desc())
        .limit(1)
    ).first()
    if worst is None or worst.n < options.stop_after_failures:
        return False
    because = f"the same failure came {worst.n} times ({worst.failure_code})"
    _end(connection, batch.id, BatchState.STOPPED, now, because)
    return True


def finish(connection: Connection, batch_id: str, now: datetime) -> Batch:
    """Close a batch whose items are all done; claims on what stays in doubt are let go."""
    row = connection.execute(select(batches).where(batches.c.id == batch_id)).one()
    if row.state == BatchState.RUNNING:
        _end(connection, batch_id, BatchState.DONE, now, None)
    return load(connection, batch_id)


def cancel(connection: Connection, batch_id: str, actor: str, now: datetime, reach: Reach = EVERYTHING) -> Batch:
    """Stop a batch for good: what has not left goes back to where it was; what is under way is followed to its end.

    Raises:
        NotFound: no such batch.
        Refused: it has ended already.
    """
    batch = load(connection, batch_id, reach)
    if batch.state not in _ACTIVE:
        raise Refused(f"Batch {batch_id} is {batch.state} already. Nothing was changed.")
    taken = connection.execute(
        select(transactions).where(
            transactions.c.claimed_by == batch_id, transactions.c.status.in_([str(status) for status in _NOT_SENT])
        )
    ).all()
    for row in taken:
        give_back(connection, row, now=now, by=actor, reason=f"batch {batch_id} was cancelled")
    _end(connection, batch_id, BatchState.CANCELLED, now, f"cancelled by {actor}")
    journal(connection).effect(
        now, actor, "batch.cancelled", batch_id, None, {"state": batch.state}, {"state": BatchState.CANCELLED}
    )
    return load(connection, batch_id)


def _end(connection: Connection, batch_id: str, state: BatchState, now: datetime, because: str | None) -> None:
    connection.execute(
        update(batches).where(batches.c.id == batch_id).values(state=state, finished_at=to_micros(now), because=because)
    )
    connection.execute(
        update(batch_items)
        .where(batch_items.c.batch == batch_id, batch_items.c.state == ItemState.PLANNED)
        .values(state=ItemState.CANCELLED, reason=because, updated_at=to_micros(now))
    )
    undecided = connection.execute(
        select(transactions).where(
            transactions.c.claimed_by == batch_id,
            transactions.c.status == Status.IN_DOUBT,
            transactions.c.waiting_on.like(NOBODY_CAN_SAY),
        )
    ).all()
    for row in undecided:
        release_claim(connection, row)
    journal(connection).batches.add(batch_id)
