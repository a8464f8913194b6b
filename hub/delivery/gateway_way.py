"""The gateway on the way to targets: which calls go through it, as whom, and what its refusals mean.

Where the gateway serves an API whose upstream is ``system:NAME`` and that takes documents, the hub calls NAME through
it, as the consumer ``andon-hub`` with a token of its own, so that its policies hold for the hub as for anybody else.
What such an API does not have is called directly, and so is a key with a slash in it, which the gateway takes for an
attempt to be read as another path.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import structlog

from gateway_policies.explaining.judging import Judged, judge
from gateway_policies.explaining.refused import RefusedCall
from gateway_policies.routing.model import Caller, Routing, Served, Surface
from gateway_policies.routing.paths import fits, shape
from hub.delivery.answers import Answer
from hub.delivery.channel import Channel, NotSent, Outgoing
from hub.gateway.live import LivePolicies
from hub.identity.consumers import LIFETIME, ConsumerIssuer, Signed
from hub.landscape import Landscape
from transactions.clock import Clock

log = structlog.get_logger("andon.delivery")

CONSUMER = "andon-hub"
"""What policies call the hub, which hands documents to systems."""
PLANT, TRANSACTION = "andon-plant", "andon-transaction"
_SYSTEM = "system:"
_LIFE = ("deprecation", "sunset")
_NUMBERS = re.compile(r"(\d+)")
_MARGIN = 0.9
"""Of what the gateway lets through: two clocks never agree to the millisecond, and a refusal costs a whole second."""
_AMBIGUOUS = re.compile(r"%2f|%5c", re.IGNORECASE)

Serving = Callable[[], tuple[str, Routing] | None]
"""Where the gateway is called now, and what it serves; None while nothing holds calls against the policies."""


class _Who(NamedTuple):
    """As whom the hub calls, and what its token says of that."""

    client_id: str
    audience: str
    scopes: frozenset[str]


class _Served(NamedTuple):
    """What is served, the hub among its callers, and the ways to systems that were looked for."""

    routing: Routing
    caller: Caller | None
    ways: dict[str, Surface | None]


class _Found(NamedTuple):
    """The way of a request through the gateway."""

    url: str
    surface: Surface
    who: _Who


class GatewayWay:
    """The way through the hub's gateway.

    Args:
        policies: what is live there.
        landscape: where systems are.
        consumers: signs the hub's token.
        clock: by which tokens end.

    Attributes:
        serving: tells where the gateway is; a hub without a data plane has none.
        pinned: the fingerprint of the gateway's certificate in hex, where it speaks TLS.
    """

    def __init__(self, policies: LivePolicies, landscape: Landscape, consumers: ConsumerIssuer, clock: Clock) -> None:
        self._policies, self._landscape, self._consumers, self._clock = policies, landscape, consumers, clock
        self.serving: Serving = _nowhere
        self.pinned: str | None = None
        self._token: tuple[_Who, Signed] | None = None
        self._around: str | None = None
        self._seen: _Served | None = None

    async def judge(self, call: RefusedCall, now: datetime) -> Judged:
        """What stopped a call of the hub's.

        Raises:
            StoreError: the policies cannot be read.
        """
        live = await self._policies.read()
        return judge(call, live, now.astimezone(UTC).date(), CONSUMER)

    def through(self, request: Outgoing) -> Outgoing | None:
        """The request as it goes through the gateway; None where it goes to its target directly.

        Raises:
            StoreError: the key that tokens are signed with cannot be written.
        """
        found = self._found(request)
        if found is None:
            return None
        surface, who = found.surface, found.who
        headers = {**request.headers, "authorization": f"Bearer {self._bearer(who)}"}
        if surface.header is not None:
            headers[surface.header] = surface.version
        if request.to is not None and request.to[1] is not None:
            headers[PLANT] = request.to[1]
        if (of := request.headers.get("ce-id")) is not None:
            headers[TRANSACTION] = of
        return msgspec.structs.replace(request, url=found.url, headers=headers, pinned=self.pinned)

    def called_at(self, request: Outgoing) -> str:
        """Where a request goes, for those who look at it later."""
        found = self._found(request)
        return request.url if found is None else found.url

    def limit(self, system: str) -> float | None:
        """How many calls of a system the gateway lets through in a second, as far as they are the hub's; None where it
        does not say, or so few that waiting for them here would hide that it is the gateway who refuses."""
        serving, declaration = self.serving(), self._landscape.catalogue.system.get(system)
        if serving is None or declaration is None:
            return None
        routing = serving[1]
        surface = self._way(routing, system, declaration.deliver)
        if surface is None:
            return None
        caller = self._served(routing).caller
        names = (surface.throttle, None if caller is None else caller.throttle)
        found = [routing.throttles[each].per_second for each in names if each in routing.throttles]
        least = min(found, default=None)
        return None if least is None or least < 1.0 else least * _MARGIN

    def _served(self, routing: Routing) -> _Served:
        """What was looked for in what is served, once: there may be thousands of consumers."""
        if self._seen is None or self._seen.routing is not routing:
            caller = next((each for each in routing.callers if each.consumer == CONSUMER), None)
            self._seen = _Served(routing, caller, {})
        return self._seen

    def _way(self, routing: Routing, system: str, deliver: str) -> Surface | None:
        """As :func:`way_to`, looked for once in what is served."""
        ways = self._served(routing).ways
        if system not in ways:
            ways[system] = way_to(routing, system, deliver)
        return ways[system]

    def _found(self, request: Outgoing) -> _Found | None:
        serving = self.serving()
        if serving is None or request.to is None:
            return None
        url, routing = serving
        name, plant = request.to
        endpoint = self._landscape.endpoint(name, plant)
        if endpoint is None or endpoint.url is None or not request.url.startswith(f"{endpoint.url}/"):
            return None
        rest = request.url[len(endpoint.url) :]
        surface = self._way(routing, name, endpoint.declaration.deliver)
        if surface is None or not _has(surface, request.method, rest.partition("?")[0]):
            return None
        who = self._who(routing)
        return None if who is None else _Found(f"{url}{surface.prefix}{rest}", surface, who)

    def _who(self, routing: Routing) -> _Who | None:
        """As whom the hub calls; None where it cannot sign what the policies want of it."""
        caller = self._served(routing).caller
        wanted = None if caller is None else caller.issuer
        issuer = next((each for each in routing.issuers if each.by_hub and wanted in (each.name, None)), None)
        audience = None if issuer is None else issuer.audience_at(routing.gateway)
        if audience is None:
            self._tell_around(f"the tokens of consumer.{CONSUMER} are those of another issuer than the hub")
            return None
        self._around = None
        return (
            _Who(CONSUMER, audience, frozenset()) if caller is None else _Who(caller.client_id, audience, caller.scopes)
        )

    def _bearer(self, said: _Who) -> str:
        """The hub's token, signed anew when it gets old or would say something else."""
        if (
            self._token is None
            or self._token[0] != said
            or self._clock.now() > self._token[1].expires_at - LIFETIME / 2
        ):
            self._token = said, self._consumers.sign(said.client_id, said.audience, sorted(said.scopes))
        return self._token[1].token

    def _tell_around(self, because: str) -> None:
        if self._around != because:
            self._around = because
            log.warning("delivery.around-the-gateway", because=because)


