"""What a gateway says of a call that it refused, read from an answer that may say anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_policies.explaining.refused import RefusedCall, read_refusal

MARK = {"andon-gateway": "refused", "content-type": "application/problem+json"}
WHOLE = {
    "type": "urn:andon:gateway:scope-missing",
    "title": "Forbidden",
    "status": 403,
    "detail": "The token lacks erp.deliver.",
    "api": "erp-documents",
    "version": "v2",
    "operation": "POST /documents/{flow}",
    "scope": "erp.deliver",
    "client_id": "andon-hub",
    "policy": "consumer.andon-hub.grant.erp.deliver",
}


def read(body: Any, status: int = 403, headers: dict[str, str] = MARK) -> RefusedCall | None:
    return read_refusal(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def test_a_whole_one() -> None:
    assert read(WHOLE) == RefusedCall(
        name="scope-missing",
        status=403,
        detail="The token lacks erp.deliver.",
        api="erp-documents",
        version="v2",
        operation="POST /documents/{flow}",
        scope="erp.deliver",
        client_id="andon-hub",
        policy="consumer.andon-hub.grant.erp.deliver",
    )


@pytest.mark.parametrize("headers", [{}, {"andon-gateway": ""}, {"andon-gateway": "passed"}])
def test_a_target_that_refuses_is_no_gateway(headers: dict[str, str]) -> None:
    assert read(WHOLE, headers=headers) is None


@pytest.mark.parametrize(("said", "side"), [("api", "api"), ("consumer", "consumer"), ("all", None), ("", None)])
def test_whose_throttle_it_was_is_told_by_a_header(said: str, side: str | None) -> None:
    found = read(WHOLE, 429, {**MARK, "andon-throttled": said})
    assert found is not None
    assert found.throttled == side


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "bad-request"),
        (401, "unauthenticated"),
        (403, "scope-missing"),
        (404, "no-such-route"),
        (405, "method-not-allowed"),
        (410, "version-retired"),
        (429, "throttled"),
        (503, "upstream-unavailable"),
        (504, "upstream-unavailable"),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b"null", {"type": "about:blank"}, {"type": "urn:andon:gateway:<b>"}]
)
def test_without_readable_words_the_status_says_why(status: int, name: str, body: Any) -> None:
    found = read(body, status)
    assert found is not None
    assert (found.name, found.policy, found.api) == (name, None, None)


@pytest.mark.parametrize(
    ("policy", "taken"),
    [
        ("throttle.erp-quota", True),
        ("consumer.mes-p03.grant.orders.*", True),
        ("api.erp.version.v1", True),
        ("erp-quota", False),
        ("throttle.", False),
        ("throttle.a b", False),
        ("throttle.a\nx", False),
        (["throttle.a"], False),
        ("-", False),
    ],
)
def test_an_address_is_taken_only_where_it_is_one(policy: Any, taken: bool) -> None:
    found = read({**WHOLE, "policy": policy})
    assert found is not None
    assert (found.policy == policy) is taken
    assert taken or found.policy is None


@pytest.mark.parametrize(
    ("flags", "never_sent"),
    [
        ("UF", True),
        ("UH", True),
        ("NR", True),
        ("UF,UH", True),
        ("UC", False),
        ("UT", False),
        ("UF,UC", False),
        ("UR", False),
        ("XX", False),
        ("-", False),
        ("", False),
        ("uf", False),
        (None, False),
    ],
)
def test_what_may_have_left_is_told_by_flags(flags: str | None, never_sent: bool) -> None:
    found = read({"type": "urn:andon:gateway:upstream-unavailable", "flags": flags}, 503)
    assert found is not None
    assert found.never_sent is never_sent


def test_a_refusal_has_never_left() -> None:
    for name in ("scope-missing", "throttled", "version-retired", "unauthenticated"):
        assert RefusedCall(name=name, status=403).never_sent


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.integers() | st.text(max_size=50), st.lists).map(
        lambda each: json.dumps({"type": each, "policy": each, "scope": each, "flags": each}).encode()
    )
)
@settings(max_examples=50, deadline=None)
def test_nothing_that_comes_over_the_network_breaks_it(body: bytes) -> None:
    found = read(body)
    assert found is not None
    for text in (found.detail, found.scope, found.policy, found.operation):
        assert text is None or (text.isprintable() and 0 < len(text) <= 400)


def test_a_large_body_is_not_read() -> None:
    found = read({**WHOLE, "detail": "x" * 100_000})
    assert found is not None
    assert (found.name, found.detail) == ("scope-missing", None)
