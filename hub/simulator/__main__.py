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


async def _watch(ended: asyncio.Event) -> asyncio.ReadTransport:
    """Set ``ended`` when the hub is gone (its end of the pipe is closed, however it ended) or says SIGTERM."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    transport, _ = await loop.connect_read_pipe(lambda: _Pipe(ended), sys.stdin.buffer)
    return transport


class _Pipe(asyncio.Protocol):
    """The pipe from the hub, which only ever ends."""

    def __init__(self, ended: asyncio.Event) -> None:
        self._ended = ended

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()


async def _serve(line: bytes) -> None:
    ended = asyncio.Event()
    pipe = await _watch(ended)
    simulator = Simulator(read_settings(line))
    try:
        endpoints = await simulator.open()
        sys.stdout.buffer.write(msgspec.json.encode(endpoints) + b"\n")
        sys.stdout.buffer.flush()
        work = asyncio.create_task(simulator.run())
        waiting = asyncio.create_task(ended.wait())
        await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if work.done():
            work.result()
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
    finally:
        await simulator.close()
        pipe.close()


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
