"""Slowloris: connections that send a little now and then, to keep everybody else out."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol

from hub.api.sizes import Sizes
from hub.app import application
from hub.caution import Caution
from hub.patience import Patience, PatientProtocol

HASTY = Patience(head_seconds=0.3, body_seconds=0.3)
GRACE = 5.0  # what the connection has over the body's own time
HEAD = b"POST /ingress/downtime-event HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Answers without reading the body, as what refuses a request by its head does."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def drip(port: int, first: bytes, drop: bytes, within: float) -> float | None:
    """Send ``first``, then ``drop`` again and again; seconds until the connection was closed, None where it was not."""
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = loop.time()

    async def feed() -> None:
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.02)

    feeding = asyncio.create_task(feed())
    try:
        writer.write(first)
        async with asyncio.timeout(within):
            while await reader.read(4096):
                continue
        return loop.time() - began
    except TimeoutError:
        return None
    except ConnectionError:
        return loop.time() - began
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        writer.transport.abort()


ATTACKS = {
    "a head without an end": (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"x-a: b\r\n"),
    "one that has not begun": (b"", b""),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_a_head_that_does_not_arrive_keeps_uvicorn_and_not_the_hub(serve, name) -> None:
    first, drop = ATTACKS[name]
    async with serve(hello, H11Protocol) as port:
        assert await drip(port, first, drop, within=1.5) is None
    async with serve(hello, partial(PatientProtocol, HASTY)) as port:
        closed = await drip(port, first, drop, within=10)
    assert closed is not None
    assert closed >= 0.25


async def test_a_slow_head_is_told_what_was_wrong(serve, exchange) -> None:
    async with serve(hello, partial(PatientProtocol, HASTY)) as port:
        head, body = await exchange(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    assert head.startswith(b"HTTP/1.1 408")
    assert json.loads(body)["type"] == "urn:andon:problem:too-slow"


async def test_a_body_that_does_not_arrive_after_the_answer_keeps_uvicorn_and_not_the_hub(serve, monkeypatch) -> None:
    """A stranger needs no token for this: the refusal has left, and the body goes on."""
    monkeypatch.setattr("hub.patience._GRACE", 0.2)
    first = HEAD + b"Content-Length: 100000\r\n\r\n{"
    async with serve(hello, H11Protocol) as port:
        assert await drip(port, first, b" ", within=1.5) is None
    async with serve(hello, partial(PatientProtocol, HASTY)) as port:
        assert await drip(port, first, b" ", within=10) is not None


async def test_a_flood_after_the_answer_is_cut_off(serve) -> None:
    first = HEAD + b"Content-Length: 999999999\r\n\r\n"
    patience = Patience(body_bytes=1_000_000)
    async with serve(hello, partial(PatientProtocol, patience)) as port:
        assert await drip(port, first, b"x" * 200_000, within=10) is not None


async def test_a_body_that_does_not_arrive_is_408_and_nothing_is_taken(serve, bare_hub) -> None:
    caution = Caution(names=(), sizes=Sizes(body_seconds=0.3), patience=HASTY)
    async with serve(application(bare_hub, caution), partial(PatientProtocol, caution.patience)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"Authorization: Bearer mes-token\r\nContent-Length: 10\r\n\r\n{")
        status = await asyncio.wait_for(reader.readline(), 30)
        writer.transport.abort()
    assert status.startswith(b"HTTP/1.1 408")


async def test_who_goes_away_in_the_middle_is_no_defect(serve, bare_hub, caplog) -> None:
    caution = Caution(names=())
    async with serve(application(bare_hub, caution), partial(PatientProtocol, caution.patience)) as port:
        for token in ("mes-token", "wrong"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HEAD + f"Authorization: Bearer {token}\r\nContent-Length: 10\r\n\r\n{{".encode())
            await writer.drain()
            writer.transport.abort()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 200")
        writer.close()
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


async def test_who_is_in_time_is_served_as_often_as_they_ask(serve, bare_hub) -> None:
    """Patience counts anew for every request of a connection, and an answer may take as long as it does."""
    caution = Caution(names=(), patience=Patience(head_seconds=0.4, body_seconds=0.4))

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            continue
        if scope["path"] == "/slow":
            await asyncio.sleep(0.8)
        await hello(scope, receive, send)

    async with serve(slow, partial(PatientProtocol, caution.patience)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for path in ("/", "/slow", "/", "/slow"):
            writer.write(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n".encode())
            await asyncio.sleep(0.1)
            writer.write(b"body")
            head = await asyncio.wait_for(reader.readuntil(b"ok"), 30)
            assert head.startswith(b"HTTP/1.1 200")
        writer.close()


async def test_more_connections_than_the_hub_keeps_are_closed_and_the_others_go_on(serve) -> None:
    async with serve(hello, partial(PatientProtocol, Patience(connections=3))) as port:
        kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.transport.abort()
        reader, writer = kept[0]
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 10)).endswith(b"ok")
        for _, writer in kept:
            writer.transport.abort()
