"""The console in a real pseudo-terminal: first paint against a bare Textual app, key to paint, memory.

Bars: first paint at most 1.5 times the bare app's; key to paint under 50 ms at 1,000,000 failed transactions; memory
under 150 MiB.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import termios
import time
from pathlib import Path

from measuring import HERE, Api, andon, folder, hub, machine, quantile, ratio, seeded

ROWS, COLUMNS = 40, 120
QUIET = 0.08  # seconds without output after which a paint is over
_ESCAPES = re.compile(rb"\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b[()].|\x1b\][^\x07]*\x07")


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.begun = time.perf_counter()
        self.pid, self._tty = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
        fcntl.ioctl(self._tty, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def _read(self, patience: float) -> bytes:
        ready, _, _ = select.select([self._tty], [], [], patience)
        if not ready:
            return b""
        try:
            return os.read(self._tty, 65_536)
        except OSError:  # the program has ended, and with it the terminal
            return b""

    def shows(self, text: str, within: float = 60) -> float:
        """Seconds from the start until ``text`` was written."""
        seen = b""
        while time.perf_counter() - self.begun < within:
            seen += self._read(1.0)
            if text.encode() in _ESCAPES.sub(b"", seen):
                return time.perf_counter() - self.begun
        raise SystemExit(f"{text!r} was not shown within {within:g} s:\n{_ESCAPES.sub(b'', seen)[-1500:]!r}")

    def calm(self, quiet: float = 1.0) -> None:
        """Read until nothing comes for a while."""
        while self._read(quiet):
            pass

    def press(self, key: bytes) -> tuple[float, float]:
        """Press a key; returns seconds until the screen began to change, and until it stopped."""
        begun = time.perf_counter()
        os.write(self._tty, key)
        if not self._read(5.0):
            raise SystemExit(f"nothing changed on the screen after {key!r}")
        first = last = time.perf_counter() - begun
        while self._read(QUIET):
            last = time.perf_counter() - begun
        return first, last

    def memory(self) -> float:
        """Resident memory, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._tty)


def first_paint(command: list[str], env: dict[str, str], text: str) -> float:
    """Seconds from the start of a program until ``text`` is on the screen."""
    terminal = Terminal(command, env)
    try:
        return terminal.shows(text)
    finally:
        terminal.close()


def against_bare(api: Api, rounds: int) -> None:
    """Print the first paint of both, in alternating pairs."""
    bare_app = [sys.executable, str(HERE / "bare_app.py")]
    console, bare = [], []
    for turn in range(rounds + 1):
        one = first_paint(bare_app, api.environment, "three widgets")
        other = first_paint(andon(), api.environment, "board")
        if turn:  # the first round warms the caches
            bare.append(one)
            console.append(other)
    times = ratio(console, bare)
    print(f"first paint, bare app   {statistics.median(bare) * 1000:7.0f} ms")
    print(f"first paint, console    {statistics.median(console) * 1000:7.0f} ms")
    print(f"ratio {times:.2f} (bar: 1.5 or less): {'met' if times <= 1.5 else 'MISSED'}")


KEYS = {"down": (b"\x1b[B",), "page down": (b"\x1b[6~",), "end, home": (b"\x1b[F", b"\x1b[H")}


def key_to_paint(api: Api, size: int, presses: int) -> None:
    """Print key to paint on the list of failed transactions, and the memory after it."""
    terminal = Terminal(andon(), api.environment)
    try:
        terminal.shows("board")
        terminal.calm()
        terminal.press(b"f")
        terminal.calm()
        firsts: list[float] = []
        for name, keys in KEYS.items():
            # every press changes what is shown: the way is down, then from one end to the other and back
            times = [terminal.press(keys[n % len(keys)]) for n in range(presses)]
            first, settled = [time[0] for time in times], [time[1] for time in times]
            firsts += first
            print(
                f"{size:>9,} failed, {name:<10} first change {statistics.median(first) * 1000:6.1f} ms "
                f"(p95 {quantile(first, 0.95) * 1000:6.1f}), settled {statistics.median(settled) * 1000:6.1f} ms "
                f"(p95 {quantile(settled, 0.95) * 1000:6.1f})"
            )
            terminal.calm()
        median, memory = statistics.median(firsts) * 1000, terminal.memory()
        print(f"{size:>9,} failed, key to paint median {median:.1f} ms (bar: 50): {'met' if median < 50 else 'MISSED'}")
        print(f"{size:>9,} failed, memory {memory:.0f} MiB (bar: 150): {'met' if memory < 150 else 'MISSED'}")
    finally:
        terminal.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, a small store")
    options = parser.parse_args()
    rounds, presses, sizes = (3, 10, [2_000]) if options.quick else (15, 60, [100_000, 1_000_000])
    print(machine())
    for size in sizes:
        with folder() as work:
            print(f"{size:>9,} seeded at {seeded(work / 'data', size):,.0f} a second")
            with hub(work / "data") as api:
                if size == sizes[0]:
                    against_bare(api, rounds)
                key_to_paint(api, size, presses)


if __name__ == "__main__":
    main()
