"""From resources and a moment to the calls that there are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway_policies.model import (
    Api,
    Brownout,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Scope,
    Throttle,
    Version,
    by_address,
)
from gateway_policies.routing.making import prefix_of, routing
from gateway_policies.routing.model import STATUS, Refusal, Routing, Served, Surface

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY = NOON.date()


def _api(**fields: object) -> Api:
    made = {"name": "orders", "owner": "o", "base_path": "/erp", "upstream": "system:ERP", **fields}
    return Api(**made)  # type: ignore[arg-type]


def _made(*resources: Resource, at: datetime = NOON) -> Routing:
    return routing("plant-gateway", by_address(resources), at)


def _surface(version: Version, *others: Resource, at: datetime = NOON) -> Surface:
    found = _made(_api(), version, *others, at=at)
    return next(each for each in found.surfaces if each.version == version.name)


@pytest.mark.parametrize(
    ("lifecycle", "served"),
    [
        (Lifecycle.ACTIVE, Served.PASSED),
        (Lifecycle.DEPRECATED, Served.PASSED),
        (Lifecycle.BROWNOUT, Served.PASSED),
        (Lifecycle.RETIRED, Served.RETIRED),
    ],
)
def test_how_a_version_is_served(lifecycle: Lifecycle, served: Served) -> None:
    assert _surface(Version(api="orders", name="v1", lifecycle=lifecycle)).served is served


def test_a_draft_is_not_there() -> None:
    assert _made(_api(), Version(api="orders", name="v1")).surfaces == ()


def test_an_api_without_versions_has_no_calls() -> None:
    assert _made(_api()).surfaces == ()


@pytest.mark.parametrize(
    ("minutes", "served"),
    [(-1, Served.PASSED), (0, Served.BROWNOUT), (29, Served.BROWNOUT), (30, Served.PASSED), (31, Served.PASSED)],
)
def test_a_brownout_is_from_its_begin_up_to_its_end(minutes: int, served: Served) -> None:
    span = Brownout(from_=NOON, until=NOON + timedelta(minutes=30))
    version = Version(api="orders", name="v1", lifecycle=Lifecycle.DEPRECATED, brownouts=(span,))
    found = _surface(version, at=NOON + timedelta(minutes=minutes))
    assert found.served is served
    assert found.until == (span.until if served is Served.BROWNOUT else None)


def test_what_is_retired_is_in_no_brownout() -> None:
    span = Brownout(from_=NOON, until=NOON + timedelta(minutes=30))
    found = _surface(Version(api="orders", name="v1", lifecycle=Lifecycle.RETIRED, brownouts=(span,)))
    assert (found.served, found.until) == (Served.RETIRED, None)


def test_a_version_past_its_sunset_is_still_served_and_says_so() -> None:
    """Who retires it says so, and sees first who still calls it."""
    gone = Version(
        api="orders",
        name="v1",
        lifecycle=Lifecycle.DEPRECATED,
        sunset_on=TODAY - timedelta(days=9),
        deprecated_on=TODAY,
    )
    found = _surface(gone)
    assert found.served is Served.PASSED
    assert found.headers == {"deprecation": "@1795219200", "sunset": "Thu, 12 Nov 2026 00:00:00 GMT"}


@pytest.mark.parametrize(
    ("successor", "lifecycle", "told"),
    [
        ("v2", Lifecycle.ACTIVE, True),
        ("v2", Lifecycle.DRAFT, False),
        ("v2", Lifecycle.DEPRECATED, True),
        ("v3", Lifecycle.ACTIVE, False),
    ],
)
def test_a_successor_is_told_when_it_can_be_called(successor: str, lifecycle: Lifecycle, told: bool) -> None:
    old = Version(api="orders", name="v1", lifecycle=Lifecycle.DEPRECATED, successor=successor)
    found = _surface(old, Version(api="orders", name="v2", lifecycle=lifecycle))
    assert ("link" in found.headers) is told
    if told:
        assert found.headers["link"] == '</erp/v2>; rel="successor-version"'


def test_a_version_that_nobody_announced_the_end_of_says_nothing() -> None:
    version = Version(api="orders", name="v1", lifecycle=Lifecycle.ACTIVE, successor="v2")
    assert _surface(version, Version(api="orders", name="v2", lifecycle=Lifecycle.ACTIVE)).headers == {}


@pytest.mark.parametrize(("versioning", "prefix"), [("path", "/erp/v1"), ("header:X-Api-Version", "/erp")])
def test_where_a_version_begins(versioning: str, prefix: str) -> None:
    api = _api(versioning=versioning)
    assert prefix_of(api, "v1") == prefix
    (found,) = _made(api, Version(api="orders", name="v1", lifecycle=Lifecycle.ACTIVE)).surfaces
    assert found.prefix == prefix
    assert found.header == (None if versioning == "path" else "X-Api-Version")


def test_operations_of_a_version_the_nearer_first() -> None:
    operations = (
        Operation(methods=("GET",), path="/{a}/{b}"),
        Operation(methods=("GET",), path="/{order}/lines"),
        Operation(methods=("GET",), path="/open/{line}"),
        Operation(methods=("GET",), path="/open/lines", versions=("v1",)),
        Operation(methods=("GET",), path="/open/other", versions=("v2",)),
    )
    api = _api(operations=operations)
    (found,) = _made(api, Version(api="orders", name="v1", lifecycle=Lifecycle.ACTIVE)).surfaces
    assert [each.path for each in found.entries] == ["/open/lines", "/open/{line}", "/{order}/lines", "/{a}/{b}"]


def _people(granted_until: date | None, known_until: date | None) -> list[Resource]:
    return [
        Issuer(name="idp", url="https://idp.example"),
        Scope(name="a.read"),
        Scope(name="a.write"),
        Throttle(name="slow", requests=1, per_seconds=1),
        Consumer(
            name="mes",
            owner="o",
            throttle="slow",
            credential=Credential(issuer="idp", client_id="m", expires_on=known_until),
        ),
        Grant(consumer="mes", scope="a.read", expires_on=granted_until),
        Consumer(name="nobody", owner="o"),
    ]


@pytest.mark.parametrize(("days", "live"), [(1, True), (0, True), (-1, False)])
def test_a_grant_and_a_credential_are_good_until_their_last_day_is_over(days: int, live: bool) -> None:
    last = TODAY + timedelta(days=days)
    (granted,) = _made(*_people(last, None)).callers
    assert granted.scopes == (frozenset({"a.read"}) if live else frozenset())
    (known,) = _made(*_people(None, last)).callers
    assert known.expired is not live


def test_days_are_those_of_utc() -> None:
    """A quarter to midnight in a zone behind UTC is the next day."""
    late = datetime.fromisoformat("2026-11-21T20:00:00-05:00")
    (caller,) = _made(*_people(TODAY, None), at=late).callers
    assert caller.scopes == frozenset()


def test_a_wildcard_is_written_out() -> None:
    found = _made(*_people(None, None), Grant(consumer="mes", scope="a.*"))
    assert found.callers[0].scopes == {"a.read", "a.write"}
    assert found.callers[0].address == "consumer.mes"
    assert found.callers[0].throttle == "slow"


def test_without_a_credential_nobody_calls() -> None:
    assert [each.consumer for each in _made(*_people(None, None)).callers] == ["mes"]


def test_when_time_changes_it() -> None:
    """The next moment of all: a brownout's begin, its end, the midnight after a last day."""
    span = Brownout(from_=NOON + timedelta(hours=2), until=NOON + timedelta(hours=3))
    version = Version(api="orders", name="v1", lifecycle=Lifecycle.DEPRECATED, brownouts=(span,))
    people = _people(TODAY, TODAY + timedelta(days=3))
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    moments = []
    at: datetime | None = NOON
    while at is not None:
        at = _made(_api(), version, *people, at=at).changes_at
        moments.append(at)
    assert moments == [span.from_, span.until, midnight, midnight + timedelta(days=3), None]


def test_every_refusal_has_a_status() -> None:
    assert STATUS.keys() == set(Refusal)
    assert all(400 <= status < 600 for status in STATUS.values())
