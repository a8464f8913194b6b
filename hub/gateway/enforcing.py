"""The policies and what enforces them: a change is tried before it is made, and seen to be in force afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from msgspec import Struct
from sqlalchemy import Connection

from gateway_policies.changeset import Changeset
from gateway_policies.enforcement import Effective, Enforcing, GatewayStatus
from gateway_policies.model import PolicySet
from gateway_policies.state import GatewayState
from hub.dataplane.dataplane import DataPlane, Prepared
from hub.errors import DataPlaneError, StoreError
from hub.gateway.changing import HubGateway
from hub.store.database import Database
from transactions.errors import AndonError, GatewayRejected

log = structlog.get_logger("andon.gateway")

Looking = Callable[[Connection], GatewayState | None]
"""Reads what a change would make of the gateway; None where there is no such change."""


class Foreseen(Struct, frozen=True):
    """What a change would have served, and as which revision."""

    revision: int
    prepared: Prepared


class Enforcement:
    """The gateway's data plane, kept as the policies are.

    Args:
        database: has the policies.
        gateway: reads them.
    """

    def __init__(self, database: Database, gateway: HubGateway) -> None:
        self._database, self._gateway = database, gateway
        self.dataplane: DataPlane | None = None
        """What serves; None where a hub is put together without one."""

    async def start(self) -> None:
        """Serve what is live. A data plane that cannot is told in its status, and keeps nothing else from starting."""
        await self.enforce(None)

    async def close(self) -> None:
        """Serve nothing any more."""
        if self.dataplane is not None:
            await self.dataplane.close()

    def status(self) -> GatewayStatus:
        """What the data plane does."""
        if self.dataplane is None:
            return GatewayStatus(
                gateway=self._gateway.name,
                state=Enforcing.OFF,
                because="This hub runs without a data plane: nothing holds calls against the policies.",
            )
        return self.dataplane.status()

    async def foresee(self, asked: Changeset, now: datetime) -> Foreseen | None:
        """Try what a change would have served. What the gateway refuses for another reason is not tried.

        Raises:
            GatewayRejected: the data plane would not take it.
        """
        return await self._foresee(lambda c: self._gateway.foreseen(c, asked, now))

    async def foresee_plan(self, digest: str, now: datetime) -> Foreseen | None:
        """The same for a change that waits as a plan.

        Raises:
            GatewayRejected: the data plane would not take it.
        """
        return await self._foresee(lambda c: self._gateway.foreseen_of_plan(c, digest, now))

    async def enforce(self, foreseen: Foreseen | None) -> Effective | None:
        """Serve what is live now.

        Args:
            foreseen: what was tried; it counts where it is what is live.

        Returns:
            How it went; None where nothing serves, or it is not in force: the status says why, and it is tried again.
        """
        if self.dataplane is None:
            return None
        state = await self._database.read(lambda c: self._gateway.state(c, PolicySet.DEFAULT_NAME))
        made = foreseen.prepared if foreseen is not None and foreseen.revision == state.revision else None
        try:
            return await self.dataplane.apply(state.live, state.revision, made)
        except (DataPlaneError, StoreError) as error:
            log.warning("gateway.not-in-force", revision=state.revision, detail=error.detail)
            return None

    async def refresh(self) -> None:
        """Look again where systems are: they have moved."""
        if self.dataplane is None:
            return
        try:
            await self.dataplane.refresh()
        except (DataPlaneError, StoreError) as error:
            log.warning("gateway.not-in-force", detail=error.detail)

    async def _foresee(self, look: Looking) -> Foreseen | None:
        if self.dataplane is None or not self.dataplane.runs:
            return None
        try:
            after = await self._database.read(look)
        except AndonError:  # whoever makes the change is told that, with all that belongs to it
            return None
        if after is None:
            return None
        try:
            prepared = await self.dataplane.check(after.live)
        except DataPlaneError as error:
            raise GatewayRejected(
                f"The gateway's data plane would not take this: {error.detail} Nothing was changed, and what was in "
                "force before is served on. Change the policy that it is about, and make a new plan."
            ) from error
        return None if prepared is None else Foreseen(after.revision, prepared)
