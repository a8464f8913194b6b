"""Plans and batches: every action is a stored plan that is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select
from starlette.responses import Response

from hub.api.routing import JSON, Call, Route
from hub.api.transactions import Limit, PageParams
from hub.edits.making import Made
from hub.recovery import approvals, building
from hub.recovery import batches as stored
from hub.recovery.actions import KINDS
from hub.recovery.blast import radius_of
from hub.recovery.heard import Heard
from hub.store.paging import DEFAULT_LIMIT, Order, page
from hub.store.reach import of_plan
from hub.store.schema import batch_items, batches, plans
from hub.store.shown import shown_item
from transactions.approvals import ApprovalItem, Decided, DecisionRequest
from transactions.batches import Batch, BatchItem, BatchState, Because, Stopped
from transactions.clock import to_micros
from transactions.errors import Refused
from transactions.pages import Page
from transactions.people import Permission, Reach
from transactions.plans import REVERSING, Decision, Plan, PlanRequest, PlanState, PlanSummary

if TYPE_CHECKING:
    from hub.app import Hub


_USABLE = (PlanState.PLANNED, PlanState.AWAITING_APPROVAL)
"""States that expire."""


class PlanParams(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of plans, of one state or of all."""

    state: PlanState | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None


async def make_plan(hub: Hub, call: Call) -> Response:
    """Build a plan and store it."""
    request: PlanRequest = call.body
    building.check_request(request, hub.landscape)
    now = hub.clock.now()
    condition = (
        None if request.filter is None else hub.condition(request.filter, now, call.reach, call.principal.subject)
    )
    documents: dict[str, Made] = {}
    heard: dict[str, Heard] = {}
    if hub.questioner.asks(request.action):
        rows = await hub.database.read(lambda c: building.select_rows(c, request, condition, call.reach))
        heard = await hub.questioner.ask(request.action, rows, request.options)

    def build(connection: Connection) -> Plan:
        if request.options.break_glass:
            approvals.check_break_glass(connection, call.principal, now)
        return building.build(
            connection,
            request,
            condition,
            platform=hub.platform,
            actor=call.principal.subject,
            landscape=hub.landscape,
            now=now,
            reach=call.reach,
            alone=hub.items_alone,
            documents=documents,
            heard=heard,
        )

    plan = await hub.database.read(build)
    await hub.database.write(lambda c: building.store(c, plan, now, documents, reach=call.reach))
    told = await hub.database.read(lambda c: _with_radius(hub, c, plan, call.reach))
    return Response(
        msgspec.json.encode(told),
        status_code=201,
        media_type=JSON,
        headers={"location": f"/admin/v1/plans/{plan.hash}"},
    )


async def list_plans(hub: Hub, call: Call) -> Page[PlanSummary]:
    """Plans, newest first."""
    params: PlanParams = call.params
    now = hub.clock.now()
    query = select(plans).where(*of_plan(call.reach, plans.c.hash))
    if params.state is PlanState.EXPIRED:
        query = query.where(plans.c.state.in_(_USABLE), plans.c.expires_at < to_micros(now))
    elif params.state is not None:
        query = query.where(plans.c.state == params.state)
        if params.state in _USABLE:
            query = query.where(plans.c.expires_at >= to_micros(now))
    order = Order("created_at", plans.c.created_at, plans.c.hash, True, "plans")
    return await hub.database.read(
        lambda c: page(c, query, order, params.limit, params.cursor, lambda row: building.summarise(row, now))
    )


async def show_plan(hub: Hub, call: Call) -> Plan:
    """One plan with its items."""

    def look(connection: Connection) -> Plan:
        plan = building.load(connection, call.path["hash"], hub.clock.now(), call.reach)
        return _with_radius(hub, connection, plan, call.reach)

    return await hub.database.read(look)


def _with_radius(hub: Hub, connection: Connection, plan: Plan, reach: Reach) -> Plan:
    return msgspec.structs.replace(plan, radius=radius_of(connection, plan, hub.landscape.masks, reach))


async def run_plan(hub: Hub, call: Call) -> Batch:
    """Run a plan: once, as it is. One that wants a second person waits for that one instead."""
    now = hub.clock.now()

    def start(connection: Connection) -> Batch | Plan:
        plan = building.load(connection, call.path["hash"], now, call.reach)
        if plan.policy is not None:
            raise Refused(
                "A change of the gateway is not run as a plan of transactions is. Nothing was changed. "
                "Let somebody approve it, or apply the policies: 'andon policy apply'."
            )
        if plan.second_person and not plan.options.break_glass:
            approvals.ask(connection, plan, call.principal, now)
            return plan
        if plan.second_person:
            approvals.check_break_glass(connection, call.principal, now)
        batch = stored.start(connection, plan, call.principal.subject, now, landscape=hub.landscape)
        if plan.second_person:
            approvals.open_review(connection, plan, call.principal, now)
        return batch

    begun = await hub.database.write(start)
    if isinstance(begun, Plan):
        raise approvals.wanted(begun)
    hub.runner.follow(begun.id)
    return begun


