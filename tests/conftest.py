"""Real parts for tests: hubs as processes of their own, on free ports, in folders of their own, ended by pid."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest_plugins = ["oidc_issuer", "secret_service"]


def wait_for(what: str, ready: Callable[[], object], within: float = 30.0) -> object:
    """Look until ``ready`` says something true; fails after ``within`` seconds, naming ``what``."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {within:g} s")


_STARTS_WITHIN = 60.0
"""Seconds; a hub starts in one, unless the machine is busy with all the others."""


class RunningHub:
    """A hub that was started as a process of its own."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = data
        self._arguments = arguments
        self.log = data.parent / f"{data.name}.log"
        self.start()

    def start(self) -> None:
        """Start it (again) and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "commands",
                    "hub",
                    "serve",
                    "--data",
                    str(self.data),
                    "--port",
                    "0",
                    *self._arguments,
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "ANDON_CONFIG_DIR": str(self.data / "config")},
            )
        try:
            wait_for(f"the hub in {self.data}", self._answers, _STARTS_WITHIN)
        except AssertionError as error:
            self.process.kill()  # nobody else knows of it
            self.process.wait(10)
            raise AssertionError(f"{error}\n{self.log.read_text()[-3000:]}") from error
        self.url: str = self._runtime()["url"]
        bootstrap = self.data / "bootstrap.token"
        # None with an external issuer, or with an admin of the hub's own.
        self.token = bootstrap.read_text().strip() if bootstrap.exists() else ""

    def _runtime(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.data / "runtime.json").read_text())
        return found

    def _answers(self) -> bool:
        import httpx

        if self.process.poll() is not None:
            raise AssertionError(f"the hub ended with {self.process.returncode}")
        try:
            return httpx.get(f"{self._runtime()['url']}/readyz", timeout=2).status_code == 200
        except (OSError, ValueError, httpx.HTTPError):
            return False

    @property
    def env(self) -> dict[str, str]:
        """What a command needs to reach it."""
        return {
            "ANDON_URL": self.url,
            "ANDON_TOKEN": self.token,
            "ANDON_CONFIG_DIR": str(self.data / "config"),
            "ANDON_DATA_DIR": str(self.data),
        }

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """End it in order."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@pytest.fixture(scope="session")
def eventually() -> Callable[..., object]:
    """``wait_for``, for tests: they cannot import this file."""
    return wait_for


@pytest.fixture(scope="session")
def hub_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningHub]]:
    """Starts hubs; every one is ended with the session."""
    started: list[RunningHub] = []

    def start(*arguments: str, data: Path | None = None) -> RunningHub:
        hub = RunningHub(data or tmp_path_factory.mktemp("hub") / "data", *arguments)
        started.append(hub)
        return hub

    yield start
    for hub in started:  # all at once, since each takes its time
        if hub.process.poll() is None:
            hub.process.send_signal(signal.SIGTERM)
    for hub in started:
        hub.stop()


@pytest.fixture(scope="session")
def hub(hub_factory: Callable[..., RunningHub]) -> RunningHub:
    """A hub with simulated systems that emit nothing by themselves; shared, so name your own keys and orders."""
    return hub_factory("--simulate", "--speed", "0", "--seed", "7")
