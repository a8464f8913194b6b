"""The demo's hub: a process of its own in a temporary folder, which ends with the demo, however that ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from transactions.errors import AndonError

_START_WITHIN = 60.0
_LOOK_EVERY = 0.05


class DemoFailed(AndonError):
    """The demo's hub did not start, or ended."""

    problem, title = "demo", "The demo cannot go on"


class DemoHub:
    """A hub with simulated systems, from ``with`` to the end of the block.

    Its standard input is a pipe that only this process holds: when this process ends, even by SIGKILL, the hub reads
    the end of it, stops the simulated systems and takes the folder along.
    """

    def __init__(self, seed: int, speed: float, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """``seed`` chooses the story, ``speed`` how fast the sources tell it; ``sleep`` waits between looks."""
        self._seed, self._speed, self._sleep = seed, speed, sleep
        self._folder = Path(tempfile.mkdtemp(prefix="andon-demo-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.bootstrap = ""
        self.tokens: dict[str, str] = {}

    def __enter__(self) -> DemoHub:
        self._process = subprocess.Popen(  # noqa: S603 - this program, started by itself
            [
                *(sys.executable, "-m", "commands", "hub", "serve", "--simulate", "--paused", "--ephemeral"),
                *("--port", "0", "--data", str(self._folder)),
                *("--seed", str(self._seed), "--speed", str(self._speed)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if not name.startswith("ANDON_")},
            # Ctrl+C at the terminal is the demo's to handle; the pipe tells the hub when the demo has ended.
            start_new_session=True,
        )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.close()
            raise
        return self

    @property
    def policies(self) -> Path:
        """Where the policies of the demo's gateway are."""
        return self._folder / "policies"

    def token_file(self, name: str) -> Path:
        """Where the token of one of the demo's people is, for another terminal; only this user can read it."""
        return self._folder / f"{name}.token"

    def admit(self, name: str, token: str) -> None:
        """Keep the token of one of the demo's people."""
        self.tokens[name] = token
        descriptor = os.open(self.token_file(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(token + "\n")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the hub and wait until it has taken its folder along."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stderr.close()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        import httpx

        runtime, token = self._folder / "runtime.json", self._folder / "bootstrap.token"
        end = time.monotonic() + _START_WITHIN
        while time.monotonic() < end:
            if process.poll() is not None:
                assert process.stderr is not None
                said = process.stderr.read().decode(errors="replace").strip()
                raise DemoFailed(f"The demo's hub did not start. It said: {said[-800:] or 'nothing'}")
            if runtime.exists() and token.exists():
                self.url = json.loads(runtime.read_text(encoding="utf-8"))["url"]
                self.bootstrap = token.read_text(encoding="utf-8").strip()
                try:
                    if httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200:
                        self._drop_log(process)
                        return
                except httpx.HTTPError:
                    pass  # not listening yet: look again until the time is up
            self._sleep(_LOOK_EVERY)
        raise DemoFailed(f"The demo's hub did not answer within {_START_WITHIN:g} s. Try again on a quieter machine.")

    @staticmethod
    def _drop_log(process: subprocess.Popen[bytes]) -> None:
        """Keep reading the hub's log, so that a full pipe never stops it; nobody needs it once the hub runs."""
        import threading

        stderr = process.stderr
        assert stderr is not None

        def read() -> None:
            try:
                while stderr.read1(65536):  # type: ignore[attr-defined]
                    pass
            except ValueError:
                return  # closed with the demo

        threading.Thread(target=read, name="demo-log", daemon=True).start()
