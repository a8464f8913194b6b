"""What a call has to get past: the buckets of its consumer, then those of the API, in the order in which Envoy asks."""

from __future__ import annotations

from collections.abc import Mapping

from gateway_policies.model import Api, Consumer, Resource, Throttle
from gateway_policies.simulating.bucket import Bucket


def buckets_of(throttle: Throttle, began: float) -> tuple[Bucket, ...]:
    """The bucket of the rate and, where there is one, the bucket of the quota; the one that fills more slowly first,
    which is asked first and gives its token also where the other then refuses."""
    size = throttle.requests if throttle.burst is None else throttle.burst
    found = [Bucket(size, throttle.requests, throttle.per_seconds, began)]
    if throttle.quota is not None and throttle.quota_per_seconds:
        found.append(Bucket(throttle.quota, throttle.quota, throttle.quota_per_seconds, began))
    return tuple(sorted(found, key=lambda each: each.rate))


class Limits:
    """The throttles of a gateway, with their buckets.

    Args:
        resources: what the gateway has, by address.
        began: when the buckets are full, in seconds.
    """

    def __init__(self, resources: Mapping[str, Resource], began: float) -> None:
        self.throttles: dict[str, str] = {}
        """Names of throttles, by the addresses that they hold."""
        self._buckets: dict[str, tuple[Bucket, ...]] = {}
        for address, each in resources.items():
            if isinstance(each, Consumer | Api) and each.throttle is not None:
                throttle = resources.get(f"throttle.{each.throttle}")
                if isinstance(throttle, Throttle):
                    self.throttles[address] = throttle.name
                    self._buckets[address] = buckets_of(throttle, began)

    def refuses(self, consumer: str, api: str, at: float) -> str | None:
        """Who refuses a call: the address of the consumer, or of the API; None lets it pass.

        Args:
            consumer, api: their addresses.
        """
        for address in (consumer, api):
            for bucket in self._buckets.get(address, ()):
                if not bucket.take(at):
                    return address
        return None

    def roomy(self, wanted: Mapping[str, int], begin: float) -> bool:
        """Whether all buckets have enough for so many calls of these addresses without a refill."""
        return all(
            bucket.level(begin) >= count
            for address, count in wanted.items()
            for bucket in self._buckets.get(address, ())
        )

    def take_even(self, wanted: Mapping[str, int], begin: float) -> None:
        """Take so many, spread over the second from ``begin``, where it is :meth:`roomy`."""
        for address, count in wanted.items():
            for bucket in self._buckets.get(address, ()):
                bucket.take_even(begin, count)
