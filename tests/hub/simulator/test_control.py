"""The control API and the whole simulator, opened in this process."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientConnectionError, ClientSession

from hub.declarations import shipped_catalogue
from hub.errors import SimulatorError
from hub.simulator.child import SimulatorChild
from hub.simulator.control import SimulatorState
from hub.simulator.ledger import Ledger
from hub.simulator.process import Simulator
from hub.simulator.settings import Endpoints, SimulatorSettings, Ways
from transactions.books import Fault
from transactions.pages import Page

GOOD = {"Authorization": "Bearer control"}


class Running:
    """A simulator in this process and somebody who speaks with it."""

    def __init__(self, simulator: Simulator, endpoints: Endpoints, session: ClientSession) -> None:
        self.simulator = simulator
        self.endpoints = endpoints
        self.session = session

    async def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        url = self.endpoints.control + path
        async with self.session.request(method, url, data=body, headers=headers or GOOD) as response:
            assert response.content_type == ("application/json" if response.ok else "application/problem+json")
            return response.status, await response.read()

    async def state(self) -> SimulatorState:
        status, body = await self.call("GET", "/state")
        assert status == 200
        return msgspec.json.decode(body, type=SimulatorState)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    simulator = Simulator(
        SimulatorSettings(
            data=str(tmp_path), seed=1, hub="http://127.0.0.1:1", token="t", control_token="control",
            catalogue=shipped_catalogue(), speed=1000, paused=True,
        )
    )  # fmt: skip
    endpoints = await simulator.open()
    work = asyncio.create_task(simulator.run())
    async with ClientSession() as session:
        yield Running(simulator, endpoints, session)
    work.cancel()
    await asyncio.wait([work])
    await simulator.close()


async def test_the_ways_through_the_gateway_are_told(running: Running) -> None:
    ways = Ways(url="http://127.0.0.1:2", flows={"labor-time": "/x"}, tokens={"MES/P01": "t"})
    status, _ = await running.call("PUT", "/ways", msgspec.json.encode(ways))
    assert (status, running.simulator._sender.ways) == (200, ways)
    for body in (b"", b"[]", b'{"url": 1}', b'{"urls": "x"}'):
        assert (await running.call("PUT", "/ways", body))[0] == 422
    assert running.simulator._sender.ways == ways
    assert (await running.call("PUT", "/ways", b"{}", Authorization="Bearer other"))[0] == 401


async def test_emission_is_paused_resumed_and_counted(running: Running) -> None:
    assert (await running.state()).emitted == 0
    status, body = await running.call("POST", "/resume", b'{"documents": 7}')
    assert (status, msgspec.json.decode(body, type=SimulatorState).emitting) == (200, True)
    async with asyncio.timeout(30):
        while (state := await running.state()).emitting:
            await asyncio.sleep(0.01)
    assert (state.emitted, state.outbox_waiting, state.finished) == (7, 7, False)
    assert state.plant_clock == "2026-03-02T05:00:03.500000Z"
    assert (await running.call("POST", "/resume"))[0] == 200
    async with asyncio.timeout(30):
        while (await running.state()).emitted == 7:
            await asyncio.sleep(0.01)
    status, body = await running.call("POST", "/pause")
    assert not msgspec.json.decode(body, type=SimulatorState).emitting
    ledger = msgspec.json.decode((await running.call("GET", "/ledger"))[1], type=Ledger)
    assert ledger.missing
    assert all(entry.outbox for entry in ledger.missing)


@pytest.mark.parametrize("documents", [b"0", b"-3", b'"many"', b"1.5"])
async def test_resuming_for_no_documents_is_refused(running: Running, documents: bytes) -> None:
    status, body = await running.call("POST", "/resume", b'{"documents":' + documents + b"}")
    problem = msgspec.json.decode(body)
    assert (status, problem["type"]) == (422, "urn:andon:problem:invalid-request")
    assert "documents" in problem["detail"]
    assert not (await running.state()).emitting


async def test_what_is_not_asked_for_rightly(running: Running) -> None:
    cases: list[tuple[str, str, bytes | None, int]] = [
        ("PUT", "/faults", b"{", 422),
        ("PUT", "/faults", b'{"on":true,"colour":"red"}', 422),
        ("PUT", "/faults", b'{"on":true,"name":"gremlins"}', 422),
        ("PUT", "/faults", b'{"on":true}', 422),
        ("GET", "/nothing", None, 404),
        ("DELETE", "/state", None, 405),
    ]
    for method, path, body, expected in cases:
        status, answer = await running.call(method, path, body)
        problem = msgspec.json.decode(answer)
        assert (status, problem["status"], problem["instance"]) == (expected, expected, path)
        assert problem["detail"]
    for token in ("", "Bearer wrong", "control"):
        status, _ = await running.call("GET", "/state", Authorization=token)
        assert status == 401


async def test_faults_close_ports_and_open_them_again(running: Running) -> None:
    async def probe(name: str) -> Any:
        try:
            async with running.session.get(running.endpoints.systems[name] + "/probe") as response:
                return response.status
        except ClientConnectionError:
            return None

    async def switch(**change: Any) -> dict[str, int]:
        status, body = await running.call("PUT", "/faults", msgspec.json.encode(change))
        assert status == 200, body
        return {one.name: len(one.active) for one in msgspec.json.decode(body, type=Page[Fault]).items if one.active}

    assert await switch(on=True, name="target-down", system="ERP") == {"target-down": 1}
    assert await switch(on=True, name="plant-offline", plant="P02") == {"plant-offline": 1, "target-down": 1}
    names = ["ERP", "MES/P02", "MES/P01", "QMS"]
    assert [await probe(name) for name in names] == [None, None, 200, 200]
    assert await switch(on=False) == {}
    assert [await probe(name) for name in names] == [200] * 4
    await switch(on=True, name="target-down", system="QMS", for_seconds=0.05)
    assert await probe("QMS") is None
    async with asyncio.timeout(30):
        while await probe("QMS") is None:
            await asyncio.sleep(0.02)


async def test_books_on_a_full_disk_are_told_and_not_a_defect(running: Running, monkeypatch) -> None:
    def full(_documents: int | None = None) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(running.simulator, "resume", full)
    status, body = await running.call("POST", "/resume")
    told = msgspec.json.decode(body)
    assert (status, told["type"]) == (503, "urn:andon:problem:simulator")
    assert "database or disk is full" in told["detail"]
    assert "has room" in told["detail"]


async def test_the_hub_tells_an_answer_that_is_no_problem_document(running: Running, monkeypatch) -> None:
    def defect(_documents: int | None = None) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(running.simulator, "resume", defect)
    child = SimulatorChild()
    child._endpoints, child._session = running.endpoints, running.session
    running.session.headers.update(GOOD)
    with pytest.raises(SimulatorError, match="Internal Server Error"):
        await child.resume(10)
