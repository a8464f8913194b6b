"""The demo leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


def children(pid: int) -> set[int]:
    """Every process below ``pid`` (Linux)."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parts = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        if int(parts[1]) == pid:
            child = int(stat.parent.name)
            found |= {child} | children(child)
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes through /proc")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT", "SIGTERM"])
def test_processes_and_folder_are_gone_after(tmp_path, name, eventually) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ANDON_")}
    demo = subprocess.Popen(
        [sys.executable, "-m", "commands", "demo", "--headless", "--speed", "1", "--duration", "10m"],
        env={**environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # what runs in the background of a shell without job control has Ctrl-C ignored, and hands that down
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        eventually("the hub's folder", lambda: list(tmp_path.glob("andon-demo-*/runtime.json")))
        eventually("hub and simulator", lambda: len(children(demo.pid)) >= 2)
        below = children(demo.pid)
    finally:
        demo.send_signal(getattr(signal, name))
        demo.wait(30)
    eventually("every process to end", lambda: not any(alive(pid) for pid in below))
    eventually("the folder to go", lambda: not list(tmp_path.glob("andon-demo-*")))
