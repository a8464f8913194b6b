"""Changes of the gateway that want a second person, in the store: asked for, applied, overtaken."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update

from gateway_policies.canonical import canonical
from gateway_policies.changeset import Changeset
from hub.gateway.telling import digest_of
from hub.recovery import building
from hub.store.gateway_schema import gateway_asked
from hub.store.journal import journal
from hub.store.schema import plans
from transactions.clock import to_micros
from transactions.errors import PlanAltered, Refused
from transactions.people import EVERYTHING
from transactions.plans import PLAN_VALIDITY, Action, Plan, PlanBody, PlanOptions, PlanState, PolicyChanges, plan_hash

_CHANGESET: msgspec.json.Decoder[Changeset] = msgspec.json.Decoder(Changeset)


def plan_of(
    asked: Changeset, policy: PolicyChanges, because: list[str], *, platform: str, who: str, now: datetime
) -> Plan:
    """The plan that a change waits as."""
    told = ", ".join(f"{count:,} to {does}" for does, count in policy.counts.items() if count)
    body = PlanBody(
        platform=platform,
        action=Action.POLICY,
        reason=(asked.reason or "").strip() or f"Apply the policy set {asked.policy_set}: {told}",
        options=PlanOptions(break_glass=asked.break_glass),
        requested_by=who,
        created_at=now,
        expires_at=now + PLAN_VALIDITY,
        filter=None,
        items=[],
        second_person=because,
        policy=policy,
    )
    return building.as_plan(body, plan_hash(body))


def keep(connection: Connection, plan: Plan, asked: Changeset, now: datetime) -> None:
    """Store a plan, and the change that it is for."""
    building.store(connection, plan, now)
    connection.execute(
        gateway_asked.insert(),
        {
            "plan": plan.hash,
            "policy_plan": asked.plan,
            "base": asked.base,
            "changeset": canonical(asked).decode(),
        },
    )


def waiting(connection: Connection, asked: Changeset, now: datetime) -> Plan | None:
    """The plan under which just this change waits already; None where it does not.

    Raises:
        PlanAltered: another change waits in the name of the same policies' plan.
        Stale: it was rejected.
    """
    rows = connection.execute(select(gateway_asked.c.plan).where(gateway_asked.c.policy_plan == asked.plan)).scalars()
    for digest in rows.all():
        plan = building.load(connection, digest, now, EVERYTHING)
        if plan.state not in (PlanState.REJECTED, PlanState.AWAITING_APPROVAL):
            continue
        if plan.policy is None or plan.policy.sha256 != digest_of(asked):
            raise PlanAltered(
                f"The plan {asked.plan[:12]} was sent before, and asked for something else. Nothing was changed. "
                "Make a new plan."
            )
        building.check_usable(plan, waiting=True)
        return plan
    return None


def check_words(plan: Plan, asked: Changeset) -> None:
    """Whether somebody who sends a change again says why in the words that its plan has: others may have read these.

    Raises:
        Refused: in other words.
    """
    said = (asked.reason or "").strip()
    if said and said != plan.reason:
        raise Refused(
            f"The plan {plan.hash[:12]} waits already, and the second person reads this reason: {plan.reason!r}. "
            "What somebody may be reading is not changed. Nothing was changed. To go on waiting, send it without "
            "another reason; to give another, let it be rejected and make a new plan."
        )


def change_of(connection: Connection, plan: Plan) -> Changeset:
    """The change that was asked for, as it was sent.

    Raises:
        PlanAltered: it is not what the plan's hash is over.
    """
    text = connection.execute(select(gateway_asked.c.changeset).where(gateway_asked.c.plan == plan.hash)).scalar_one()
    found = _CHANGESET.decode(text)
    if plan.policy is None or plan_hash(plan.body()) != plan.hash or digest_of(found) != plan.policy.sha256:
        raise PlanAltered(
            f"What the plan {plan.hash[:12]}… would apply is not what was asked for: the store was edited. "
            "Nothing was changed. Reject it, and let it be asked for again."
        )
    return found


def became(connection: Connection, plan: str, revision: int) -> None:
    """The change was made."""
    connection.execute(update(plans).where(plans.c.hash == plan).values(state=PlanState.RUN))
    connection.execute(update(gateway_asked).where(gateway_asked.c.plan == plan).values(revision=revision))


def overtake(connection: Connection, revision: int, fingerprint: str, who: str, now: datetime) -> None:
    """The gateway has changed: what waits and was asked for on another, nobody has to decide about any more."""
    rows: list[Any] = list(
        connection.execute(
            select(plans.c.hash)
            .join(gateway_asked, gateway_asked.c.plan == plans.c.hash)
            .where(
                plans.c.state == PlanState.AWAITING_APPROVAL,
                plans.c.expires_at >= to_micros(now),
                gateway_asked.c.base != fingerprint,
            )
            .order_by(plans.c.hash)
        ).scalars()
    )
    book = journal(connection)
    for digest in rows:
        connection.execute(update(plans).where(plans.c.hash == digest).values(state=PlanState.STALE))
        before, after = {"state": PlanState.AWAITING_APPROVAL}, {"state": PlanState.STALE, "revision": revision}
        book.effect(now, who, "approval.overtaken", digest, None, before, after)
        book.event(now, "approval", digest, {"state": PlanState.STALE, "action": Action.POLICY})
