"""Batches in the store: starting one from a plan, taking up its items, cancelling, finishing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, bindparam, func, null, select, update

from hub.gateway.since import tie
from hub.ids import new_id
from hub.landscape import Landscape
from hub.recovery import building
from hub.recovery.actions import ASKING, AT_ONCE, KINDS
from hub.recovery.actions.kind import Question
from hub.recovery.heard import Heard
from hub.recovery.holding import place_hold, release_holds
from hub.recovery.items import NOBODY_CAN_SAY, UNDER_WAY, set_state, still_under_way
from hub.recovery.waving import lowest_to_ask, next_wave, waves_of
from hub.store.dating import date_again
from hub.store.journal import journal
from hub.store.reach import of_plan
from hub.store.rows import etag_of, moment, same_but_owned
from hub.store.schema import batch_items, batches, corrections, reversals, transactions
from hub.store.transitions import TxRow, fetch, give_back, release_claim
from transactions.batches import Batch, BatchItem, BatchState, ItemState
from transactions.clock import from_micros, to_micros
from transactions.errors import NotFound, Refused, Stale
from transactions.model import Status
from transactions.people import EVERYTHING, Reach
from transactions.plans import REVERSING, Action, Plan, PlanOptions, PlanRequest
from transactions.states import Event, allowed
from transactions.waves import STOP_AFTER

_NOT_SENT = (Status.PENDING, Status.HELD, Status.RETRYING)
_ACTIVE = (BatchState.RUNNING, BatchState.PAUSED)

_COUNTS = (
    select(batch_items.c.state, batch_items.c.wave, func.count())
    .where(batch_items.c.batch == bindparam("of_batch"))
    .group_by(batch_items.c.state, batch_items.c.wave)
)
_UNDER_WAY_COUNT = (
    select(func.count())
    .select_from(batch_items.join(transactions, transactions.c.id == batch_items.c.tx_id))
    .where(
        batch_items.c.batch == bindparam("of_batch"),
        still_under_way(),
    )
)


def start(
    connection: Connection,
    plan: Plan,
    actor: str,
    now: datetime,
    *,
    landscape: Landscape,
    approved_by: str | None = None,
) -> Batch:
    """Run a stored plan: makes its batch, in the same write that marks the plan as used.

    Args:
        plan: as the store has it in this same write.
        actor: in whose name it runs.
        now: the present moment.
        landscape: the flows, for what has to come first.
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
        waves = waves_of(connection, plan, landscape)
        connection.execute(
            batch_items.insert(),
            [
                {
                    "wave": waves.get(item.id, 0),
                    "batch": batch_id,
                    "n": n,
                    "tx_id": item.id,
                    "flow": item.flow,
                    "plant": item.plant,
                    "target": item.target,
                    "etag": item.etag,
                    "state": ItemState.PLANNED if item.runs else ItemState.SKIPPED,
                    "status": item.status,
                    "reason": None if item.runs else f"{item.verdict}: {item.because}",
                    "updated_at": to_micros(now),
                }
                for n, item in enumerate(plan.items, 1)
            ],
        )
    book = journal(connection)
    by_two = {} if approved_by is None else {"approved_by": approved_by}
    revisions = tie(connection, batch_id, actor, now) if plan.items else []
    tied: dict[str, Any] = {"gateway_revisions": revisions} if revisions else {}
    told = {"plan": plan.hash} | by_two | building.told_overrides(plan) | tied
    book.effect(now, actor, f"batch.{plan.action}", batch_id, plan.reason, None, told)
    if plan.action is Action.HOLD:
        place_hold(connection, plan.options, plan.reason, actor, now)
    elif plan.action is Action.RELEASE:
        request = PlanRequest(action=plan.action, reason=plan.reason, options=plan.options)
        placed = building.matching_holds(connection, request, plan.holds)
        if not placed:
            raise Stale(
                "The hold that the plan would release is not there any more; one that was placed there since is not in "
                "the plan. Nothing was released. `andon systems list` shows the holds; make a new plan."
            )
        release_holds(connection, placed, plan.options, plan.reason, actor, now, landscape.catalogue)
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
    found: dict[str, int] = {}
    open_waves, waves = set(), {0}
    for state, wave, count in connection.execute(_COUNTS, {"of_batch": row.id}):
        found[state] = found.get(state, 0) + int(count)
        waves.add(wave)
        if state == ItemState.PLANNED or state in UNDER_WAY:
            open_waves.add(wave)
    first = 0 if row.action in REVERSING else 1  # its waves begin with 1: it has no canary
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
        wave=min(open_waves) + first if open_waves and row.state in _ACTIVE else None,
        waves=max(1, max(waves) + first),
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
        reversal=row.reversal,
        corrects=row.corrects,
    )


