"""What the benchmarks share: the machine's facts, pairs, quantiles, and processes that end with the script."""

from __future__ import annotations

import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def machine() -> str:
    """Cores, processor, Python and how busy the machine is, in one line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"
    return (
        f"{os.cpu_count()} cores ({model}), {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, load {load} at the start"
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the values are."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float]) -> str:
    """Median and 95th percentile, in milliseconds."""
    return f"median {statistics.median(values) * 1000:7.1f} ms   p95 {quantile(values, 0.95) * 1000:7.1f} ms"


def timed(action: Callable[[], object]) -> float:
    """Seconds that ``action`` takes."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def pairs(first: Callable[[], object], second: Callable[[], object], count: int) -> tuple[list[float], list[float]]:
    """Times of both, alternating, so that whatever else the machine does hits both; one round before does not count."""
    first()
    second()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(count):
        times[0].append(timed(first))
        times[1].append(timed(second))
    return times


def ratio(of: Sequence[float], to: Sequence[float]) -> float:
    """The median of the ratios, pair by pair."""
    return statistics.median(one / other for one, other in zip(of, to, strict=True))


def andon() -> list[str]:
    """The installed command, else the one of the checkout."""
    script = Path(sys.executable).parent / "andon"
    return [str(script)] if script.exists() else [sys.executable, "-m", "commands"]


def quietly(command: list[str], env: dict[str, str] | None = None) -> None:
    """Run a command to its end; a failure ends the benchmark."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=env)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as path:
        yield Path(path)


@contextmanager
def child(command: list[str], log: Path, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block."""
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Api:
    """The admin API of a hub, by the standard library."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """An answer's JSON."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.loads(answer.read())

    def count(self, filter_text: str) -> int:
        """How many match."""
        return int(self.call("GET", f"/admin/v1/transactions/count?filter={filter_text}")["count"])

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to reach it."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ANDON_")}
        return {**clean, "ANDON_URL": self.url, "ANDON_TOKEN": self.token}


@contextmanager
def hub(data: Path, *arguments: str) -> Iterator[Api]:
    """A hub on a free port, as a process of its own."""
    log = data.parent / "hub.log"
    data.mkdir(parents=True, exist_ok=True)
    with child([*andon(), "hub", "serve", "--data", str(data), "--port", "0", *arguments], log) as process:
        runtime = data / "runtime.json"
        until(lambda: process.poll() is not None or (runtime.exists() and _ready(runtime)), "the hub", 180)
        if process.poll() is not None:
            raise SystemExit(f"The hub ended:\n{log.read_text()[-2000:]}")
        yield Api(json.loads(runtime.read_text())["url"], (data / "bootstrap.token").read_text().strip())


def _ready(runtime: Path) -> bool:
    try:
        url = json.loads(runtime.read_text())["url"]
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def until(ready: Callable[[], object], what: str, seconds: float) -> None:
    """Wait for something.

    Raises:
        SystemExit: it did not come.
    """
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)


def seeded(data: Path, count: int) -> float:
    """Seed a store; returns how many transactions a second that wrote."""
    took = timed(lambda: quietly([*andon(), "hub", "seed", "--data", str(data), "--transactions", str(count)]))
    return count / took
