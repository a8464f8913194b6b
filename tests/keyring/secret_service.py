"""A real Secret Service (gnome-keyring) in a D-Bus session of its own, so that no test touches anybody's keyring."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


class SecretService:
    """A running Secret Service; ``env`` is what a process needs to find it."""

    def __init__(self, folder: Path, *, locked: bool = False) -> None:
        runtime = folder / "run"
        runtime.mkdir(mode=0o700, parents=True)
        self._ended: list[subprocess.Popen[bytes]] = []
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DBUS_", "DISPLAY", "XDG_"))}
        own = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "XDG_RUNTIME_DIR": str(runtime)}
        bus = self._start(["dbus-daemon", "--session", "--nofork", "--print-address=1"], {**clean, **own})
        assert bus.stdout is not None
        self.env = {**own, "DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().decode().strip()}
        daemon = ["gnome-keyring-daemon", "--foreground", "--components=secrets"]
        if not locked:
            daemon.append("--unlock")
        self.daemon = self._start(daemon, {**clean, **self.env})
        assert self.daemon.stdin is not None
        self.daemon.stdin.write(b"" if locked else b"of a test")
        self.daemon.stdin.close()
        self._wait({**clean, **self.env})

    def close(self) -> None:
        """End it."""
        for process in reversed(self._ended):
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def _start(self, command: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._ended.append(process)
        return process

    @staticmethod
    def _wait(env: dict[str, str]) -> None:
        ask = "import keyring,sys; sys.exit('SecretService' not in type(keyring.get_keyring()).__module__)"
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if subprocess.run([sys.executable, "-c", ask], env=env, check=False, timeout=30).returncode == 0:
                return
        raise AssertionError("the Secret Service did not start within 30 s")


def _needed() -> None:
    for program, package in (("dbus-daemon", "dbus-daemon"), ("gnome-keyring-daemon", "gnome-keyring")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on this machine (Debian package {package})")


@pytest.fixture(scope="session")
def secret_service_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., SecretService]]:
    """Starts Secret Services; every one is ended with the session."""
    _needed()
    started: list[SecretService] = []

    def start(*, locked: bool = False) -> SecretService:
        started.append(SecretService(tmp_path_factory.mktemp("keyring"), locked=locked))
        return started[-1]

    yield start
    for service in started:
        service.close()


@pytest.fixture(scope="session")
def secret_service(secret_service_factory: Callable[..., SecretService]) -> SecretService:
    """An unlocked one, shared by the tests of a worker."""
    return secret_service_factory()
