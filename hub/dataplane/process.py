"""Envoy as a child of the hub: started, watched, started again, ended; it never outlives the hub."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from hub.dataplane import guard
from hub.dataplane.administration import Administration
from hub.dataplane.binary import reason
from hub.dataplane.bootstrap import Listening, bootstrap
from hub.errors import DataPlaneError

log = structlog.get_logger("andon.dataplane")

WORKERS = 2
_START_WITHIN = 30.0
_STOP_WITHIN = 6.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_STEADY_AFTER = 30.0
_FLUSH_MILLISECONDS = 200
_LONGEST_SOCKET = 100  # bytes of a path that a socket can have, with some to spare


class EnvoyProcess:
    """One Envoy, started again when it ends by itself; its resources are in files that are there before it.

    Args:
        program: Envoy.
        folder: of the data plane.
        where: where it is to listen; the port is kept once it is known, so that callers find it again.
        on_restart: called after it was started again.
    """

    def __init__(
        self, program: Path, folder: Path, where: Listening, on_restart: Callable[[], None] | None = None
    ) -> None:
        self._program, self._folder, self._on_restart = program, folder, on_restart
        self._sockets = _folder_for_socket(folder)
        self._where = msgspec.structs.replace(where, admin=self._sockets / "admin.sock")
        self._guard: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._said: deque[str] = deque(maxlen=40)
        self._envoy: Administration | None = None
        self._reserved: socket.socket | None = None
        self.pid: int | None = None
        self.restarts = 0
        self.trouble: str | None = None
        """Why it does not run; None while it does."""

    @property
    def envoy(self) -> Administration:
        """Its administration.

        Raises:
            DataPlaneError: it does not run.
        """
        if self._envoy is None:
            raise DataPlaneError(f"Envoy does not run. {self.trouble or ''}".strip())
        return self._envoy

    @property
    def port(self) -> int:
        """Where it listens; 0 before it ever has."""
        return self._where.port

    async def start(self) -> None:
        """Start it, and wait until it takes calls.

        Raises:
            DataPlaneError: it does not; the message has what it said.
        """
        await self._launch()
        self._watching = asyncio.create_task(self._watch(), name="andon-envoy")

    async def stop(self) -> None:
        """End it; what it is answering is given up."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None
        await self._end()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
        if self._sockets != self._folder:
            shutil.rmtree(self._sockets, ignore_errors=True)

    async def _launch(self) -> None:
        self._said.clear()
        file = self._folder / "bootstrap.json"
        command = (
            *(str(self._program), "-c", str(file)),
            *("--disable-hot-restart", "--concurrency", str(WORKERS), "--reject-unknown-dynamic-fields"),
            *("--file-flush-interval-msec", str(_FLUSH_MILLISECONDS), "-l", "warning"),
        )
        try:
            self._where.admin.unlink(missing_ok=True)
            file.write_bytes(msgspec.json.encode(bootstrap(self._where, self._folder)))
            # -I and -S: the guard needs nothing but the standard library, and starts in a third of the time
            self._guard = guarded = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", guard.__file__, *command), stdin=PIPE, stdout=PIPE, stderr=PIPE
            )
        except OSError as error:  # whoever watches over it goes on trying: a disk that is full is not full for ever
            self.trouble = f"{error.filename or 'Envoy'}: {error.strerror}"
            raise DataPlaneError(
                f"The gateway did not start: {self.trouble}. Check that the disk has room, and that the user who runs "
                "the hub may write to its data folder and start programs."
            ) from error
        assert guarded.stdout is not None
        self._reading = asyncio.create_task(self._listen(guarded), name="andon-envoy-said")
        self._envoy = envoy = Administration(self._where.admin)
        try:
            async with asyncio.timeout(_START_WITHIN):
                self.pid = int(await guarded.stdout.readline() or b"0") or None
                while guarded.returncode is None and not await envoy.ready():  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.02)
            self._where = msgspec.structs.replace(self._where, port=await envoy.port())
        except (TimeoutError, DataPlaneError) as error:
            await self._end()
            self.trouble = reason("\n".join(self._said)) or str(error) or "It did not start in time."
            raise DataPlaneError(f"The gateway did not start: {_advised(self.trouble)}") from error
        self.trouble = None
        self._reserve()

    async def _listen(self, guarded: Process) -> None:
        assert guarded.stderr is not None
        while True:
            try:
                line = await guarded.stderr.readline()
            except ValueError:  # longer than anybody reads: it prints the configuration that it rejects
                continue
            if not line:
                return
            text = line.decode(errors="replace").rstrip()[:2000]
            self._said.append(text)
            if "[critical]" in text or "[error]" in text:
                log.warning("envoy.said", text=reason(text))

    def _reserve(self) -> None:
        """Keep the port while Envoy is started again: nobody is given a port that a socket is bound to, and one that
        does not listen gets no calls."""
        if self._reserved is not None or not hasattr(socket, "SO_REUSEPORT"):
            return
        reserved = socket.socket(socket.AF_INET6 if ":" in self._where.host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            reserved.bind((self._where.host, self._where.port))
        except OSError as error:  # Envoy has it, which is what counts
            log.info("gateway.port-not-reserved", because=error.strerror)
            reserved.close()
        else:
            self._reserved = reserved

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        pause, since = _FIRST_PAUSE, loop.time()
        while True:
            if self._guard is not None:  # None: the last attempt to start it failed
                code = await self._guard.wait()
                self.trouble = reason("\n".join(self._said)) or f"It ended by itself with code {code}."
                log.warning("envoy.ended", code=code, because=self.trouble)
                await self._end()
            if loop.time() - since > _STEADY_AFTER:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            since = loop.time()
            self.restarts += 1
            try:
                await self._launch()
            except DataPlaneError as error:
                log.warning("envoy.not-started", detail=error.detail)
                continue
            if self._on_restart is not None:
                self._on_restart()

    async def _end(self) -> None:
        envoy, self._envoy = self._envoy, None
        if envoy is not None:
            await envoy.close()
        guarded, self._guard, self.pid = self._guard, None, None
        if guarded is None:
            return
        if guarded.stdin is not None:
            guarded.stdin.close()
        try:
            async with asyncio.timeout(_STOP_WITHIN):
                await guarded.wait()
        except TimeoutError:
            guarded.kill()
            await guarded.wait()
        if self._reading is not None:
            await self._reading


def _advised(trouble: str) -> str:
    """What Envoy says, with what to do where that is known."""
    if "Address already in use" in trouble:
        return (
            f"{trouble}. Something else listens there. End it, and the gateway starts by itself; or start the hub with "
            "another --gateway-port (0 takes a free one)."
        )
    return trouble


def _folder_for_socket(folder: Path) -> Path:
    """Where the socket of the administration is: beside everything else, unless its path would be too long for one."""
    if len(str(folder / "admin.sock").encode()) <= _LONGEST_SOCKET:
        return folder
    return Path(tempfile.mkdtemp(prefix="andon-"))
