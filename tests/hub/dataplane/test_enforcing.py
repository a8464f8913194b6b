"""Each thing that policies say is enforced by the real Envoy: status, body and headers as the standards have them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from gatehouse import GATEWAY, Answer, Gatehouse

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
    Version,
)

HUB = Issuer(name="hub", url="hub:")
YESTERDAY = datetime.now(UTC).date() - timedelta(days=2)
NEVER = date(2999, 1, 1)
LIFE = {
    "deprecation": "@1767225600",
    "sunset": "Tue, 01 Jan 2999 00:00:00 GMT",
    "link": '</erp/v2>; rel="successor-version"',
}


def _api(name: str = "orders", base: str = "/erp", **fields: object) -> Api:
    operations = (
        Operation(methods=("POST",), path="/{order}/release", scope="orders.release"),
        Operation(methods=("GET",), path="/{order}", scope="orders.read"),
        Operation(methods=("GET",), path="/open", scope="orders.list"),
        Operation(methods=("DELETE",), path="/{order}", scope="orders.release", versions=("v2",)),
        Operation(methods=("GET", "PUT"), path="/ping"),
    )
    made = {"name": name, "owner": "o", "base_path": base, "upstream": "system:ERP", "operations": operations, **fields}
    return Api(**made)  # type: ignore[arg-type]


def _consumer(name: str, expires_on: date | None = None, throttle: str | None = None) -> Consumer:
    known = Credential(issuer="hub", client_id=f"{name}-client", expires_on=expires_on)
    return Consumer(name=name, owner="o", credential=known, throttle=throttle)


def policies() -> list[Resource]:
    """An API with versions of every age, one that says its versions in a header, and callers of every kind."""
    return [
        HUB,
        _api(),
        Version(api="orders", name="v0", lifecycle=Lifecycle.RETIRED, sunset_on=date(2026, 1, 1), successor="v2"),
        Version(
            api="orders",
            name="v1",
            lifecycle=Lifecycle.DEPRECATED,
            deprecated_on=date(2026, 1, 1),
            sunset_on=NEVER,
            successor="v2",
        ),
        Version(api="orders", name="v2", lifecycle=Lifecycle.ACTIVE),
        Version(api="orders", name="v3", lifecycle=Lifecycle.DRAFT),
        Version(
            api="orders",
            name="v4",
            lifecycle=Lifecycle.BROWNOUT,
            brownouts=(
                Brownout(from_=datetime(2020, 1, 1, tzinfo=UTC), until=datetime(2998, 12, 31, 6, 30, tzinfo=UTC)),
            ),
        ),
        _api("lots", "/lots", versioning="header:X-Api-Version"),
        Version(api="lots", name="v1", lifecycle=Lifecycle.ACTIVE),
        Version(api="lots", name="v2", lifecycle=Lifecycle.ACTIVE),
        Version(api="lots", name="v3", lifecycle=Lifecycle.RETIRED),
        *(Scope(name=f"orders.{name}") for name in ("release", "read", "list")),
        _consumer("mes"),
        Grant(consumer="mes", scope="orders.release", expires_on=NEVER),
        Grant(consumer="mes", scope="orders.read", expires_on=YESTERDAY),
        _consumer("all"),
        Grant(consumer="all", scope="orders.*"),
        _consumer("old", expires_on=YESTERDAY),
        Grant(consumer="old", scope="orders.release"),
    ]


@pytest.fixture(scope="module")
def house(gatehouse: Gatehouse) -> Gatehouse:
    """The gateway with these policies."""
    gatehouse.apply(*policies())
    return gatehouse


def _life(answer: Answer) -> dict[str, str | None]:
    return {name: answer.header(name) for name in LIFE}


def test_a_call_with_token_scope_and_grant_passes(house: Gatehouse) -> None:
    """It arrives without the API's base path and version, with who calls, and with nothing of the gateway's inside."""
    token = house.token("mes-client", "orders.release")
    answer = house.call("POST", "/erp/v2/4711/release?dry=1", token, {"andon-transaction": "T1"}, b"{}")
    assert (answer.status, answer.refused) == (200, None)
    got = answer.json()
    assert (got["method"], got["path"], got["body"]) == ("POST", "/4711/release?dry=1", "{}")
    assert got["headers"]["andon-client"] == "mes-client"
    assert got["headers"]["authorization"] == f"Bearer {token}"
    assert got["headers"]["andon-transaction"] == "T1"
    assert got["headers"]["host"] == house.target.url.removeprefix("http://")
    assert not {"andon-kind", "andon-needs", "andon-scopes"} & got["headers"].keys()


@pytest.mark.parametrize(
    ("method", "path", "scopes", "client", "status", "name"),
    [
        ("POST", "/erp/v2/1/release", ["orders.release"], "mes-client", 200, None),
        ("POST", "/erp/v2/1/release", ["a", "orders.release", "b"], "mes-client", 200, None),
        ("POST", "/erp/v2/1/release", ["orders.released", "xorders.release"], "mes-client", 403, "scope-missing"),
        ("POST", "/erp/v2/1/release", ["ordersxrelease"], "mes-client", 403, "scope-missing"),
        ("POST", "/erp/v2/1/release", [], "mes-client", 403, "scope-missing"),
        ("GET", "/erp/v2/1", ["orders.read"], "mes-client", 403, "scope-missing"),
        ("GET", "/erp/v2/1", ["orders.read"], "all-client", 200, None),
        ("GET", "/erp/v2/open", ["orders.read"], "all-client", 403, "scope-missing"),
        ("GET", "/erp/v2/open", ["orders.list"], "all-client", 200, None),
        ("GET", "/erp/v2/ping", [], "mes-client", 200, None),
        ("PUT", "/erp/v2/ping/", [], "mes-client", 404, "no-such-route"),
        ("PUT", "/erp/v2/ping", [], "nobody", 401, "unknown-consumer"),
        ("POST", "/erp/v2/1/release", ["orders.release"], "nobody", 401, "unknown-consumer"),
        ("POST", "/erp/v2/1/release", ["orders.release"], "mes", 401, "unknown-consumer"),
        ("POST", "/erp/v2/1/release", ["orders.release"], "old-client", 401, "credential-expired"),
        ("DELETE", "/erp/v2/1", ["orders.release"], "mes-client", 200, None),
        ("DELETE", "/erp/v2/open", ["orders.release"], "mes-client", 200, None),
        ("DELETE", "/erp/v1/1", ["orders.release"], "mes-client", 405, "method-not-allowed"),
        ("POST", "/erp/v0/1/release", ["orders.release"], "mes-client", 410, "version-retired"),
        ("POST", "/erp/v3/1/release", ["orders.release"], "mes-client", 404, "no-such-route"),
        ("POST", "/erp/v4/1/release", ["orders.release"], "mes-client", 410, "brownout"),
        ("POST", "/erp/v20/1/release", ["orders.release"], "mes-client", 404, "no-such-route"),
        ("POST", "/erp/v2/1/2/release", ["orders.release"], "mes-client", 404, "no-such-route"),
        ("POST", "/erp/v2//release", ["orders.release"], "mes-client", 405, "method-not-allowed"),
        ("POST", "/nowhere", ["orders.release"], "mes-client", 404, "no-such-route"),
        ("GET", "/erp/v2/x/../open", ["orders.read"], "all-client", 403, "scope-missing"),
        ("GET", "/erp/v2/x%2fopen", ["orders.read"], "all-client", 400, "bad-request"),
    ],
)
def test_who_may_call_what(
    house: Gatehouse, method: str, path: str, scopes: list[str], client: str, status: int, name: str | None
) -> None:
    """By the path as it arrives behind the gateway, the scope that the nearest operation wants, and the live grants."""
    before = len(house.target.seen)
    answer = house.call(method, path, house.token(client, *scopes))
    assert (answer.status, answer.refused) == (status, name)
    assert len(house.target.seen) == before + (name is None), "what is refused goes no further"


def test_a_token_is_wanted(house: Gatehouse) -> None:
    """401 as RFC 6750 has it, with a problem document that names the operation and the scope."""
    answer = house.call("POST", "/erp/v2/1/release")
    assert (answer.status, answer.refused) == (401, "unauthenticated")
    assert answer.header("content-type") == "application/problem+json"
    assert answer.headers["www-authenticate"] == [f'Bearer realm="{GATEWAY}"'], "no error code: nothing was sent"
    problem = answer.json()
    assert problem.pop("instance").startswith("urn:uuid:")
    assert "Authorization: Bearer TOKEN" in problem.pop("detail")
    assert problem == {
        "type": "urn:andon:gateway:unauthenticated",
        "title": "There is no access token",
        "status": 401,
        "api": "orders",
        "version": "v2",
        "operation": "POST /{order}/release",
        "scope": "orders.release",
    }


def test_a_bad_token_is_none(house: Gatehouse) -> None:
    """Expired, for somebody else, signed by somebody else, tampered with, or no token at all: 401 each time."""
    good = house.token("mes-client", "orders.release")
    stranger = type(house.signer)("other", house.clock, None).sign("mes-client", GATEWAY, ["orders.release"]).token
    head, body, signature = good.split(".")
    for token in (
        house.token("mes-client", "orders.release", audience="another-gateway"),
        house.token("mes-client", "orders.release", lifetime=-120),
        stranger,
        f"{head}.{body}.{signature[:-8]}AAAAAAAA",
        f"{head}.{body}.",
        "nonsense",
    ):
        answer = house.call("POST", "/erp/v2/1/release", token)
        assert (answer.status, answer.refused) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == [f'Bearer realm="{GATEWAY}", error="invalid_token"']


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_the_same_in_any_case(house: Gatehouse, scheme: str) -> None:
    """RFC 9110, section 11.1."""
    token = house.token("mes-client", "orders.release")
    answer = house.call("POST", "/erp/v2/1/release", headers={"authorization": f"{scheme} {token}"})
    assert (answer.status, answer.refused) == (200, None)
    bad = house.call("POST", "/erp/v2/1/release", headers={"authorization": f"{scheme} {token[:-9]}AAAAAAAAA"})
    assert (bad.status, bad.refused) == (401, "unauthenticated")


def test_what_cannot_be_read_says_what_is_not_taken(house: Gatehouse) -> None:
    """Not in Envoy's words alone."""
    answer = house.call("GET", "/erp/v2/x%2fopen", house.token("all-client", "orders.read"))
    detail = answer.json()["detail"]
    assert "(path_normalization_failed)" in detail
    assert "an escaped slash (%2F)" in detail


