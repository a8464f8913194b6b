"""Web pages in the browser of somebody who runs a hub: DNS rebinding, forged requests; what every answer carries."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hub.api.door import host_name
from hub.caution import Caution

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
PAGES = [
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/nothing"),
    ("DELETE", "/healthz"),
    ("GET", "/admin/v1/openapi.json"),
    ("GET", "/admin/v1/whoami"),
    ("HEAD", "/admin/v1/whoami"),
    ("OPTIONS", "/admin/v1/whoami"),
    ("TRACE", "/admin/v1/whoami"),
    ("GET", "/admin/v1/nothing"),
    ("HEAD", "/admin/v1/events"),
    ("POST", "/admin/v1/plans"),
    ("POST", "/ingress/nothing"),
]


async def test_a_page_whose_name_leads_here_reads_from_a_naive_server_and_not_from_the_hub(client_of, problem) -> None:
    async def secret(_request: Request) -> Response:
        return PlainTextResponse("what only this machine should see")

    naive = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=Starlette(routes=[Route("/metrics", secret)])), base_url="http://127.0.0.1"
    )
    async with naive:
        # attacker.example resolves to 127.0.0.1 by now; to the browser that is the page's own origin
        assert "only this machine" in (await naive.get("/metrics", headers={"Host": "attacker.example:8470"})).text
    client = client_of()
    for path in ("/metrics", "/healthz", "/admin/v1/whoami"):
        detail = problem(await client.get(path, headers={"Host": "attacker.example:8470"}), 421, "misdirected")
        assert "'attacker.example:8470'" in detail
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.8.8.8:80", "[::1]", "[::1]:8470"])
async def test_this_machine_may_be_called_by_each_of_its_names(client_of, host) -> None:
    assert (await client_of().get("/healthz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost.attacker.example",
        "127.0.0.1.attacker.example",
        "attacker.example#localhost",
        "localhost:x",
        "localhost@attacker.example",
        "10.0.0.5",
        "0.0.0.0",
        "[::1",
        "[::1]x",
        "127.0.0.1, attacker.example",
        "\xff",
    ],
)
async def test_what_only_looks_like_this_machine_is_somebody_else(client_of, problem, host) -> None:
    answer = await client_of().get("/healthz", headers=[("Host", host.encode("latin-1"))])
    problem(answer, 421, "misdirected")


async def test_a_request_for_two_hosts_is_for_none(client_of, problem) -> None:
    answer = await client_of().get("/healthz", headers=[("Host", "localhost"), ("Host", "attacker.example")])
    problem(answer, 421, "misdirected")


async def test_a_name_of_the_settings_is_the_hub_s_own(client_of) -> None:
    client = client_of(Caution(names=("Andon.Example.com",)))
    for host in ("andon.example.com", "ANDON.EXAMPLE.COM:443", "andon.example.com."):
        assert (await client.get("/healthz", headers={"Host": host})).status_code == 200
    assert (await client.get("/healthz", headers={"Host": "example.com"})).status_code == 421


async def test_a_page_cannot_send_a_form_even_with_a_token_it_found(client_of, problem) -> None:
    client = client_of()
    body = {"action": "discard", "ids": ["x"], "reason": "r"}
    for origin in ("https://attacker.example", "null", "http://127.0.0.1:8470"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = await client.request(method, "/admin/v1/plans", json=body, headers={"Origin": origin})
            assert "web page" in problem(answer, 403, "forbidden")
    assert (await client.get("/admin/v1/plans")).json()["items"] == []


async def test_no_page_is_ever_told_that_it_may(client_of) -> None:
    """No CORS: a preflight is refused, and no answer allows an origin."""
    client = client_of()
    asked = {"Origin": "https://attacker.example", "Access-Control-Request-Method": "POST"}
    for method, path in PAGES:
        for headers in (asked, {**asked, "Authorization": ""}):
            answer = await client.request(method, path, headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control-")]
            assert method != "OPTIONS" or answer.status_code in (401, 405)


@pytest.mark.parametrize(("method", "path"), PAGES)
async def test_every_answer_carries_the_headers_once(client_of, method, path) -> None:
    client = client_of()
    for token in ("ann-token", "bea-token", "wrong", None):
        answer = await client.request(method, path, headers={"Authorization": f"Bearer {token}" if token else ""})
        for name, value in HEADERS.items():
            assert answer.headers.get_list(name) == [value], (answer.status_code, name)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
        assert "x-powered-by" not in answer.headers


async def test_a_defect_carries_them_and_tells_nothing(bare_hub, client_of, monkeypatch) -> None:
    def broken() -> dict[str, str]:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(bare_hub.engine, "breakers", broken)
    answer = await client_of().get("/metrics")
    assert answer.status_code == 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


async def test_trace_sends_nothing_back(client_of) -> None:
    """Cross-site tracing: a server that echoes a request shows its token."""
    answer = await client_of().request("TRACE", "/admin/v1/whoami")
    assert answer.status_code == 405
    assert "ann-token" not in answer.text


async def test_over_the_wire_no_header_tells_what_serves(hub) -> None:
    async with httpx.AsyncClient() as client:
        for path in ("/healthz", "/nothing", "/admin/v1/status"):
            answer = await client.get(hub.url + path)
            assert "server" not in answer.headers
            assert answer.headers["x-content-type-options"] == "nosniff"
        rebound = await client.get(f"{hub.url}/healthz", headers={"Host": "attacker.example"})
        assert rebound.status_code == 421


@pytest.mark.parametrize(
    ("host", "name"),
    [("A.b:80", "a.b"), ("a.b.", "a.b"), ("[::1]:1", "::1"), ("a:b", None), ("a:", None), (":80", None), ("[x", None)],
)
def test_the_name_in_a_host_field(host, name) -> None:
    assert host_name(host) == name
