"""Building plans: the selection, a verdict for each, frozen with a hash; and storing them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import ColumnElement, Connection, select, update

from hub.delivery.guards import active_holds
from hub.edits.making import Made
from hub.edits.stored import keep_planned
from hub.landscape import Landscape
from hub.recovery.actions import KINDS
from hub.recovery.actions.kind import Question
from hub.recovery.heard import Heard
from hub.recovery.verdicts import decide
from hub.store.gateway_schema import gateway_asked
from hub.store.journal import journal
from hub.store.reach import of_plan, store_places
from hub.store.rows import etag_of, moment
from hub.store.schema import approvals, holds, plans, reversals, transactions
from transactions.approvals import ITEMS_WITHOUT_SECOND_PERSON, why_second
from transactions.clock import from_micros, to_micros
from transactions.errors import Forbidden, Invalid, NotFound, Refused, Stale
from transactions.model import Risk, Status
from transactions.people import EVERYTHING, Place, Principal, Reach
from transactions.plans import (
    LONGEST_REASON,
    PLAN_VALIDITY,
    REVERSING,
    Action,
    Approval,
    Decision,
    Plan,
    PlanBody,
    PlanItem,
    PlanOptions,
    PlanRequest,
    PlanState,
    PlanSummary,
    count_verdicts,
    plan_hash,
)

MAX_ITEMS = 50_000
_PLACES = (Action.HOLD, Action.RELEASE)
_CHUNK = 500
_BELONGS: tuple[tuple[tuple[str, ...], tuple[Action, ...]], ...] = (
    (("resolve_as",), (Action.RESOLVE,)),
    (("evidence",), (Action.RESOLVE, Action.REOPEN)),
    (("process",), (Action.COMPENSATE,)),
    (("date",), (Action.COMPENSATE, Action.CORRECT)),
    (("force_schema",), (Action.REPLAY, Action.EDIT, Action.CORRECT)),
    (("patch",), (Action.EDIT, Action.CORRECT)),
    (("force_maybe_posted",), (Action.REPLAY, Action.EDIT)),
)
_BOUNDS = (
    ("rate", 0.001, 100_000),
    ("drain_rate", 0.001, 100_000),
    ("concurrency", 1, 1_000),
    ("stop_after_failures", 1, MAX_ITEMS),
)


def check_request(request: PlanRequest, landscape: Landscape) -> None:
    """Hold a request against what its action wants.

    Raises:
        Invalid: a reason, a selection or a place is missing or too much.
    """
    if request.action not in (*KINDS, *_PLACES):
        raise Invalid(
            f"This hub cannot plan {request.action}. It can plan: {', '.join((*KINDS, *_PLACES))}.",
        )
    if not request.reason.strip():
        raise Invalid("A plan wants a reason: say why, in a sentence or with a ticket number.")
    if len(request.reason) > LONGEST_REASON:  # it is written beside each transaction
        raise Invalid(
            f"The reason has {len(request.reason):,} characters, and {LONGEST_REASON:,} are the most. Nothing was "
            "planned. Say it in a sentence, and keep the rest in the ticket that it names."
        )
    _check_options(request.options)
    places = (request.options.target, request.options.plant, request.options.flow)
    if request.action in _PLACES:
        if request.ids is not None or request.filter is not None:
            raise Invalid(f"A {request.action} names a place (target, plant, flow), not transactions.")
        if not any(places):
            raise Invalid(f"A {request.action} wants at least one of target, plant and flow.")
        _check_places(request, landscape)
        return
    if any(places) or request.options.drain_rate is not None:
        raise Invalid("target, plant, flow and drain_rate belong to hold and release.")
    if (request.ids is None) == (request.filter is None):
        raise Invalid("Name transactions either by ids or by a filter: exactly one of the two.")
    if request.filter is not None and not request.filter.strip():
        raise Invalid(
            "The filter is empty, and an empty filter would mean every transaction there is. Nothing was planned. "
            "Write what is meant, such as status:failed."
        )
    _check_belonging(request)
    KINDS[request.action].check(request)


def _check_belonging(request: PlanRequest) -> None:
    options = request.options
    for names, actions in _BELONGS:
        given = [name for name in names if getattr(options, name) not in (None, False, [])]
        if given and request.action not in actions:
            raise Invalid(
                f"{' and '.join(given)} cannot be given with {request.action}; only with {' and '.join(actions)}."
            )
    if options.force_maybe_posted and request.ids is None:
        raise Invalid(
            "force_maybe_posted works on named ids only, never on all that match a filter: what a person may have "
            "posted by hand is looked at one by one. Nothing was planned. Name the ids."
        )


def _check_options(options: PlanOptions) -> None:
    for name, least, most in _BOUNDS:
        value = getattr(options, name)
        if value is not None and not least <= value <= most:
            raise Invalid(f"{name} must be from {least:,} to {most:,}, and is {value:g}.")


def _check_places(request: PlanRequest, landscape: Landscape) -> None:
    catalogue = landscape.catalogue
    for name, value, known in (
        ("target", request.options.target, catalogue.system),
        ("plant", request.options.plant, catalogue.plant),
        ("flow", request.options.flow, catalogue.flow),
    ):
        if value is not None and value not in known:
            raise Invalid(f"There is no {name} {value!r}. There is: {', '.join(sorted(known))}.")


def build(
    connection: Connection,
    request: PlanRequest,
    condition: ColumnElement[bool] | None,
    *,
    platform: str,
    actor: str,
    landscape: Landscape,
    now: datetime,
    reach: Reach,
    alone: int = ITEMS_WITHOUT_SECOND_PERSON,
    documents: dict[str, Made] | None = None,
    heard: dict[str, Heard] | None = None,
) -> Plan:
    """Make a plan from what the store holds now.

    Args:
        connection: a reader's.
        request: what is asked for; see :func:`check_request`.
        condition: the filter of the request, compiled.
        platform: the id of this hub.
        actor: who asks.
        landscape: flows and targets.
        now: the present moment; the plan is valid for 24 hours from it.
        reach: how far the rights of the one who asks reach.
        alone: items that one person may start without a second.
        heard: what targets said when they were asked for this plan, by the id of the transaction.
        documents: takes the documents that an edit makes, by the id of their transaction; :func:`store` keeps them.

    Raises:
        Forbidden: a place that is not within reach.
        NotFound: an id that does not exist within reach, or nothing is held at the place of a release.
        Refused: more items than one plan may have.
    """
    _check_reach(request, reach)
    rows = select_rows(connection, request, condition, reach)
    question = Question(
        connection=connection,
        options=request.options,
        landscape=landscape,
        planned={row.id for row in rows},
        now=now,
        actor=actor,
        documents={} if documents is None else documents,
        heard={} if heard is None else heard,
        holds=active_holds(connection),
    )
    items, edits = [], []
    for row in rows:
        decision = decide(request.action, row, question)
        if decision.edit is not None:
            edits.append(decision.edit)
        items.append(
            PlanItem(
                id=row.id,
                flow=row.flow,
                plant=row.plant,
                target=row.target,
                status=Status(row.status),
                risk=Risk(row.risk),
                etag=etag_of(row),
                revision=row.revision,
                payload_sha256=row.payload_sha256,
                idempotency_key=row.idempotency_key,
                verdict=decision.verdict,
                because=decision.because,
                waits=decision.waits or UNSET,
            )
        )
    lifts = matching_holds(connection, request) if request.action is Action.RELEASE else []
    if request.action is Action.RELEASE and not lifts:
        raise NotFound(
            "Nothing is held there. `andon systems list` shows the holds; name the same place as the hold did."
        )
    body = PlanBody(
        platform=platform,
        action=request.action,
        reason=request.reason.strip(),
        options=request.options,
        requested_by=actor,
        created_at=now,
        expires_at=now + PLAN_VALIDITY,
        filter=request.filter,
        items=items,
        second_person=why_second(request.action, request.options, items, _risks_at(request.options, landscape), alone),
        edits=edits,
        holds=[hold.id for hold in lifts],
    )
    return as_plan(body, plan_hash(body))


def _check_reach(request: PlanRequest, reach: Reach) -> None:
    place = request.options
    if request.action in _PLACES and not reach.covers(place.plant, place.flow):
        raise Forbidden(
            f"A {request.action} there is wider than your rights reach. Nothing was planned. "
            "Name a plant and a flow that are yours; `andon whoami` shows them."
        )


def _risks_at(place: PlanOptions, landscape: Landscape) -> frozenset[Risk]:
    """Risks of the flows that a place is about."""
    return frozenset(
        flow.risk
        for name, flow in landscape.catalogue.flow.items()
        if place.flow in (None, name) and (place.target is None or place.target in flow.targets)
    )


def places_of(plan: Plan, reach: Reach = EVERYTHING) -> set[Place]:
    """Where a plan acts. One without transactions is about all that its asker reaches: its reason and filter are not
    for others."""
    if plan.action in _PLACES:
        return {Place(plant=plan.options.plant, flow=plan.options.flow)}
    if not plan.items:
        plants, flows = reach.plants or {None}, reach.flows or {None}
        return {Place(plant=plant, flow=flow) for plant in plants for flow in flows}
    return {Place(plant=item.plant, flow=item.flow) for item in plan.items}


def matching_holds(connection: Connection, request: PlanRequest, named: list[str] | None = None) -> list[Any]:
    """Active holds of exactly the place that a release names; ``named`` leaves out those that its plan did not name."""
    wanted = request.options
    until = [] if named is None else [holds.c.id.in_(named)]
    return list(
        connection.execute(
            select(holds).where(
                holds.c.released_at.is_(None),
                *until,
                holds.c.target.is_(wanted.target) if wanted.target is None else holds.c.target == wanted.target,
                holds.c.plant.is_(wanted.plant) if wanted.plant is None else holds.c.plant == wanted.plant,
                holds.c.flow.is_(wanted.flow) if wanted.flow is None else holds.c.flow == wanted.flow,
            )
        ).all()
    )


def select_rows(
    connection: Connection, request: PlanRequest, condition: ColumnElement[bool] | None, reach: Reach
) -> list[Any]:
    """The transactions that a plan is about, in the order in which they came in; of a compensation the newest first.

    Raises:
        NotFound: an id that does not exist within reach.
        Refused: more items than one plan may have.
    """
    rows = _select(connection, request, condition, reach)
    if request.action not in REVERSING:
        return rows
    if request.options.process:
        rows = _whole_processes(connection, rows, reach)
    return sorted(rows, key=lambda row: -int(row.seq))


def _whole_processes(connection: Connection, rows: list[Any], reach: Reach) -> list[Any]:
    """All transactions of the processes that some are of, without those that reverse others."""
    processes = sorted({row.correlation_id for row in rows})
    found: dict[str, Any] = {}
    for start in range(0, len(processes), _CHUNK):
        chunk = processes[start : start + _CHUNK]
        query = (
            select(transactions)
            .outerjoin(reversals, reversals.c.tx_id == transactions.c.id)
            .where(transactions.c.correlation_id.in_(chunk), reversals.c.tx_id.is_(None))
            .limit(MAX_ITEMS + 1)
        )
        found |= {row.id: row for row in connection.execute(query)}
        if len(found) > MAX_ITEMS:
            raise _too_many()
    hidden = sum(not reach.covers(row.plant, row.flow) for row in found.values())
    if hidden:
        raise Forbidden(
            f"{hidden} transactions of the process are beyond your rights, and undoing the rest alone would leave it "
            "half done. Nothing was planned. Ask somebody whose rights reach them, or leave out --process."
        )
    return list(found.values())


def _select(
    connection: Connection, request: PlanRequest, condition: ColumnElement[bool] | None, reach: Reach
) -> list[Any]:
    if request.ids is not None:
        wanted = list(dict.fromkeys(request.ids))
        if len(wanted) > MAX_ITEMS:
            raise _too_many()
        found: list[Any] = []
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            found += connection.execute(select(transactions).where(transactions.c.id.in_(chunk))).all()
        found = [row for row in found if reach.covers(row.plant, row.flow)]
        missing = set(wanted) - {row.id for row in found}
        if missing:
            raise NotFound(
                f"There is no transaction {', '.join(sorted(missing)[:5])}. Nothing was planned. Check the ids."
            )
        return sorted(found, key=lambda row: int(row.seq))
    if request.filter is None:
        return []
    query = select(transactions).order_by(transactions.c.seq).limit(MAX_ITEMS + 1)
    rows = list(connection.execute(query if condition is None else query.where(condition)).all())
    if len(rows) > MAX_ITEMS:
        raise _too_many()
    return rows


def _too_many() -> Refused:
    return Refused(
        f"More than {MAX_ITEMS:,} transactions match; one plan takes that many at most. Nothing was planned. "
        "Narrow the filter, by plant, flow or age, and make several plans."
    )


def as_plan(
    body: PlanBody,
    digest: str,
    state: PlanState = PlanState.PLANNED,
    batch: str | None = None,
    approval: Approval | None = None,
    revision: int | None = None,
) -> Plan:
    """A plan of its frozen part, and where it stands."""
    fields = {name: getattr(body, name) for name in PlanBody.__struct_fields__}
    return Plan(
        hash=digest,
        state=state,
        verdicts=count_verdicts(body.items),
        batch=batch,
        approval=approval,
        revision=revision,
        **fields,
    )


def store(
    connection: Connection,
    plan: Plan,
    now: datetime,
    documents: dict[str, Made] | None = None,
    *,
    reach: Reach = EVERYTHING,
) -> None:
    """Keep a plan, and the documents that it will send; the same plan stored again changes nothing."""
    if connection.execute(select(plans.c.hash).where(plans.c.hash == plan.hash)).first() is not None:
        return
    connection.execute(
        plans.insert(),
        {
            "hash": plan.hash,
            "state": plan.state,
            "action": plan.action,
            "reason": plan.reason,
            "requested_by": plan.requested_by,
            "created_at": to_micros(plan.created_at),
            "expires_at": to_micros(plan.expires_at),
            "verdicts": msgspec.json.encode(plan.verdicts).decode(),
            "body": msgspec.json.encode(plan.body()),
        },
    )
    store_places(connection, plan.hash, places_of(plan, reach))
    keep_planned(connection, plan.hash, plan.edits, documents or {})
    book = journal(connection)
    book.effect(
        now,
        plan.requested_by,
        f"plan.{plan.action}",
        plan.hash,
        plan.reason,
        None,
        _told(plan) | told_overrides(plan),
    )
    book.event(now, "plan", plan.hash, {"state": plan.state, "action": plan.action})


def _told(plan: Plan) -> dict[str, object]:
    if plan.policy is None:
        return {"items": len(plan.items), "verdicts": plan.verdicts}
    return {
        "policy_set": plan.policy.policy_set,
        "policy_plan": plan.policy.plan,
        "revision": plan.policy.revision,
        "counts": plan.policy.counts,
        "addresses": [each.address for each in plan.policy.changes],
    }


def told_overrides(plan: Plan) -> dict[str, list[str]]:
    """What the audit chain says of the guards that a plan overrides; nothing where it overrides none."""
    return {"overrides": plan.options.overrides} if plan.options.overrides else {}


def load(connection: Connection, digest: str, now: datetime, reach: Reach) -> Plan:
    """A stored plan, by its hash or a unique beginning of it (12 characters and more).

    Raises:
        NotFound: no such plan within reach.
    """
    query = select(plans).where(*of_plan(reach, plans.c.hash))
    if len(digest) == 64:
        query = query.where(plans.c.hash == digest)
    elif len(digest) >= 12 and all(char in "0123456789abcdef" for char in digest):
        query = query.where(plans.c.hash >= digest, plans.c.hash < digest + "g")
    else:
        query = query.where(plans.c.hash == "")
    rows = connection.execute(query.limit(2)).all()
    if len(rows) != 1:
        raise NotFound(
            f"There is no plan {digest!r} on this platform. A plan is known by its whole hash, "
            "or by a beginning of at least 12 characters that is no other's."
        )
    row = rows[0]
    body, revision = read_body(row.body), None
    if body.policy is not None:
        became = select(gateway_asked.c.revision).where(gateway_asked.c.plan == row.hash)
        revision = connection.execute(became).scalar()
    return as_plan(body, row.hash, _state(row, now), row.batch, _approval(connection, row.hash), revision)


def read_body(stored: bytes) -> PlanBody:
    """The frozen part of a plan as it was stored."""
    return msgspec.json.decode(stored, type=PlanBody)


def _approval(connection: Connection, digest: str) -> Approval | None:
    row = connection.execute(select(approvals).where(approvals.c.plan == digest)).first()
    if row is None:
        return None
    return Approval(
        asked_by=msgspec.json.decode(row.asker, type=Principal).subject,
        asked_at=from_micros(row.asked_at),
        decision=None if row.decision is None else Decision(row.decision),
        decided_by=row.decided_by,
        decided_at=moment(row.decided_at),
        reason=row.reason,
    )


def _state(row: Any, now: datetime) -> PlanState:
    state = PlanState(row.state)
    if state in (PlanState.PLANNED, PlanState.AWAITING_APPROVAL) and row.expires_at < to_micros(now):
        return PlanState.EXPIRED
    return state


def summarise(row: Any, now: datetime) -> PlanSummary:
    """A stored plan as a list shows it."""
    return PlanSummary(
        hash=row.hash,
        state=_state(row, now),
        action=Action(row.action),
        reason=row.reason,
        requested_by=row.requested_by,
        created_at=from_micros(row.created_at),
        expires_at=from_micros(row.expires_at),
        verdicts=msgspec.json.decode(row.verdicts),
        batch=row.batch,
    )


def check_usable(plan: Plan, *, waiting: bool) -> None:
    """Whether a plan can still be run; ``waiting`` for one that waits for a second person.

    Raises:
        Stale: it was run before, rejected, or has expired.
    """
    if plan.state is PlanState.RUN:
        raise Stale(f"The plan was run already, as {plan.ran_as}. Nothing was sent again. Make a new plan.")
    if plan.state is PlanState.STALE:
        raise Stale(
            "The gateway has changed since this was asked for. Nothing was changed. Make a new plan, and ask again."
        )
    if plan.state is PlanState.EXPIRED:
        raise Stale(f"The plan expired on {plan.expires_at:%Y-%m-%d %H:%M} UTC. Nothing was sent. Make a new one.")
    if plan.state is PlanState.REJECTED:
        said = f" by {plan.approval.decided_by}: {plan.approval.reason}" if plan.approval else ""
        raise Stale(f"The plan was rejected{said}. Nothing was sent. Make a new one.")
    if not waiting and plan.state is not PlanState.PLANNED:
        raise Stale(f"The plan is {plan.state}. Nothing was sent. Make a new one.")


def use(connection: Connection, plan: Plan, batch: str, *, approved: bool = False) -> None:
    """Mark a plan as run by ``batch``.

    Raises:
        Stale: it was run before, rejected, or has expired.
    """
    check_usable(plan, waiting=approved)
    connection.execute(update(plans).where(plans.c.hash == plan.hash).values(state=PlanState.RUN, batch=batch))
