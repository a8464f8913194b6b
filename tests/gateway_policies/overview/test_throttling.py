"""Which throttle counts: the lower one, limit by limit, and of two that are alike the shared one."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st
from policy_strategies import resources, throttles

from gateway_policies.model import Api, Consumer, Credential, Grant, Operation, Resource, Scope, Throttle, by_address
from gateway_policies.overview.access import Access
from gateway_policies.overview.throttling import Throttling, Whose, bucket, limits, quota_per_second

TODAY = date(2026, 11, 20)
MAYBE = st.none() | throttles("own")


@settings(max_examples=25, deadline=None)
@given(MAYBE, st.none() | throttles("shared"))
def test_each_limit_is_the_lower_one_of_those_there_are(own: Throttle | None, shared: Throttle | None) -> None:
    found = limits(own, shared)
    there = [each for each in (own, shared) if each is not None]
    assert (found.rate is None) == (found.burst is None) == (not there)
    if found.rate is not None and found.burst is not None:
        assert found.rate.throttle.per_second == min(each.per_second for each in there)
        assert bucket(found.burst.throttle) == min(map(bucket, there))
    quotas = [each for each in map(quota_per_second, there) if each is not None]
    assert (found.quota is None) == (not quotas)
    if found.quota is not None:
        assert quota_per_second(found.quota.throttle) == min(quotas)
    for each in (found.rate, found.burst, found.quota):
        if each is not None:
            assert each.throttle is (shared if each.whose is Whose.API else own)


@settings(max_examples=25, deadline=None)
@given(throttles("one"))
def test_of_two_that_are_alike_the_shared_one_counts(one: Throttle) -> None:
    found = limits(one, one)
    assert found.rate is not None
    assert found.burst is not None
    assert found.rate.whose is found.burst.whose is Whose.API


@settings(max_examples=25, deadline=None)
@given(resources())
def test_a_throttle_can_hold_who_names_it_and_who_calls_what_names_it(live: dict[str, Resource]) -> None:
    access = Access(live, TODAY)
    found = Throttling(access)
    assert found.held.keys() == access.throttles.keys()
    for name in access.throttles:
        pairs = {(each.consumer, each.api) for each in found.pairs(name)}
        assert pairs == {
            (consumer.name, api.name)
            for api in access.apis.values()
            for consumer in access.consumers.values()
            if name in (api.throttle, consumer.throttle) and consumer.name in access.may_call(api.name)
        }
        counts = [each.limits.by(name) for each in found.pairs(name)]
        assert counts == sorted(counts, reverse=True)


def test_limits_of_one_call_can_come_from_both() -> None:
    live = by_address(
        [
            Throttle(name="quota", requests=100, per_seconds=1, burst=500),
            Throttle(name="plant", requests=600, per_seconds=1, burst=20, quota=9, quota_per_seconds=3600),
            Scope(name="a"),
            Api(
                name="orders",
                owner="o",
                base_path="/o",
                upstream="system:ERP",
                throttle="quota",
                operations=(Operation(methods=("GET",), path="/", scope="a"),),
            ),
            Consumer(name="m", owner="o", throttle="plant", credential=Credential(issuer="i", client_id="m")),
            Grant(consumer="m", scope="a"),
        ]
    )
    throttling = Throttling(Access(live, TODAY))
    (pair,) = throttling.pairs("quota")
    assert pair == throttling.pairs("plant")[0]
    found = pair.limits
    assert found.rate is not None
    assert found.burst is not None
    assert found.quota is not None
    assert (found.rate.throttle.name, found.burst.throttle.name, found.quota.throttle.name) == (
        "quota",
        "plant",
        "plant",
    )
    assert found.by("quota")
    assert found.by("plant")
    assert not found.by("other")
    assert throttling.pairs("no-such") == []


def test_a_throttle_that_is_named_and_not_there_holds_nobody() -> None:
    assert limits(None, None).rate is None
    live = by_address([Consumer(name="m", owner="o", throttle="gone")])
    assert Throttling(Access(live, TODAY)).held == {}
