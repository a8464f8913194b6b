"""A change of the gateway: whole or not at all, in one transaction with its entry in the audit chain."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

from msgspec import Struct
from sqlalchemy import Connection

from gateway_policies import errors
from gateway_policies.changeset import Changeset, Edit, states
from gateway_policies.gateway import GatewayRevision
from gateway_policies.state import GatewayState, fingerprint_of
from hub.gateway import asked as waiting
from hub.gateway.fitting import check_fit, check_form, why_second
from hub.gateway.kept import Kept, keep, keep_revision, revision_of_plan
from hub.gateway.telling import changes_of, sentences
from hub.recovery import approvals, building
from hub.store.journal import journal
from transactions.errors import Invalid, PlanAltered, Refused, Stale
from transactions.people import EVERYTHING, Principal
from transactions.plans import Plan, PlanState

Judge = Callable[[GatewayState, GatewayState, Iterable[Edit], str, date], dict[str, list[str]]]
GATEWAY = "plant-gateway"
"""What policies call a hub's gateway where its settings do not name it."""


class _Judged(Struct, frozen=True, kw_only=True):
    """A change that fits the gateway.

    Attributes:
        because: why it wants a second person, by address.
    """

    asked: Changeset
    kept: Kept
    before: GatewayState
    after: GatewayState
    edits: list[Edit]
    because: dict[str, list[str]]


