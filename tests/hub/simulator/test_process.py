"""The child process: it starts, goes on after a restart, and ends when its hub does."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.declarations import shipped_catalogue
from hub.errors import SimulatorError
from hub.simulator.settings import SimulatorSettings, read_settings, settings_line

DEADLINE = 15.0


def settings(data: Path, **changes: Any) -> SimulatorSettings:
    base = SimulatorSettings(
        data=str(data),
        seed=1,
        hub="http://127.0.0.1:1",
        token="t",
        control_token="c",
        catalogue=shipped_catalogue(),
        paused=True,
    )
    return msgspec.structs.replace(base, **changes)


def launch(line: bytes) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "hub.simulator"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(line)
    process.stdin.flush()
    return process


def end(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """Exit code and standard error; the pipes are closed."""
    _, said = process.communicate(timeout=DEADLINE)
    return process.returncode, said


def test_settings_survive_the_line(tmp_path: Path) -> None:
    given = settings(tmp_path, documents=5, speed=0.5)
    assert read_settings(settings_line(given)) == given


def test_every_instance_has_a_port_and_says_so(tmp_path: Path) -> None:
    process = launch(settings_line(settings(tmp_path)))
    assert process.stdout is not None
    endpoints = msgspec.json.decode(process.stdout.readline())
    assert len(endpoints["systems"]) == 20
    assert {"ERP", "MES/P01", "WMS/P02", "historian/P03"} <= set(endpoints["systems"])
    assert len({*endpoints["systems"].values(), endpoints["control"]}) == 21
    assert end(process) == (0, b"")


def test_the_end_of_the_pipe_ends_it(tmp_path: Path) -> None:
    process = launch(settings_line(settings(tmp_path)))
    assert process.stdout is not None
    assert process.stdout.readline()
    assert process.poll() is None
    assert end(process) == (0, b"")  # communicate() closes our end


def test_sigterm_ends_it(tmp_path: Path) -> None:
    process = launch(settings_line(settings(tmp_path)))
    assert process.stdout is not None
    assert process.stdout.readline()
    process.terminate()
    assert process.wait(DEADLINE) == 0
    end(process)


def test_settings_that_cannot_be_read() -> None:
    code, said = end(launch(b"{}\n"))
    assert code == 1
    assert b"cannot be read" in said
    assert b"Traceback" not in said


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    code, said = end(launch(settings_line(settings(tmp_path / "missing"))))
    assert code == 1
    assert b"cannot be opened" in said
    assert b"Traceback" not in said


def test_another_seed_is_refused(tmp_path: Path) -> None:
    process = launch(settings_line(settings(tmp_path)))
    assert process.stdout is not None
    process.stdout.readline()
    end(process)
    code, said = end(launch(settings_line(settings(tmp_path, seed=2))))
    assert code == 1
    assert b"--seed 1" in said


async def test_a_restart_goes_on_and_keeps_its_ports(plant: Any) -> None:
    before = await plant.start(documents=25)
    await plant.emitted(25)
    await plant.fault("locked", system="ERP")
    await plant.child.stop()
    after = await plant.start(documents=60)
    assert after == before
    await plant.emitted(60)
    state = await plant.quiet()
    assert (state.emitted, state.finished) == (60, True)
    bodies = [one.body for one in plant.ingress.received]
    assert len(set(bodies)) == 60
    assert [fault.name for fault in await plant.child.faults() if fault.active] == ["locked"]


async def test_killed_at_any_instant_it_loses_nothing(plant: Any) -> None:
    await plant.start(documents=300, speed=100)
    for at in (40, 120, 200):
        await plant.emitted(at)
        plant.restarted.clear()
        os.kill(plant.child.pid, signal.SIGKILL)
        async with asyncio.timeout(DEADLINE):
            await plant.restarted.wait()
    await plant.quiet()
    # What was sent and not noted is sent again, byte for byte under its own key.
    documents = {(one.flow, one.plant, one.body) for one in plant.ingress.received}
    assert len(documents) == 300


async def test_pause_lasts_over_a_restart(plant: Any) -> None:
    await plant.start(documents=None, paused=True)
    assert not (await plant.child.state()).emitting
    await plant.child.resume(10)
    state = await plant.quiet()
    assert (state.emitted, state.emitting) == (10, False)
    await plant.child.stop()
    await plant.start(documents=None)
    state = await plant.child.state()
    assert (state.emitted, state.emitting) == (10, False)
    assert state.plant_clock == "2026-03-02T05:00:05Z"


async def test_what_the_hub_does_not_take_stays_in_the_outbox(plant: Any) -> None:
    plant.ingress.answer = lambda _flow: 503
    await plant.start(documents=12)

    async def tried() -> bool:
        return bool(plant.ingress.refusals)

    await plant.wait_for(tried)
    assert (await plant.child.state()).outbox_waiting == 12
    ledger = await plant.child.ledger()
    assert ledger.missing
    assert all(entry.outbox and entry.transaction is None for entry in ledger.missing)
    plant.ingress.answer = lambda _flow: None
    await plant.quiet()
    assert len(plant.ingress.received) == 12
    assert not any(entry.outbox for entry in (await plant.child.ledger()).missing)


async def test_what_the_hub_refuses_for_good_is_not_sent_again(plant: Any) -> None:
    plant.ingress.answer = lambda flow: 409 if flow == "master-data" else None
    await plant.start(documents=30)
    await plant.quiet()
    assert "master-data" not in {one.flow for one in plant.ingress.received}
    refused = [entry for entry in (await plant.child.ledger()).missing if entry.transaction is None]
    assert {entry.flow for entry in refused} == {"master-data"}
    assert not any(entry.outbox for entry in refused)


async def test_late_postings_survive_a_kill(plant: Any) -> None:
    await plant.start(documents=60)
    await plant.emitted(60)
    await plant.quiet()
    await plant.deliver_all()
    plant.restarted.clear()
    os.kill(plant.child.pid, signal.SIGKILL)
    async with asyncio.timeout(DEADLINE):
        await plant.restarted.wait()
    ledger = await plant.settled()
    assert ledger.double == ledger.mismatched == []


async def test_the_control_api_wants_its_token(plant: Any) -> None:
    endpoints = await plant.start()
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        async with plant.session.get(endpoints.control + "/state", headers=headers) as response:
            assert response.status == 401
            assert (await response.json(content_type=None))["type"] == "urn:andon:problem:unauthenticated"
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
    good = {"Authorization": "Bearer control"}
    async with plant.session.put(endpoints.control + "/faults", headers=good, data=b'{"colour":1}') as response:
        assert response.status == 422
    async with plant.session.get(endpoints.control + "/nothing", headers=good) as response:
        assert response.status == 404
    async with plant.session.delete(endpoints.control + "/state", headers=good) as response:
        assert response.status == 405


async def test_a_child_that_does_not_start_says_why(plant: Any) -> None:
    plant.data = plant.data / "missing"
    with pytest.raises(SimulatorError, match="cannot be opened"):
        await plant.start()


async def test_a_child_that_is_gone_says_so(plant: Any) -> None:
    with pytest.raises(SimulatorError, match="not running"):
        await plant.child.state()
