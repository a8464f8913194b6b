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

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
"""A session that starts nothing by itself: whoever asked too early would get a second, locked service otherwise."""

_ASK = """
import contextlib, sys
import secretstorage
from secretstorage.exceptions import SecretStorageException
with contextlib.closing(secretstorage.dbus_init()) as bus:
    if not secretstorage.check_service_availability(bus):
        sys.exit(1)
    if sys.argv[1] == "unlocked":
        try:
            sys.exit(secretstorage.Collection(bus, "/org/freedesktop/secrets/aliases/default").is_locked())
        except SecretStorageException:
            sys.exit(1)
"""


class SecretService:
    """A running Secret Service; ``env`` is what a process needs to find it."""

    def __init__(self, folder: Path, *, locked: bool = False) -> None:
        runtime = folder / "run"
        runtime.mkdir(mode=0o700, parents=True)
        self._ended: list[subprocess.Popen[bytes]] = []
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DBUS_", "DISPLAY", "XDG_"))}
        own = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "XDG_RUNTIME_DIR": str(runtime)}
        settings = folder / "session.conf"
        settings.write_text(_BUS, encoding="utf-8")
        bus = self._start(
            ["dbus-daemon", f"--config-file={settings}", "--nofork", "--print-address=1"], {**clean, **own}
        )
        assert bus.stdout is not None
        self.env = {**own, "DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().decode().strip()}
        daemon = ["gnome-keyring-daemon", "--foreground", "--components=secrets"]
        if not locked:
            daemon.append("--unlock")
        self.daemon = self._start(daemon, {**clean, **self.env})
        assert self.daemon.stdin is not None
        self.daemon.stdin.write(b"" if locked else b"of a test")
        self.daemon.stdin.close()
        self._wait({**clean, **self.env}, "locked" if locked else "unlocked")

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
    def _wait(env: dict[str, str], state: str) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            asked = subprocess.run([sys.executable, "-c", _ASK, state], env=env, check=False, timeout=60)
            if asked.returncode == 0:
                return
        raise AssertionError("the Secret Service did not start within 60 s")


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
