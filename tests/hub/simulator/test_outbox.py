"""The outboxes: sent until accepted, in order within a plant, refused for good only where that is said."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web

from hub.declarations import shipped_catalogue
from hub.simulator import outbox
from hub.simulator.outbox import OutboxSender
from hub.simulator.settings import SimulatorSettings, Ways

DEADLINE = 30.0
Answer = Callable[[str, int], Awaitable[web.Response]]


async def accept(body: str, attempt: int) -> web.Response:
    return web.json_response({"items": [{"id": f"tx-{body}", "target": "ERP"}]}, status=202)


class Post:
    """A hub that answers as a test says, and outboxes that a test fills."""

    def __init__(self, workshop: Any) -> None:
        self.connection = workshop.connection
        self.seen: list[str] = []
        self.requests: list[web.Request] = []
        self.answer: Answer = accept
        self.sender: OutboxSender | None = None

    async def take(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        self.seen.append(body)
        self.requests.append(request)
        return await self.answer(body, self.seen.count(body))

    def put(self, *bodies: str, plant: str = "P01", not_before: float = 0.0, **headers: str) -> None:
        for body in bodies:
            seq = self.connection.execute(
                "INSERT INTO outbox (source, plant, flow, content_type, headers, payload, sha256, state, not_before)"
                " VALUES ('MES/P01', ?, 'labor-time', 'application/json', ?, ?, '', 'waiting', ?) RETURNING seq",
                (plant, msgspec.json.encode(headers).decode(), body.encode(), not_before),
            ).fetchone()[0]
            self.connection.execute(
                "INSERT INTO owed VALUES (?, 'labor-time', 'ERP', ?, 'MES/P01', ?, '', NULL)", (seq, plant, body)
            )
        if self.sender is not None:
            self.sender.wake()

    def states(self) -> dict[str, tuple[str, str | None]]:
        rows = self.connection.execute(
            "SELECT w.identity, o.state, w.transaction_id FROM owed w JOIN outbox o USING (seq)"
        )
        return {row["identity"]: (row["state"], row["transaction_id"]) for row in rows}

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not condition():
                await asyncio.sleep(0.005)

    async def empty(self) -> None:
        assert self.sender is not None
        await self.until(lambda: self.sender is not None and not self.sender.waiting())


@pytest.fixture
async def post(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Post]:
    monkeypatch.setattr(outbox, "_FIRST_PAUSE", 0.005)
    monkeypatch.setattr(outbox, "_LONGEST_PAUSE", 0.02)
    box = Post(workshop)
    application = web.Application()
    application.router.add_post("/ingress/{flow}", box.take)
    application.router.add_post("/flows/v1/{flow}", box.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    settings = SimulatorSettings(
        data="unused", seed=1, hub=f"http://{host}:{port}", token="secret", control_token="c",
        catalogue=shipped_catalogue(),
    )  # fmt: skip
    box.sender = OutboxSender(workshop.connection, settings)
    running = asyncio.create_task(box.sender.run())
    yield box
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await runner.cleanup()


async def test_in_order_and_with_what_the_source_said(post: Post) -> None:
    post.put("a", "b", "c", **{"ce-id": "M-1", "ce-source": "/MES/P01"})
    await post.empty()
    assert post.seen == ["a", "b", "c"]
    assert post.states() == {name: ("accepted", f"tx-{name}") for name in "abc"}
    request = post.requests[0]
    assert (request.path, request.query["plant"]) == ("/ingress/labor-time", "P01")
    assert request.headers["Authorization"] == "Bearer secret"
    assert (request.headers["ce-id"], request.headers["Content-Type"]) == ("M-1", "application/json")
    payloads = post.connection.execute("SELECT count(payload) FROM outbox").fetchone()[0]
    assert payloads == 0, "what is accepted is the hub's"


@pytest.mark.parametrize("status", [401, 403, 408, 425, 429, 500, 502, 503, 504])
async def test_tried_again_until_accepted(post: Post, status: int) -> None:
    async def third_time(body: str, attempt: int) -> web.Response:
        return web.Response(status=status) if attempt < 3 else await accept(body, attempt)

    post.answer = third_time
    post.put("a", "b")
    await post.empty()
    assert post.seen == ["a"] * 3 + ["b"] * 3, "what comes after it waits"
    assert {state for state, _ in post.states().values()} == {"accepted"}


@pytest.mark.parametrize("status", [400, 404, 409, 413, 415, 422])
async def test_refused_for_good_is_noted_and_the_next_one_goes(post: Post, status: int) -> None:
    async def refuse(body: str, attempt: int) -> web.Response:
        return web.Response(status=status, text="no: " + "x" * 900) if body == "a" else await accept(body, attempt)

    post.answer = refuse
    post.put("a", "b")
    await post.empty()
    assert post.seen == ["a", "b"]
    assert post.states() == {"a": ("refused", None), "b": ("accepted", "tx-b")}
    note = post.connection.execute("SELECT note FROM outbox WHERE state = 'refused'").fetchone()[0]
    assert note.startswith(f"{status} no: xxx")
    assert len(note) <= 504


async def test_an_answer_that_is_no_hub_s_is_none(post: Post) -> None:
    async def strange(body: str, attempt: int) -> web.Response:
        answers = [web.Response(text="<html>welcome</html>"), web.json_response({"items": 5}), web.Response(status=204)]
        return answers[attempt - 1] if attempt <= 3 else await accept(body, attempt)

    post.answer = strange
    post.put("a")
    await post.empty()
    assert post.seen == ["a"] * 4
    assert post.states() == {"a": ("accepted", "tx-a")}


async def test_a_connection_that_breaks_is_tried_again(post: Post) -> None:
    async def broken(body: str, attempt: int) -> web.Response:
        if attempt == 1:
            transport = post.requests[-1].transport
            assert transport is not None
            transport.abort()
        return await accept(body, attempt)

    post.answer = broken
    post.put("a")
    await post.empty()
    assert post.seen == ["a", "a"], "byte for byte, for the hub to recognise"


async def test_a_plant_that_is_stuck_holds_up_no_other(post: Post) -> None:
    freed = asyncio.Event()

    async def stuck(body: str, attempt: int) -> web.Response:
        return web.Response(status=503) if body == "a1" and not freed.is_set() else await accept(body, attempt)

    post.answer = stuck
    post.put("a1", "a2", plant="P01")
    post.put("b1", "b2", plant="P02")
    await post.until(
        lambda: {"b1", "b2"} <= {name for name, (state, _) in post.states().items() if state == "accepted"}
    )
    assert "a2" not in post.seen
    freed.set()
    await post.empty()
    assert [body for body in dict.fromkeys(post.seen) if body.startswith("a")] == ["a1", "a2"]


async def test_woken_by_what_comes_later(post: Post) -> None:
    post.put("a")
    await post.empty()
    post.put("b")
    await post.empty()
    assert post.seen == ["a", "b"]


async def test_a_message_that_is_held_back_goes_when_it_is_due(post: Post) -> None:
    due = time.time() + 0.15
    post.put("late", not_before=due)
    post.put("a", "b")
    await post.until(lambda: len(post.seen) == 2)
    assert post.seen == ["a", "b"]
    await post.empty()
    assert post.seen[-1] == "late"
    assert time.time() >= due


async def test_a_target_the_hub_does_not_name_gets_no_transaction(post: Post) -> None:
    async def elsewhere(body: str, attempt: int) -> web.Response:
        return web.json_response({"items": [{"id": "tx", "target": "WMS"}], "more": True}, status=200)

    post.answer = elsewhere
    post.put("a")
    await post.empty()
    assert post.states() == {"a": ("accepted", None)}


WAYS = {"flows": {"labor-time": "/flows/v1/labor-time"}, "tokens": {"MES/P01": "of-mes"}}


def through(post: Post, **changed: Any) -> Ways:
    """Ways by a gateway that is this same server."""
    assert post.sender is not None
    return Ways(url=post.sender._settings.hub, **{**WAYS, **changed})


async def test_through_the_gateway_as_the_consumer_that_it_is(post: Post) -> None:
    assert post.sender is not None
    post.sender.ways = through(post)
    post.put("a")
    await post.empty()
    (request,) = post.requests
    assert (request.path, request.query["plant"]) == ("/flows/v1/labor-time", "P01")
    assert request.headers["Authorization"] == "Bearer of-mes"


@pytest.mark.parametrize("changed", [{"flows": {"quality-hold": "/x"}}, {"tokens": {"MES/P02": "x"}}, {"flows": {}}])
async def test_without_a_way_it_goes_directly(post: Post, changed: dict[str, Any]) -> None:
    assert post.sender is not None
    post.sender.ways = through(post, **changed)
    post.put("a")
    await post.empty()
    (request,) = post.requests
    assert (request.path, request.headers["Authorization"]) == ("/ingress/labor-time", "Bearer secret")


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 413, 429])
async def test_what_the_gateway_refuses_stays_until_policies_let_it_pass(post: Post, status: int) -> None:
    async def third_time(body: str, attempt: int) -> web.Response:
        if attempt < 3:
            return web.Response(status=status, headers={"andon-gateway": "refused"})
        return await accept(body, attempt)

    post.answer = third_time
    post.put("a")
    await post.empty()
    assert post.seen == ["a"] * 3
    assert {state for state, _ in post.states().values()} == {"accepted"}