def items_of(batch: Batch) -> Select[Any]:
    """The items of a batch, each with the transaction that reverses it, and the one that it stands in for."""
    columns: list[Any] = [batch_items, null().label("reversal"), null().label("corrects")]
    if batch.action not in REVERSING:  # what reversed it later was another batch's doing
        return select(*columns).where(batch_items.c.batch == batch.id)
    columns[1:] = [reversals.c.tx_id.label("reversal"), corrections.c.original.label("corrects")]
    return (
        select(*columns)
        .outerjoin(reversals, reversals.c.original == batch_items.c.tx_id)
        .outerjoin(
            corrections, (corrections.c.tx_id == batch_items.c.tx_id) & (corrections.c.batch == batch_items.c.batch)
        )
        .where(batch_items.c.batch == batch.id)
    )


def under_way(connection: Connection, batch_id: str) -> int:
    """How many items have an effect under way, or a question open that may still be answered."""
    found: int = connection.execute(_UNDER_WAY_COUNT, {"of_batch": batch_id}).scalar_one()
    return found


def upcoming(connection: Connection, batch_id: str, count: int) -> list[TxRow]:
    """The transactions that :func:`take_up` would take up now: none of a wave that waits for the one before. What a
    target says of it now may be another thing when that has ended."""
    lowest = lowest_to_ask(connection, batch_id)
    if lowest is None:
        return []
    rows = connection.execute(
        select(transactions)
        .select_from(batch_items.join(transactions, transactions.c.id == batch_items.c.tx_id))
        .where(batch_items.c.batch == batch_id, batch_items.c.state == ItemState.PLANNED, batch_items.c.wave == lowest)
        .order_by(batch_items.c.n)
        .limit(count)
    )
    return list(rows.all())


def take_up(
    connection: Connection,
    batch_id: str,
    count: int,
    now: datetime,
    *,
    landscape: Landscape | None = None,
    heard: dict[str, Heard] | None = None,
) -> int:
    """Take up the next ``count`` planned items; their intent is written with the claim.

    Args:
        landscape: flows and targets, for actions that ask.
        heard: what targets said just now of the items of such an action; one that nobody was asked about waits.

    Returns:
        How many were looked at; fewer than ``count`` when none are left.
    """
    batch = connection.execute(select(batches).where(batches.c.id == batch_id)).one()
    if batch.state != BatchState.RUNNING:
        return 0
    wave = next_wave(connection, batch_id)
    if wave.stop is not None:
        _end(connection, batch_id, BatchState.STOPPED, now, wave.stop)
        return 0
    if _same_failure_recurs(connection, batch, now):
        return 0
    items = connection.execute(
        select(batch_items)
        .where(
            batch_items.c.batch == batch_id,
            batch_items.c.state == ItemState.PLANNED,
            batch_items.c.wave <= wave.open,
        )
        .order_by(batch_items.c.n)
        .limit(count)
    ).all()
    asking = ASKING.get(Action(batch.action))
    if asking is not None:
        items = [item for item in items if item.tx_id in (heard or {})]
    for item in items:
        row = fetch(connection, item.tx_id)
        assert row is not None
        kind = KINDS[Action(batch.action)]
        changed = _why_not(row, item.etag, kind.event)
        if changed is not None:
            set_state(connection, batch_id, item.n, ItemState.SKIPPED, Status(row.status), changed, now)
        elif asking is not None and landscape is not None:
            options = msgspec.json.decode(batch.options, type=PlanOptions)
            question = Question(
                connection=connection,
                options=options,
                landscape=landscape,
                planned=set(),  # what followed and is in the same plan was to be reversed by now
                now=now,
                actor=batch.started_by,
                heard=heard or {},
                batch=batch_id,
            )
            decision = asking.decide(row, question)
            if decision.runs:
                asking.carry_out_heard(connection, batch, item, row, question)
            else:
                because = f"{decision.verdict}: {decision.because}"
                set_state(connection, batch_id, item.n, ItemState.SKIPPED, Status(row.status), because, now)
        else:
            AT_ONCE[Action(batch.action)].carry_out(connection, batch, item, row, now)
            if landscape is not None and batch.action == Action.EDIT:
                date_again(connection, item.tx_id, landscape.deadlines)
    journal(connection).batches.add(batch_id)
    return len(items)


