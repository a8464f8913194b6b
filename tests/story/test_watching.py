"""Watching through the death of the hub: no change is missed, and none is told twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx


def test_a_watch_goes_on_behind_the_last_change_when_the_hub_comes_back(
    hub_factory: Callable[..., Any],
    runbook_for: Callable[..., Any],
    emit: Callable[..., None],
    eventually: Callable[..., object],
    tmp_path: Path,
) -> None:
    hub = hub_factory("--simulate", "--speed", "30", "--seed", "21", "--paused")
    runbook = runbook_for(hub)
    port = hub.url.rpartition(":")[2]
    # The token of the hub's own people outlives the hub; the bootstrap token does not.
    runbook.run("hub", "users", "add", "lee", "--role", "viewer")
    token = runbook.json("hub", "users", "token", "lee")["token"]
    told, said = tmp_path / "told.jsonl", tmp_path / "said.txt"
    with told.open("wb") as out, said.open("wb") as err:
        watching = subprocess.Popen(
            [sys.executable, "-m", "commands", "tx", "watch", "-o", "jsonl"],
            env=runbook.env | {"ANDON_TOKEN": token},
            stdout=out,
            stderr=err,
        )
    try:
        eventually("the stream", lambda: "● live" in said.read_text())
        emit(runbook, 6)
        eventually("changes", lambda: told.stat().st_size)
        hub.kill()
        eventually("the loss", lambda: "▲ lost" in said.read_text())
        again = hub_factory("--simulate", "--speed", "30", "--seed", "21", "--paused", "--port", port, data=hub.data)
        emit(runbook_for(again), 6)
        admin = {"Authorization": f"Bearer {again.token}"}
        wanted = _changes(again.url, admin)
        eventually("every change", lambda: len(told.read_bytes().splitlines()) >= len(wanted), 60)
    finally:
        watching.terminate()
        watching.wait(20)
    seen = [json.loads(line)["seq"] for line in told.read_bytes().splitlines()]
    assert seen == wanted


def _changes(url: str, headers: dict[str, str]) -> list[int]:
    """Every change of a transaction there ever was, by the stream from its beginning."""
    found: list[int] = []
    with httpx.stream("GET", f"{url}/admin/v1/events", headers=headers | {"Last-Event-ID": "0"}, timeout=30) as stream:
        newest = 0
        for line in stream.iter_lines():
            if line.startswith(": connected, newest "):
                newest = int(line.rpartition(" ")[2])
            if line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                if event["type"] == "transaction":
                    found.append(event["seq"])
                if event["seq"] >= newest:
                    break
    return found
