"""The hub's side keeps trying: one start that fails, as on a full disk, is not the end of the simulated systems."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

from hub.simulator.settings import Endpoints

DEADLINE = 30.0


async def test_a_start_that_fails_is_tried_again(plant: Any) -> None:
    await plant.start(documents=5)
    await plant.emitted(5)
    books, aside = plant.data / "simulator.db", plant.data / "aside"
    aside.mkdir()
    for file in plant.data.glob("simulator.db*"):
        file.rename(aside / file.name)
    books.mkdir()  # no database can be opened there
    plant.restarted.clear()
    os.kill(plant.child.pid, signal.SIGKILL)
    async with asyncio.timeout(DEADLINE):
        while plant.child.pid is not None:  # until a start has failed
            await asyncio.sleep(0.005)
        books.rmdir()
        for file in aside.iterdir():
            file.rename(plant.data / file.name)
        await plant.restarted.wait()
    assert (await plant.quiet()).emitted == 5


async def test_addresses_that_cannot_be_written_down_end_nothing(plant: Any) -> None:
    await plant.start()
    told = asyncio.Event()

    async def no_room(_endpoints: Endpoints) -> None:
        told.set()
        raise OSError(28, "No space left on device")

    for _ in range(2):
        plant.child._on_endpoints = no_room
        told.clear()
        os.kill(plant.child.pid, signal.SIGKILL)
        async with asyncio.timeout(DEADLINE):
            await told.wait()
    assert not (await plant.child.state()).emitting