def test_what_is_missing_is_named(house: Gatehouse) -> None:
    """403 says the scope and the client, in the body and in the challenge."""
    answer = house.call("GET", "/erp/v2/1", house.token("mes-client", "orders.read"))
    assert answer.headers["www-authenticate"] == [
        f'Bearer realm="{GATEWAY}", error="insufficient_scope", scope="orders.read"'
    ]
    problem = answer.json()
    assert problem["type"] == "urn:andon:gateway:scope-missing"
    assert (problem["scope"], problem["client_id"], problem["status"]) == ("orders.read", "mes-client", 403)
    assert problem["title"] == "The scope orders.read is missing"


@pytest.mark.parametrize(
    ("method", "path", "token"),
    [
        ("POST", "/erp/v1/1/release", True),
        ("POST", "/erp/v1/1/release", False),
        ("GET", "/erp/v1/1", True),
        ("PATCH", "/erp/v1/1", True),
        ("GET", "/erp/v1/nothing/here/at-all", True),
    ],
)
def test_every_answer_of_a_deprecated_version_says_so(house: Gatehouse, method: str, path: str, token: bool) -> None:
    """RFC 9745, RFC 8594, RFC 5829: also where the gateway refuses."""
    answer = house.call(method, path, house.token("mes-client", "orders.release") if token else None)
    assert _life(answer) == LIFE
    assert all(len(answer.headers[name]) == 1 for name in LIFE)


