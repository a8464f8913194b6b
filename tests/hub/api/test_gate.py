"""Who gets in: tokens, permissions, and that nothing is looked at before."""

from __future__ import annotations

import httpx
import pytest

from hub.api.access import Access, Permission, Principal, demand
from transactions.errors import Forbidden, Unauthenticated


def test_a_token_speaks_for_its_principal_only() -> None:
    access = Access()
    ann = Principal(subject="ann", kind="bootstrap", permissions=frozenset({Permission.ADMIN}))
    mes = Principal(subject="mes", kind="system", permissions=frozenset({Permission.INGRESS}))
    access.accept("one", ann)
    access.accept("two", mes)
    assert access.who("Bearer one") == ann
    assert access.who("bearer  two ") == mes  # the scheme's case does not matter (RFC 9110, 11.1)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (None, "no access token"),
        ("", "no access token"),
        ("Bearer", "no access token"),
        ("Bearer   ", "no access token"),
        ("Basic one", "no access token"),
        ("one", "no access token"),
        ("Bearer on", "not valid here"),
        ("Bearer one two", "not valid here"),
        ("Bearer ONE", "not valid here"),
        ("Bearer \xff\u20ac", "not valid here"),
    ],
)
def test_what_is_no_token_and_what_is_a_wrong_one(header, said) -> None:
    access = Access()
    access.accept("one", Principal(subject="ann", kind="bootstrap", permissions=frozenset()))
    with pytest.raises(Unauthenticated, match=said):
        access.who(header)


def test_tokens_are_kept_as_hashes_only() -> None:
    access = Access()
    access.accept("very-secret", Principal(subject="ann", kind="bootstrap", permissions=frozenset()))
    assert "very-secret" not in repr(vars(access))


def test_admin_may_everything_and_others_what_they_have() -> None:
    admin = Principal(subject="ann", kind="bootstrap", permissions=frozenset({Permission.ADMIN}))
    source = Principal(subject="mes", kind="system", permissions=frozenset({Permission.INGRESS}))
    for wanted in Permission:
        demand(admin, wanted)
    demand(source, Permission.INGRESS)
    with pytest.raises(Forbidden, match="mes is signed in"):
        demand(source, Permission.ADMIN)


@pytest.mark.parametrize(
    "path", ["/admin", "/admin/", "/admin/v1/status", "/admin/v2/x", "/admin/v1/%2e%2e/%2e%2e/healthz"]
)
async def test_everything_below_admin_wants_the_permission(local, problem, path) -> None:
    for token, status, kind in (
        (None, 401, "unauthenticated"),
        ("x", 401, "unauthenticated"),
        ("source-token", 403, "forbidden"),
        ("empty-token", 403, "forbidden"),
    ):
        headers = {"Authorization": f"Bearer {token}"} if token else {"Authorization": ""}
        answer = await local.get(httpx.URL("http://hub", raw_path=path.encode()), headers=headers)
        problem(answer, status, kind)
        assert ("www-authenticate" in answer.headers) is (status == 401)


async def test_a_source_may_send_documents_and_nothing_else(local, problem) -> None:
    headers = {"Authorization": "Bearer source-token"}
    sent = await local.post("http://hub/ingress/report", json={"event": "e1"}, headers=headers)
    assert sent.status_code == 202
    problem(await local.post("ingress?flow=report", json={"event": "e2"}, headers=headers), 403, "forbidden")
    empty = {"Authorization": "Bearer empty-token"}
    problem(await local.post("http://hub/ingress/report", json={}, headers=empty), 403, "forbidden")
    # refused before anything is looked at: neither the flow nor the body matter
    problem(await local.post("http://hub/ingress/nothing", content=b"{", headers=empty), 403, "forbidden")


async def test_a_refused_request_is_not_read(local) -> None:
    """A body that never ends keeps nobody waiting at the gate."""
    messages = []

    async def receive():
        raise AssertionError("the body was read")

    async def send(message) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/admin/v1/plans",
        "raw_path": b"/admin/v1/plans",
        "query_string": b"",
        "headers": [],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("hub", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
        "asgi": {"version": "3.0"},
    }
    await local.app(scope, receive, send)
    assert messages[0]["status"] == 401


@pytest.mark.parametrize("path", ["http://hub/healthz", "status", "nothing", "http://hub/ingress/x"])
async def test_every_answer_carries_the_security_headers(local, path) -> None:
    for headers in ({}, {"Authorization": ""}):
        answer = await local.get(path, headers=headers)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_who_am_i(local) -> None:
    who = (await local.get("whoami")).json()
    assert who == {
        "subject": "ann",
        "kind": "bootstrap",
        "roles": ["admin"],
        "permissions": ["admin"],
        "expires_at": None,
    }


async def test_a_websocket_is_not_served_and_not_let_past(local) -> None:
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message) -> None:
        sent.append(message["type"])

    scope = {"type": "websocket", "path": "/admin/v1/events", "headers": [], "query_string": b"", "root_path": ""}
    await local.app({**scope, "raw_path": b"/", "server": ("hub", 80), "scheme": "ws"}, receive, send)
    assert sent == ["websocket.close"]