def _why_not(row: TxRow, etag: str, step: Event) -> str | None:
    if row.claimed_by:
        return f"claimed: batch {row.claimed_by} is at work on it"
    if not same_but_owned(etag_of(row), etag):
        return f"drifted: it changed since the plan was made, and is {row.status} now"
    return None if allowed(Status(row.status), step) else f"drifted: it is {row.status} now"


def _same_failure_recurs(connection: Connection, batch: Any, now: datetime) -> bool:
    options = msgspec.json.decode(batch.options, type=PlanOptions)
    most = options.stop_after_failures or STOP_AFTER
    worst = connection.execute(
        select(transactions.c.failure_code, func.count().label("n"))
        .select_from(batch_items.join(transactions, transactions.c.id == batch_items.c.tx_id))
        .where(batch_items.c.batch == batch.id, batch_items.c.state == ItemState.FAILED)
        .group_by(transactions.c.fingerprint)
        .order_by(func.count().desc())
        .limit(1)
    ).first()
    if worst is None or worst.n < most:
        return False
    because = f"the same failure came {worst.n} times ({worst.failure_code})"
    _end(connection, batch.id, BatchState.STOPPED, now, because)
    return True


def finish(connection: Connection, batch_id: str, now: datetime) -> Batch:
    """Close a batch whose items are all done; claims on what stays in doubt are let go. One with items left stays open:
    it was paused, and goes on by now."""
    row = connection.execute(select(batches).where(batches.c.id == batch_id)).one()
    left = connection.execute(
        select(batch_items.c.n)
        .where(batch_items.c.batch == batch_id, batch_items.c.state == ItemState.PLANNED)
        .limit(1)
    ).first()
    if row.state == BatchState.RUNNING and left is None:
        _end(connection, batch_id, BatchState.DONE, now, None)
    return load(connection, batch_id)


def pause(connection: Connection, batch_id: str, actor: str, now: datetime, reach: Reach) -> Batch:
    """Take up nothing more until told to; what is under way is followed to its end.

    Raises:
        NotFound: no such batch within reach.
        Refused: it has ended, or is paused already.
    """
    batch = load(connection, batch_id, reach)
    if batch.state is not BatchState.RUNNING:
        raise Refused(f"Batch {batch_id} is {batch.state}, and only a running one can be paused. Nothing was changed.")
    return _set_state(connection, batch, BatchState.PAUSED, f"paused by {actor}", actor, "batch.paused", now)


def resume(connection: Connection, batch_id: str, actor: str, now: datetime, reach: Reach) -> Batch:
    """Go on with a paused batch.

    Raises:
        NotFound: no such batch within reach.
        Refused: it is not paused.
    """
    batch = load(connection, batch_id, reach)
    if batch.state is not BatchState.PAUSED:
        raise Refused(f"Batch {batch_id} is {batch.state}, and only a paused one can go on. Nothing was changed.")
    return _set_state(connection, batch, BatchState.RUNNING, None, actor, "batch.resumed", now)