def test_an_active_version_says_nothing_of_its_end(house: Gatehouse) -> None:
    """No field, not an empty one."""
    answer = house.call("POST", "/erp/v2/1/release", house.token("mes-client", "orders.release"))
    assert _life(answer) == dict.fromkeys(LIFE)


def test_a_retired_version_is_gone(house: Gatehouse) -> None:
    """410, with its successor and the address of the policy; nobody has to show a token for that."""
    answer = house.call("POST", "/erp/v0/1/release")
    assert answer.status == 410
    assert answer.header("link") == LIFE["link"]
    problem = answer.json()
    assert problem["policy"] == "api.orders.version.v0"
    assert problem["type"] == "urn:andon:gateway:version-retired"
    assert "retired" in problem["detail"]


def test_a_brownout_says_until_when(house: Gatehouse) -> None:
    """As if it were gone, and a date after which it is there again."""
    answer = house.call("GET", "/erp/v4/1")
    assert (answer.status, answer.refused) == (410, "brownout")
    assert answer.header("retry-after") == "Mon, 31 Dec 2998 06:30:00 GMT"
    assert "2998-12-31 06:30 UTC" in answer.json()["detail"]


def test_another_method_is_told_which_there_are(house: Gatehouse) -> None:
    """405 with Allow (RFC 9110): every method that the path takes."""
    answer = house.call("PATCH", "/erp/v2/open", house.token("mes-client"))
    assert (answer.status, answer.header("allow")) == (405, "DELETE, GET")
    assert house.call("PATCH", "/erp/v1/1").header("allow") == "GET"


