"""The gateway on the way to a target: as whom the hub calls it, and what its refusals mean."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway_policies.explaining.judging import Judged, judge
from gateway_policies.explaining.refused import RefusedCall
from hub.gateway.live import LivePolicies

CONSUMER = "andon-hub"
"""What policies call the hub, which hands documents to systems."""


class GatewayWay:
    """The way through the hub's gateway.

    Args:
        policies: what is live there.
    """

    def __init__(self, policies: LivePolicies) -> None:
        self._policies = policies

    async def judge(self, call: RefusedCall, now: datetime) -> Judged:
        """What stopped a call of the hub's.

        Raises:
            StoreError: the policies cannot be read.
        """
        live = await self._policies.read()
        return judge(call, live, now.astimezone(UTC).date())
