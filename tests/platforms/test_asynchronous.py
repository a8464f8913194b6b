from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from platforms.asynchronous import AsyncClient
from platforms.contexts import Resolved
from platforms.errors import ReadOnly, UnexpectedAnswer
from platforms.events import Connection, ConnectionState
from platforms.hub import plans, server, transactions
from transactions.errors import BadFilter, Forbidden, Unreachable

EMPTY = b'{"items": [], "next_cursor": null}'
At = Callable[..., Resolved]
URL = "http://127.0.0.1:9"


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    return httpx.MockTransport(handler)


async def test_a_call_is_sent_and_answered(context_at: At) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=EMPTY)

    async with AsyncClient(context_at(URL), transport=answering(handler)) as client:
        assert (await client.send(transactions.list_page("order:4711*"))).items == []
    assert str(seen[0].url) == f"{URL}/admin/v1/transactions?filter=order%3A4711%2A"
    assert seen[0].headers["Authorization"] == "Bearer secret-token"
    assert client.address == URL


async def test_problems_come_back_as_errors(context_at: At) -> None:
    body = b'{"type": "urn:andon:problem:bad-filter", "detail": "No field flwo.", "column": 1, "suggestions": ["flow"]}'

    def handler(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, content=body, headers={"Content-Type": "application/problem+json"})

    async with AsyncClient(context_at(URL), transport=answering(handler)) as client:
        with pytest.raises(BadFilter) as caught:
            await client.send(transactions.list_page("flwo:x"))
    assert caught.value.extra == {"column": 1, "suggestions": ["flow"]}


async def test_nobody_there_is_unreachable(context_at: At) -> None:
    async with AsyncClient(context_at("http://127.0.0.1:1")) as client:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1: .*refused\. Nothing was sent"):
            await client.send(plans.run("abc"))


async def test_a_lost_answer_to_an_action_is_not_called_undone(peer: Any, context_at: At) -> None:
    peer.will_hang_up()
    async with AsyncClient(context_at(peer.url)) as client:
        with pytest.raises(Unreachable, match="is not known: look before asking again"):
            await client.send(plans.run("abc"))


async def test_redirects_are_not_followed(context_at: At) -> None:
    def handler(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(307, headers={"Location": "http://elsewhere"})

    async with AsyncClient(context_at(URL), transport=answering(handler)) as client:
        with pytest.raises(UnexpectedAnswer, match="redirects"):
            await client.send(server.whoami())


async def test_read_only_sends_nothing(context_at: At) -> None:
    def handler(_request: httpx.Request) -> httpx.Response:
        pytest.fail("it was sent")

    async with AsyncClient(context_at(URL, read_only=True), transport=answering(handler)) as client:
        with pytest.raises(ReadOnly):
            await client.send(plans.run("abc"))


async def test_a_call_can_be_cancelled(context_at: At) -> None:
    arrived = asyncio.Event()

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            arrived.set()
            await asyncio.Event().wait()
            raise AssertionError

    async with AsyncClient(context_at(URL), transport=Slow()) as client:
        task = asyncio.create_task(client.send(server.status()))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_events_go_on_behind_the_last_one_after_a_loss(
    peer: Any, context_at: At, event: Callable[[int], bytes]
) -> None:
    peer.will_stream(event(1), b": ping\n\n", event(2)[:20], event(2)[20:])
    peer.will_hang_up()
    peer.will_stream(event(3))
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    told: list[object] = []
    client = AsyncClient(context_at(peer.url), sleep=sleep, jitter=lambda: 1.0)
    async with client, aclosing(client.events()) as events:
        async for each in events:
            told.append(each.state if isinstance(each, Connection) else each.seq)
            if told[-1] == 3:
                break
    live, lost = ConnectionState.LIVE, ConnectionState.LOST
    assert told == [live, 1, 2, lost, lost, live, 3]
    assert waits == [0.5, 1.0]
    assert [b"Last-Event-ID: 2" in request for request in peer.requests] == [False, True, True]


async def test_events_end_with_an_error_where_it_is_forbidden(context_at: At) -> None:
    def handler(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            403,
            content=b'{"type": "urn:andon:problem:forbidden"}',
            headers={"Content-Type": "application/problem+json"},
        )

    async with AsyncClient(context_at(URL), transport=answering(handler)) as client:
        with pytest.raises(Forbidden):
            async for _ in client.events():
                pass