class GatewayChannel:
    """A channel whose requests go through the gateway where that serves their target.

    Args:
        channel: carries them.
        way: says which.
    """

    def __init__(self, channel: Channel, way: GatewayWay) -> None:
        self._channel, self._way = channel, way

    async def send(self, request: Outgoing) -> Answer:
        """See :class:`hub.delivery.channel.Channel`."""
        through = self._way.through(request)
        if through is None:
            return await self._channel.send(request)
        try:
            return await self._channel.send(through)
        except NotSent as error:
            raise NotSent(error.kind, f"gateway-{error.code}", f"At the gateway: {error.message}") from error

    async def close(self) -> None:
        """Close every connection."""
        await self._channel.close()


def way_to(routing: Routing, system: str, deliver: str) -> Surface | None:
    """The version through which the hub calls a system: one that is there to stay before one that goes, one that goes
    before one that is gone, and of these the newest. One that is gone is called all the same where there is no other:
    what that fails says why.

    Args:
        deliver: the path for documents, with ``{flow}``.
    """
    path = deliver.replace("{flow}", "flow")
    able = [each for each in routing.surfaces if each.upstream == f"{_SYSTEM}{system}" and _has(each, "POST", path)]
    return max(able, key=_rank, default=None)


def _rank(surface: Surface) -> tuple[int, bool, list[tuple[bool, int, str]], str]:
    served = (Served.RETIRED, Served.BROWNOUT, Served.PASSED).index(surface.served)
    stays = not any(each in surface.headers for each in _LIFE)
    parts = [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in _NUMBERS.split(surface.version)]
    return served, stays, parts, surface.api


def _has(surface: Surface, method: str, path: str) -> bool:
    if _AMBIGUOUS.search(path) is not None:
        return False
    segments = tuple(path.split("/")[1:])
    return any(method in each.methods and fits(shape(each.path), segments) for each in surface.entries)


def _nowhere() -> None:
    return None
