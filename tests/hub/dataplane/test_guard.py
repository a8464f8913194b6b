"""The guard of a command: it ends with its guard's standard input, and with the guard."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.dataplane import guard

WITHIN = 30.0
SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)",
)


@contextmanager
def _guarded(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _child(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def _there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _gone(pid: int) -> None:
    end = time.monotonic() + WITHIN
    while _there(pid):
        assert time.monotonic() < end
        time.sleep(0.02)


pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")


def test_it_says_which_process_and_ends_with_its_code() -> None:
    with _guarded(sys.executable, "-c", "raise SystemExit(7)") as process:
        assert _child(process) > 0
        assert process.wait(WITHIN) == 7


def test_what_it_is_told_does_not_reach_the_command() -> None:
    with _guarded(sys.executable, "-c", "import sys; raise SystemExit(len(sys.stdin.read()))") as process:
        _child(process)
        assert process.wait(WITHIN) == 0


def test_the_command_ends_with_the_input() -> None:
    with _guarded(*SLEEPER) as process:
        pid = _child(process)
        assert _there(pid)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(WITHIN) != 0
        _gone(pid)


def test_one_that_does_not_want_to_end_is_killed() -> None:
    with _guarded(*STUBBORN) as process:
        pid = _child(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert process.stdin is not None
        process.stdin.close()
        process.wait(WITHIN)
        _gone(pid)


def test_the_command_takes_signals_as_ever() -> None:
    """What the guard ignores is not ignored by whoever it starts."""
    look = "import signal; raise SystemExit(signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL)"
    with _guarded(sys.executable, "-c", look) as process:
        _child(process)
        assert process.wait(WITHIN) == 0


def test_signals_of_a_terminal_are_left_to_whoever_started_it() -> None:
    import signal

    with _guarded(*SLEEPER) as process:
        pid = _child(process)
        for number in (signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
        assert process.poll() is None
        assert _there(pid)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(WITHIN)
        _gone(pid)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process that its parent is gone")
def test_the_command_ends_with_a_guard_that_is_killed() -> None:
    with _guarded(*SLEEPER) as process:
        pid = _child(process)
        process.kill()
        process.wait(WITHIN)
        _gone(pid)


def test_a_command_that_is_not_there() -> None:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__, "/nowhere/at/all"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        said = process.communicate(timeout=WITHIN)[1]
    assert process.returncode == 1
    assert b"/nowhere/at/all" in said