async def approve_plan(hub: Hub, call: Call) -> Decided:
    """Approve somebody else's plan, which starts it; or find nothing wrong with what ran without approval."""
    return await _decide(hub, call, Decision.APPROVE)


async def reject_plan(hub: Hub, call: Call) -> Decided:
    """Reject somebody else's plan, which can then not be run; or object to what ran without approval."""
    return await _decide(hub, call, Decision.REJECT)


async def _decide(hub: Hub, call: Call, decision: Decision) -> Decided:
    now = hub.clock.now()
    foreseen = None
    if decision is Decision.APPROVE:
        foreseen = await hub.enforcement.foresee_plan(call.path["hash"], now)
    decided = await hub.database.write(
        lambda c: approvals.decide(
            c,
            call.path["hash"],
            decision,
            call.principal,
            call.body.reason,
            reach=call.reach,
            current=hub.access.current,
            reach_of=hub.reach,
            landscape=hub.landscape,
            change=hub.gateway.approved,
            now=now,
        )
    )
    if decided.batch is not None:
        hub.runner.follow(decided.batch.id)
    if decided.revision is not None:
        await hub.enforcement.enforce(foreseen)
    return decided


async def list_approvals(hub: Hub, call: Call) -> Page[ApprovalItem]:
    """What waits for a second person."""
    who, now, params = call.principal.subject, hub.clock.now(), call.params
    return await hub.database.read(lambda c: approvals.list_open(c, call.reach, who, now, params.limit, params.cursor))


async def list_batches(hub: Hub, call: Call) -> Page[Batch]:
    """Batches, newest first."""
    order = Order("started_at", batches.c.started_at, batches.c.id, True, "batches")
    return await hub.database.read(
        lambda c: page(
            c,
            select(batches).where(*of_plan(call.reach, batches.c.plan)),
            order,
            call.params.limit,
            call.params.cursor,
            lambda row: _told(hub, stored.to_batch(c, row)),
        )
    )


async def show_batch(hub: Hub, call: Call) -> Batch:
    """One batch."""
    return _told(hub, await hub.database.read(lambda c: stored.load(c, call.path["id"], call.reach)))


def _told(hub: Hub, batch: Batch) -> Batch:
    """A running batch says why it does not move while nothing can be written: it cannot be written into it."""
    refusal = hub.watch.refusal
    if refusal is None or batch.state is not BatchState.RUNNING:
        return batch
    because = (
        f"waits since {refusal.since:%H:%M} UTC: the hub's store takes no writes ({refusal.because}), and nothing "
        "leaves before its intent is written; it goes on by itself when there is room"
    )
    return msgspec.structs.replace(batch, because=because)


async def list_items(hub: Hub, call: Call) -> Page[BatchItem]:
    """The items of a batch, in order."""
    batch_id = call.path["id"]
    query = stored.items_of(await hub.database.read(lambda c: stored.load(c, batch_id, call.reach)))
    order = Order("n", batch_items.c.n, batch_items.c.tx_id, False, f"batch {batch_id}")
    return await hub.database.read(
        lambda c: page(
            c,
            query,
            order,
            call.params.limit,
            call.params.cursor,
            lambda row: shown_item(stored.to_item(row), hub.landscape.masks),
        )
    )


async def cancel_batch(hub: Hub, call: Call) -> Batch:
    """Stop a batch for good."""
    now, who = hub.clock.now(), call.principal.subject
    return await hub.database.write(lambda c: stored.cancel(c, call.path["id"], who, now, call.reach))


async def pause_batch(hub: Hub, call: Call) -> Batch:
    """Let a batch rest."""
    now, who = hub.clock.now(), call.principal.subject
    return await hub.database.write(lambda c: stored.pause(c, call.path["id"], who, now, call.reach))


async def resume_batch(hub: Hub, call: Call) -> Batch:
    """Go on with a batch."""
    now, who = hub.clock.now(), call.principal.subject
    batch = await hub.database.write(lambda c: stored.resume(c, call.path["id"], who, now, call.reach))
    hub.runner.follow(batch.id)
    return batch


async def retry_failed(hub: Hub, call: Call) -> Response:
    """A new plan of what failed in a batch; it is run, and approved, like any other."""
    batch, action, ids = await hub.database.read(lambda c: stored.failed_items(c, call.path["id"], call.reach))
    if not ids:
        raise Refused(f"Nothing failed in batch {batch.id}. Nothing was planned.")
    if batch.action not in KINDS:
        raise Refused(f"A {batch.action} has no items that could be taken again. Nothing was planned.")
    plan = await hub.database.read(lambda c: building.load(c, batch.plan, hub.clock.now(), call.reach))
    options = msgspec.structs.replace(plan.options, break_glass=False)
    if action is not batch.action:
        reverses = action in REVERSING
        date, forced = options.date if reverses else None, options.force_schema and not reverses
        options = msgspec.structs.replace(options, patch=[], force_schema=forced, date=date)
    request = PlanRequest(action=action, reason=call.body.reason, ids=ids, options=options)
    return await make_plan(hub, msgspec.structs.replace(call, body=request))


