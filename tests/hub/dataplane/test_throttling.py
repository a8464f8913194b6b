"""Throttles in the real Envoy: buckets of consumers and of APIs, quotas, and what answers tell of them.

Buckets refill so slowly here that no token comes while a test runs, however long that takes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from gatehouse import Answer, Gatehouse

from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Issuer,
    Lifecycle,
    Operation,
    Resource,
    Throttle,
    Version,
)

DAY = 86_400


def _slow(name: str, burst: int, **fields: int) -> Throttle:
    return Throttle(name=name, requests=1, per_seconds=DAY, burst=burst, **fields)


def _api(name: str, throttle: str | None) -> list[Resource]:
    operation = Operation(methods=("GET",), path="/ping")
    return [
        Api(
            name=name,
            owner="o",
            base_path=f"/{name}",
            upstream="system:ERP",
            operations=(operation,),
            throttle=throttle,
        ),
        Version(api=name, name="v1", lifecycle=Lifecycle.ACTIVE),
        Version(api=name, name="v2", lifecycle=Lifecycle.ACTIVE),
        Version(api=name, name="v0", lifecycle=Lifecycle.RETIRED),
    ]


def _consumer(name: str, throttle: str | None = None) -> Consumer:
    return Consumer(
        name=name, owner="o", throttle=throttle, credential=Credential(issuer="hub", client_id=f"{name}-client")
    )


def _call(house: Gatehouse, consumer: str, path: str = "/free/v1/ping") -> Answer:
    return house.call("GET", path, house.token(f"{consumer}-client"))


def _apply(house: Gatehouse, *resources: Resource) -> None:
    house.apply(Issuer(name="hub", url="hub:"), *resources)


def test_each_consumer_has_a_bucket_of_its_own(gatehouse: Gatehouse) -> None:
    """As many as it holds pass, whatever they call; another one with the same throttle has them too."""
    _apply(
        gatehouse,
        *_api("free", None),
        *_api("other", None),
        _slow("each", 3),
        _consumer("a", "each"),
        _consumer("b", "each"),
    )
    calls = ("/free/v1/ping", "/free/v2/ping", "/other/v1/ping", "/free/v1/ping")
    assert [_call(gatehouse, "a", path).status for path in calls] == [200, 200, 200, 429]
    assert _call(gatehouse, "b").status == 200


def test_a_refusal_says_whose_throttle_and_how_long_to_wait(gatehouse: Gatehouse) -> None:
    """RFC 6585 and the fields of the draft, in an answer that is a problem document."""
    _apply(gatehouse, *_api("free", None), _slow("says", 1), _consumer("a", "says"))
    first, second = _call(gatehouse, "a"), _call(gatehouse, "a")
    assert (first.status, first.headers["ratelimit-policy"]) == (200, ['"consumer";q=1'])
    assert first.headers["ratelimit"] == [f'"consumer";r=0;t={first.headers["ratelimit"][0].partition("t=")[2]}']
    assert "retry-after" not in first.headers
    assert (second.status, second.refused) == (429, "throttled")
    wait = int(second.header("retry-after") or 0)
    assert DAY - 600 < wait <= DAY
    assert second.headers["ratelimit-policy"] == ['"consumer";q=1']
    problem = second.json()
    assert problem["type"] == "urn:andon:gateway:throttled"
    assert (problem["api"], problem["operation"], problem["client_id"]) == ("free", "GET /ping", "a-client")
    assert "throttle of the consumer" in problem["detail"]
    assert not {name for name in second.headers if name.startswith("x-ratelimit")}


def test_a_refusal_of_a_deprecated_version_says_that_it_goes(gatehouse: Gatehouse) -> None:
    """RFC 9745, RFC 8594, RFC 5829: whoever is throttled reads it as well."""
    old = Version(
        api="free",
        name="v1",
        lifecycle=Lifecycle.DEPRECATED,
        deprecated_on=date(2026, 1, 1),
        sunset_on=date(2999, 1, 1),
        successor="v2",
    )
    free = [each for each in _api("free", None) if each.address != old.address]
    _apply(gatehouse, *free, old, _slow("once", 1), _consumer("late", "once"))
    first, second = _call(gatehouse, "late"), _call(gatehouse, "late")
    assert (first.status, second.status) == (200, 429)
    for answer in (first, second):
        assert answer.headers["deprecation"] == ["@1767225600"]
        assert answer.headers["sunset"] == ["Tue, 01 Jan 2999 00:00:00 GMT"]
        assert answer.headers["link"] == ['</free/v2>; rel="successor-version"']


def test_the_bucket_of_an_api_is_shared_by_all(gatehouse: Gatehouse) -> None:
    """By consumers and versions; other APIs have nothing to do with it."""
    _apply(gatehouse, *_api("free", None), *_api("held", "shared"), _slow("shared", 2), _consumer("a"), _consumer("b"))
    assert _call(gatehouse, "a", "/held/v1/ping").status == 200
    last = _call(gatehouse, "b", "/held/v2/ping")
    assert (last.status, last.headers["ratelimit-policy"]) == (200, ['"api";q=2'])
    refused = _call(gatehouse, "a", "/held/v1/ping")
    assert (refused.status, refused.header("andon-throttled")) == (429, "api")
    assert "throttle of the api" in refused.json()["detail"]
    assert _call(gatehouse, "a").status == 200


def test_both_buckets_are_told(gatehouse: Gatehouse) -> None:
    """A member for each; who is refused by its own takes nothing from the shared one."""
    _apply(
        gatehouse, *_api("held", "shared"), _slow("shared", 9), _slow("own", 2), _consumer("a", "own"), _consumer("b")
    )
    found = _call(gatehouse, "a", "/held/v1/ping")
    assert sorted(found.headers["ratelimit-policy"]) == ['"api";q=9', '"consumer";q=2']
    assert [_call(gatehouse, "a", "/held/v1/ping").status for _ in range(3)] == [200, 429, 429]
    left = [each for each in _call(gatehouse, "b", "/held/v1/ping").headers["ratelimit"] if each.startswith('"api"')]
    assert left[0].startswith('"api";r=6;')


def test_a_quota_is_a_second_bucket(gatehouse: Gatehouse) -> None:
    """Whichever is empty first refuses."""
    _apply(gatehouse, *_api("free", None), _slow("q", 100, quota=2, quota_per_seconds=DAY), _consumer("a", "q"))
    assert [_call(gatehouse, "a").status for _ in range(3)] == [200, 200, 429]
    assert _call(gatehouse, "a").headers["ratelimit-policy"] == ['"consumer";q=2']


def test_what_is_refused_for_another_reason_takes_no_token(gatehouse: Gatehouse) -> None:
    """Retired versions and paths that are not there, with or without a token, unknown clients, missing tokens."""
    _apply(gatehouse, *_api("held", "once"), _slow("once", 1), _consumer("a"))
    for path in ("/held/v0/ping", "/held/v1/nothing", "/held/v9/ping"):
        assert _call(gatehouse, "a", path).status in (404, 410)
    assert gatehouse.call("GET", "/held/v1/ping").status == 401
    assert _call(gatehouse, "nobody", "/held/v1/ping").status == 401
    assert _call(gatehouse, "a", "/held/v1/ping").status == 200
    assert _call(gatehouse, "a", "/held/v1/ping").status == 429


def test_workers_share_the_buckets(gatehouse: Gatehouse) -> None:
    """Calls on many connections at once, which several threads of Envoy serve: exactly as many as there are pass."""
    _apply(gatehouse, *_api("free", None), _slow("many", 25), _consumer("a", "many"))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: _call(gatehouse, "a").status, range(60)))
    assert (found.count(200), found.count(429)) == (25, 35)


def test_another_change_leaves_buckets_as_they_are(gatehouse: Gatehouse) -> None:
    """A new API, say. A change of the throttles of consumers makes their buckets anew, which is documented."""
    throttles = [_slow("keep", 2), _slow("wide", 50)]
    _apply(gatehouse, *_api("free", None), *throttles, _consumer("a", "keep"))
    assert [_call(gatehouse, "a").status for _ in range(3)] == [200, 200, 429]
    _apply(gatehouse, *_api("free", None), *_api("new", "wide"), *throttles, _consumer("a", "keep"))
    assert _call(gatehouse, "a").status == 429
    assert _call(gatehouse, "a", "/new/v1/ping").status == 429
    _apply(gatehouse, *_api("free", None), _slow("keep", 3), _slow("wide", 50), _consumer("a", "keep"))
    assert _call(gatehouse, "a").status == 200


def test_a_bucket_refills(gatehouse: Gatehouse) -> None:
    """Continuously: with 200 a second a token is back as soon as anybody looks again."""
    fast = Throttle(name="fast", requests=200, per_seconds=1, burst=1)
    _apply(gatehouse, *_api("free", None), fast, _consumer("a", "fast"))
    passed = 0
    for _ in range(3000):
        passed += _call(gatehouse, "a").status == 200
        if passed == 3:
            return
    pytest.fail("no token came back")
