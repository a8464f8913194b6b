"""The real program in a real terminal against a real hub: a failed transaction is seen, understood and replayed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

DEADLINE_SECONDS = 60.0
RELEASES = "status:failed flow:production-order-release target:MES"
"""What it is about: the release of an order comes before what is done on it, so it waits for nothing."""


class Terminal:
    """A terminal of its own: a tmux server on a socket in the test's folder."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux.socket")
        self._status = folder / "exit-status"

    def _tmux(self, *words: str) -> str:
        answer = subprocess.run(
            ["tmux", "-S", self._socket, "-f", "/dev/null", *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
        return answer.stdout

    def run(self, words: list[str], env: dict[str, str]) -> None:
        """Start a program in it, 120 by 40."""
        settings = [f"{name}={value}" for name, value in env.items()]
        # tmux can miss the end of a program, which stays a zombie then: a shell says how it ended.
        telling = ["sh", "-c", '"$@"; echo $? >"$STATUS.new"; mv "$STATUS.new" "$STATUS"', "sh"]
        settings.append(f"STATUS={self._status}")
        self._tmux(
            *("new-session", "-d", "-x", "120", "-y", "40"),
            *("env", "-u", "COLUMNS", "-u", "LINES", *settings, *telling, *words),
        )
        self._tmux("set-option", "-g", "remain-on-exit", "on")

    def keys(self, *keys: str) -> None:
        """Press keys."""
        self._tmux("send-keys", *keys)

    def page(self) -> str:
        """What it shows."""
        return self._tmux("capture-pane", "-p")

    def wait(self, *texts: str) -> str:
        """Until all of ``texts`` show."""
        end = time.monotonic() + DEADLINE_SECONDS
        while True:
            page = self.page()
            if all(text in page for text in texts):
                return page
            assert time.monotonic() < end, f"{texts} did not show:\n{page}"
            time.sleep(0.05)

    def wait_for_rows(self, text: str) -> None:
        """Until every row of a list shows ``text``."""
        end = time.monotonic() + DEADLINE_SECONDS
        while not (rows := [line for line in self.page().splitlines() if " ■ " in line]) or not all(
            text in row for row in rows
        ):
            assert time.monotonic() < end, f"not every row shows {text}: {rows}"
            time.sleep(0.05)

    def wait_ended(self) -> int:
        """Until the program in it has ended; its exit status."""
        end = time.monotonic() + DEADLINE_SECONDS
        while not self._status.exists():
            assert time.monotonic() < end, f"it has not ended:\n{self.page()}"
            time.sleep(0.05)
        return int(self._status.read_text())

    def close(self) -> None:
        """End it and what runs in it."""
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False, timeout=20)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    yield made
    made.close()


@pytest.fixture
def api(hub_factory: Callable[..., object]) -> Iterator[tuple[httpx.Client, dict[str, str], object]]:
    """A hub of the test's own, its simulated plant running fast."""
    hub = hub_factory("--simulate", "--speed", "30", "--seed", "7")
    headers = {"Authorization": f"Bearer {hub.token}"}
    with httpx.Client(base_url=f"{hub.url}/admin/v1/", headers=headers, timeout=40) as client:
        yield client, hub.env, hub


def failed(client: httpx.Client) -> int:
    answer = client.get("transactions/count", params={"filter": f"{RELEASES} kind:master-data"})
    return int(answer.raise_for_status().json()["count"])


@pytest.mark.timeout(300)
def test_a_failed_transaction_is_seen_understood_and_replayed(terminal: Terminal, api) -> None:
    client, env, hub = api
    client.put("simulator/faults", json={"on": True, "name": "missing-material"}).raise_for_status()
    end = time.monotonic() + DEADLINE_SECONDS
    while not failed(client):
        assert time.monotonic() < end, "nothing failed"
        time.sleep(0.05)
    client.post("simulator/pause").raise_for_status()
    client.put("simulator/faults", json={"on": False, "name": "missing-material"}).raise_for_status()

    terminal.run([sys.executable, "-m", "commands"], {**env, "TERM": "screen-256color"})
    terminal.wait("board", "● live", "■ failed")
    terminal.keys("f")
    terminal.wait("board ▸ failed", "says", "means", "helps")
    terminal.keys("/", " flow:production-order-release target:MES", "Enter")
    terminal.wait(f"failed  {RELEASES}", "⏎ open", "says")  # the list has the keys again
    terminal.wait_for_rows("production order rel")
    terminal.keys("Enter")
    terminal.wait("summary", "idempotency key")
    terminal.keys("2")
    terminal.wait("indented for reading")
    terminal.keys("r")
    terminal.wait("Replay 1 transaction")
    terminal.keys("material extended", "Enter")
    terminal.wait("send 1", "runs once", "--reason 'material extended' --yes")
    terminal.keys("Enter")
    terminal.wait("✓ 1 processed", "All of them got where they were meant to")
    batches = client.get("batches").json()["items"]
    assert [(batch["action"], batch["reason"], batch["counts"]["processed"]) for batch in batches] == [
        ("replay", "material extended", 1)
    ]

    hub.kill()
    terminal.wait("▲ reconnecting")
    terminal.keys("q")
    assert terminal.wait_ended() == 0