class HubGateway:
    """The hub's own gateway.

    Attributes:
        name: what policies call it.
        platform: the hub's name, which plans carry.
        why_second: says why a change wants a second person.
    """

    def __init__(self, name: str, platform: str, judge: Judge = why_second) -> None:
        self.name, self.platform, self.why_second = name, platform, judge

    def state(self, connection: Connection, policy_set: str) -> GatewayState:
        """The gateway as a policy set sees it."""
        return Kept(connection).seen_by(policy_set, self.name, self.platform)

    def change(self, connection: Connection, asked: Changeset, by: Principal, now: datetime) -> GatewayRevision | Plan:
        """Take a change, or let it wait for a second person.

        Args:
            connection: the writer's.
            asked: the change; who it says it is by does not count.
            by: asks for it.

        Returns:
            The plan that it waits as, where a second person is wanted.

        Raises:
            PlanAltered: it is for another gateway, or something else was asked for under the same plan.
            Stale: the gateway is not as it was planned on, or has taken that plan before, or it was rejected.
            Refused: it touches what another policy set owns, or would leave the gateway broken; or it waits already
                with another reason; or glass is broken by somebody who still owes a review.
            Forbidden: glass is broken by somebody who may not.
            Invalid: it does not say what it is about.
        """
        judged = self._judge(connection, asked, now)
        if not judged.because:
            return self._take(connection, judged, by.subject, now)
        plan = waiting.waiting(connection, asked, now)
        if plan is None:
            policy = changes_of(judged.before, judged.after, judged.edits, judged.because, asked)
            because = sentences(judged.because)
            plan = waiting.plan_of(asked, policy, because, platform=self.platform, who=by.subject, now=now)
            if asked.break_glass:
                _check_glass(connection, asked, by, now)
            waiting.keep(connection, plan, asked, now)
        elif asked.break_glass:
            _check_glass(connection, asked, by, now)
        else:
            waiting.check_words(plan, asked)
        if not asked.break_glass:
            approvals.ask(connection, plan, by, now)
            return plan
        told = self._take(connection, judged, by.subject, now, plan=plan)
        approvals.open_review(connection, plan, by, now, reason=asked.reason)
        return told

    def foreseen(self, connection: Connection, asked: Changeset, now: datetime) -> GatewayState:
        """The gateway as a change would leave it.

        Raises:
            Stale, PlanAltered, Refused, Invalid: see :meth:`change`.
        """
        return self._judge(connection, asked, now).after

    def foreseen_of_plan(self, connection: Connection, digest: str, now: datetime) -> GatewayState | None:
        """The same for a change that waits for a second person; None for a plan of another kind.

        Raises:
            NotFound: there is no such plan.
            Stale, PlanAltered, Refused: see :meth:`change`.
        """
        plan = building.load(connection, digest, now, EVERYTHING)
        if plan.policy is None or plan.state is not PlanState.AWAITING_APPROVAL:
            return None
        return self._judge(connection, waiting.change_of(connection, plan), now).after

    def approved(self, connection: Connection, plan: Plan, who: str, approver: str, now: datetime) -> GatewayRevision:
        """Make the change that a plan waits as, in the name of the one who asked.

        Raises:
            Stale: the gateway has changed since.
            PlanAltered, Refused: see :meth:`change`.
        """
        judged = self._judge(connection, waiting.change_of(connection, plan), now)
        return self._take(connection, judged, who, now, plan=plan, approver=approver)

    def _judge(self, connection: Connection, asked: Changeset, now: datetime) -> _Judged:
        name, edits = asked.policy_set, [edit for step in asked.steps for edit in step]
        kept = Kept(connection)
        before = kept.seen_by(name, self.name, self.platform)
        self._check_base(connection, asked, before)
        check_form(edits)
        try:
            (after,) = states(before, name, (edits,))
        except errors.Blocked as error:
            raise Refused(str(error)) from error
        check_fit(before, after, edits)
        because = self.why_second(before, after, edits, name, now.date())
        return _Judged(asked=asked, kept=kept, before=before, after=after, edits=edits, because=because)

    def _take(
        self,
        connection: Connection,
        judged: _Judged,
        who: str,
        now: datetime,
        *,
        plan: Plan | None = None,
        approver: str | None = None,
    ) -> GatewayRevision:
        """Make a change; ``plan`` is what it waited as, or would have."""
        asked, before, after = judged.asked, judged.before, judged.after
        name = asked.policy_set
        keep(connection, name, before, after)
        common = before.live.keys() & after.live.keys()
        added = sorted(after.live.keys() - common)
        removed = sorted(before.live.keys() - common)
        changed = sorted(each for each in common if before.live[each] != after.live[each])
        told = GatewayRevision(
            number=before.revision + 1,
            at=now,
            by=who,
            policy_set=name,
            plan=asked.plan,
            fingerprint=fingerprint_of(after.live, after.owners, {**judged.kept.applied, name: after.applied}),
            reason=asked.reason,
            added=len(added),
            changed=len(changed),
            removed=len(removed),
            approved_by=approver,
        )
        keep_revision(connection, told, before, after)
        second = {} if plan is None else {"asked_as": plan.hash, "approved_by": approver}
        book = journal(connection)
        book.effect(
            now,
            who,
            "gateway.changed",
            self.name,
            asked.reason,
            {"revision": before.revision, "fingerprint": before.fingerprint},
            {
                "revision": told.number,
                "fingerprint": told.fingerprint,
                "policy_set": name,
                "plan": asked.plan,
                "added": added,
                "changed": changed,
                "removed": removed,
                **second,
            },
        )
        book.event(now, "gateway", str(told.number), {"policy_set": name, "by": who})
        if plan is not None:
            waiting.became(connection, plan.hash, told.number)
        waiting.overtake(connection, told.number, told.fingerprint, who, now)
        return told

    def _check_base(self, connection: Connection, asked: Changeset, before: GatewayState) -> None:
        if asked.gateway != self.name:
            raise PlanAltered(
                f"The plan is for the gateway {asked.gateway}, and this hub's is {self.name}. Nothing was changed. "
                "Make a plan for this one."
            )
        taken = revision_of_plan(connection, asked.plan)
        if taken is not None:
            raise Stale(
                f"The plan {asked.plan[:12]} was applied already, as revision {taken.number} by {taken.by}. "
                "Nothing was changed. Make a new plan."
            )
        if asked.base != before.fingerprint:
            raise Stale(
                f"The gateway {self.name} has changed since the plan was made; it is at revision {before.revision} "
                "now. Nothing was changed. Make a new plan."
            )


def _check_glass(connection: Connection, asked: Changeset, by: Principal, now: datetime) -> None:
    if not (asked.reason or "").strip():
        raise Invalid("To break glass wants a reason: say why it cannot wait for somebody else. Nothing was changed.")
    approvals.check_break_glass(connection, by, now)
