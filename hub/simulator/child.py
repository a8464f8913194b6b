"""The hub's side of the simulator: starts the child process, watches over it, and speaks with its control API."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import msgspec

from hub.errors import SimulatorError
from hub.simulator.control import Resume, SimulatorState
from hub.simulator.ledger import Ledger
from hub.simulator.settings import Endpoints, SimulatorSettings, Ways, settings_line
from transactions.books import Fault, FaultChange
from transactions.errors import Invalid
from transactions.pages import Page

T = TypeVar("T")

_START_WITHIN = 20.0
_STOP_WITHIN = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_STEADY_AFTER = 10.0
_TIMEOUT = aiohttp.ClientTimeout(total=30)

_log = logging.getLogger(__name__)


class _Refusal(msgspec.Struct, frozen=True):
    """What is read of a problem document of the control API."""

    detail: str


class SimulatorChild:
    """One simulator process, started again when it ends by itself.

    Args:
        on_endpoints: called after a restart, which may have changed ports.
    """

    def __init__(self, on_endpoints: Callable[[Endpoints], Awaitable[None]] | None = None) -> None:
        self._on_endpoints = on_endpoints
        self._settings: SimulatorSettings | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._endpoints: Endpoints | None = None
        self._session: aiohttp.ClientSession | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stderr: asyncio.Task[None] | None = None
        self._said: list[str] = []

    @property
    def pid(self) -> int | None:
        """The child's process id, while it runs."""
        return None if self._process is None else self._process.pid

    @property
    def endpoints(self) -> Endpoints | None:
        """Where everything listens; None before the start."""
        return self._endpoints

    async def start(self, config: SimulatorSettings | dict[str, Any]) -> Endpoints:
        """Start the process and wait until every system listens.

        Args:
            config: the settings, or their plain JSON form.

        Raises:
            SimulatorError: it did not start; the message has what it said.
        """
        self._settings = settings = msgspec.convert(config, SimulatorSettings) if isinstance(config, dict) else config
        endpoints = await self._launch()
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {settings.control_token}"},
            timeout=_TIMEOUT,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._watch = asyncio.create_task(self._supervise(), name="simulator")
        return endpoints

    async def stop(self) -> None:
        """End the process: close its pipe, wait, and kill it when it does not go."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        if self._session is not None:
            await self._session.close()
            self._session = None
        await self._end()

    async def faults(self) -> list[Fault]:
        """Every fault, and where it is on."""
        return (await self._call("GET", "/faults", Page[Fault])).items

    async def set_fault(self, change: FaultChange) -> list[Fault]:
        """Switch a fault.

        Raises:
            Invalid: an unknown name, or a fault that does not act there.
        """
        return (await self._call("PUT", "/faults", Page[Fault], change)).items

    async def pause(self) -> SimulatorState:
        """Stop emission."""
        return await self._call("POST", "/pause", SimulatorState)

    async def resume(self, documents: int | None = None) -> SimulatorState:
        """Go on with emission; after so many more ``documents`` it pauses by itself."""
        return await self._call("POST", "/resume", SimulatorState, Resume(documents=documents))

    async def state(self) -> SimulatorState:
        """How the story stands."""
        return await self._call("GET", "/state", SimulatorState)

    async def ledger(self) -> Ledger:
        """What is owed against what is posted."""
        return await self._call("GET", "/ledger", Ledger)

    async def send_by(self, ways: Ways) -> None:
        """Have documents sent through the gateway, where it has a way for them.

        Raises:
            SimulatorError: they do not answer.
        """
        await self._call("PUT", "/ways", SimulatorState, ways)

    async def _launch(self) -> Endpoints:
        assert self._settings is not None
        self._said = []
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hub.simulator",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Ctrl+C at the hub's terminal is the hub's to handle; the pipe tells the child when the hub has ended.
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._stderr = asyncio.create_task(self._listen(process))
        try:
            process.stdin.write(settings_line(self._settings))
            await process.stdin.drain()
            async with asyncio.timeout(_START_WITHIN):
                line = await process.stdout.readline()
            self._endpoints = msgspec.json.decode(line, type=Endpoints)
        except (OSError, TimeoutError, msgspec.DecodeError) as error:
            await self._end()
            said = " ".join(self._said) or str(error)
            raise SimulatorError(f"The simulated systems did not start: {said}") from error
        return self._endpoints

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Keep the last lines that the child says about itself."""
        assert process.stderr is not None
        while line := await process.stderr.readline():
            self._said = [*self._said[-19:], line.decode(errors="replace").rstrip()]

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        pause, since = _FIRST_PAUSE, loop.time()
        while True:
            if self._process is not None:  # None: the last attempt to start it failed
                code = await self._process.wait()
                _log.warning("the simulator ended by itself with code %s: %s", code, " ".join(self._said))
            if loop.time() - since > _STEADY_AFTER:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            since = loop.time()
            try:
                endpoints = await self._launch()
            except SimulatorError as error:
                _log.warning("%s", error.detail)
                continue
            if self._on_endpoints is not None:
                try:
                    await self._on_endpoints(endpoints)
                except OSError as error:
                    _log.warning("where the simulated systems listen could not be written down: %s", error)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._stderr is not None:
            await self._stderr

    async def _call(self, method: str, path: str, kind: type[T], body: Any = None) -> T:
        if self._session is None or self._endpoints is None:
            raise SimulatorError("The simulated systems are not running.")
        content = None if body is None else msgspec.json.encode(body)
        try:
            async with self._session.request(method, self._endpoints.control + path, data=content) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SimulatorError(
                f"The simulated systems do not answer: {error or type(error).__name__}. They are being started again; "
                "try once more in a few seconds."
            ) from error
        if response.status == 200:
            return msgspec.json.decode(answer, type=kind)
        try:
            detail = msgspec.json.decode(answer, type=_Refusal).detail
        except msgspec.DecodeError:  # no problem document: not the control API's own words
            detail = f"{response.status} {answer[:200].decode(errors='replace')}"
        if response.status == 422:
            raise Invalid(detail)
        raise SimulatorError(f"The simulated systems refused {method} {path}: {detail}")
