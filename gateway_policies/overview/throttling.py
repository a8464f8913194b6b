"""Which throttle counts for a call: the consumer's own, or the API's, which all of its consumers share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property

from msgspec import Struct

from gateway_policies.model import Throttle
from gateway_policies.overview.access import Access


class Whose(StrEnum):
    """Whose throttle it is."""

    CONSUMER = "consumer"
    API = "api"


class Limit(Struct, frozen=True):
    """A limit that counts.

    Attributes:
        throttle: what sets it.
        whose: the API's is shared by all who call the API.
    """

    throttle: Throttle
    whose: Whose


class Limits(Struct, frozen=True):
    """What holds a consumer at an API: a call has to get past both throttles, so each limit is the lower of two.

    Attributes:
        rate: by the refill; None where neither has a throttle.
        burst: by the size of the bucket.
        quota: by the longer count; None where neither throttle has one.
    """

    rate: Limit | None
    burst: Limit | None
    quota: Limit | None

    def by(self, throttle: str) -> bool:
        """Whether a throttle of that name sets any of them."""
        return any(each is not None and each.throttle.name == throttle for each in (self.rate, self.burst, self.quota))


class Pair(Struct, frozen=True):
    """A consumer at an API that it may call, and what holds it there."""

    consumer: str
    api: str
    limits: Limits


def bucket(throttle: Throttle) -> int:
    """How many calls at once a throttle lets through."""
    return throttle.requests if throttle.burst is None else throttle.burst


def quota_per_second(throttle: Throttle) -> float | None:
    """What a quota comes to by the second; None where there is none."""
    if throttle.quota is None or not throttle.quota_per_seconds:
        return None
    return throttle.quota / throttle.quota_per_seconds


def limits(own: Throttle | None, shared: Throttle | None) -> Limits:
    """What counts of a consumer's own throttle and the one of the API. Of two that are alike the shared one counts: it
    is used up sooner."""
    found = [Limit(shared, Whose.API)] if shared is not None else []
    found += [Limit(own, Whose.CONSUMER)] if own is not None else []
    with_quota = [each for each in found if quota_per_second(each.throttle) is not None]
    return Limits(
        min(found, key=lambda each: each.throttle.per_second, default=None),
        min(found, key=lambda each: bucket(each.throttle), default=None),
        min(with_quota, key=lambda each: quota_per_second(each.throttle) or 0.0, default=None),
    )


class Held(Struct, frozen=True):
    """Who has a throttle: the names of APIs and consumers that name it."""

    apis: tuple[str, ...]
    consumers: tuple[str, ...]


class Throttling:
    """The throttles of a gateway, and whom they hold."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._limits: dict[tuple[str | None, str | None], Limits] = {}

    @cached_property
    def held(self) -> dict[str, Held]:
        """Who names a throttle, by its name; of every throttle that there is."""
        apis: dict[str, list[str]] = defaultdict(list)
        consumers: dict[str, list[str]] = defaultdict(list)
        for api in self._access.apis.values():
            apis[api.throttle or ""].append(api.name)
        for consumer in self._access.consumers.values():
            consumers[consumer.throttle or ""].append(consumer.name)
        return {
            name: Held(tuple(apis.get(name, ())), tuple(consumers.get(name, ()))) for name in self._access.throttles
        }

    def limits_of(self, consumer: str, api: str) -> Limits:
        """What holds a consumer at an API."""
        own, shared = self._access.consumers[consumer].throttle, self._access.apis[api].throttle
        if (own, shared) not in self._limits:
            throttles = self._access.throttles
            self._limits[own, shared] = limits(throttles.get(own or ""), throttles.get(shared or ""))
        return self._limits[own, shared]

    def pairs(self, throttle: str) -> list[Pair]:
        """Whom a throttle can hold where, those that it does hold first."""
        held = self.held.get(throttle, Held((), ()))
        met = {(consumer, api) for api in held.apis for consumer in self._access.may_call(api)}
        met |= {(consumer, api) for consumer in held.consumers for api in self._called_by(consumer)}
        found = [Pair(consumer, api, self.limits_of(consumer, api)) for consumer, api in met]
        return sorted(found, key=lambda each: (not each.limits.by(throttle), each.api, each.consumer))

    def _called_by(self, consumer: str) -> Iterable[str]:
        given = self._access.given(consumer)
        found = {
            api
            for scope, each in given.items()
            if not self._access.ended(each.grant)
            for api in self._access.wanting.get(scope, ())
        }
        return found | self._open if consumer in self._access.known else found

    @cached_property
    def _open(self) -> set[str]:
        return {
            name
            for name, api in self._access.apis.items()
            if any(operation.scope is None for operation in api.operations)
        }