@pytest.mark.parametrize(
    ("version", "status", "name"),
    [
        ("v1", 200, None),
        ("v2", 200, None),
        ("v3", 410, "version-retired"),
        ("v9", 404, "no-such-route"),
        (None, 404, "no-such-route"),
    ],
)
def test_a_version_by_header(house: Gatehouse, version: str | None, status: int, name: str | None) -> None:
    """Which version is meant stands in the header that the policy names."""
    headers = {} if version is None else {"x-api-version": version}
    answer = house.call("POST", "/lots/1/release", house.token("mes-client", "orders.release"), headers)
    assert (answer.status, answer.refused) == (status, name)
    if version is None:
        assert "X-Api-Version: v1, v2 and v3" in answer.json()["detail"]


def test_an_operation_of_one_version_only_by_header(house: Gatehouse) -> None:
    """DELETE is in v2 only."""
    token = house.token("mes-client", "orders.release")
    assert house.call("DELETE", "/lots/1", token, {"x-api-version": "v1"}).status == 405
    assert house.call("DELETE", "/lots/1", token, {"x-api-version": "v2"}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"andon-kind": "open"},
        {"andon-client": "mes-client", "andon-issuer": "urn:andon:hub:test:gateway"},
        {"andon-needs": "*"},
        {"andon-scopes": "- orders.release -"},
        {"x-envoy-original-path": "/.well-known/andon-gateway"},
    ],
)
def test_nobody_speaks_in_the_gateways_name(house: Gatehouse, headers: dict[str, str]) -> None:
    """Headers that the gateway uses inside are forgotten when they come from outside."""
    assert house.call("POST", "/erp/v2/1/release", None, headers).status == 401
    answer = house.call("POST", "/erp/v2/1/release", house.token("mes-client", "orders.read"), headers)
    assert (answer.status, answer.refused) == (403, "scope-missing")
    assert house.call("POST", "/erp/v2/1/release", house.token("nobody", "orders.release"), headers).status == 401


def test_nobody_behind_it_speaks_in_the_gateways_name(house: Gatehouse) -> None:
    """A target's own 403 is not the gateway's, whatever it says."""
    house.target.status = 403
    house.target.headers = {"andon-gateway": "refused", "andon-refusal": "throttled", "andon-throttled": "consumer"}
    try:
        answer = house.call("POST", "/erp/v2/1/release", house.token("mes-client", "orders.release"))
    finally:
        house.target.status, house.target.headers = 200, {}
    assert (answer.status, answer.refused) == (403, None)
    assert not {"andon-gateway", "andon-refusal", "andon-throttled", "retry-after"} & answer.headers.keys()


def test_a_call_is_never_repeated(house: Gatehouse) -> None:
    """Whatever the caller asks Envoy for: a document that was sent twice is posted twice."""
    house.target.status = 503
    before = len(house.target.seen)
    headers = {"x-envoy-retry-on": "5xx,retriable-status-codes", "x-envoy-max-retries": "3"}
    headers |= {"x-envoy-retriable-status-codes": "503", "x-envoy-hedge-on-per-try-timeout": "true"}
    try:
        answer = house.call("POST", "/erp/v2/1/release", house.token("mes-client", "orders.release"), headers)
    finally:
        house.target.status = 200
    assert (answer.status, answer.refused) == (503, None)
    assert len(house.target.seen) == before + 1
    assert "x-envoy-retry-on" not in house.target.seen[-1]["headers"]


def test_policies_without_a_throttle_tell_no_limits(house: Gatehouse) -> None:
    """No RateLimit field where nothing limits."""
    answer = house.call("POST", "/erp/v2/1/release", house.token("mes-client", "orders.release"))
    assert not {name for name in answer.headers if "ratelimit" in name}
