"""Requests that are larger than they should be, or than they say."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.api.sizes import BODY_LIMIT, Sizes
from hub.caution import Caution
from hub.documents import DEFAULT_LIMITS
from hub.patience import Patience, PatientProtocol

SMALL = Caution(names=(), sizes=Sizes(body_bytes=1000))
PLACES = ["/admin/v1/plans", "/admin/v1/ingress?flow=downtime-event", "/ingress/downtime-event"]
PIECE = b"x" * 65_536


async def _naive(request: Request) -> Response:
    """What most servers do: the whole body into memory, unpacked where it says that it is packed."""
    body = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return JSONResponse({"bytes": len(body), "fields": len(request.headers)})


@pytest.fixture
def naive() -> httpx.AsyncClient:
    app = Starlette(routes=[Route("/{path:path}", _naive, methods=["POST", "GET"])])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1")


class Endless:
    """A body that would go on for ever; knows how much of it was taken."""

    def __init__(self, most: int = 200 * 1024 * 1024) -> None:
        self.taken, self._most = 0, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.taken < self._most:
            self.taken += len(PIECE)
            yield PIECE


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("place", PLACES)
async def test_a_body_without_a_length_is_taken_to_the_limit_and_no_further(
    naive, client_of, problem, place, monkeypatch
) -> None:
    taken = await naive.post("/x", content=Endless(30 * 1024 * 1024))
    assert taken.json()["bytes"] == 30 * 1024 * 1024
    read: list[int] = []

    def limited(self: Request) -> AsyncIterator[bytes]:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(100_000):
                read.append(len(PIECE))
                yield PIECE

        return pieces()

    monkeypatch.setattr(Request, "stream", limited)
    answer = await client_of(token="ann-token" if "admin" in place else "mes-token").post(place, headers=JSON)
    problem(answer, 413, "too-large")
    assert sum(read) <= BODY_LIMIT + len(PIECE)


@pytest.mark.parametrize("place", PLACES)
async def test_a_length_over_the_limit_is_refused_before_a_byte_is_read(client_of, problem, place) -> None:
    client = client_of(token="ann-token" if "admin" in place else "mes-token")
    for length in (str(BODY_LIMIT + 1), "9" * 12, "9" * 5000):
        async with client.stream("POST", place, content=b"{}", headers={**JSON, "Content-Length": length}) as answer:
            await answer.aread()
        problem(answer, 413, "too-large")


async def test_the_limits_of_the_door_and_of_documents_are_one(client_of) -> None:
    assert DEFAULT_LIMITS.max_bytes == BODY_LIMIT
    fits = await client_of(SMALL, "mes-token").post("/ingress/nothing", content=b"x" * 1000, headers=JSON)
    over = await client_of(SMALL, "mes-token").post("/ingress/nothing", content=b"x" * 1001, headers=JSON)
    assert (fits.status_code, over.status_code) == (404, 413)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip", "x-unheard-of"])
@pytest.mark.parametrize("place", PLACES)
async def test_a_zip_bomb_is_never_unpacked(naive, client_of, problem, coding, place) -> None:
    bomb = gzip.compress(b" " * (50 * 1024 * 1024), 9)
    assert len(bomb) < 60_000
    if coding == "gzip" and place == PLACES[0]:
        unpacked = await naive.post("/x", content=bomb, headers={"Content-Encoding": "gzip"})
        assert unpacked.json()["bytes"] == 50 * 1024 * 1024
    client = client_of(token="ann-token" if "admin" in place else "mes-token")
    answer = await client.post(place, content=bomb, headers={**JSON, "Content-Encoding": coding})
    problem(answer, 415, "unsupported-media-type")
    assert answer.headers["accept-encoding"] == "identity"


async def test_a_second_coding_does_not_hide_behind_the_first(client_of, problem) -> None:
    headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip"), ("Content-Encoding", "identity")]
    problem(await client_of().post(PLACES[0], content=b"{}", headers=headers), 415, "unsupported-media-type")


async def test_a_body_that_is_as_it_is_may_say_so(client_of, problem) -> None:
    answer = await client_of().post(PLACES[0], content=b"{}", headers={**JSON, "Content-Encoding": "identity"})
    problem(answer, 422, "invalid-request")


async def test_two_lengths_are_none(client_of, problem) -> None:
    """Request smuggling: what stands before the hub believes one of them, and the hub the other."""
    headers = {**JSON, "Content-Length": "2", "Transfer-Encoding": "chunked"}
    problem(await client_of().post(PLACES[0], content=b"{}", headers=headers), 422, "invalid-request")


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("filter=" + "a" * 20_000, 414, "address-too-long"),
        ("&".join(f"p{n}=1" for n in range(60)), 422, "invalid-request"),
        ("&" * 10_000, 422, "invalid-request"),
    ],
)
async def test_a_query_has_an_end(client_of, problem, query, status, kind) -> None:
    problem(await client_of().get(f"/admin/v1/transactions?{query}"), status, kind)


@pytest.mark.parametrize(
    "headers",
    [{f"x-{n}": "1" for n in range(200)}, {"x-large": "a" * 40_000}, {f"ce-{n}": "a" * 1000 for n in range(60)}],
)
async def test_header_fields_have_an_end(naive, client_of, problem, headers) -> None:
    assert (await naive.get("/x", headers=headers)).json()["fields"] >= len(headers)
    for token, path in (("ann-token", "/admin/v1/whoami"), ("mes-token", "/ingress/downtime-event")):
        problem(await client_of(token=token).post(path, headers=headers), 431, "headers-too-large")


@pytest.mark.parametrize(
    "headers", [{"Content-Encoding": "gzip"}, {"Content-Length": "9" * 20}, {f"x-{n}": "1" for n in range(200)}]
)
async def test_who_is_unknown_or_may_not_is_told_that_first(client_of, problem, headers) -> None:
    for path in ("/admin/v1/plans", "/ingress/downtime-event"):
        problem(await client_of(token="wrong").post(path, headers=headers), 401, "unauthenticated")
        problem(await client_of(token="bea-token").post(path, headers=headers), 403, "forbidden")


async def test_a_head_that_has_no_end_is_431_on_the_wire(serve, exchange) -> None:
    async def app(scope, receive, send) -> None:
        raise AssertionError("it was never whole")

    async with serve(app, partial(PatientProtocol, Patience())) as port:
        head, body = await exchange(port, b"GET / HTTP/1.1\r\nHost: localhost\r\nx-large: " + b"a" * 20_000)
    assert head.startswith(b"HTTP/1.1 431")
    assert b"nosniff" in head
    assert json.loads(body)["type"] == "urn:andon:problem:headers-too-large"


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\nHost: a\r\nHost : b", b"nonsense"])
async def test_what_is_no_http_is_told_so_in_the_usual_form(serve, exchange, sent) -> None:
    async def app(scope, receive, send) -> None:
        raise AssertionError("it was never understood")

    async with serve(app, partial(PatientProtocol, Patience())) as port:
        head, body = await exchange(port, sent + b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert b"nosniff" in head
    assert json.loads(body)["type"] == "urn:andon:problem:invalid-request"
