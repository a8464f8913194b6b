"""The whole story, as a runbook plays it: a seeded shift, three faults, recovery through the CLI, and the books."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

FAULTS = (
    ("missing-material", "--system", "ERP", "--plant", "P02"),
    ("target-throttling", "--system", "MES", "--plant", "P01"),
    ("drop-after-posting", "--system", "ERP", "--plant", "P03"),
)


def test_a_shift_with_three_faults_is_recovered_and_the_books_agree(hub_factory, runbook_for, emit) -> None:
    hub = hub_factory("--simulate", "--seed", "11", "--speed", "30", "--paused")
    runbook = runbook_for(hub)
    emit(runbook, 50)
    assert runbook.json("hub", "books")["agree"] is True

    for fault in FAULTS:
        runbook.run("hub", "simulate", "on", *fault)
    emit(runbook, 90)
    failed = runbook.json("tx", "list", "--filter", "status:failed", "--all")["items"]
    assert {tx["failure"]["kind"] for tx in failed} == {"master-data", "throttled"}
    assert {tx["failure"]["code"] for tx in failed} >= {"M3351"}
    books = runbook.json("hub", "books", expect=10)
    assert books["agree"] is False
    assert books["missing"] >= len(failed) > 0
    assert books["double"] == 0
    in_doubt = runbook.json("tx", "list", "--filter", "status:in-doubt", "--all")["items"]
    assert in_doubt == []  # every lost answer was asked for

    # While the faults are on, a replay fails again, and says so with its exit code.
    again = runbook.run("tx", "replay", failed[0]["id"], "--reason", "too early", "--yes", expect=5)
    assert b"failed 1" in again.stdout + again.stderr

    runbook.run("hub", "simulate", "off")
    dry = runbook.json("tx", "replay", "--filter", "status:failed", "--reason", "look first", "--dry-run")
    assert dry["verdicts"]["send"] == len(failed)
    assert len(runbook.json("tx", "list", "--filter", "status:failed", "--all")["items"]) == len(failed)
    runbook.run("tx", "replay", "--filter", "status:failed", "--reason", "causes are mended", "--yes")
    runbook.run("hub", "simulate", "drain")

    assert runbook.json("tx", "list", "--filter", "-status:processed -status:duplicate", "--all")["items"] == []
    books = runbook.json("hub", "books")
    assert books["agree"] is True
    assert (books["missing"], books["double"], books["mismatched"], books["in_flight"]) == (0, 0, 0, 0)

    # An empty selection is no failure.
    runbook.run("tx", "replay", "--filter", "status:failed", "--reason", "nothing left", "--yes")


def demo(*arguments: str) -> tuple[dict[str, object], str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ANDON_")}
    done = subprocess.run(
        [sys.executable, "-m", "commands", "demo", "-o", "json", *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, object] = json.loads(done.stdout)
    return found, done.stderr.decode()


@pytest.mark.timeout(240)
def test_the_demo_without_a_terminal_tells_its_story_and_the_same_seed_tells_the_same() -> None:
    """At two speeds: timing must not change what is counted."""
    told, story = demo("--seed", "4", "--speed", "40")
    assert told["failed"] == told["recovered"] > 0
    assert told["books"]["agree"] is True
    for words in (
        "Policies for the gateway: 16 APIs",
        "night-shift approves",
        "missing-material",
        "are not in plant P02",
        "Plan ",
        "processed",
        "no answer",
    ):
        assert words in story
    again, _ = demo("--seed", "4", "--speed", "25", "--headless")
    assert again == told
