"""A change of the gateway: whole or not at all, in one transaction with its entry in the audit chain."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

from sqlalchemy import Connection

from gateway_policies import errors
from gateway_policies.changeset import Changeset, Edit, states
from gateway_policies.gateway import GatewayRevision
from gateway_policies.state import GatewayState, fingerprint_of
from hub.gateway.fitting import check_fit, check_form, why_second
from hub.gateway.kept import Kept, keep, keep_revision, revision_of_plan
from hub.store.journal import journal
from transactions.errors import PlanAltered, Refused, SecondPersonWanted, Stale

Judge = Callable[[GatewayState, GatewayState, Iterable[Edit], str, date], list[str]]
_TOLD = 5
GATEWAY = "plant-gateway"
"""What policies call a hub's gateway where its settings do not name it."""


class HubGateway:
    """The hub's own gateway.

    Attributes:
        name: what policies call it.
        why_second: says why a change wants a second person.
    """

    def __init__(self, name: str, judge: Judge = why_second) -> None:
        self.name, self.why_second = name, judge

    def state(self, connection: Connection, policy_set: str) -> GatewayState:
        """The gateway as a policy set sees it."""
        return Kept(connection).seen_by(policy_set, self.name)

    def change(self, connection: Connection, asked: Changeset, who: str, now: datetime) -> GatewayRevision:
        """Take a change.

        Args:
            connection: the writer's.
            asked: the change; who it says it is by does not count.
            who: asks for it.

        Raises:
            PlanAltered: it is for another gateway.
            Stale: the gateway is not as it was planned on, or has taken that plan before.
            Refused: it touches what another policy set owns, or would leave the gateway broken.
            SecondPersonWanted: one person is not enough, and here a second cannot be asked yet.
            Invalid: it does not say what it is about.
        """
        name, edits = asked.policy_set, [edit for step in asked.steps for edit in step]
        kept = Kept(connection)
        before = kept.seen_by(name, self.name)
        self._check_base(connection, asked, before)
        check_form(edits)
        try:
            (after,) = states(before, name, (edits,))
        except errors.Blocked as error:
            raise Refused(str(error)) from error
        check_fit(before, after, edits)
        self._check_second(before, after, edits, asked, now)
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
            fingerprint=fingerprint_of(after.live, after.owners, {**kept.applied, name: after.applied}),
            reason=asked.reason,
            added=len(added),
            changed=len(changed),
            removed=len(removed),
        )
        keep_revision(connection, told, before, after)
        journal(connection).effect(
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
            },
        )
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

    def _check_second(
        self, before: GatewayState, after: GatewayState, edits: list[Edit], asked: Changeset, now: datetime
    ) -> None:
        because = self.why_second(before, after, edits, asked.policy_set, now.date())
        if not because:
            return
        told = "".join(f"\n  {each}" for each in because[:_TOLD])
        more = f"\n  and {len(because) - _TOLD:,} more" if len(because) > _TOLD else ""
        raise SecondPersonWanted(
            f"A second person has to approve this, and one cannot be asked for changes of the gateway yet:{told}"
            f"{more}\n"
            "Nothing was changed. Apply the rest with --only, or leave these out of the files.",
            hash=asked.plan,
            because=because[:1000],
        )
