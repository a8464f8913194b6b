"""The runbook on a real hub with real simulated systems: fail, see, replay, and the books agree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def own_hub(hub_factory: Callable[..., Any]) -> Any:
    """A hub of this module's own: it switches faults, which others would feel."""
    return hub_factory("--simulate", "--speed", "20", "--seed", "11", "--paused")


@pytest.fixture(scope="module")
def run(own_hub: Any) -> Callable[..., Any]:
    def andon(*arguments: str, stdin: bytes | None = None) -> Any:
        ran = subprocess.run(
            [sys.executable, "-m", "commands", *arguments],
            input=stdin,
            capture_output=True,
            env={**os.environ, **own_hub.env},
            timeout=90,
            check=False,
        )
        assert b"Traceback" not in ran.stderr, ran.stderr.decode()
        return ran

    return andon


def read(ran: Any) -> Any:
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def failed(run: Callable[..., Any]) -> list[str]:
    """Ids of transactions that failed because ERP was down."""
    assert run("hub", "simulate", "on", "target-down", "--system", "ERP").returncode == 0
    assert run("hub", "simulate", "resume").returncode == 0
    try:
        for _ in range(200):
            ids = run("tx", "list", "--filter", "status:failed", "--limit", "1000", "-o", "id").stdout.decode().split()
            if len(ids) >= 6:
                break
        else:
            pytest.fail("nothing failed while ERP was down")
    finally:
        run("hub", "simulate", "pause")
    drained = run("hub", "simulate", "drain")
    assert drained.returncode == 0, drained.stderr.decode()
    assert run("hub", "simulate", "off").returncode == 0
    return run("tx", "list", "--filter", "status:failed", "--all", "-o", "id").stdout.decode().split()


def test_the_story_is_told_by_every_command(run: Callable[..., Any], failed: list[str]) -> None:
    shown = run("tx", "show", failed[0]).stdout.decode()
    assert shown.startswith("■ failed")
    assert read(run("tx", "show", failed[0], "-o", "json"))["failure"]["help"] == "wait"
    entries = read(run("tx", "timeline", failed[0], "-o", "json"))["items"]
    assert entries[-1]["status"] == "failed"
    payload = read(run("tx", "payload", failed[0], "-o", "json"))
    assert run("tx", "payload", failed[0], "--raw").stdout.decode() == payload["content"]
    assert read(run("hub", "status", "-o", "json"))["counts"]["failed"] == len(failed)
    assert "ERP" in run("systems", "list", "-o", "id").stdout.decode().split()
    assert run("doctor").returncode == 0
    assert read(run("whoami", "-o", "json"))["permissions"]


def test_recovery_from_a_runbook_brings_the_books_together(
    run: Callable[..., Any], failed: list[str], tmp_path: Path
) -> None:
    assert run("hub", "books", "-o", "json").returncode == 10
    path = tmp_path / "plan.json"
    first = failed[0]
    assert run("tx", "replay", first, "--reason", "canary", "--dry-run", "--plan-out", str(path)).returncode == 0
    ran = run("tx", "replay", "--plan", str(path), "--yes", "-o", "json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert run("tx", "replay", "--plan", str(path), "--yes").returncode == 8
    for _ in range(10):
        ran = run("tx", "replay", "--filter", "status:failed", "--reason", "ERP is back", "--yes", "-o", "json")
        outdated = [item["id"] for item in read(ran)["not_processed"] if item["state"] == "superseded"]
        if len(outdated) == read(ran)["total"]:
            break
    assert len(outdated) == read(ran)["total"], ran.stdout.decode() + ran.stderr.decode()
    if outdated:  # a newer version of the same object is there already
        gone = run("tx", "discard", *outdated, "--reason", "outdated", "--yes")
        assert gone.returncode == 0, gone.stderr.decode()
    assert run("hub", "simulate", "drain").returncode == 0
    books = run("hub", "books", "-o", "json")
    assert books.returncode == 0, books.stdout.decode()
    told = [entry["reason"] for entry in read(run("audit", "list", "--all", "-o", "json"))["items"]]
    assert "canary" in told
    assert "ERP is back" in told


def test_a_hold_is_placed_seen_and_released(run: Callable[..., Any]) -> None:
    placed = run("systems", "hold", "CRM", "--reason", "patching", "--yes", "-o", "json")
    assert placed.returncode == 0, placed.stderr.decode()
    holds = read(run("systems", "list", "--holds", "-o", "json"))["items"]
    assert [(hold["target"], hold["reason"]) for hold in holds] == [("CRM", "patching")]
    released = run("systems", "release", "CRM", "--reason", "patched", "--yes")
    assert released.returncode == 0, released.stderr.decode()
    assert read(run("systems", "list", "--holds", "-o", "json"))["items"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("tx", "show", "nope"), 7),
        (("tx", "timeline", "nope"), 7),
        (("tx", "payload", "nope", "--raw"), 7),
        (("tx", "list", "--cursor", "broken"), 2),
        (("tx", "list", "--sort", "nonsense"), 2),
        (("batches", "show", "nope"), 7),
        (("batches", "cancel", "nope"), 7),
        (("tx", "replay", "nope", "--reason", "r", "--yes"), 7),
        (("tx", "replay", "--plan", "0123456789abcdef", "--yes"), 7),
        (("hub", "simulate", "on", "no-such-fault"), 6),
    ],
)
def test_bad_input_gets_an_answer(run: Callable[..., Any], arguments: tuple[str, ...], code: int) -> None:
    ran = run(*arguments)
    assert (ran.returncode, ran.stdout) == (code, b""), ran.stderr.decode()
    assert 2 <= len(ran.stderr.decode().splitlines()) <= 4


def test_documents_that_cannot_be_taken_in_are_refused(run: Callable[..., Any]) -> None:
    unknown = run("hub", "send", "-", "--flow", "no-such-flow", stdin=b"{}")
    assert unknown.returncode in (6, 7), unknown.stderr.decode()
    assert b"no-such-flow" in unknown.stderr
    assert (
        run("hub", "send", "-", "--flow", "master-data", "--content-type", "application/json", stdin=b"{").returncode
        == 6
    )


def test_a_wrong_token_exits_4(run: Callable[..., Any], own_hub: Any) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "commands", "tx", "list", "-o", "json"],
        capture_output=True,
        env={**os.environ, **own_hub.env, "ANDON_TOKEN": "wrong"},
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (4, b"")
    assert len(ran.stderr.splitlines()) == 3
