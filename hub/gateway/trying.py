"""Policies that are tried on live traffic before they are applied: what they would refuse is counted, not refused."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from gateway_policies.changeset import Changeset
from gateway_policies.enforcement import Lost, Trial
from gateway_policies.routing.losing import Loss
from hub.dataplane.dataplane import DataPlane
from hub.gateway.changing import HubGateway
from hub.gateway.enforcing import Enforcement
from hub.store.database import Database
from hub.store.journal import journal
from transactions.errors import NotFound, Refused


class _Begun(Struct, frozen=True, kw_only=True):
    plan: str
    by: str
    since: datetime
    losses: list[Loss]


class Trials:
    """The one trial that there may be; it ends with the hub, or when somebody begins another.

    Args:
        database: has the policies, and the audit chain.
        gateway: reads them.
        enforcement: has the data plane.
    """

    def __init__(self, database: Database, gateway: HubGateway, enforcement: Enforcement) -> None:
        self._database, self._gateway, self._enforcement = database, gateway, enforcement
        self._begun: _Begun | None = None

    async def begin(self, asked: Changeset, by: str, now: datetime) -> Trial:
        """Count from now on what a change would refuse.

        Raises:
            Refused: there is no gateway that serves; or see :meth:`HubGateway.change`.
            Stale, PlanAltered, Invalid: see there.
        """
        plane = self._plane()
        after = await self._database.read(lambda c: self._gateway.foreseen(c, asked, now))
        lost = await plane.try_out(after.live)
        self._begun = _Begun(plan=asked.plan, by=by, since=now, losses=lost)
        await self._note("gateway.trial-begun", asked.plan, by, now)
        return await self.show()

    async def show(self) -> Trial:
        """The trial, and what it has counted.

        Raises:
            NotFound: there is none.
        """
        begun = self._begun
        if begun is None:
            raise NotFound("No policies are tried now. 'andon policy trial' begins a trial.")
        counts = await self._plane().lost()
        return Trial(
            plan=begun.plan,
            by=begun.by,
            since=begun.since,
            lost=tuple(
                Lost(address=each.address, consumer=each.consumer, scope=each.scope, calls=counts.get(each.address, 0))
                for each in begun.losses
            ),
        )

    async def end(self, by: str, now: datetime) -> Trial:
        """End it, and tell what it has counted.

        Raises:
            NotFound: there is none.
        """
        found = await self.show()
        self._begun = None
        await self._plane().try_out(None)
        await self._note("gateway.trial-ended", found.plan, by, now)
        return found

    def _plane(self) -> DataPlane:
        plane = self._enforcement.dataplane
        if plane is None or plane.pid is None:
            raise Refused(
                "The gateway serves nothing, so there is no traffic to try policies on. Nothing was changed. "
                "'andon gateway status' says why."
            )
        return plane

    async def _note(self, what: str, plan: str, by: str, now: datetime) -> None:
        await self._database.write(
            lambda c: journal(c).effect(now, by, what, self._gateway.name, None, None, {"plan": plan})
        )
