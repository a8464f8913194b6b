"""Pausing, resuming, stopping and taking again from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from commands.exits import Exit
from transactions.plans import Action

Andon = Callable[..., Any]


def test_what_failed_is_taken_again_as_a_plan_of_its_own(andon: Andon, stocked: Any) -> None:
    ran = andon("batches", "retry-failed", "b1", "--reason", "master is mended", "--yes", "-o", "json")
    assert ran.code == Exit.DONE
    assert stocked.sent("POST")[:1] == ["batches/b1/retry-failed"]
    assert json.loads(stocked.asked[1].body) == {"reason": "master is mended"}
    assert ran.json["counts"]["processed"] == 1


def test_a_dry_run_of_it_runs_nothing(andon: Andon, stocked: Any) -> None:
    ran = andon("batches", "retry-failed", "b1", "--reason", "r", "--dry-run")
    assert ran.code == Exit.DONE
    assert "plan" in ran.out
    assert stocked.sent("POST") == ["batches/b1/retry-failed"]


@pytest.mark.parametrize("words", [("batches", "retry-failed", "b1", "--yes"), ("stop",), ("stop", "--reason", " ")])
def test_a_reason_is_wanted(andon: Andon, stocked: Any, words: tuple[str, ...]) -> None:
    ran = andon(*words)
    assert ran.code == Exit.USAGE
    assert "reason" in ran.err
    assert stocked.sent("POST") == []


@pytest.mark.parametrize(
    "words",
    [
        ("batches", "retry-failed", "b1", "--reason", "r", "--yes"),
        ("batches", "pause", "b1"),
        ("batches", "resume", "b1"),
        ("stop", "--reason", "r"),
    ],
)
def test_a_read_only_session_changes_nothing(andon: Andon, stocked: Any, words: tuple[str, ...]) -> None:
    ran = andon("--read-only", *words)
    assert ran.code in (Exit.REFUSED, Exit.NOT_ALLOWED)
    assert "read-only" in ran.err
    assert stocked.sent("POST") == []


def test_stop_says_what_it_stopped(andon: Andon, stocked: Any) -> None:
    ran = andon("stop", "--reason", "wrong month")
    assert (ran.code, ran.out.splitlines()) == (Exit.DONE, ["■ stopped 1 batch", "  b1"])
    assert json.loads(stocked.asked[-1].body) == {"reason": "wrong month"}
    stocked.on("POST", "stop", {"batches": []})
    assert "nothing to stop" in andon("stop", "--reason", "wrong month").out


def test_a_wave_is_told(andon: Andon, stocked: Any) -> None:
    import msgspec

    batch = msgspec.structs.replace(stocked.batches["b1"][0], state="paused", wave=1, waves=3, finished_at=None)
    stocked.on("POST", "batches/b1/pause", batch)
    assert "wave      1 of 3" in andon("batches", "pause", "b1").out


def linked(stocked: Any) -> None:
    """Make the batch one that corrected something."""
    batch, (wrong,) = stocked.batches["b1"]
    wrong = msgspec.structs.replace(wrong, reversal="tx8")
    instead = msgspec.structs.replace(wrong, n=2, id="tx9", reversal=None, corrects=wrong.id)
    stocked.batches["b1"] = (msgspec.structs.replace(batch, action=Action.CORRECT, total=2), [wrong, instead])


@pytest.mark.parametrize("line", [("batches", "show", "b1"), ("batches", "show", "b1", "--items")])
def test_a_correction_names_what_reverses_what_and_what_is_posted_instead(
    andon: Andon, stocked: Any, line: tuple[str, ...]
) -> None:
    linked(stocked)
    ran = andon(*line)
    assert ran.code == Exit.DONE
    assert "reversed by tx8" in ran.out
    assert "instead of tx1" in ran.out
    assert "tx9" in ran.out


def test_machines_get_the_batch_alone_or_its_items_with_what_they_are_linked_to(andon: Andon, stocked: Any) -> None:
    linked(stocked)
    assert "items" not in andon("batches", "show", "b1", "-o", "json").json
    items = andon("batches", "show", "b1", "--items", "-o", "json").json["items"]
    assert [(item["reversal"], item["corrects"]) for item in items] == [("tx8", None), (None, "tx1")]
