"""What is said of a version, a grant and a throttle, word by word."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from policy_strategies import resources

from gateway_policies.model import (
    Api,
    Brownout,
    Consumer,
    Credential,
    Grant,
    Lifecycle,
    Operation,
    Resource,
    Risk,
    Scope,
    Throttle,
    Version,
    by_address,
)
from gateway_policies.overview.access import Access
from gateway_policies.overview.matrix import Matrix
from gateway_policies.overview.throttling import Throttling
from gateway_policies.overview.words import (
    about_mark,
    about_pair,
    about_throttle,
    about_version,
    next_of,
    quota,
    rate,
    state_of,
    when,
)

TODAY = date(2026, 11, 20)


def on(days: int) -> date:
    return TODAY + timedelta(days=days)


_OPERATIONS = (
    Operation(methods=("GET",), path="/", scope="a"),
    Operation(methods=("PUT",), path="/", scope="b", versions=("v2",)),
)


def _api(*operations: Operation) -> Api:
    return Api(name="orders", owner="o", base_path="/o", upstream="system:ERP", operations=operations)


def said_of(version: Version, *more: Resource, operations: tuple[Operation, ...] = _OPERATIONS) -> dict[str, str]:
    api = _api(*operations)
    people = [Consumer(name=each, owner="o", credential=Credential(issuer="i", client_id=each)) for each in "mn"]
    live = by_address([api, version, Scope(name="a"), Scope(name="b"), *people, *more])
    return dict(about_version(version, Access(live, TODAY)))


def v1(lifecycle: Lifecycle = Lifecycle.DEPRECATED, **more: object) -> Version:
    return Version(api="orders", name="v1", lifecycle=lifecycle, **more)


V2 = Version(api="orders", name="v2", lifecycle=Lifecycle.ACTIVE)


def test_a_version_on_its_way_out_says_when_whereto_and_who_is_still_on_it() -> None:
    begin = datetime(2026, 12, 1, 6, tzinfo=UTC)
    leaving = v1(
        deprecated_on=on(-80),
        sunset_on=on(27),
        successor="v2",
        brownouts=(Brownout(from_=begin, until=begin + timedelta(minutes=30)),),
    )
    said = said_of(leaving, V2, Grant(consumer="m", scope="a"), Grant(consumer="n", scope="a"))
    assert said == {
        "now": "deprecated since 2026-09-01, 80 days ago",
        "next": "brownout 2026-12-01 06:00 to 06:30 UTC; sunset 2026-12-17, in 27 days",
        "may call": "2 consumers: m and n; how many calls is not known",
        "instead": "v2 (active)",
    }


def test_who_has_no_scope_for_the_successor_is_named() -> None:
    old = v1(successor="v2")
    operations = (
        Operation(methods=("GET",), path="/", scope="a", versions=("v1",)),
        Operation(methods=("GET",), path="/n", scope="b", versions=("v2",)),
    )
    granted = [Grant(consumer=each, scope=scope) for each, scope in ("ma", "na", "nb")]
    said = said_of(old, V2, *granted, operations=operations)
    assert said["instead"] == "v2 (active); without a scope for it: 1 consumer: m"


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (v1(Lifecycle.DRAFT), "a draft: it is not served"),
        (v1(Lifecycle.ACTIVE), "active"),
        (
            v1(Lifecycle.ACTIVE, deprecated_on=on(-1)),
            "active, and was to be deprecated on 2026-11-19, 1 day ago",
        ),
        (v1(Lifecycle.RETIRED), "retired: calls get 410"),
        (
            v1(Lifecycle.RETIRED, sunset_on=on(3)),
            "retired: calls get 410, and callers were told 2026-11-23, in 3 days",
        ),
        (v1(), "deprecated"),
        (v1(Lifecycle.BROWNOUT, deprecated_on=TODAY), "in brownout since 2026-11-20, today"),
        (v1(sunset_on=on(-12)), "deprecated, and callers were told that it goes on 2026-11-08, 12 days ago"),
    ],
)
def test_where_a_version_stands(one: Version, said: str) -> None:
    assert said_of(one)["now"] == said


def test_a_successor_that_is_not_there_or_not_named_is_said() -> None:
    assert said_of(v1(successor="v9"))["instead"] == "v9 (not there)"
    assert said_of(v1())["instead"] == "no successor is named"
    assert "instead" not in said_of(v1(Lifecycle.ACTIVE))
    assert said_of(v1())["may call"] == "nobody"


@pytest.mark.parametrize(
    ("one", "state", "coming"),
    [
        (v1(sunset_on=on(-12)), "past sunset", "sunset 12d ago"),
        (v1(sunset_on=TODAY), "past sunset", "sunset today"),
        (v1(sunset_on=on(1)), "deprecated", "sunset in 1d"),
        (v1(Lifecycle.ACTIVE, deprecated_on=on(1500)), "active", "deprecated in 1,500d"),
        (v1(Lifecycle.RETIRED, sunset_on=on(-12)), "retired", ""),
        (v1(Lifecycle.DRAFT), "draft", ""),
    ],
)
def test_in_a_row_of_the_calendar(one: Version, state: str, coming: str) -> None:
    assert (state_of(one, TODAY), next_of(one, TODAY)) == (state, coming)


def told(scope: str, *grants: Grant, until: date | None = None, known: bool = True) -> dict[str, str]:
    credential = Credential(issuer="idp", client_id="m-client", expires_on=until) if known else None
    live = by_address(
        [
            Scope(name="pay", risk=Risk.FINANCIAL),
            Consumer(name="m", owner="plant-3-it", system="MES", plant="P03", credential=credential),
            *grants,
        ]
    )
    access = Access(live, TODAY)
    matrix = Matrix(access)
    return dict(about_mark("m", scope, matrix.cell("m", scope), matrix, access))


def test_a_grant_says_why_until_when_and_what_is_risky() -> None:
    assert told("pay", Grant(consumer="m", scope="pay", reason="posts"), until=on(5)) == {
        "who": "m (MES P03), owned by plant-3-it",
        "what": "pay, financial risk; wanted by no API",
        "has it": "yes, by name; its credential ends on 2026-11-25, in 5 days",
        "because": "posts",
        "risky": "financial risk, never ends",
        "known by": "m-client at idp until 2026-11-25, in 5 days",
    }


def test_what_a_consumer_lacks_has_lost_or_cannot_use_is_said() -> None:
    assert told("pay")["has it"] == "no: calls that want it are refused"
    assert told("pay", Grant(consumer="m", scope="pay", expires_on=on(-2)))["has it"] == (
        "no more: the grant ended on 2026-11-18, 2 days ago"
    )
    assert told("pay", Grant(consumer="m", scope="pay"))["has it"] == "yes, by name, without an end"
    assert told("pay", Grant(consumer="m", scope="*"))["has it"] == "yes, by the wildcard *, without an end"
    assert told("pay", known=False)["known by"] == "no credential: it cannot call"
    assert told("lost", Grant(consumer="m", scope="lost"))["what"] == (
        "lost, which is no scope of the gateway; wanted by no API"
    )


def test_a_throttle_says_what_it_lets_and_whom_it_holds() -> None:
    plant = Throttle(name="plant", requests=600, per_seconds=60, burst=100, quota=200_000, quota_per_seconds=86_400)
    own = Throttle(name="erp", requests=100, per_seconds=1)
    api = Api(
        name="orders",
        owner="o",
        base_path="/o",
        upstream="system:ERP",
        throttle="erp",
        operations=(Operation(methods=("GET",), path="/", scope="a"),),
    )
    people = [Consumer(name=each, owner="o", throttle="plant") for each in ("m", "n")]
    grants = [Grant(consumer=each, scope="a") for each in ("m", "n")]
    access = Access(by_address([plant, own, api, Scope(name="a"), *people, *grants]), TODAY)
    throttling = Throttling(access)
    assert dict(about_throttle(plant, throttling.held["plant"])) == {
        "lets": "600 in 1m, and 100 at once; 200,000 in 1d at most",
        "each": "2 consumers: m and n by themselves",
    }
    assert dict(about_throttle(own, throttling.held["erp"])) == {
        "lets": "100 in 1s, and 100 at once",
        "shared": "by all who call orders",
    }
    pair = throttling.pairs("erp")[0]
    assert dict(about_pair(pair, 2)) == {
        "rate": "600 in 1m, by throttle.plant, its own",
        "burst": "100 at once, by throttle.erp, shared by 2 that may call",
        "quota": "200,000 in 1d, by throttle.plant, its own",
    }
    assert rate(own) == "100 in 1s"
    assert quota(own) == ""


def test_a_throttle_of_nobody_and_a_call_that_nothing_holds() -> None:
    spare = Throttle(name="spare", requests=1, per_seconds=1)
    live = by_address([spare, Scope(name="a"), Consumer(name="m", owner="o"), Grant(consumer="m", scope="a")])
    throttling = Throttling(Access(live, TODAY))
    assert dict(about_throttle(spare, throttling.held["spare"]))["holds"] == "nobody: no API and no consumer names it"


def test_days_are_told_from_today() -> None:
    assert [when(on(each), TODAY) for each in (-2, -1, 0, 1, 1500)] == [
        "2026-11-18, 2 days ago",
        "2026-11-19, 1 day ago",
        "2026-11-20, today",
        "2026-11-21, in 1 day",
        "2030-12-29, in 1,500 days",
    ]


@settings(max_examples=30, deadline=None)
@given(resources())
def test_something_is_said_of_everything(live: dict[str, Resource]) -> None:
    access = Access(live, TODAY)
    matrix, throttling = Matrix(access), Throttling(access)
    for version in access.versions:
        assert all(text for _, text in about_version(version, access))
    for who in matrix.consumers:
        for scope in matrix.scopes:
            assert dict(about_mark(who, scope, matrix.cell(who, scope), matrix, access))["has it"]
    for name, throttle in access.throttles.items():
        assert dict(about_throttle(throttle, throttling.held[name]))["lets"]
        for pair in throttling.pairs(name):
            assert dict(about_pair(pair, 3))["rate"]
