"""What a gateway answers to a call, worked out from the policies: to explain it, and to hold a gateway against it.

Throttles are not part of it: whether a bucket is empty depends on the calls before.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from gateway_policies.routing.model import STATUS, Caller, Entry, Refusal, Routing, Served, Surface
from gateway_policies.routing.paths import fits, shape


class Token(Struct, frozen=True, kw_only=True):
    """What an access token says, when its signature, audience and times are good.

    Attributes:
        issuer: the name of the issuer, as the policies have it.
        client_id: of the claim ``client_id``, else ``azp``, else ``sub``.
    """

    issuer: str
    client_id: str
    scopes: frozenset[str] = frozenset()


class Call(Struct, frozen=True, kw_only=True):
    """A call.

    Attributes:
        path: without a query, and without dot segments or doubled slashes.
        headers: by their names in lower case.
        token: None for one that is missing or cannot be used.
    """

    method: str
    path: str
    headers: Mapping[str, str] = {}
    token: Token | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """What becomes of a call.

    Attributes:
        refusal: None lets it pass.
        policy: the address of the policy that decides; None where none does.
        allow: the methods that there are, where another one was used.
    """

    refusal: Refusal | None = None
    surface: Surface | None = None
    entry: Entry | None = None
    caller: Caller | None = None
    policy: str | None = None
    allow: tuple[str, ...] = ()

    @property
    def status(self) -> int | None:
        """The HTTP status of a refusal; None where what stands behind the gateway answers."""
        return None if self.refusal is None else STATUS[self.refusal]


def decide(routing: Routing, call: Call) -> Decision:
    """What the gateway answers to a call."""
    found = _surface(routing, call)
    if found is None:
        return Decision(refusal=Refusal.NO_SUCH_ROUTE)
    if found.served is Served.RETIRED:
        return Decision(refusal=Refusal.VERSION_RETIRED, surface=found, policy=found.address)
    if found.served is Served.BROWNOUT:
        return Decision(refusal=Refusal.BROWNOUT, surface=found, policy=found.address)
    segments = tuple(each for each in call.path[len(found.prefix) :].split("/")[1:])
    if segments == ("",):
        segments = ()
    fitting = [each for each in found.entries if fits(shape(each.path), segments)]
    entry = next((each for each in fitting if call.method in each.methods), None)
    if entry is None:
        if not fitting:
            return Decision(refusal=Refusal.NO_SUCH_ROUTE, surface=found, policy=f"api.{found.api}")
        return Decision(
            refusal=Refusal.METHOD_NOT_ALLOWED,
            surface=found,
            policy=f"api.{found.api}",
            allow=allowed(found, fitting[0]),
        )
    return _who(routing, call, found, entry)


def allowed(surface: Surface, nearest: Entry) -> tuple[str, ...]:
    """The methods that a path takes: of a template, and of those that take what it takes."""
    also = (each for each in surface.entries if fits(shape(each.path), shape(nearest.path)))
    return tuple(sorted({method for each in also for method in each.methods}))


def _surface(routing: Routing, call: Call) -> Surface | None:
    """The version that a call means: the longest prefix wins, and the header says which where versions share one."""
    near = [each for each in routing.surfaces if call.path == each.prefix or call.path.startswith(f"{each.prefix}/")]
    longest = max((len(each.prefix) for each in near), default=0)
    for each in near:
        if len(each.prefix) == longest and (
            each.header is None or call.headers.get(each.header.lower()) == each.version
        ):
            return each
    return None


def _who(routing: Routing, call: Call, surface: Surface, entry: Entry) -> Decision:
    token = call.token
    if token is None:
        return Decision(refusal=Refusal.UNAUTHENTICATED, surface=surface, entry=entry)
    caller = next(
        (each for each in routing.callers if (each.issuer, each.client_id) == (token.issuer, token.client_id)), None
    )
    if caller is None:
        return Decision(refusal=Refusal.UNKNOWN_CONSUMER, surface=surface, entry=entry)
    refusal, policy = None, None
    if caller.expired:
        refusal, policy = Refusal.CREDENTIAL_EXPIRED, caller.address
    elif entry.scope is not None and not (entry.scope in caller.scopes and entry.scope in token.scopes):
        refusal, policy = Refusal.SCOPE_MISSING, f"{caller.address}.grant.{entry.scope}"
    return Decision(refusal=refusal, surface=surface, entry=entry, caller=caller, policy=policy)
