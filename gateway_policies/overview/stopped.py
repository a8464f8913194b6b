"""From a call that a policy stopped to what explains it, and from a policy to the calls that it stops."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from gateway_policies.model import Lifecycle, Version
from gateway_policies.overview.access import Access, system_of
from gateway_policies.overview.calendar import Phase, phase_on, soonest_first


class Page(StrEnum):
    """What of a gateway one looks at."""

    CALENDAR = "calendar"
    CONSUMERS = "consumers"
    THROTTLES = "throttles"
    DRIFT = "drift"
    PLAN = "plan"


class Call(Struct, frozen=True, kw_only=True):
    """A call that was refused, as whoever was refused tells it.

    Attributes:
        kind: ``forbidden``, ``unauthorized``, ``certificate``, ``version-retired`` or ``throttled``.
        policy: the address of what stopped it; None where nobody said so.
        source: the system whose call it was at first, and its plant.
        target: the system that was called.
    """

    kind: str
    policy: str | None
    source: str
    plant: str | None
    target: str


class Found(Struct, frozen=True):
    """What explains it.

    Attributes:
        page: where it shows.
        address: of what the row is about; None where the gateway has nothing that fits.
        sure: whether whoever stopped the call named it.
    """

    page: Page
    address: str | None
    sure: bool


_BY_KIND = {
    "version-retired": Page.CALENDAR,
    "forbidden": Page.CONSUMERS,
    "unauthorized": Page.CONSUMERS,
    "certificate": Page.CONSUMERS,
    "throttled": Page.THROTTLES,
}
_THERE = frozenset({Phase.ACTIVE, Phase.DRAFT})
_BY_ADDRESS = {
    "api": Page.CALENDAR,
    "consumer": Page.CONSUMERS,
    "scope": Page.CONSUMERS,
    "issuer": Page.CONSUMERS,
    "throttle": Page.THROTTLES,
}


def page_of(kind: str, policy: str | None) -> Page | None:
    """Where a refusal is explained; None for one that no policy explains."""
    if policy is not None:
        return _BY_ADDRESS.get(policy.partition(".")[0])
    return _BY_KIND.get(kind)


def explained(call: Call, access: Access) -> Found | None:
    """What explains a refused call; None where no policy does."""
    page = page_of(call.kind, call.policy)
    if page is None:
        return None
    if call.policy is not None:
        return Found(page, call.policy, True)
    guess = {Page.CALENDAR: _version, Page.CONSUMERS: _consumer, Page.THROTTLES: _throttle}[page]
    return Found(page, guess(call, access), False)


def _version(call: Call, access: Access) -> str | None:
    """Of the versions of the target the one that is gone, or goes first."""
    names = {each.name for each in access.apis_of(call.target)}
    versions = [each for each in access.versions if each.api in names and each.lifecycle is not Lifecycle.DRAFT]
    gone = [each for each in versions if each.lifecycle is Lifecycle.RETIRED]
    ordered = sorted(gone, key=lambda each: (each.sunset_on is None, each.address)) or soonest_first(
        versions, access.today
    )
    return ordered[0].address if ordered else None


def _consumer(call: Call, access: Access) -> str | None:
    """Whoever calls the target: the source itself where it may, else who has no system of its own and passes on."""
    able = {name for api in access.apis_of(call.target) for name in access.may_call(api.name)}
    sources = [
        each.name
        for each in access.consumers.values()
        if (each.system or "").casefold() == call.source.casefold() and each.plant in (call.plant, None)
    ]
    between = sorted(name for name in able if access.consumers[name].system is None)
    for found in ([each for each in sources if each in able], between, sources, sorted(able)):
        if found:
            return f"consumer.{found[0]}"
    return None


def _throttle(call: Call, access: Access) -> str | None:
    """What the API of the target has, or else who calls it."""
    for api in access.apis_of(call.target):
        if api.throttle is not None:
            return f"throttle.{api.throttle}"
    who = _consumer(call, access)
    consumer = None if who is None else access.consumers.get(who.partition(".")[2])
    return None if consumer is None or consumer.throttle is None else f"throttle.{consumer.throttle}"


class Stops(Struct, frozen=True):
    """The calls that a policy stops, for whoever keeps calls to look for.

    Attributes:
        policies: addresses that a refusal names; what hangs below them is part of it.
        kinds: of refusals that name no policy.
        targets, sources: the systems that such a refusal is between; none for all.
    """

    policies: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    sources: tuple[tuple[str, str | None], ...] = ()


def stops(address: str, access: Access) -> Stops:
    """Where to look for the calls that a resource stops."""
    kind, _, name = address.partition(".")
    resource = access.find(address)
    match kind:
        case "api":
            api = access.apis.get(resource.api if isinstance(resource, Version) else name.partition(".")[0])
            system = "" if api is None else system_of(api)
            there = isinstance(resource, Version) and phase_on(resource, access.today, access.today) in _THERE
            if not system or there:
                # Nobody is refused for the sake of a version that can be called.
                return Stops((address,))
            return Stops((address,), ("version-retired",), (system,))
        case "consumer":
            consumer = access.consumers.get(name.partition(".")[0])
            system = "" if consumer is None or consumer.system is None else consumer.system
            if consumer is None or not system:
                return Stops((address,))
            refused = ("forbidden", "unauthorized", "certificate")
            return Stops((address,), refused, (), ((system, consumer.plant),))
        case "throttle":
            systems = {system_of(each) for each in access.apis.values() if each.throttle == name}
            return Stops((address,), ("throttled",) if systems - {""} else (), tuple(sorted(systems - {""})))
        case _:
            return Stops((address,))
