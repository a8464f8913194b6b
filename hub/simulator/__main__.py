"""``python -m hub.simulator``: settings as one line in, endpoints as one line out, then until the pipe closes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

import msgspec

from hub.errors import SimulatorError
from hub.simulator.process import Simulator
from hub.simulator.settings import read_settings


async def _ended() -> None:
    """Wait until the hub is gone (its end of the pipe is closed, however it ended) or says SIGTERM."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    gone = loop.create_task(_drain(reader, ended))
    await ended.wait()
    gone.cancel()
    transport.close()


async def _drain(reader: asyncio.StreamReader, ended: asyncio.Event) -> None:
    while await reader.read(4096):
        pass
    ended.set()


async def _serve(line: bytes) -> None:
    simulator = Simulator(read_settings(line))
    try:
        endpoints = await simulator.open()
        sys.stdout.buffer.write(msgspec.json.encode(endpoints) + b"\n")
        sys.stdout.buffer.flush()
        work = asyncio.create_task(simulator.run())
        ended = asyncio.create_task(_ended())
        await asyncio.wait({work, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if work.done():
            work.result()
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
    finally:
        await simulator.close()


def main() -> int:
    """Run until the hub ends.

    Returns:
        The exit code: 1 when the simulated systems could not be started.
    """
    line = sys.stdin.buffer.readline()
    try:
        asyncio.run(_serve(line))
    except SimulatorError as error:
        sys.stderr.write(f"{error.detail}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
