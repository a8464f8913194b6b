"""People and tokens over the admin API, and the hub's own answers about signing in."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.api.access import Access, Principal
from hub.app import Hub, application
from hub.declarations import Catalogue
from hub.delivery.profile import QUICK
from hub.identity.issuer_settings import IssuerSettings
from hub.identity.wiring import SignIn
from hub.landscape import Landscape
from hub.store.database import open_database
from transactions.clock import SystemClock
from transactions.people import Role


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def added(local: Any, name: str, *roles: str, **limits: list[str]) -> str:
    """Somebody new, and a token of theirs."""
    body = {"name": name, "roles": list(roles), "limits": limits}
    answer = await local.post("users", json=body)
    assert answer.status_code == 201, answer.text
    answer = await local.post(f"users/{name}/token", json={})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


async def test_from_nobody_to_somebody_and_back(local: Any, problem: Any) -> None:
    assert (await local.get("users")).json() == {"items": [], "next_cursor": None}
    answer = await local.post("users", json={"name": "kim", "roles": ["operator"], "limits": {"plants": ["P01"]}})
    assert answer.status_code == 201
    person = answer.json()
    assert person["roles"] == ["operator"]
    assert person["limits"] == {"plants": ["P01"], "flows": None, "risks": None}
    assert (person["tokens"], person["expires_at"], person["created_by"]) == (0, None, "ann")

    answer = await local.post("users/kim/token", json={"expires_in": "12h"})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    given = answer.json()
    life = datetime.fromisoformat(given["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < life <= timedelta(hours=12)

    who = (await local.get("whoami", headers=bearer(given["token"]))).json()
    assert (who["subject"], who["kind"], who["roles"]) == ("kim", "user", ["operator"])
    assert who["limits"]["plants"] == ["P01"]
    assert who["expires_at"] == given["expires_at"]
    assert who["issuer"] == "urn:andon:hub:test"

    (listed,) = (await local.get("users")).json()["items"]
    assert (listed["name"], listed["tokens"], listed["expires_at"]) == ("kim", 1, given["expires_at"])
    gone = await local.delete("users/kim")
    assert (gone.status_code, gone.json()) == (200, {"name": "kim", "tokens": 1, "note": None})
    said = problem(await local.get("whoami", headers=bearer(given["token"])), 401, "unauthenticated")
    assert "its person was removed" in said
    problem(await local.delete("users/kim"), 404, "not-found")


async def test_the_token_is_kept_nowhere(local: Any, tmp_path: Path) -> None:
    token = await added(local, "kim", "viewer")
    signature = token.split(".")[2].encode()
    assert token not in (await local.get("users")).text
    assert token not in (await local.get("audit")).text
    for path in tmp_path.iterdir():
        assert signature not in path.read_bytes(), path


async def test_rights_change_in_the_middle_of_a_session(local: Any, problem: Any) -> None:
    token = await added(local, "kim", "operator")
    assert (await local.get("transactions", headers=bearer(token))).status_code == 200
    plan = {"action": "replay", "reason": "r", "ids": ["x"]}
    problem(await local.post("plans", json=plan, headers=bearer(token)), 404, "not-found")
    changed = await local.post("users", json={"name": "kim", "roles": ["viewer"], "change": True})
    assert changed.status_code == 200
    said = problem(await local.post("plans", json=plan, headers=bearer(token)), 403, "forbidden")
    assert "kim is signed in" in said
    await local.post("users", json={"name": "kim", "roles": ["source"], "change": True})
    problem(await local.get("transactions", headers=bearer(token)), 403, "forbidden")


async def test_taking_tokens_back(local: Any, problem: Any) -> None:
    token = await added(local, "kim", "viewer")
    answer = await local.delete("users/kim/token")
    assert answer.json() == {"name": "kim", "tokens": 1, "note": None}
    problem(await local.get("whoami", headers=bearer(token)), 401, "unauthenticated")
    again = (await local.post("users/kim/token", json={})).json()["token"]
    assert (await local.get("whoami", headers=bearer(again))).status_code == 200


async def test_what_cannot_be(local: Any, problem: Any) -> None:
    await added(local, "kim", "viewer")
    assert "--change" in problem(await local.post("users", json={"name": "kim", "roles": ["admin"]}), 409, "refused")
    answer = await local.post("users", json={"name": "ben", "roles": ["operatr"]})
    problem(answer, 422, "invalid-request")
    assert answer.json()["suggestions"] == ["operator"]
    for body in (
        {"name": "ben"},
        {"roles": ["viewer"]},
        {"name": "ben", "roles": "viewer"},
        {"name": "ben", "roles": ["viewer"], "admin": True},
        {"name": "ben", "roles": ["viewer"], "limits": {"plant": ["P01"]}},
        {"name": "ben", "roles": ["viewer"], "limits": {"plants": "P01"}},
        {"name": "Ben", "roles": ["viewer"]},
        {"name": "bootstrap", "roles": ["viewer"]},
    ):
        problem(await local.post("users", json=body), 422, "invalid-request")
    for lifetime in ("366d", "1s", "soon"):
        problem(await local.post("users/kim/token", json={"expires_in": lifetime}), 422, "invalid-request")
    problem(await local.post("users/ben/token", json={}), 404, "not-found")
    problem(await local.delete("users/ben/token"), 404, "not-found")
    assert [person["name"] for person in (await local.get("users")).json()["items"]] == ["kim"]


@pytest.mark.parametrize("role", ["viewer", "operator", "approver", "policy-author", "policy-admin"])
async def test_nobody_makes_themselves_an_admin(role: str, local: Any, problem: Any) -> None:
    token = await added(local, "kim", role)
    raised = {"name": "kim", "roles": ["admin"], "change": True}
    problem(await local.post("users", json=raised, headers=bearer(token)), 403, "forbidden")
    problem(await local.post("users/kim/token", json={}, headers=bearer(token)), 403, "forbidden")


async def test_an_admin_of_one_plant_does_not_make_admins_of_all(local: Any, problem: Any) -> None:
    token = await added(local, "kim", "admin", plants=["P01"])
    raised = {"name": "kim", "roles": ["admin"], "change": True}
    said = problem(await local.post("users", json=raised, headers=bearer(token)), 403, "forbidden")
    assert "plant P01 only" in said
    problem(await local.get("users", headers=bearer(token)), 403, "forbidden")


async def test_a_long_list_comes_in_pages(local: Any) -> None:
    for n in range(7):
        await local.post("users", json={"name": f"p{n}", "roles": ["viewer"]})
    names: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = (await local.get("users", params={"limit": 3, **cursor})).json()
        names += [person["name"] for person in answer["items"]]
        if answer["next_cursor"] is None:
            break
        cursor = {"cursor": answer["next_cursor"]}
    assert names == [f"p{n}" for n in range(7)]


async def test_the_bootstrap_token_ends_when_an_admin_can_take_over(local: Any, problem: Any) -> None:
    await local.post("users", json={"name": "kim", "roles": ["admin"]})
    assert (await local.get("users")).status_code == 200  # an admin without a token could not go on
    token = (await local.post("users/kim/token", json={})).json()["token"]
    said = problem(await local.get("users"), 401, "unauthenticated")
    assert "bootstrap token is off: this hub has an admin of its own, kim" in said
    gone = (await local.delete("users/kim", headers=bearer(token))).json()
    assert "next start" in gone["note"]
    # It does not come back by itself: whoever had seen it once would be in again.
    problem(await local.get("users"), 401, "unauthenticated")


async def test_the_bootstrap_token_is_for_the_hubs_own_machine(own_hub: Hub, problem: Any) -> None:
    for host, good in (("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("192.0.2.7", False)):
        transport = httpx.ASGITransport(app=application(own_hub), client=(host, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://hub/admin/v1/") as client:
            answer = await client.get("whoami", headers=bearer("admin-token"))
            if good:
                assert answer.status_code == 200
            else:
                assert "own machine only" in problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("field", ["Forwarded", "X-Forwarded-For", "Via"])
async def test_what_a_proxy_on_this_machine_passes_on_is_not_of_this_machine(
    field: str, local: Any, problem: Any
) -> None:
    headers = {**bearer("admin-token"), field: "127.0.0.1"}
    assert "own machine only" in problem(await local.get("whoami", headers=headers), 401, "unauthenticated")
    token = await added(local, "kim", "viewer")
    assert (await local.get("whoami", headers={**headers, **bearer(token)})).status_code == 200


async def test_a_stream_ends_with_the_rights_it_was_opened_with(local: Any) -> None:
    """Streams stay open for days: who was removed must not go on watching."""
    token = await added(local, "kim", "viewer")
    await local.post("users", json={"name": "root", "roles": ["admin"]})
    seen: list[str] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/admin/v1/events",
        "raw_path": b"/admin/v1/events",
        "query_string": b"",
        "headers": [(b"host", b"hub"), (b"authorization", f"Bearer {token}".encode())],
        "client": ("127.0.0.1", 1),
    }
    opened = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("never")

    async def send(message: dict[str, Any]) -> None:
        seen.append(message.get("body", b"").decode())
        if "connected" in seen[-1]:
            opened.set()

    stream = asyncio.create_task(local.app(scope, receive, send))
    async with asyncio.timeout(30):
        await opened.wait()
        await local.delete("users/kim")
        tx_id = await local.send(event="after")  # something happens
        await stream
    assert tx_id not in "".join(seen)


async def test_how_clients_find_out_how_to_sign_in(local: Any) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=local.app), base_url="http://hub") as stranger:
        said = (await stranger.get("/.well-known/oauth-protected-resource")).json()
        assert said == {
            "resource": "http://127.0.0.1:8470",
            "resource_name": "Andon hub test",
            "authorization_servers": [],
            "scopes_supported": [],
            "bearer_methods_supported": ["header"],
            "andon_client_id": None,
            "andon_scopes": None,
            "andon_resource_indicator": True,
        }
        refused = await stranger.get("/admin/v1/whoami")
        where = 'resource_metadata="http://127.0.0.1:8470/.well-known/oauth-protected-resource"'
        assert refused.headers["www-authenticate"] == f"Bearer {where}"
        refused = await stranger.get("/admin/v1/whoami", headers=bearer("wrong"))
        assert refused.headers["www-authenticate"] == f'Bearer {where}, error="invalid_token"'
        assert (await stranger.post("/.well-known/oauth-protected-resource")).status_code == 405


async def test_the_hubs_keys_are_there_for_anybody_to_check_its_tokens(local: Any) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=local.app), base_url="http://hub") as stranger:
        assert (await stranger.get("/.well-known/jwks.json")).json() == {"keys": []}
        token = await added(local, "kim", "viewer")
        answer = await stranger.get("/.well-known/jwks.json")
        assert answer.headers["content-type"] == "application/jwk-set+json"
        (key,) = answer.json()["keys"]
        assert "d" not in key
        said = jwt.decode(token, jwt.PyJWK(key), algorithms=["EdDSA"], audience="urn:andon:hub:test")
        assert said["sub"] == "kim"


@pytest.fixture
async def federated(tmp_path: Path, catalogue: Catalogue) -> AsyncIterator[httpx.AsyncClient]:
    """A hub whose people are somebody else's, and which cannot reach that one."""
    database = open_database(tmp_path)
    access = Access()
    access.accept("admin-token", Principal(subject="ann", kind="user", roles=(Role.ADMIN,)))
    hub = Hub(
        database=database,
        landscape=Landscape(catalogue),
        profile=QUICK,
        clock=SystemClock(),
        access=access,
        platform="test",
        chance=random.Random(1),
        sign_in=SignIn(
            url="https://andon.example",
            issuer=IssuerSettings(url="http://127.0.0.1:9/realm", client_id="andon-cli", scopes="openid api"),
        ),
    )
    await hub.start()
    transport = httpx.ASGITransport(app=application(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers=bearer("admin-token")) as client:
        yield client
    await hub.close()
    database.close()


async def test_people_of_an_identity_provider_are_not_the_hubs_to_add(federated: Any, problem: Any) -> None:
    for method, path, body in (
        ("GET", "users", None),
        ("POST", "users", {"name": "kim", "roles": ["viewer"]}),
        ("DELETE", "users/kim", None),
        ("POST", "users/kim/token", {}),
        ("DELETE", "users/kim/token", None),
    ):
        answer = await federated.request(method, f"/admin/v1/{path}", json=body)
        said = problem(answer, 409, "refused")
        assert "those of the issuer http://127.0.0.1:9/realm" in said
        assert "Add and remove them there" in said


async def test_where_its_people_sign_in(federated: Any) -> None:
    said = (await federated.get("/.well-known/oauth-protected-resource")).json()
    assert said["resource"] == "https://andon.example"
    assert said["authorization_servers"] == ["http://127.0.0.1:9/realm"]
    assert (said["andon_client_id"], said["andon_scopes"]) == ("andon-cli", "openid api")
    assert said["scopes_supported"] == ["openid", "api"]
    assert (await federated.get("/.well-known/jwks.json")).json() == {"keys": []}


async def test_an_issuer_that_is_not_there_keeps_no_hub_from_starting(federated: Any, problem: Any) -> None:
    assert (await federated.get("/readyz")).status_code == 200
    claims = {"iss": "http://127.0.0.1:9/realm", "sub": "kim"}
    key = Ed25519PrivateKey.generate()
    token = jwt.encode(claims, key, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": "k"})
    said = problem(await federated.get("/admin/v1/whoami", headers=bearer(token)), 503, "unavailable")
    assert "cannot be asked for its keys" in said
    # What can never be good is refused all the same.
    problem(await federated.get("/admin/v1/whoami", headers=bearer("wrong")), 401, "unauthenticated")