def _set_state(
    connection: Connection,
    batch: Batch,
    state: BatchState,
    because: str | None,
    actor: str,
    action: str,
    now: datetime,
) -> Batch:
    connection.execute(update(batches).where(batches.c.id == batch.id).values(state=state, because=because))
    book = journal(connection)
    book.effect(now, actor, action, batch.id, None, {"state": batch.state}, {"state": state})
    book.batches.add(batch.id)
    return load(connection, batch.id)


def stop_all(connection: Connection, actor: str, reason: str, now: datetime, reach: Reach) -> list[str]:
    """Stop every batch within reach, running or paused; what has not left goes back to where it was.

    Returns:
        their ids.
    """
    active = connection.execute(
        select(batches.c.id).where(batches.c.state.in_(_ACTIVE), *of_plan(reach, batches.c.plan)).order_by(batches.c.id)
    ).scalars()
    stopped = []
    for batch_id in active.all():
        _give_back(connection, batch_id, actor, now, "everything was stopped")
        _end(connection, batch_id, BatchState.STOPPED, now, f"stopped by {actor}: {reason}")
        journal(connection).effect(now, actor, "batch.stopped", batch_id, reason, None, {"state": BatchState.STOPPED})
        stopped.append(batch_id)
    return stopped


def failed_items(connection: Connection, batch_id: str, reach: Reach) -> tuple[Batch, Action, list[str]]:
    """A batch, the transactions of it that failed, in order, and what takes them up again: of edits a replay, of
    corrections the reversal or, where that is done, a replay of what was to be posted instead.

    Raises:
        NotFound: no such batch within reach.
    """
    batch = load(connection, batch_id, reach)
    failed = connection.execute(
        select(batch_items.c.tx_id, transactions.c.status)
        .select_from(batch_items.join(transactions, transactions.c.id == batch_items.c.tx_id))
        .where(batch_items.c.batch == batch_id, batch_items.c.state == ItemState.FAILED)
        .order_by(batch_items.c.n)
    ).all()
    if batch.action is Action.EDIT:
        # The new document is in use by now: a patch that is applied again could change it again.
        return batch, Action.REPLAY, [row.tx_id for row in failed]
    if batch.action is not Action.CORRECT:
        return batch, batch.action, [row.tx_id for row in failed]
    # What is to be posted instead is there already, and goes when the reversal is done.
    standing = [row.tx_id for row in failed if row.status == Status.COMPENSATION_FAILED]
    if standing:
        return batch, Action.COMPENSATE, standing
    return batch, Action.REPLAY, [row.tx_id for row in failed if row.status == Status.FAILED]


def cancel(connection: Connection, batch_id: str, actor: str, now: datetime, reach: Reach = EVERYTHING) -> Batch:
    """Stop a batch for good: what has not left goes back to where it was; what is under way is followed to its end.

    Raises:
        NotFound: no such batch.
        Refused: it has ended already.
    """
    batch = load(connection, batch_id, reach)
    if batch.state not in _ACTIVE:
        raise Refused(f"Batch {batch_id} is {batch.state} already. Nothing was changed.")
    _give_back(connection, batch_id, actor, now, f"batch {batch_id} was cancelled")
    _end(connection, batch_id, BatchState.CANCELLED, now, f"cancelled by {actor}")
    journal(connection).effect(
        now, actor, "batch.cancelled", batch_id, None, {"state": batch.state}, {"state": BatchState.CANCELLED}
    )
    return load(connection, batch_id)


def _give_back(connection: Connection, batch_id: str, actor: str, now: datetime, reason: str) -> None:
    taken = connection.execute(
        select(transactions).where(
            transactions.c.claimed_by == batch_id, transactions.c.status.in_([str(status) for status in _NOT_SENT])
        )
    ).all()
    for row in taken:
        give_back(connection, row, now=now, by=actor, reason=reason)


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
            transactions.c.status.in_([str(Status.IN_DOUBT), str(Status.COMPENSATING)]),
            transactions.c.waiting_on.like(NOBODY_CAN_SAY),
        )
    ).all()
    for row in undecided:
        release_claim(connection, row)
    journal(connection).batches.add(batch_id)
