"""What may go wrong underneath, made to: a disk that fills, a clock that is set, a process that dies."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

# As ``python SCRIPT`` would, and finding packages where ``python -m`` does.
_RUN = "import runpy, sys; sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')"
_PAGE = b"\0" * 65_536


class Operator:
    """Somebody at a hub: its API, and the command line."""

    def __init__(self, hub: Any, eventually: Callable[..., object]) -> None:
        self.hub, self._eventually = hub, eventually

    @property
    def api(self) -> httpx.Client:
        """A client of the admin API as it is reached now."""
        return httpx.Client(
            base_url=f"{self.hub.url}/admin/v1/",
            headers={"Authorization": f"Bearer {self.hub.token}"},
            timeout=40,
            trust_env=False,
        )

    def get(self, path: str, **params: Any) -> Any:
        """What is at ``path``."""
        with self.api as api:
            return api.get(path, params=params).raise_for_status().json()

    def ready(self) -> int:
        """What ``/readyz`` answers."""
        return httpx.get(f"{self.hub.url}/readyz", timeout=10, trust_env=False).status_code

    def andon(self, *words: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command; it has to end with ``code`` (None: any) and without a traceback."""
        done = subprocess.run(
            [sys.executable, "-m", "commands", *words],
            env={name: value for name, value in os.environ.items() if not name.startswith("ANDON_")} | self.hub.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert code in (None, done.returncode), (
            f"{words}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )
        assert "Traceback" not in done.stderr
        return done

    def told(self, *words: str, code: int | None = 0) -> Any:
        """What a command says with ``-o json``."""
        return json.loads(self.andon(*words, "-o", "json", code=code).stdout)

    def emit(self, documents: int) -> None:
        """Let the sources send so many documents, and wait until nothing moves."""
        with self.api as api:
            begun = api.get("simulator/state").json()["emitted"]
            api.post("simulator/resume", params={"documents": documents}).raise_for_status()
            self._eventually("emission", lambda: api.get("simulator/state").json()["emitted"] >= begun + documents, 60)
        self.quiet()

    def fault(self, on: bool, **fault: str) -> None:
        """Switch a simulated fault; off without a name switches off all."""
        with self.api as api:
            api.put("simulator/faults", json={"on": on, **fault}).raise_for_status()

    def quiet(self) -> None:
        """Wait until the sources have sent what they owe and nothing moves."""
        with self.api as api:
            for _ in range(4):  # each waits for 30 s
                if api.post("simulator/drain").status_code == 200:
                    return
        raise AssertionError("the hub does not come to rest")

    def audit_holds(self) -> int:
        """Verify the whole chain; returns how many entries it has."""
        import msgspec

        from transactions.audit import verify
        from transactions.history import AuditEntry

        entries: list[AuditEntry] = []
        cursor: str | None = None
        while True:
            page = self.get("audit", limit=1000, **({} if cursor is None else {"cursor": cursor}))
            entries += msgspec.convert(page["items"], list[AuditEntry])
            cursor = page["next_cursor"]
            if cursor is None:
                verify(entries[::-1])
                return len(entries)


@pytest.fixture
def operator_of(eventually: Callable[..., object]) -> Callable[[Any], Operator]:
    """Somebody at a hub that runs as a process of its own."""
    return lambda hub: Operator(hub, eventually)


class OwnHub:
    """A hub that is started in a way of its own.

    Args:
        folder: where everything of it is.
        command: starts ``andon``.
        arguments: of ``hub serve``.
    """

    def __init__(self, folder: Path, command: list[str], *arguments: str) -> None:
        self._command, self._arguments = command, arguments
        self._folder, self.log, self._config = folder / "data", folder / "hub.log", folder / "config"
        self._folder.mkdir(parents=True)
        self.data = self._folder

    def start(self, eventually: Callable[..., object]) -> None:
        """Start it (again), and wait until it is ready."""
        for name in ("runtime.json", "bootstrap.token"):  # of a run that was killed
            (self.data / name).unlink(missing_ok=True)
        serve = ["hub", "serve", "--data", str(self._folder), "--port", "0", *self._arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._command, *serve],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "ANDON_CONFIG_DIR": str(self._config)},
            )
        self._started()
        eventually("the hub", self._answers, 60)

    def _started(self) -> None:
        """Called once its process is there."""

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            self.url = json.loads((self.data / "runtime.json").read_text())["url"]
            self.token = (self.data / "bootstrap.token").read_text().strip()
            return httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200
        except (OSError, ValueError, httpx.HTTPError):
            return False

    @property
    def env(self) -> dict[str, str]:
        """What a command needs to reach it."""
        return {"ANDON_URL": self.url, "ANDON_TOKEN": self.token, "ANDON_CONFIG_DIR": str(self._config)}

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """End it in order, whatever it is at."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


class SmallDiskHub(OwnHub):
    """A hub whose data folder is a file system of its own: 48 MB that nobody else sees, gone with its process."""

    def __init__(self, unshare: tuple[str, ...], folder: Path, *arguments: str) -> None:
        mount = 'mount -t tmpfs -o size=48m none "$0" && exec "$@"'
        command = [*unshare, "sh", "-c", mount, str(folder / "data"), sys.executable, "-m", "commands"]
        super().__init__(folder, command, *arguments)

    def _started(self) -> None:
        # What is mounted there is seen from here through the process itself.
        self.data = Path(f"/proc/{self.process.pid}/root{self._folder}")

    def fill(self) -> None:
        """Leave no room at all."""
        with (self.data / "ballast").open("wb", buffering=0) as file:
            for size in (len(_PAGE), 512, 1):
                try:
                    while True:
                        file.write(_PAGE[:size])
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def make_room(self) -> None:
        """As before."""
        (self.data / "ballast").unlink()


class SetClockHub(OwnHub):
    """A hub on a machine whose clock the test sets."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._ahead = folder / "ahead"
        folder.mkdir(parents=True, exist_ok=True)
        self.set_clock(0)
        script = str(Path(__file__).with_name("set_clock.py"))
        super().__init__(folder, [sys.executable, "-c", _RUN, script, str(self._ahead)], *arguments)

    def set_clock(self, ahead: float) -> None:
        """Let it be so many seconds ahead of what it is."""
        fresh = self._ahead.with_name("ahead.new")
        fresh.write_text(str(ahead), encoding="utf-8")
        fresh.replace(self._ahead)


