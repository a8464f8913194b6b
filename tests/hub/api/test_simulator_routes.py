"""The routes of the simulator, with a stand-in for its process: what they ask it, and what draining waits for."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from aiohttp import web

from hub.api import simulator
from hub.app import application
from hub.errors import SimulatorError
from hub.simulator.control import SimulatorState
from transactions.books import Fault, FaultChange
from transactions.errors import Invalid


class StandIn:
    """Says what the simulator's process would, and remembers what it was asked."""

    def __init__(self) -> None:
        self.told = SimulatorState(emitting=True, emitted=7, outbox_waiting=0, plant_clock="", finished=False)
        self.changes: list[FaultChange] = []
        self.gone = False

    async def state(self) -> SimulatorState:
        if self.gone:
            raise SimulatorError("The simulated systems do not answer: they are being started again.")
        return self.told

    async def pause(self) -> SimulatorState:
        self.told = msgspec.structs.replace(await self.state(), emitting=False)
        return self.told

    async def resume(self, documents: int | None) -> SimulatorState:
        self.resumed = documents
        self.told = msgspec.structs.replace(self.told, emitting=True)
        return self.told

    async def faults(self) -> list[Fault]:
        return [Fault(name="locked", description="d", heals="h", active=[])]

    async def set_fault(self, change: FaultChange) -> list[Fault]:
        if change.name == "nothing":
            raise Invalid("There is no fault 'nothing'.")
        self.changes.append(change)
        return await self.faults()


@pytest.fixture
def stand_in(own_hub, local) -> StandIn:
    own_hub.simulator = StandIn()
    local.client._transport.app = application(own_hub)
    return own_hub.simulator


async def test_emission_is_paused_and_resumed(local, stand_in) -> None:
    assert (await local.post("simulator/pause")).json() == {"emitting": False, "emitted": 7, "outbox_waiting": 0}
    assert (await local.post("simulator/resume?documents=5")).json()["emitting"] is True
    assert stand_in.resumed == 5
    assert (await local.get("simulator/state")).json()["emitted"] == 7
    for documents in ("0", "-1", "x", "1000001"):
        assert (await local.post(f"simulator/resume?documents={documents}")).status_code == 422


async def test_a_fault_is_switched_audited_and_told(local, stand_in) -> None:
    answer = await local.put("simulator/faults", json={"name": "locked", "on": True, "system": "ERP"})
    assert answer.status_code == 200, answer.text
    assert [fault["name"] for fault in answer.json()["items"]] == ["locked"]
    (change,) = stand_in.changes
    assert (change.name, change.on, change.system) == ("locked", True, "ERP")
    (entry,) = (await local.get("audit")).json()["items"]
    assert (entry["actor"], entry["action"], entry["subject"]) == ("ann", "simulator.on", "locked")


async def test_a_fault_that_there_is_not_is_refused_and_not_audited(local, stand_in, problem) -> None:
    problem(await local.put("simulator/faults", json={"name": "nothing", "on": True}), 422, "invalid-request")
    problem(await local.put("simulator/faults", json={"name": "x", "on": True, "y": 1}), 422, "invalid-request")
    assert (await local.get("audit")).json()["items"] == []


async def test_a_simulator_that_is_away_is_a_503(local, stand_in, problem) -> None:
    stand_in.gone = True
    assert "started again" in problem(await local.get("simulator/state"), 503, "simulator")
    problem(await local.post("simulator/drain"), 503, "simulator")


async def test_draining_waits_for_what_is_on_its_way_and_not_for_what_failed(local, stand_in, target) -> None:
    async def reject(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response({"error": {"code": "M7053", "message": "closed"}}, status=422)

    usual, target.deliver = target.deliver, reject
    failed = await local.send("consumption", event="e1", order="1")
    await local.settled(failed)
    behind = await local.send("consumption", event="e2", order="1")
    assert (await local.settled(behind))["status"] == "held"
    arrived, gate = asyncio.Event(), asyncio.Event()

    async def wait(request: web.Request, body: bytes) -> web.StreamResponse:
        arrived.set()
        await gate.wait()
        return await usual(request, body)

    target.deliver = wait
    moving = await local.send("report", event="e3")
    await asyncio.wait_for(arrived.wait(), 5)
    drained = asyncio.create_task(local.post("simulator/drain"))
    async with asyncio.timeout(5):
        while stand_in.told.emitting:
            await asyncio.sleep(0.005)
    assert not drained.done()
    gate.set()
    answer = await asyncio.wait_for(drained, 5)
    assert answer.json() == {"drained": True}
    assert (await local.get(f"transactions/{moving}")).json()["status"] == "processed"


async def test_draining_says_after_a_while_what_still_moves(local, stand_in, problem, monkeypatch) -> None:
    monkeypatch.setattr(simulator, "_DRAIN_WITHIN", 0.15)
    stand_in.told = msgspec.structs.replace(stand_in.told, outbox_waiting=4)
    detail = problem(await local.post("simulator/drain"), 503, "unavailable")
    assert "4 documents in outboxes" in detail
    assert "Emission stays stopped" in detail
    assert stand_in.told.emitting is False


async def test_the_document_names_these_routes_only_where_they_are(local, stand_in) -> None:
    paths = (await local.get("openapi.json")).json()["paths"]
    assert "/admin/v1/simulator/drain" in paths
    assert (await local.get("status")).json()["simulate"] is True
