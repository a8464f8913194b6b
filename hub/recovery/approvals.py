"""Four eyes in the store: asking for a second person, the decision, and reviews of what ran without one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, literal, null, select, union_all, update

from gateway_policies.gateway import GatewayRevision
from hub.landscape import Landscape
from hub.recovery import batches, building
from hub.store.journal import journal
from hub.store.paging import Order, page
from hub.store.reach import of_plan, reaches_plan
from hub.store.schema import approvals, people_tokens, plans, reviews
from transactions.approvals import REVIEW_WITHIN, ApprovalItem, ApprovalKind, Decided
from transactions.clock import from_micros, to_micros
from transactions.errors import Forbidden, Invalid, Refused, SecondPersonWanted, Stale
from transactions.pages import Page
from transactions.people import Permission, Principal, Reach
from transactions.plans import Action, Decision, Plan, PlanState

Current = Callable[[Principal], Principal | None]
"""Somebody with the rights of now; None who is not known any more."""
ReachOf = Callable[[Principal], Reach]
Changing = Callable[[Connection, Plan, str, str, datetime], GatewayRevision]
"""Makes the change of a plan, in the name of one, approved by another, at a moment."""


def wanted(plan: Plan) -> SecondPersonWanted:
    """What a run of a plan that waits is answered."""
    return SecondPersonWanted(
        f"The plan wants a second person. {' '.join(plan.second_person)} Nothing was changed. The plan {plan.hash} "
        f"waits for approval until {plan.expires_at:%Y-%m-%d %H:%M} UTC: somebody else runs "
        f"'andon approvals approve {plan.hash[:12]} --reason TEXT', and it starts by itself.",
        hash=plan.hash,
        because=plan.second_person,
    )


def ask(connection: Connection, plan: Plan, asker: Principal, now: datetime) -> None:
    """Let a plan wait for a second person. A plan that waits already goes on waiting.

    Raises:
        Stale: it was run, rejected, or has expired.
    """
    building.check_usable(plan, waiting=True)
    if plan.state is PlanState.AWAITING_APPROVAL:
        return
    connection.execute(
        approvals.insert(),
        {
            "plan": plan.hash,
            "because": msgspec.json.encode(plan.second_person).decode(),
            "asked_at": to_micros(now),
            "asker": msgspec.json.encode(asker).decode(),
        },
    )
    connection.execute(update(plans).where(plans.c.hash == plan.hash).values(state=PlanState.AWAITING_APPROVAL))
    book = journal(connection)
    book.effect(now, asker.subject, "approval.asked", plan.hash, plan.reason, None, {"because": plan.second_person})
    book.event(now, "approval", plan.hash, {"state": PlanState.AWAITING_APPROVAL, "action": plan.action})


def decide(
    connection: Connection,
    digest: str,
    decision: Decision,
    by: Principal,
    reason: str,
    *,
    reach: Reach,
    current: Current,
    reach_of: ReachOf,
    landscape: Landscape,
    change: Changing,
    now: datetime,
) -> Decided:
    """Approve or reject a plan that waits, or close the review of one that ran without leave. The last approval starts
    the run, in the asker's name and rights.

    Args:
        reach: how far the rights of the one who decides reach.
        current: the asker with the rights of now.
        reach_of: how far somebody's rights reach.
        landscape: the flows.
        change: makes a change of the gateway that was asked for.

    Raises:
        Invalid: no reason.
        NotFound: no such plan within reach.
        Refused: one's own, or the asker may not do it any more.
        Stale: nothing waits under that hash any more.
    """
    if not reason.strip():
        raise Invalid(f"To {decision} wants a reason: say in a sentence what was looked at.")
    plan = building.load(connection, digest, now, reach)
    review = connection.execute(select(reviews).where(reviews.c.plan == plan.hash, reviews.c.done_at.is_(None))).first()
    if review is not None:
        return _review(connection, plan, review, decision, by, reason.strip(), now)
    asked = connection.execute(select(approvals).where(approvals.c.plan == plan.hash)).first()
    if asked is None and plan.state is PlanState.PLANNED:
        raise Refused(
            f"Nobody asked for approval of the plan {plan.hash[:12]}… yet. "
            "Nothing was changed. Whoever wants it runs it, and is told to wait where a second person is needed."
        )
    if plan.state is PlanState.RUN:
        by_whom = f", approved by {asked.decided_by}" if asked is not None and asked.decided_by else ""
        raise Stale(f"The plan runs or ran already{by_whom}, as {plan.ran_as}. Nothing is left to decide.")
    building.check_usable(plan, waiting=True)
    assert asked is not None
    asker = msgspec.json.decode(asked.asker, type=Principal)
    if by.subject in (asker.subject, plan.requested_by):
        raise _own(by, f"asked for the plan {plan.hash[:12]}…", decision)
    approved = decision is Decision.APPROVE
    connection.execute(
        update(approvals)
        .where(approvals.c.plan == plan.hash)
        .values(decided_at=to_micros(now), decided_by=by.subject, decision=decision, reason=reason.strip())
    )
    book = journal(connection)
    book.effect(
        now,
        by.subject,
        "approval.given" if approved else "approval.refused",
        plan.hash,
        reason.strip(),
        {"state": PlanState.AWAITING_APPROVAL, "asked_by": asker.subject},
        {"state": PlanState.RUN if approved else PlanState.REJECTED},
    )
    book.event(now, "approval", plan.hash, {"state": PlanState.RUN if approved else PlanState.REJECTED})
    if not approved:
        connection.execute(update(plans).where(plans.c.hash == plan.hash).values(state=PlanState.REJECTED))
        return _decided(plan, ApprovalKind.APPROVAL, decision, PlanState.REJECTED)
    _check_asker(connection, plan, asker, current, reach_of)
    _check_token(connection, by, {asker.subject, plan.requested_by}, asked.asked_at)
    if plan.policy is not None:
        revision = change(connection, plan, asker.subject, by.subject, now)
        return msgspec.structs.replace(
            _decided(plan, ApprovalKind.APPROVAL, decision, PlanState.RUN), revision=revision.number
        )
    batch = batches.start(connection, plan, asker.subject, now, landscape=landscape, approved_by=by.subject)
    return msgspec.structs.replace(_decided(plan, ApprovalKind.APPROVAL, decision, PlanState.RUN), batch=batch)


def _check_asker(connection: Connection, plan: Plan, asker: Principal, current: Current, reach_of: ReachOf) -> None:
    now_is = current(asker)
    wanted = Permission.ACT if plan.policy is None else Permission.POLICY_APPLY
    if (
        now_is is None
        or wanted not in now_is.permissions
        or (plan.policy is not None and not now_is.limits.unlimited)
        or not reaches_plan(connection, reach_of(now_is), plan.hash)
    ):
        raise Refused(
            f"{asker.subject}, who asked for it, may not do this any more, and the plan would run in that name. "
            "Nothing was started. Reject it, and let somebody who may make a plan of their own."
        )


def _own(by: Principal, what: str, decision: Decision) -> Refused:
    return Refused(
        f"{by.subject} {what}, and four eyes are two people: nobody may {decision} their own. Nothing was changed. "
        "Ask somebody else with the role approver; 'andon approvals list' shows it to them."
    )


def _check_token(connection: Connection, by: Principal, askers: set[str], since: int) -> None:
    """An admin can give out tokens in anybody's name, and so be the second person as well: what they gave out since
    they asked decides nothing of theirs.

    Raises:
        Refused: one who asked gave out a token in the name of the one who decides.
    """
    given = connection.execute(
        select(people_tokens.c.issued_by)
        .where(
            people_tokens.c.name == by.subject,
            people_tokens.c.issued_by.in_(sorted(askers)),
            people_tokens.c.issued_at >= since,
        )
        .limit(1)
    ).scalar()
    if given is not None:
        raise Refused(
            f"{given}, who asked for it, has given out a token in the name of {by.subject} since then, and could be "
            "both persons. Nothing was changed. Let somebody else decide, or let it be asked for again."
        )


def _decided(plan: Plan, kind: ApprovalKind, decision: Decision, state: PlanState) -> Decided:
    return Decided(hash=plan.hash, kind=kind, decision=decision, state=state)


def _review(
    connection: Connection, plan: Plan, review: Any, decision: Decision, by: Principal, reason: str, now: datetime
) -> Decided:
    if by.subject in (review.by, plan.requested_by):
        raise _own(by, f"ran the plan {plan.hash[:12]}… without a second person", decision)
    _check_token(connection, by, {review.by, plan.requested_by}, review.opened_at)
    connection.execute(
        update(reviews)
        .where(reviews.c.plan == plan.hash)
        .values(done_at=to_micros(now), done_by=by.subject, verdict=decision, remark=reason)
    )
    book = journal(connection)
    told = {"verdict": decision, "ran_by": review.by, "late": to_micros(now) > review.due_at}
    book.effect(now, by.subject, "review.done", plan.hash, reason, None, told)
    book.event(now, "approval", plan.hash, {"state": plan.state, "review": decision})
    return _decided(plan, ApprovalKind.REVIEW, decision, plan.state)


def check_break_glass(connection: Connection, by: Principal, now: datetime) -> None:
    """Whether somebody may run a plan without its second person.

    Raises:
        Forbidden: no permission for it.
        Refused: a review of an earlier time is overdue.
    """
    if Permission.BREAK_GLASS not in by.permissions:
        raise Forbidden(
            f"{by.subject} may not break glass: it wants the permission {str(Permission.BREAK_GLASS)!r}. "
            "Nothing was changed. Leave --break-glass out and let somebody approve the plan.",
            permission=str(Permission.BREAK_GLASS),
        )
    late = connection.execute(
        select(reviews.c.plan)
        .where(reviews.c.by == by.subject, reviews.c.done_at.is_(None), reviews.c.due_at < to_micros(now))
        .order_by(reviews.c.due_at)
        .limit(1)
    ).scalar()
    if late is not None:
        raise Refused(
            f"{by.subject} broke glass before, and the review of the plan {late[:12]}… is overdue. "
            "Nothing was changed. Let somebody else review that first ('andon approvals list'), or approve this plan."
        )


def open_review(connection: Connection, plan: Plan, by: Principal, now: datetime, reason: str | None = None) -> None:
    """A look that somebody else owes at a plan that runs without its second person; ``reason`` where the plan, which
    waited before, does not say why it cannot wait."""
    connection.execute(
        reviews.insert(),
        {
            "plan": plan.hash,
            "by": by.subject,
            "reason": reason or plan.reason,
            "opened_at": to_micros(now),
            "due_at": to_micros(now + REVIEW_WITHIN),
        },
    )
    book = journal(connection)
    told = {"because": plan.second_person}
    book.effect(now, by.subject, "glass.broken", plan.hash, reason or plan.reason, None, told)
    book.event(now, "approval", plan.hash, {"state": PlanState.RUN, "review": "due"})


def list_open(
    connection: Connection, reach: Reach, who: str, now: datetime, limit: int, cursor: str | None
) -> Page[ApprovalItem]:
    """What waits for a second person, oldest first: plans to approve, and runs to review."""
    waiting = (
        select(
            approvals.c.plan.label("plan"),
            approvals.c.asked_at.label("asked_at"),
            literal(str(ApprovalKind.APPROVAL)).label("kind"),
            approvals.c.asker.label("asker"),
            null().label("by"),
            plans.c.expires_at.label("due_at"),
        )
        .join(plans, plans.c.hash == approvals.c.plan)
        .where(
            plans.c.state == PlanState.AWAITING_APPROVAL,
            plans.c.expires_at >= to_micros(now),
            *of_plan(reach, approvals.c.plan),
        )
    )
    owed = select(
        reviews.c.plan,
        reviews.c.opened_at,
        literal(str(ApprovalKind.REVIEW)),
        null(),
        reviews.c.by,
        reviews.c.due_at,
    ).where(reviews.c.done_at.is_(None), *of_plan(reach, reviews.c.plan))
    both = union_all(waiting, owed).subquery("waiting")
    query = select(both, plans.c.action, plans.c.reason, plans.c.body).join(plans, plans.c.hash == both.c.plan)
    order = Order("asked_at", both.c.asked_at, both.c.plan, False, "approvals")
    return page(connection, query, order, limit, cursor, lambda row: _item(row, who, now))


def _item(row: Any, who: str, now: datetime) -> ApprovalItem:
    plan = building.read_body(row.body)
    by = row.by if row.asker is None else msgspec.json.decode(row.asker, type=Principal).subject
    return ApprovalItem(
        hash=row.plan,
        kind=ApprovalKind(row.kind),
        action=Action(row.action),
        requested_by=by,
        reason=row.reason,
        asked_at=from_micros(row.asked_at),
        expires_at=from_micros(row.due_at),
        count=plan.count,
        because=plan.second_person,
        overdue=row.kind == ApprovalKind.REVIEW and row.due_at < to_micros(now),
        own=who in (by, plan.requested_by),
    )


def count_open(connection: Connection, now: datetime) -> tuple[int, int]:
    """How many plans wait for approval, and how many reviews are overdue."""
    waiting: int = connection.execute(
        select(func.count())
        .select_from(plans)
        .where(plans.c.state == PlanState.AWAITING_APPROVAL, plans.c.expires_at >= to_micros(now))
    ).scalar_one()
    late: int = connection.execute(
        select(func.count()).select_from(reviews).where(reviews.c.done_at.is_(None), reviews.c.due_at < to_micros(now))
    ).scalar_one()
    return waiting, late
