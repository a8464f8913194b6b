"""Server-sent events: in order, resumed without a gap, ended with the hub."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from sqlalchemy import delete, select

from hub.api import stream
from hub.store.schema import events
from transactions.history import StreamEvent


class Following:
    """One open stream: an ASGI exchange that is read chunk by chunk."""

    def __init__(self, app, headers: dict[str, str]) -> None:
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._gone = asyncio.Event()
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self._text = ""
        given = {"authorization": "Bearer admin-token", **headers}
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/admin/v1/events",
            "raw_path": b"/admin/v1/events",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "http_version": "1.1",
            "scheme": "http",
            "server": ("hub", 80),
            "client": ("127.0.0.1", 1),
            "root_path": "",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
        }
        self._sent_request = False
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self):
        if not self._sent_request:
            self._sent_request = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        elif message.get("body"):
            self._chunks.put_nowait(message["body"])
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._chunks.put_nowait(None)

    async def block(self) -> str | None:
        """The next event or comment; None at the end of the stream."""
        async with asyncio.timeout(5):
            while "\n\n" not in self._text:
                chunk = await self._chunks.get()
                if chunk is None:
                    return None
                self._text += chunk.decode()
        block, _, self._text = self._text.partition("\n\n")
        return block

    async def event(self) -> dict[str, str]:
        """The next event's fields; comments are passed over."""
        while True:
            block = await self.block()
            assert block is not None
            if not block.startswith(":"):
                return dict(line.split(": ", 1) for line in block.splitlines())

    async def leave(self) -> None:
        self._gone.set()
        await asyncio.wait_for(self.task, 5)


@asynccontextmanager
async def following(local, **headers: str) -> AsyncIterator[Following]:
    open_stream = Following(local.app, {name.replace("_", "-"): value for name, value in headers.items()})
    yield open_stream
    await open_stream.leave()


async def test_what_happens_is_told_in_order_with_its_number(local) -> None:
    async with following(local) as told:
        assert await told.block() == ": connected, newest 0"
        tx = await local.send(event="e1")
        seen = []
        while not seen or seen[-1]["data"]["status"] != "processed":
            fields = await told.event()
            whole = json.loads(fields["data"])
            assert (str(whole["seq"]), whole["type"], whole["id"]) == (fields["id"], fields["event"], tx)
            seen.append(whole)
    assert told.headers[b"content-type"].startswith(b"text/event-stream")
    numbers = [entry["seq"] for entry in seen]
    assert numbers == list(range(1, len(numbers) + 1))
    first, last = seen[0]["data"], seen[-1]["data"]
    assert first == {"id": tx, "flow": "report", "plant": "P01", "target": "ERP", "status": "pending", "before": None}
    assert (last["before"], last["status"]) == ("delivering", "processed")


async def test_a_follower_resumes_where_it_was(local) -> None:
    for n in range(3):
        await local.settled(await local.send(event=f"e{n}"))
    async with following(local, last_event_id="2") as told:
        assert [(await told.event())["id"] for _ in range(3)] == ["3", "4", "5"]


async def test_without_an_id_only_what_is_new_is_told(local) -> None:
    await local.settled(await local.send(event="old"))
    async with following(local) as told:
        await told.block()
        new = await local.send(event="new")
        assert json.loads((await told.event())["data"])["id"] == new


async def test_an_id_of_another_store_starts_over(local) -> None:
    await local.settled(await local.send(event="e1"))
    async with following(local, last_event_id="999999") as told:
        reset = await told.event()
        assert reset["event"] == "reset"
        assert msgspec.json.decode(reset["data"], type=StreamEvent).seq == int(reset["id"])  # as every other event
        new = await local.send(event="e2")
        assert json.loads((await told.event())["data"])["id"] == new


async def test_a_follower_behind_what_was_pruned_is_told_to_look_anew(local) -> None:
    for n in range(3):
        await local.settled(await local.send(event=f"e{n}"))
    await local.hub.database.write(lambda c: c.execute(delete(events).where(events.c.seq < 4)))
    async with following(local, last_event_id="1") as told:
        assert (await told.event())["event"] == "reset"
        assert (await told.event())["id"] == "4"


@pytest.mark.parametrize("given", ["x", "-1", "1.0", "1" * 19, "\u0661", " 1"])
async def test_an_id_that_is_no_number_is_refused(local, problem, given) -> None:
    answer = await local.get("events", headers={"Last-Event-ID": given.encode()})
    problem(answer, 422, "invalid-request")


async def test_more_than_a_chunk_comes_without_a_gap(local, monkeypatch) -> None:
    monkeypatch.setattr(stream, "_CHUNK", 2)
    for n in range(4):
        await local.settled(await local.send(event=f"e{n}"))
    newest = await local.hub.database.read(lambda c: len(c.execute(select(events.c.seq)).all()))
    async with following(local, last_event_id="0") as told:
        assert [int((await told.event())["id"]) for _ in range(newest)] == list(range(1, newest + 1))


async def test_a_quiet_stream_is_kept_open_by_comments(local, monkeypatch) -> None:
    monkeypatch.setattr(stream, "_PING", 0.01)
    async with following(local) as told:
        assert (await told.block() or "").startswith(": connected")
        assert await told.block() == ": ping"


async def test_the_end_of_the_hub_ends_every_stream(local) -> None:
    streams = [Following(local.app, {}) for _ in range(3)]
    for told in streams:
        await told.block()
    local.hub.followers.close()
    for told in streams:
        assert await told.block() is None
        await asyncio.wait_for(told.task, 5)


async def test_a_follower_that_leaves_leaves_nothing_behind(local) -> None:
    before = len(asyncio.all_tasks())
    for _ in range(5):
        async with following(local) as told:
            await told.block()
    assert len(asyncio.all_tasks()) <= before
