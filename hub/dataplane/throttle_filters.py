"""How often: token buckets for each consumer and for each API, and what their answers tell of them.

A bucket refills continuously. One filter has those of the consumers and one those of the APIs; each is written only
when one of its own throttles changes, because new buckets are full ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from gateway_policies.model import Throttle
from gateway_policies.overview.throttling import bucket
from gateway_policies.routing.model import Caller, Surface
from hub.dataplane.vocabulary import CLIENT, ISSUER, NAMESPACE, THROTTLED, Message, mutation, typed, written

UNLIMITED = 4_000_000_000
"""The size of the bucket of whoever has none."""
POOL = "pool"
"""What a route says of itself where its API has a throttle: whose bucket its calls are taken from."""
_KIND = "extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_QUOTA = "quota"


class Side(StrEnum):
    """Whose throttle."""

    CONSUMER = "consumer"
    API = "api"


def consumer_filter(
    callers: Iterable[Caller], issuers: Mapping[str, str], throttles: Mapping[str, Throttle]
) -> Message:
    """Buckets of consumers: each its own."""
    buckets: list[Message] = []
    for each in callers:
        throttle = throttles.get(each.throttle or "")
        if throttle is not None and each.issuer in issuers:
            who = [{"key": "issuer", "value": issuers[each.issuer]}, {"key": "client", "value": each.client_id}]
            buckets += _buckets(who, throttle)
    who_calls = [
        {"request_headers": {"header_name": ISSUER, "descriptor_key": "issuer"}},
        {"request_headers": {"header_name": CLIENT, "descriptor_key": "client"}},
    ]
    return _limit(Side.CONSUMER, who_calls, buckets)


def api_filter(surfaces: Iterable[Surface], throttles: Mapping[str, Throttle]) -> Message:
    """Buckets of APIs: each shared by all versions of the API, and all who call it."""
    named = {
        each.api: throttles[each.throttle]
        for each in surfaces
        if each.throttle is not None and each.throttle in throttles
    }
    buckets = [
        bucket
        for api, throttle in sorted(named.items())
        for bucket in _buckets([{"key": "api", "value": api}], throttle)
    ]
    which = {
        "descriptor_key": "api",
        "metadata_key": {"key": NAMESPACE, "path": [{"key": POOL}]},
        "source": "ROUTE_ENTRY",
    }
    return _limit(Side.API, [{"metadata": which}], buckets)


def telling(side: Side) -> Message:
    """A filter in front of a throttle that writes what it says into the fields of the IETF's draft, and how long to
    wait where it refused."""
    limited = f"'x-ratelimit-limit' in response.headers && response.headers['x-ratelimit-limit'] != '{UNLIMITED}'"
    refused = f"'{THROTTLED}' in response.headers && response.headers['{THROTTLED}'] == '{side}'"

    def where(condition: str, said: str) -> str:
        return f"%CEL({condition} ? {said} : '')%"

    def of(name: str) -> str:
        return where(limited, f"response.headers['x-ratelimit-{name}']")

    def text(said: str) -> str:
        return where(limited, f"'{said}'")

    policy = text(f'"{side}";q=') + of("limit")
    state = text(f'"{side}";r=') + of("remaining") + text(";t=") + of("reset")
    wait = where(refused, "response.headers['x-ratelimit-reset']")
    return mutation(
        f"andon-{side}-limits",
        answers=[
            {"append": written("ratelimit-policy", policy, "APPEND_IF_EXISTS_OR_ADD")},
            {"append": written("ratelimit", state, "APPEND_IF_EXISTS_OR_ADD")},
            {"append": written("retry-after", wait)},
            *({"remove": f"x-ratelimit-{name}"} for name in ("limit", "remaining", "reset")),
        ],
    )


def _limit(side: Side, who: list[Message], buckets: list[Message]) -> Message:
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return typed(
        _KIND,
        stat_prefix=f"andon_{side}",
        token_bucket={"max_tokens": UNLIMITED, "tokens_per_fill": UNLIMITED, "fill_interval": "1s"},
        filter_enabled=always,
        filter_enforced=always,
        always_consume_default_token_bucket=False,
        enable_x_ratelimit_headers="DRAFT_VERSION_03",
        response_headers_to_add=[written(THROTTLED, side)],
        rate_limits=[
            {"actions": who},
            {"actions": [*who, {"generic_key": {"descriptor_key": _QUOTA, "descriptor_value": _QUOTA}}]},
        ],
        descriptors=buckets,
    )


def _buckets(who: list[Message], throttle: Throttle) -> Iterator[Message]:
    yield {"entries": who, "token_bucket": _bucket(bucket(throttle), throttle.requests, throttle.per_seconds)}
    if throttle.quota is not None and throttle.quota_per_seconds:
        yield {
            "entries": [*who, {"key": _QUOTA, "value": _QUOTA}],
            "token_bucket": _bucket(throttle.quota, throttle.quota, throttle.quota_per_seconds),
        }


def _bucket(size: int, refill: int, seconds: int) -> Message:
    most = UNLIMITED - 1
    return {"max_tokens": min(size, most), "tokens_per_fill": min(refill, most), "fill_interval": f"{seconds}s"}
