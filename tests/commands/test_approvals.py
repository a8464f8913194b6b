"""Four eyes on the command line: the plan waits, exits 6 and names its hash; somebody else decides."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from commands.exits import Exit
from transactions.approvals import ApprovalItem, ApprovalKind, Decided
from transactions.batches import Batch
from transactions.errors import Forbidden, Refused, SecondPersonWanted
from transactions.plans import Action, Approval, Decision, Plan, PlanState, plan_hash

Andon = Callable[..., Any]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WHY = "It is a discard of 1 financial transaction."


@pytest.fixture
def waits(platform: Any) -> Any:
    """A platform whose discards want a second person."""
    platform.add("tx1")

    make = platform._plan

    def planned(request: Any) -> Plan:
        first = make(request)
        body = msgspec.structs.replace(first.body(), second_person=[WHY])
        made = msgspec.structs.replace(first, hash=plan_hash(body), second_person=[WHY])
        platform.plans[made.hash] = made
        return made

    def run(plan: Plan) -> Any:
        approval = Approval(asked_by="ann", asked_at=NOW)
        platform.plans[plan.hash] = msgspec.structs.replace(plan, state=PlanState.AWAITING_APPROVAL, approval=approval)
        raise SecondPersonWanted("The plan wants a second person.", hash=plan.hash, because=[WHY])

    platform._plan = planned
    platform._run = run
    return platform


def test_a_plan_that_wants_a_second_person_waits_and_exits_6(andon: Andon, waits: Any) -> None:
    ran = andon("tx", "discard", "tx1", "--reason", "obsolete", "--yes", "-o", "json")
    assert ran.code == Exit.REFUSED
    told = ran.json
    assert (told["plan_state"], told["batch"], told["second_person"]) == ("awaiting-approval", None, [WHY])
    assert told["plan"] in ran.err
    assert WHY in ran.err
    assert f"andon approvals approve {told['plan'][:12]} --reason" in ran.err
    # the hash is said with --quiet too, and is all there is for -o id
    again = andon("tx", "discard", "tx1", "--reason", "obsolete", "--yes", "-q", "-o", "id")
    assert again.code == Exit.REFUSED
    assert again.out.strip() in again.err


def test_a_dry_run_says_that_it_wants_one_and_exits_0(andon: Andon, waits: Any) -> None:
    ran = andon("tx", "discard", "tx1", "--reason", "obsolete", "--dry-run")
    assert ran.code == Exit.DONE
    assert f"second    ◆ wanted: {WHY}" in ran.out
    assert "verdicts  discard 1" in ran.out
    assert "● discard" in ran.out
    assert "send" not in ran.out, "a discard sends nothing"
    assert f"andon tx discard --plan {list(waits.plans)[-1][:12]}" in ran.err
    assert waits.sent("POST") == ["plans"]


def test_what_waits_is_told_by_the_name_of_the_action(andon: Andon, waits: Any) -> None:
    ran = andon("tx", "discard", "tx1", "--reason", "obsolete", "--yes")
    assert "discard of 1: discard 1" in ran.out
    assert "● discard" in ran.out
    assert "● send" not in ran.out


def test_a_plan_that_waits_is_not_asked_for_twice(andon: Andon, waits: Any) -> None:
    told = andon("tx", "discard", "tx1", "--reason", "obsolete", "--yes", "-o", "json").json
    before = len(waits.sent("POST"))
    ran = andon("tx", "discard", "--plan", told["plan"], "--yes")
    assert ran.code == Exit.REFUSED
    assert told["plan"] in ran.err
    assert len(waits.sent("POST")) == before
    shown = andon("approvals", "show", told["plan"][:12])
    assert re.search(r"ann asked (just now|\S+ ago); nobody has decided", shown.out)


def test_break_glass_goes_into_the_plan(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    assert andon("tx", "discard", "tx1", "--reason", "line is down", "--yes", "--break-glass").code == Exit.DONE
    (made,) = [each for each in platform.asked if each.path == "plans"]
    assert json.loads(made.body)["options"] == {"break_glass": True}
    ran = andon("tx", "replay", "--plan", "ab" * 32, "--break-glass", "--yes")
    assert ran.code == Exit.USAGE
    assert "--break-glass cannot be given with --plan" in ran.err


def test_breaking_the_glass_says_that_a_review_is_owed(andon: Andon, waits: Any) -> None:
    waits._run = type(waits)._run.__get__(waits)
    ran = andon("tx", "discard", "tx1", "--reason", "line is down", "--yes", "--break-glass")
    assert ran.code == Exit.DONE, ran.err
    assert "owes a review within 24 hours" in ran.err
    assert f"andon approvals approve {list(waits.plans)[-1][:12]}" in ran.err


@pytest.mark.parametrize(("typed", "code"), [("break glass", Exit.DONE), ("y", Exit.FAILED)])
def test_breaking_the_glass_wants_its_words_typed(
    andon: Andon, waits: Any, monkeypatch: pytest.MonkeyPatch, typed: str, code: Exit
) -> None:
    waits._run = type(waits)._run.__get__(waits)
    monkeypatch.setattr("commands.session.Session.interactive", True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{typed}\n"))
    ran = andon("tx", "discard", "tx1", "--reason", "line is down", "--break-glass")
    assert ran.code == code, ran.err
    assert "Type 'break glass' to run it without one:" in ran.err


def test_the_list_says_what_is_ones_own_and_what_is_late(andon: Andon, platform: Any) -> None:
    item = platform.filled(
        ApprovalItem, hash="ab" * 32, action=Action.DISCARD, requested_by="ann", reason="r", count=3, because=[WHY]
    )
    late = msgspec.structs.replace(
        item, hash="cd" * 32, kind=ApprovalKind.REVIEW, requested_by="bob", overdue=True, own=False
    )
    platform.on("GET", "approvals", platform.page(msgspec.structs.replace(item, own=True), late))
    ran = andon("approvals", "list")
    assert "ann (you)" in ran.out
    assert "■ review overdue" in ran.out
    assert andon("approvals", "list", "-o", "id").out.split() == ["ab" * 32, "cd" * 32]
    first = andon("approvals", "list", "-o", "json").json["items"][0]
    assert {"hash", "action", "requested_by", "reason", "expires_at", "count"} <= set(first)
    platform.on("GET", "approvals", platform.page())
    assert "Nothing waits for a second person." in andon("approvals", "list").out


@pytest.mark.parametrize("word", ["approve", "reject"])
def test_a_decision_wants_a_reason(andon: Andon, platform: Any, word: str) -> None:
    for reason in ((), ("--reason", " ")):
        ran = andon("approvals", word, "ab" * 32, *reason)
        assert ran.code == Exit.USAGE
        assert "wants a reason" in ran.err
    assert andon("approvals", word, "ab" * 32, "--reason", "x", "--read-only").code == Exit.REFUSED
    assert platform.asked == []


def test_what_came_of_a_decision(andon: Andon, platform: Any) -> None:
    batch = platform.filled(Batch, id="b7", started_by="ann")
    for kind, decision, run, words in (
        (ApprovalKind.APPROVAL, Decision.APPROVE, batch, "runs as batch b7, in the name of ann"),
        (ApprovalKind.APPROVAL, Decision.REJECT, None, "cannot be run any more"),
        (ApprovalKind.REVIEW, Decision.APPROVE, None, "it had run without approval"),
    ):
        decided = platform.filled(Decided, hash="ab" * 32, kind=kind, decision=decision, batch=run)
        platform.on("POST", f"plans/abab/{decision}", decided)
        ran = andon("approvals", str(decision), "abab", "--reason", "looked")
        assert ran.code == Exit.DONE
        assert words in ran.out
        assert json.loads(platform.asked[-1].body) == {"reason": "looked"}


@pytest.mark.parametrize(
    ("error", "code"),
    [(Refused("ann asked for it. Ask somebody else."), Exit.REFUSED), (Forbidden("No."), Exit.NOT_ALLOWED)],
)
def test_refusals_keep_their_exit_code(andon: Andon, platform: Any, error: Exception, code: Exit) -> None:
    def refuse(_asked: Any) -> None:
        raise error

    platform.on("POST", "plans/abab/approve", refuse)
    assert andon("approvals", "approve", "abab", "--reason", "x").code == code


# Two people on a real hub


def test_two_people_approve_each_others_work_and_not_their_own(hub_factory: Callable[..., Any]) -> None:
    hub = hub_factory("--simulate", "--speed", "20", "--seed", "11", "--paused")

    def run(who: str | None, *words: str) -> Any:
        env = {**os.environ, **hub.env} | ({"ANDON_TOKEN": tokens[who]} if who else {})
        ran = subprocess.run(
            [sys.executable, "-m", "commands", *words], capture_output=True, text=True, env=env, timeout=90, check=False
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran

    tokens: dict[str, str] = {}
    for name in ("day-shift", "night-shift"):
        added = run(None, "hub", "users", "add", name, "--role", "operator", "--role", "approver")
        assert added.returncode == 0, added.stderr
        tokens[name] = json.loads(run(None, "hub", "users", "token", name, "-o", "json").stdout)["token"]
    run("day-shift", "hub", "simulate", "on", "target-down", "--system", "ERP")
    run("day-shift", "hub", "simulate", "resume")
    for _ in range(200):
        found = run("day-shift", "tx", "list", "--filter", "status:failed risk:financial", "-o", "id").stdout.split()
        if len(found) >= 2:
            break
    else:
        pytest.fail("no financial transaction failed while ERP was down")
    run("day-shift", "hub", "simulate", "pause")

    for asker, second, tx in (("day-shift", "night-shift", found[0]), ("night-shift", "day-shift", found[1])):
        asked = run(asker, "tx", "discard", tx, "--reason", "order closed", "--yes", "-o", "json")
        assert asked.returncode == Exit.REFUSED, asked.stderr
        plan = json.loads(asked.stdout)["plan"]
        assert run(second, "approvals", "list", "-o", "id").stdout.split() == [plan]
        own = run(asker, "approvals", "approve", plan, "--reason", "mine")
        assert (own.returncode, "two people" in own.stderr) == (Exit.REFUSED, True)
        given = run(second, "approvals", "approve", plan, "--reason", "checked in ERP", "-o", "json")
        assert given.returncode == 0, given.stderr
        batch = json.loads(given.stdout)["batch"]
        assert batch["started_by"] == asker
        assert run(asker, "batches", "watch", batch["id"]).returncode == 0
        assert json.loads(run(second, "tx", "show", tx, "-o", "json").stdout)["status"] == "discarded"
        assert run(second, "approvals", "approve", plan, "--reason", "again").returncode == Exit.STALE


def test_a_hash_in_the_list_is_as_long_as_it_has_to_be_to_name_the_plan(andon: Andon, stocked: Any) -> None:
    ran = andon("approvals", "list")
    words = ran.out.split()
    assert "ab" * 6 in words
    assert "ab" * 7 not in ran.out
    assert andon("approvals", "list", "-o", "id").out.split()[0] == "ab" * 32