async def stop_everything(hub: Hub, call: Call) -> Stopped:
    """Stop every batch at once."""
    now, who, reason = hub.clock.now(), call.principal.subject, call.body.reason
    return Stopped(await hub.database.write(lambda c: stored.stop_all(c, who, reason, now, call.reach)))


ROUTES = (
    Route(
        method="POST",
        path="plans",
        summary="Make a plan: an action on transactions, or a hold or release of a place",
        handler=make_plan,
        permission=Permission.ACT,
        body=PlanRequest,
        answers=Plan,
        status=201,
        problems=("bad-filter", "not-found", "refused"),
    ),
    Route(
        method="GET",
        path="plans",
        summary="Plans, newest first",
        handler=list_plans,
        permission=Permission.READ,
        params=PlanParams,
        answers=Page[PlanSummary],
        problems=("bad-cursor",),
    ),
    Route(
        method="GET",
        path="plans/{hash}",
        summary="One plan with its items; a unique beginning of its hash will do",
        handler=show_plan,
        permission=Permission.READ,
        answers=Plan,
        problems=("not-found",),
    ),
    Route(
        method="POST",
        path="plans/{hash}/run",
        summary="Run a plan: once, as it is, as a durable batch",
        handler=run_plan,
        permission=Permission.ACT,
        answers=Batch,
        status=202,
        problems=("not-found", "stale", "second-person-wanted", "refused"),
    ),
    Route(
        method="POST",
        path="plans/{hash}/approve",
        summary="Approve somebody else's plan, which starts it; or close the review of one that ran without approval",
        handler=approve_plan,
        permission=Permission.APPROVE,
        body=DecisionRequest,
        answers=Decided,
        problems=("not-found", "stale", "refused"),
    ),
    Route(
        method="POST",
        path="plans/{hash}/reject",
        summary="Reject somebody else's plan; or object to one that ran without approval",
        handler=reject_plan,
        permission=Permission.APPROVE,
        body=DecisionRequest,
        answers=Decided,
        problems=("not-found", "stale", "refused"),
    ),
    Route(
        method="GET",
        path="approvals",
        summary="Plans that wait for a second person, and reviews that are owed",
        handler=list_approvals,
        permission=Permission.READ,
        params=PageParams,
        answers=Page[ApprovalItem],
        problems=("bad-cursor",),
    ),
    Route(
        method="GET",
        path="batches",
        summary="Batches, newest first",
        handler=list_batches,
        permission=Permission.READ,
        params=PageParams,
        answers=Page[Batch],
        problems=("bad-cursor",),
    ),
    Route(
        method="GET",
        path="batches/{id}",
        summary="One batch",
        handler=show_batch,
        permission=Permission.READ,
        answers=Batch,
        problems=("not-found",),
    ),
    Route(
        method="GET",
        path="batches/{id}/items",
        summary="The items of a batch, each with its state and reason",
        handler=list_items,
        permission=Permission.READ,
        params=PageParams,
        answers=Page[BatchItem],
        problems=("not-found", "bad-cursor"),
    ),
    Route(
        method="POST",
        path="batches/{id}/cancel",
        summary="Stop a batch for good; what is under way is followed to its end",
        handler=cancel_batch,
        permission=Permission.ACT,
        answers=Batch,
        problems=("not-found", "refused"),
    ),
    Route(
        method="POST",
        path="batches/{id}/pause",
        summary="Take up nothing more until told to; what is under way is followed to its end",
        handler=pause_batch,
        permission=Permission.ACT,
        answers=Batch,
        problems=("not-found", "refused"),
    ),
    Route(
        method="POST",
        path="batches/{id}/resume",
        summary="Go on with a paused batch",
        handler=resume_batch,
        permission=Permission.ACT,
        answers=Batch,
        problems=("not-found", "refused"),
    ),
    Route(
        method="POST",
        path="batches/{id}/retry-failed",
        summary="Make a new plan of what failed in a batch",
        handler=retry_failed,
        permission=Permission.ACT,
        body=Because,
        answers=Plan,
        status=201,
        problems=("not-found", "refused"),
    ),
    Route(
        method="POST",
        path="stop",
        summary="Stop every batch within reach; what has not left goes back to where it was",
        handler=stop_everything,
        permission=Permission.ACT,
        body=Because,
        answers=Stopped,
    ),
)
