"""What people bring that cannot be: it is refused in words, with the exit code of the contract, and nothing is sent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(400)  # real processes, on machines that have other things to do


def said(runbook: Any, code: int, *words: str) -> str:
    """What a command says on stderr when it ends with ``code``, without its line breaks."""
    done = runbook.run(*words, expect=code)
    told = " ".join(done.stderr.decode().split())
    assert "Traceback" not in told
    return told


@pytest.fixture(scope="module")
def night(hub_factory: Any) -> Any:
    return hub_factory("--simulate", "--seed", "23", "--speed", "40", "--paused")


def sends(runbook: Any) -> int:
    """How many deliveries have left."""
    items = runbook.json("tx", "list", "--all")["items"]
    return sum(item["attempts"] for item in items)


def test_plans_that_cannot_be_run_are_refused_and_nothing_is_sent(night, hub, runbook_for, emit, tmp_path) -> None:
    one, other = runbook_for(night), runbook_for(hub)
    emit(one, 20)
    one.run("hub", "simulate", "on", "closed-period", "--system", "ERP")
    emit(one, 50)
    one.run("hub", "simulate", "off")
    tx = one.json("tx", "list", "--filter", "status:failed", "--all")["items"][0]["id"]
    file, edited = tmp_path / "plan.json", tmp_path / "edited.json"
    one.run("tx", "replay", tx, "--reason", "reopened", "--dry-run", "--plan-out", str(file))
    frozen = json.loads(file.read_text())
    before = sends(one)
    run = ("tx", "replay", "--yes", "--plan")

    # of another platform, by file and by hash
    told = said(other, 6, *run, str(file))
    assert frozen["platform"] in told
    assert "Nothing was sent" in told
    assert "no plan" in said(other, 7, *run, frozen["hash"])
    # edited by hand: an item, how long it is good for, whose it is
    item = {**frozen["items"][0], "target": "MES"}
    for change in ({"items": [item]}, {"expires_at": "2099-01-01T00:00:00Z"}, {"platform": "other"}):
        edited.write_text(json.dumps({**frozen, **change}))
        told = said(one, 6, *run, str(edited))
        assert "it was edited after it was made. Nothing was sent." in told
    # no plan at all, and another command's
    edited.write_text("{")
    assert "is not a plan as andon writes it" in said(one, 6, *run, str(edited))
    assert "the command is discard. Nothing was sent" in said(one, 6, "tx", "discard", "--yes", "--plan", str(file))
    assert sends(one) == before
    # used twice
    one.run(*run, str(file))
    one.run("hub", "simulate", "drain")  # what waited behind it goes as well
    once = sends(one)
    told = said(one, 8, *run, str(file))
    assert "was run already, as batch" in told
    assert "A plan runs once; nothing was sent" in told
    assert sends(one) == once > before


def test_patches_and_documents_that_cannot_be_are_refused_and_nothing_is_sent(
    night, runbook_for, emit, tmp_path
) -> None:
    runbook = runbook_for(night)
    runbook.run("hub", "simulate", "on", "closed-period", "--system", "ERP")
    emit(runbook, 30)
    runbook.run("hub", "simulate", "off")
    tx = runbook.json("tx", "list", "--filter", "status:failed", "--all")["items"][0]["id"]
    before, count = sends(runbook), runbook.json("hub", "status")["transactions"]
    patch, document = tmp_path / "patch.json", tmp_path / "document.json"
    edit = ("tx", "edit", "--reason", "mended", "--yes")
    for steps, because in (
        ([{"op": "replace", "path": "/nowhere", "value": 1}], "'/nowhere' finds nothing"),
        ([{"op": "remove", "path": "/nowhere/0"}], "'/nowhere/0' finds nothing"),
    ):
        patch.write_text(json.dumps(steps))
        done = runbook.run(*edit, tx, "--patch", str(patch), expect=6)
        assert because in done.stdout.decode()
        assert "Nothing was sent; each says why above." in done.stderr.decode()
    patch.write_text("[{]")
    assert "is no JSON Patch (RFC 6902)" in said(runbook, 6, *edit, tx, "--patch", str(patch))
    document.write_text('{"a":')
    told = said(runbook, 6, *edit, tx, "--file", str(document))
    assert "line 1, column 6" in told
    assert "Nothing was stored. Correct it and try again." in told
    # unreadable payloads, on their way in
    send = ("hub", "send", "--flow", "downtime-event", "--plant", "P01")
    assert "not readable JSON: line 1, column 6" in said(runbook, 6, *send, str(document))
    broken = document.with_suffix(".xml")
    broken.write_text("<a><b></a>")
    assert "not readable XML: line 1" in said(runbook, 6, *send, str(broken))
    assert (sends(runbook), runbook.json("hub", "status")["transactions"]) == (before, count)


def test_all_that_match_is_all_and_not_what_one_page_shows(hub_factory, runbook_for, tmp_path: Path) -> None:
    data = tmp_path / "seeded"
    subprocess.run(
        [sys.executable, "-m", "commands", "hub", "seed", "--data", str(data), "--transactions", "1300", "--seed", "5"],
        check=True,
        capture_output=True,
        timeout=100,
    )
    runbook = runbook_for(hub_factory(data=data))
    failed = runbook.json("hub", "status")["counts"]["failed"]
    assert failed > 1000, "more than the largest page"
    assert len(runbook.json("tx", "list", "--filter", "status:failed")["items"]) == 50
    words = ("--filter", "status:failed", "--reason", "all of them", "--dry-run")
    plan = runbook.json("tx", "discard", *words)
    assert len(plan["items"]) == failed
    assert any(f"It acts on {failed:,} transactions" in why for why in plan["second_person"])
