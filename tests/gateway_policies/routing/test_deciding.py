"""What becomes of a call, worked out from policies alone. The same calls go through the real Envoy elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway_policies.model import (
    Api,
    Consumer,
    Credential,
    Grant,
    Issuer,
    Lifecycle,
    Operation,
    Scope,
    Version,
    by_address,
)
from gateway_policies.routing.deciding import Call, Token, decide
from gateway_policies.routing.making import routing
from gateway_policies.routing.model import Refusal

OPERATIONS = (
    Operation(methods=("POST",), path="/{order}/release", scope="orders.release"),
    Operation(methods=("GET",), path="/{order}", scope="orders.read"),
    Operation(methods=("GET",), path="/open", scope="orders.list"),
    Operation(methods=("GET",), path="/"),
    Operation(methods=("DELETE",), path="/{order}", scope="orders.release", versions=("v2",)),
)


def _api(name: str, base: str, **fields: str) -> Api:
    return Api(name=name, owner="o", base_path=base, upstream="system:ERP", operations=OPERATIONS, **fields)  # type: ignore[arg-type]


ROUTING = routing(
    "g",
    by_address(
        [
            Issuer(name="idp", url="https://idp.example"),
            Issuer(name="other", url="https://other.example"),
            _api("orders", "/erp"),
            Version(api="orders", name="v0", lifecycle=Lifecycle.RETIRED),
            Version(api="orders", name="v1", lifecycle=Lifecycle.ACTIVE),
            Version(api="orders", name="v2", lifecycle=Lifecycle.ACTIVE),
            _api("inner", "/erp/v1/inner"),
            Version(api="inner", name="v1", lifecycle=Lifecycle.ACTIVE),
            _api("lots", "/lots", versioning="header:X-Version"),
            Version(api="lots", name="v1", lifecycle=Lifecycle.ACTIVE),
            Version(api="lots", name="v2", lifecycle=Lifecycle.ACTIVE),
            *(Scope(name=each) for each in ("orders.release", "orders.read", "orders.list")),
            Consumer(name="mes", owner="o", credential=Credential(issuer="idp", client_id="m")),
            Grant(consumer="mes", scope="orders.release"),
            Grant(consumer="mes", scope="orders.read"),
        ]
    ),
    datetime(2026, 11, 21, tzinfo=UTC),
)
MES = Token(issuer="idp", client_id="m", scopes=frozenset({"orders.release", "orders.list"}))


@pytest.mark.parametrize(
    ("method", "path", "refusal", "policy"),
    [
        ("POST", "/erp/v1/1/release", None, None),
        ("GET", "/erp/v1", None, None),
        ("GET", "/erp/v1/", None, None),
        ("GET", "/erp/v1/1", Refusal.SCOPE_MISSING, "consumer.mes.grant.orders.read"),
        ("GET", "/erp/v1/open", Refusal.SCOPE_MISSING, "consumer.mes.grant.orders.list"),
        ("POST", "/erp/v0/1/release", Refusal.VERSION_RETIRED, "api.orders.version.v0"),
        ("POST", "/erp/v0", Refusal.VERSION_RETIRED, "api.orders.version.v0"),
        ("POST", "/erp/v9/1/release", Refusal.NO_SUCH_ROUTE, None),
        ("POST", "/erp/v10", Refusal.NO_SUCH_ROUTE, None),
        ("POST", "/erp/v1/1/2/3", Refusal.NO_SUCH_ROUTE, "api.orders"),
        ("POST", "/erp/v1/1/", Refusal.NO_SUCH_ROUTE, "api.orders"),
        ("POST", "/erp/v1/inner/v1/1/release", None, None),
        ("POST", "/erp/v1/inner/v1/1", Refusal.METHOD_NOT_ALLOWED, "api.inner"),
        ("DELETE", "/erp/v1/1", Refusal.METHOD_NOT_ALLOWED, "api.orders"),
        ("DELETE", "/erp/v2/1", None, None),
        ("DELETE", "/erp/v2/open", None, None),
        ("GET", "/", Refusal.NO_SUCH_ROUTE, None),
    ],
)
def test_the_path_the_scope_and_the_grant_decide(
    method: str, path: str, refusal: Refusal | None, policy: str | None
) -> None:
    found = decide(ROUTING, Call(method=method, path=path, token=MES))
    assert (found.refusal, found.policy) == (refusal, policy)
    assert (found.status is None) == (refusal is None)


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        (None, Refusal.UNAUTHENTICATED),
        (Token(issuer="other", client_id="m", scopes=MES.scopes), Refusal.UNKNOWN_CONSUMER),
        (Token(issuer="idp", client_id="mes", scopes=MES.scopes), Refusal.UNKNOWN_CONSUMER),
        (Token(issuer="idp", client_id="m"), Refusal.SCOPE_MISSING),
        (MES, None),
    ],
)
def test_who_calls_decides(token: Token | None, refusal: Refusal | None) -> None:
    assert decide(ROUTING, Call(method="POST", path="/erp/v1/1/release", token=token)).refusal is refusal


@pytest.mark.parametrize(
    ("headers", "version"),
    [({}, None), ({"x-version": "v1"}, "v1"), ({"x-version": "v2"}, "v2"), ({"x-version": "v3"}, None)],
)
def test_a_header_says_the_version(headers: dict[str, str], version: str | None) -> None:
    found = decide(ROUTING, Call(method="POST", path="/lots/1/release", headers=headers, token=MES))
    assert (None if found.surface is None else found.surface.version) == version
    assert (found.refusal is None) == (version is not None)


def test_the_methods_that_a_path_takes_are_those_of_all_that_fit_it() -> None:
    found = decide(ROUTING, Call(method="PUT", path="/erp/v2/open", token=MES))
    assert found.allow == ("DELETE", "GET")
    assert decide(ROUTING, Call(method="PUT", path="/erp/v1/open")).allow == ("GET",)


def test_what_is_decided_says_whose_it_is() -> None:
    found = decide(ROUTING, Call(method="POST", path="/erp/v1/1/release", token=MES))
    assert found.caller is not None
    assert (found.caller.consumer, found.surface and found.surface.address) == ("mes", "api.orders.version.v1")
    assert found.entry is not None
    assert found.entry.key == "POST /{order}/release"
