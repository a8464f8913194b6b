"""Who gets in: tokens, permissions, and that nothing is looked at before."""

from __future__ import annotations

import httpx
import pytest

from hub.api.access import Access, Principal, demand
from hub.api.gate import Rules
from hub.app import ROUTES, application
from hub.caution import Caution
from transactions.errors import Forbidden, Unauthenticated
from transactions.people import Limits, Permission, Role


def person(name: str, *roles: Role, **more: object) -> Principal:
    return Principal(subject=name, kind="user", roles=roles, **more)


async def test_a_token_speaks_for_its_principal_only() -> None:
    access = Access()
    ann, mes = person("ann", Role.ADMIN), person("mes", Role.SOURCE)
    access.accept("one", ann)
    access.accept("two", mes)
    assert await access.who("Bearer one") == ann
    assert await access.who("bearer  two ") == mes  # the scheme's case does not matter (RFC 9110, 11.1)


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
        ("Bearer \xff\u20ac", "characters that no token has"),
        ("Bearer " + "x" * 20_000, "too long"),
    ],
)
async def test_what_is_no_token_and_what_is_a_wrong_one(header, said) -> None:
    access = Access()
    access.accept("one", person("ann"))
    with pytest.raises(Unauthenticated, match=said):
        await access.who(header)


def test_tokens_are_kept_as_hashes_only() -> None:
    access = Access()
    access.accept("very-secret", person("ann"))
    assert "very-secret" not in repr(vars(access))


async def test_the_bootstrap_token_can_be_off() -> None:
    access = Access()
    access.accept("one", Principal(subject="bootstrap", kind="bootstrap", roles=(Role.ADMIN,)))
    assert (await access.who("Bearer one")).subject == "bootstrap"
    access.bootstrap_off = "There is an admin now."
    with pytest.raises(Unauthenticated, match="There is an admin now"):
        await access.who("Bearer one")


async def test_issuers_are_asked_in_turn() -> None:
    asked = []

    class Issuer:
        def __init__(self, token: str) -> None:
            self.token = token

        async def principal(self, token: str) -> Principal | None:
            asked.append(self.token)
            return person(f"of {token}") if token == self.token else None

    access = Access()
    access.accept("own", person("ann"))
    access.trust(Issuer("a"))
    access.trust(Issuer("b"))
    assert (await access.who("Bearer own")).subject == "ann"
    assert asked == []
    assert (await access.who("Bearer b")).subject == "of b"
    assert asked == ["a", "b"]


def test_admin_may_everything_and_others_what_their_roles_allow() -> None:
    for wanted in Permission:
        demand(person("ann", Role.ADMIN), frozenset({wanted}), whole_hub=True)
    demand(person("mes", Role.SOURCE), frozenset({Permission.INGRESS}))
    with pytest.raises(Forbidden, match="mes is signed in and may not do this: it wants the permission 'read'"):
        demand(person("mes", Role.SOURCE), frozenset({Permission.READ}))
    demand(person("ann", Role.VIEWER, granted=frozenset({Permission.REVEAL})), frozenset({Permission.REVEAL}))
    limited = person("ann", Role.APPROVER, limits=Limits(plants=["P03"], risks=["low", "operational"]))
    demand(limited, frozenset({Permission.AUDIT}))
    with pytest.raises(Forbidden, match="reach plant P03, risk low or operational only"):
        demand(limited, frozenset({Permission.AUDIT}), whole_hub=True)


def test_what_paths_want_whether_they_exist_or_not() -> None:
    rules = Rules(ROUTES)

    def wanted(path: str, method: str = "GET") -> set[Permission] | None:
        found = rules.wanted(path, method)
        return None if found is None else set(found.permissions)

    assert wanted("/healthz") is None
    assert wanted("/admin/v1/transactions") == wanted("/admin/v1/transactions", "HEAD") == {Permission.READ}
    assert wanted("/admin/v1/transactions/count") == wanted("/admin/v1/transactions/x/timeline") == {Permission.READ}
    assert wanted("/admin/v1/plans", "POST") == wanted("/admin/v1/plans/x/run", "POST") == {Permission.ACT}
    assert wanted("/admin/v1/plans") == {Permission.READ}
    assert wanted("/admin/v1/plans", "DELETE") == {Permission.READ, Permission.ACT}  # 405, for those who may do either
    assert wanted("/admin/v1/whoami") == set(Permission)
    for path in ("/admin", "/admin/", "/admin/v1/nothing", "/admin/v2/transactions", "/admin/v1/transactions/"):
        assert wanted(path) == set(Permission) - {Permission.INGRESS}, path
    for path in ("/ingress", "/ingress/", "/ingress/report", "/ingress/replies/ERP"):
        assert wanted(path, "POST") == {Permission.INGRESS}
    assert rules.wanted("/admin/v1/audit", "GET") == (frozenset({Permission.AUDIT}), True)


async def test_figures_are_open_on_this_machine_and_want_a_token_elsewhere(own_hub, problem) -> None:
    for public, token, status in (
        (False, None, 200),
        (True, None, 401),
        (True, "source-token", 403),
        (True, "admin-token", 200),
    ):
        app = application(own_hub, Caution(open_metrics=not public))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
            assert (await client.get("/metrics")).status_code == status


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
        "permissions": sorted(Permission),
        "expires_at": None,
        "limits": {"plants": None, "flows": None, "risks": None},
        "name": None,
        "issuer": None,
    }
    source = (await local.get("whoami", headers={"Authorization": "Bearer source-token"})).json()
    assert (source["subject"], source["permissions"]) == ("mes-p01", ["ingress"])


async def test_a_websocket_is_not_served_and_not_let_past(local) -> None:
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message) -> None:
        sent.append(message["type"])

    scope = {"type": "websocket", "path": "/admin/v1/events", "headers": [], "query_string": b"", "root_path": ""}
    await local.app({**scope, "raw_path": b"/", "server": ("hub", 80), "scheme": "ws"}, receive, send)
    assert sent == ["websocket.close"]
