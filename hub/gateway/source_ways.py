"""How simulated systems call the hub through its gateway: each as the consumer that the policies have for it, where
they have an API for what it sends; what they have none for goes to the hub directly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import structlog

from gateway_policies.model import Consumer, Resource
from gateway_policies.routing.model import Routing, Served, Surface
from gateway_policies.routing.paths import fits, shape
from hub.errors import SimulatorError, StoreError
from hub.gateway.live import LivePolicies
from hub.identity.consumers import ConsumerIssuer
from hub.simulator.settings import Ways, instance_name

log = structlog.get_logger("andon.gateway")

_LOOK_EVERY = 0.5
_RENEW_EVERY = 60.0
"""Seconds; well before tokens end, and soon enough for systems that were started anew."""


class Place(NamedTuple):
    """The gateway as it serves now, and what in policies means the hub's ingress."""

    url: str
    routing: Routing
    pinned: str | None
    ingress: frozenset[str]


def ways_of(place: Place, live: Mapping[str, Resource], consumers: ConsumerIssuer) -> Ways:
    """The ways through the gateway that there are.

    Args:
        live: the policies, by address.
        consumers: signs their tokens; those of another issuer have no way.
    """
    routing = place.routing
    flows: dict[str, str] = {}
    for surface in sorted(routing.surfaces, key=lambda each: (each.served is Served.PASSED, each.address)):
        if surface.upstream in place.ingress and surface.header is None:
            flows.update(_flows(surface))
    by_hub = {each.name: each.audience_at(routing.gateway) for each in routing.issuers if each.by_hub}
    tokens = {}
    for caller in routing.callers:
        consumer, audience = live.get(caller.address), by_hub.get(caller.issuer)
        if not isinstance(consumer, Consumer) or consumer.system is None or audience is None:
            continue
        signed = consumers.sign(caller.client_id, audience, sorted(caller.scopes))
        tokens[instance_name(consumer.system, consumer.plant)] = signed.token
    return Ways(url=place.url, pinned=place.pinned, flows=flows, tokens=tokens)


def _flows(surface: Surface) -> dict[str, str]:
    """The flows that a version takes, by name, with the path of each at the gateway."""
    return {
        entry.path[1:]: f"{surface.prefix}{entry.path}"
        for entry in surface.entries
        if "POST" in entry.methods and fits(shape(entry.path), (entry.path[1:],))
    }


class SourceKeeper:
    """Tells the simulated systems their ways, as long as it runs.

    Args:
        place: the gateway as it serves now; None while it serves nothing.
        policies: what is live there.
        consumers: signs tokens.
        tell: hands the ways over.
    """

    def __init__(
        self,
        place: Callable[[], Place | None],
        policies: LivePolicies,
        consumers: ConsumerIssuer,
        tell: Callable[[Ways], Awaitable[None]],
    ) -> None:
        self._place, self._policies, self._consumers, self._tell = place, policies, consumers, tell
        self._told: Place | None = None
        self._renew_at = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except (SimulatorError, StoreError) as error:
                log.warning("sources.ways-untold", detail=error.detail)
            await asyncio.sleep(_LOOK_EVERY)

    async def look(self) -> None:
        """Tell them, where something has changed or tokens get old.

        Raises:
            SimulatorError: they cannot be told.
            StoreError: the policies, or the key, cannot be read.
        """
        place, now = self._place(), asyncio.get_running_loop().time()
        told = self._told
        if place is None or told is None:
            same = place is told
        else:
            same = (place.url, place.routing.callers) == (told.url, told.routing.callers) and (
                place.routing.surfaces == told.routing.surfaces
            )
        if same and (place is None or now < self._renew_at):
            return
        ways = Ways() if place is None else ways_of(place, await self._policies.read(), self._consumers)
        await self._tell(ways)
        self._told, self._renew_at = place, now + _RENEW_EVERY

    def again(self) -> None:
        """They were started anew, and know nothing."""
        self._renew_at = 0.0
