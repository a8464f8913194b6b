"""Gateways in memory and what stands in front of them: generated, whole, and as somebody moved them by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
from hypothesis import strategies as st

from gateway_policies.model import (
    Api,
    Brownout,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    PolicySet,
    Resource,
    Risk,
    Scope,
    Throttle,
    Version,
    by_address,
)
from gateway_policies.references import Names, claims, references
from gateway_policies.state import GatewayState, fingerprint_of

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SET = "policies"

_NAMES = ("orders", "stock", "lots", "quality")
_SCOPES = ("orders.read", "orders.release", "stock.move", "lots.hold")
_CALLS = (("GET", "/"), ("POST", "/"), ("GET", "/{id}"), ("POST", "/{id}/release"))
_DATES = st.none() | st.sampled_from([date(2026, 10, 1), date(2027, 3, 1), date(2027, 6, 30)])
_SPANS = [
    Brownout(from_=datetime(2027, 2, day, 6, tzinfo=UTC), until=datetime(2027, 2, day, 7, tzinfo=UTC))
    for day in (1, 2, 3)
]


def state_of(
    live: dict[str, Resource] | list[Resource],
    *,
    owned: list[str] | None = None,
    others: dict[str, str] | None = None,
    applied: dict[str, Resource] | None = None,
    policy_set: str = SET,
) -> GatewayState:
    """A gateway in memory. Without more, the policy set has applied all that is live."""
    resources = live if isinstance(live, dict) else by_address(live)
    owners = dict.fromkeys(resources if owned is None else owned, policy_set) | (others or {})
    mine = {each: resource for each, resource in resources.items() if owners.get(each) == policy_set}
    recorded = mine if applied is None else applied
    return GatewayState(
        gateway="plant-gateway",
        revision=0,
        fingerprint=fingerprint_of(resources, owners, {policy_set: recorded}),
        live=resources,
        owners=owners,
        applied=recorded,
    )


def policies_of(resources: dict[str, Resource] | list[Resource], noise: tuple[str, ...] = ()) -> PolicySet:
    """Files that say so."""
    found = resources if isinstance(resources, dict) else by_address(resources)
    return PolicySet(gateway="plant-gateway", name=SET, resources=found, noise=noise)


def _subset(values: tuple[str, ...] | list[str], least: int = 0) -> st.SearchStrategy[list[str]]:
    values = list(values)
    return st.lists(st.sampled_from(values), unique=True, min_size=min(least, len(values))) if values else st.just([])


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Resource]:
    """A whole and valid set of resources: nothing dangles, nothing is claimed twice."""
    found: list[Resource] = []
    issuers = draw(_subset(("plant-idp", "old-idp")))
    throttles = draw(_subset(("standard", "bulk", "erp-quota")))
    scopes = draw(_subset(_SCOPES))
    found += [Issuer(name=each, url=f"https://{each}.example/realms") for each in issuers]
    found += [draw(throttle(each)) for each in throttles]
    found += [draw(scope(each)) for each in scopes]
    for name in draw(_subset(_NAMES)):
        versions = draw(_subset(("v1", "v2", "v3")))
        found += [draw(version(name, each, versions)) for each in versions]
        found.append(draw(api(name, versions, scopes, throttles)))
    for name in draw(_subset(("mes-p01", "mes-p02", "portal"))):
        found.append(draw(consumer(name, throttles, issuers)))
        found += [draw(grant(name, each)) for each in draw(_subset(scopes))]
    return by_address(found)


@st.composite
def throttle(draw: st.DrawFn, name: str) -> Throttle:
    """A throttle of that name."""
    quota = draw(st.none() | st.sampled_from([10_000, 200_000]))
    return Throttle(
        name=name,
        requests=draw(st.sampled_from([60, 600, 6000])),
        per_seconds=draw(st.sampled_from([1, 60])),
        burst=draw(st.none() | st.sampled_from([60, 100, 600])),
        quota=quota,
        quota_per_seconds=None if quota is None else 86_400,
    )


@st.composite
def scope(draw: st.DrawFn, name: str) -> Scope:
    """A scope of that name."""
    return Scope(
        name=name, description=draw(st.sampled_from(["", f"what {name} is"])), risk=draw(st.sampled_from(Risk))
    )


@st.composite
def api(draw: st.DrawFn, name: str, versions: list[str], scopes: list[str], throttles: list[str]) -> Api:
    """An API of that name, that refers to some of what is there."""
    wanted: list[str | None] = [None, *scopes]
    operations = [
        Operation(
            methods=(method,),
            path=path,
            scope=draw(st.sampled_from(wanted)),
            versions=draw(st.none() | _subset(versions, 1).map(lambda each: tuple(sorted(each)) or None)),
        )
        for method, path in draw(st.lists(st.sampled_from(_CALLS), unique=True))
    ]
    return Api(
        name=name,
        owner=draw(st.sampled_from(["erp-integration", "plant-3-it"])),
        base_path=f"/{name}" if draw(st.booleans()) else f"/erp/{name}",
        upstream=draw(st.sampled_from(["system:ERP", "https://erp.example/api"])),
        throttle=draw(st.sampled_from([None, *throttles])),
        operations=tuple(sorted(operations, key=lambda each: each.key)),
    )


@st.composite
def version(draw: st.DrawFn, api: str, name: str, versions: list[str]) -> Version:
    """A version of an API that has those."""
    return Version(
        api=api,
        name=name,
        lifecycle=draw(st.sampled_from(Lifecycle)),
        sunset_on=draw(_DATES),
        successor=draw(st.sampled_from([None, *(each for each in versions if each != name)])),
        brownouts=tuple(sorted(draw(st.lists(st.sampled_from(_SPANS), unique=True)))),
    )


@st.composite
def consumer(draw: st.DrawFn, name: str, throttles: list[str], issuers: list[str]) -> Consumer:
    """A consumer of that name."""
    credential = None
    if issuers and draw(st.booleans()):
        credential = Credential(
            issuer=draw(st.sampled_from(issuers)),
            client_id=draw(st.sampled_from([name, f"{name}-new"])),
            expires_on=draw(_DATES),
            secret=draw(st.sampled_from([None, "env:SECRET"])),
        )
    return Consumer(
        name=name,
        owner="plant-3-it",
        plant=draw(st.sampled_from([None, "P01", "P03"])),
        throttle=draw(st.sampled_from([None, *throttles])),
        credential=credential,
    )


@st.composite
def grant(draw: st.DrawFn, consumer: str, scope: str) -> Grant:
    """A grant of a scope."""
    return Grant(
        consumer=consumer, scope=scope, reason=draw(st.sampled_from(["", "releases orders"])), expires_on=draw(_DATES)
    )


@st.composite
def moved(draw: st.DrawFn, start: dict[str, Resource]) -> dict[str, Resource]:
    """``start`` as somebody changed it: some of it renamed, some taken from another whole; still whole."""
    found = dict(start)
    for old, new in draw(st.lists(st.sampled_from(_RENAMES), unique=True, max_size=2)):
        if old in found and new not in found:
            found = _rename(found, old, new)
    other = draw(resources())
    for address in draw(
        st.lists(st.sampled_from(sorted({*found, *other})), unique=True) if found or other else st.just([])
    ):
        if address in other and draw(st.booleans()):
            found[address] = other[address]
        else:
            found.pop(address, None)
    return whole(found)


_RENAMES = [
    ("api.orders", "api.production-orders"),
    ("scope.orders.read", "scope.orders.view"),
    ("throttle.standard", "throttle.plant-standard"),
    ("consumer.mes-p01", "consumer.mes-plant-1"),
    ("issuer.plant-idp", "issuer.site-idp"),
]


def _rename(found: dict[str, Resource], old: str, new: str) -> dict[str, Resource]:
    return Names({old: new}).in_all(found)


def whole(found: dict[str, Resource]) -> dict[str, Resource]:
    """Without what refers to something that is not there, or claims what another has."""
    found = dict(sorted(found.items()))
    while True:
        left: dict[str, Resource] = {}
        claimed: set[str] = set()
        for address, resource in found.items():
            mine = claims(resource)
            if all(each in found for each in references(resource)) and claimed.isdisjoint(mine):
                left[address] = resource
                claimed.update(mine)
        if len(left) == len(found):
            return left
        found = left


@st.composite
def gateways(draw: st.DrawFn, *, drifting: bool = True) -> tuple[dict[str, Resource], GatewayState]:
    """Files, and a gateway that another version of them was applied to, and that somebody may have changed since."""
    applied = draw(resources())
    files = draw(moved(applied))
    live = draw(moved(applied)) if drifting else applied
    owned = [each for each in live if each in applied]
    return files, state_of(live, owned=owned, applied=applied)


def replaced(resource: Resource, **fields: object) -> Resource:
    """The resource with other fields."""
    return msgspec.structs.replace(resource, **fields)