class LimitedHub:
    """A hub of which no file can grow while it is ``full``, as under a quota."""

    def __init__(self, hub: Any) -> None:
        self._hub = hub

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hub, name)

    def fill(self) -> None:
        """No file takes another byte."""
        self._limit(1)

    def make_room(self) -> None:
        """As before."""
        self._limit(-1)

    def _limit(self, size: int) -> None:
        import resource

        resource.prlimit(self._hub.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _unshare() -> tuple[str, ...] | None:
    """How this machine lets us mount something that nobody else sees; None where it does not."""
    for words in (("unshare", "-Urm"), ("unshare", "-m")):
        try:
            done = subprocess.run(
                [*words, "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"],
                capture_output=True,
                timeout=20,
                check=False,
            )
        except OSError:
            return None
        if done.returncode == 0:
            return words
    return None


@pytest.fixture(params=["a full file system", "a file size limit"])
def filling_hub(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    hub_factory: Callable[..., Any],
    eventually: Callable[..., object],
) -> Iterator[Any]:
    """A hub with simulated systems whose disk the test fills and clears."""
    if sys.platform != "linux":
        pytest.skip("a disk of a process's own is made on Linux only")
    arguments = ("--simulate", "--seed", "11", "--speed", "40", "--paused")
    if request.param == "a file size limit":
        yield LimitedHub(hub_factory(*arguments))
        return
    unshare = _unshare()
    if unshare is None:
        pytest.skip("this machine lets nobody mount a file system")
    hub = SmallDiskHub(unshare, tmp_path, *arguments)
    try:
        hub.start(eventually)
        yield hub
    finally:
        hub.stop()


@pytest.fixture
def set_clock_hub(tmp_path: Path, eventually: Callable[..., object]) -> Iterator[SetClockHub]:
    """A hub with simulated systems on a machine whose clock the test sets."""
    hub = SetClockHub(tmp_path / "hub", "--simulate", "--seed", "13", "--speed", "40", "--paused")
    try:
        hub.start(eventually)
        yield hub
    finally:
        hub.stop()
