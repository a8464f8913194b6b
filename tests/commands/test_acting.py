from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commands.plan_files import read_plan
from transactions.batches import BatchState, ItemState
from transactions.canonical import canonical
from transactions.errors import Stale, Unavailable
from transactions.model import Status
from transactions.plans import Plan, PlanState, Verdict

Andon = Callable[..., Any]
REPLAY = ("tx", "replay", "--reason", "material extended", "--yes", "-o", "json")


def test_a_replay_is_planned_run_and_followed_to_its_end(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    platform.add("tx2")
    ran = andon(*REPLAY, "tx1", "tx2", "tx1")
    assert ran.code == 0
    plan = next(iter(platform.plans))
    assert platform.sent("POST") == ["plans", f"plans/{plan}/run"]
    assert ran.json["plan"] == plan
    assert ran.json["state"] == "done"
    assert ran.json["counts"]["processed"] == 2
    assert ran.json["not_processed"] == []
    assert platform.plans[plan].reason == "material extended"


def test_without_waiting_it_returns_as_soon_as_it_runs(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    ran = andon(*REPLAY, "tx1", "--no-wait")
    assert (ran.code, ran.json["state"], ran.json["batch"]) == (0, "running", "b1")


def test_some_that_failed_exit_5_and_are_named_with_their_reason(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    platform.add("tx2")
    platform.ends["tx2"] = (ItemState.FAILED, "M3351 not maintained")
    ran = andon(*REPLAY, "--filter", "status:failed")
    assert ran.code == 5
    assert [(item["id"], item["state"], item["reason"]) for item in ran.json["not_processed"]] == [
        ("tx2", "failed", "M3351 not maintained")
    ]


def test_what_waits_for_a_hold_is_run_and_told(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    platform.verdicts["tx1"] = (Verdict.HELD_BEHIND, "hold by ann: stock count; it goes when that is released")
    platform.waits.add("tx1")
    ran = andon(*REPLAY, "tx1")
    assert (ran.code, ran.json["counts"]["processed"]) == (0, 1)
    assert "1 transaction waits for a hold, and the run for them" in ran.err
    assert "ctrl+c stops waiting for it here" in ran.err
    shown = andon("tx", "plan", "--show", ran.json["plan"])
    assert "held-behind 1" in shown.out
    assert "hold by ann: stock count" in shown.out


def test_what_stands_behind_something_else_has_nothing_to_run(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    platform.verdicts["tx1"] = (Verdict.HELD_BEHIND, "consumption tx0 is failed ahead of it")
    ran = andon(*REPLAY, "tx1")
    assert ran.code == 6
    assert "None of 1 can be sent as they are" in ran.err
    assert platform.sent("POST") == ["plans"]


def test_some_that_were_skipped_exit_5(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    platform.add("tx2")
    platform.verdicts["tx2"] = (Verdict.SUPERSEDED, "version 4 was applied")
    assert andon(*REPLAY, "tx1", "tx2").code == 5


def test_a_batch_that_was_cancelled_meanwhile_exits_5(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    platform.ends["tx1"] = (ItemState.CANCELLED, None)
    assert andon(*REPLAY, "tx1").code == 5


def test_all_refused_exits_6_and_runs_nothing(andon: Andon, platform: Any) -> None:
    platform.add("tx1", status=Status.IN_DOUBT)
    platform.verdicts["tx1"] = (Verdict.REFUSED, "in doubt: look up first")
    ran = andon(*REPLAY, "tx1")
    assert ran.code == 6
    assert ran.json["not_processed"][0]["reason"] == "in doubt: look up first"
    assert platform.sent("POST") == ["plans"]


def test_a_refused_discard_speaks_of_discarding(andon: Andon, platform: Any) -> None:
    platform.add("tx1", status=Status.PROCESSED)
    platform.verdicts["tx1"] = (Verdict.REFUSED, "it is processed")
    ran = andon("transactions", "discard", "--reason", "x", "--yes", "tx1")
    assert ran.code == 6
    assert "None of 1 can be discarded as they are. Nothing was discarded" in ran.err


def test_an_empty_selection_exits_0_and_runs_nothing(andon: Andon, platform: Any) -> None:
    ran = andon(*REPLAY, "--filter", "plant:P99")
    assert (ran.code, ran.json["total"], ran.json["batch"]) == (0, 0, None)
    assert platform.sent("POST") == ["plans"]


def test_a_plan_that_wants_a_second_person_prints_its_hash_and_exits_6(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    made = platform._plan

    def waiting(asked: Any) -> Plan:
        return msgspec.structs.replace(
            made(msgspec.json.decode(asked.body, type=_request())), state="awaiting-approval"
        )

    platform.on("POST", "plans", waiting)
    ran = andon(*REPLAY, "tx1")
    assert ran.code == 6
    assert ran.json["plan_state"] == "awaiting-approval"
    assert ran.json["plan"] in ran.err


def _request() -> type:
    from transactions.plans import PlanRequest

    return PlanRequest


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("tx", "replay", "tx1", "--reason", "r"), "Add --yes"),
        (("tx", "replay", "tx1", "--yes"), "wants a reason"),
        (("tx", "replay", "tx1", "--yes", "--reason", "  "), "wants a reason"),
        (("tx", "replay", "--yes", "--reason", "r"), "neither was given"),
        (("tx", "replay", "tx1", "--filter", "a:b", "--yes", "--reason", "r"), "both were given"),
        (("tx", "replay", "tx1", "--plan", "0123456789ab", "--yes"), "--plan says what is acted on"),
        (("tx", "replay", "--plan", "zz", "--yes"), "neither a file nor the hash"),
        (("tx", "replay", "tx1", "--yes", "--reason", "r", "--rate", "20"), "is not a rate"),
        (("tx", "replay", "tx1", "--yes", "--reason", "r", "--concurrency", "0"), "range"),
        (("systems", "hold", "--yes", "--reason", "r"), "No place was named"),
        (("systems", "hold", "ERP", "--target", "MES", "--yes", "--reason", "r"), "two systems"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_sent(
    andon: Andon, platform: Any, arguments: tuple[str, ...], says: str
) -> None:
    platform.add("tx1")
    ran = andon(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert platform.sent("POST") == []


def test_read_only_refuses_to_act(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    ran = andon(*REPLAY, "tx1", "--read-only")
    assert (ran.code, ran.out, platform.asked) == (6, "", [])
    assert "read-only" in ran.err


def test_options_of_the_run_are_in_the_plan(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    more = "--rate 120/m --concurrency 3 --canary 2 --stop-after-failures 4 --force-superseded --dry-run"
    ran = andon(*REPLAY, "tx1", *more.split())
    assert ran.json["options"] == {
        "rate": 2.0,
        "concurrency": 3,
        "canary": 2,
        "stop_after_failures": 4,
        "force_superseded": True,
    }


def test_a_dry_run_stores_and_prints_the_plan_and_runs_nothing(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    ran = andon("tx", "discard", "tx1", "--reason", "twin", "--dry-run", "-o", "json")
    assert ran.code == 0
    assert ran.json["action"] == "discard"
    assert [item["verdict"] for item in ran.json["items"]] == ["send"]
    assert platform.sent("POST") == ["plans"]
    shown = andon("tx", "plan", "--show", ran.json["hash"][:12], "-o", "json")
    assert shown.json == ran.json


def test_a_plan_for_people_says_what_it_touches(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    platform.add("tx2", plant="P03")
    platform.verdicts["tx2"] = (Verdict.MAYBE_POSTED, "same order and lot found")
    out = andon("tx", "plan", "tx1", "tx2", "--reason", "why").out
    assert "send 1, maybe-posted 1" in out
    assert "P02 1, P03 1" in out
    # What has something against it comes first.
    assert out.index("same order and lot found") < out.index("● send")


def planned(andon: Andon, platform: Any, path: Path, *ids: str) -> Any:
    for tx_id in ids:
        platform.add(tx_id)
    ran = andon("tx", "replay", *ids, "--reason", "r", "--dry-run", "--plan-out", str(path), "-o", "json")
    assert ran.code == 0
    return ran.json


def test_a_plan_file_is_canonical_and_has_its_items_at_the_top(andon: Andon, platform: Any, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    shown = planned(andon, platform, path, "tx1", "tx2")
    assert json.loads(path.read_text()) == shown
    assert path.read_bytes() == canonical(read_plan(path))
    assert [item["id"] for item in shown["items"]] == ["tx1", "tx2"]
    assert [each.name for each in tmp_path.iterdir() if "plan" in each.name] == ["plan.json"]


@pytest.mark.parametrize("by", ["file", "hash", "prefix"])
def test_a_stored_plan_is_run_by_file_or_hash(andon: Andon, platform: Any, tmp_path: Path, by: str) -> None:
    path = tmp_path / "plan.json"
    shown = planned(andon, platform, path, "tx1")
    name = {"file": str(path), "hash": shown["hash"], "prefix": shown["hash"][:12]}[by]
    ran = andon("tx", "replay", "--plan", name, "--yes", "-o", "json")
    assert (ran.code, ran.json["plan"], ran.json["counts"]["processed"]) == (0, shown["hash"], 1)


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace('"tx2"', '"tx3"'),
        lambda text: text.replace('"reason":"r"', '"reason":"s"'),
        lambda text: text[:-5],
        lambda _: "{}",
        lambda _: "",
    ],
)
def test_an_edited_plan_file_is_refused_and_nothing_is_asked(
    andon: Andon, platform: Any, tmp_path: Path, edit: Callable[[str], str]
) -> None:
    path = tmp_path / "plan.json"
    planned(andon, platform, path, "tx1", "tx2")
    path.write_text(edit(path.read_text()))
    platform.asked.clear()
    ran = andon("tx", "replay", "--plan", str(path), "--yes")
    assert (ran.code, ran.out, platform.asked) == (6, "", [])
    assert "Nothing was sent" in ran.err


def test_a_plan_file_of_another_platform_is_refused(andon: Andon, platform: Any, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    planned(andon, platform, path, "tx1")
    platform.plans.clear()
    ran = andon("tx", "replay", "--plan", str(path), "--yes")
    assert ran.code == 6
    assert "another platform" in ran.err


def test_an_unknown_hash_and_a_missing_file_are_not_found(andon: Andon, platform: Any) -> None:
    assert andon("tx", "replay", "--plan", "0123456789ab", "--yes").code == 7
    assert andon("tx", "replay", "--plan", "plans/none.json", "--yes").code == 7


def test_a_used_plan_is_stale(andon: Andon, platform: Any, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    planned(andon, platform, path, "tx1")
    assert andon("tx", "replay", "--plan", str(path), "--yes").code == 0
    ran = andon("tx", "replay", "--plan", str(path), "--yes")
    assert ran.code == 8
    assert "batch b1" in ran.err


def test_an_expired_plan_is_stale_whoever_notices(andon: Andon, platform: Any, tmp_path: Path) -> None:
    shown = planned(andon, platform, tmp_path / "plan.json", "tx1")

    def expired(_asked: object) -> None:
        raise Stale("The plan has expired.")

    platform.on("POST", f"plans/{shown['hash']}/run", expired)
    assert andon("tx", "replay", "--plan", shown["hash"], "--yes").code == 8
    platform.plans[shown["hash"]] = msgspec.structs.replace(platform.plans[shown["hash"]], state=PlanState.EXPIRED)
    assert andon("tx", "replay", "--plan", shown["hash"], "--yes").code == 8


def test_a_plan_for_another_action_is_refused(andon: Andon, platform: Any, tmp_path: Path) -> None:
    shown = planned(andon, platform, tmp_path / "plan.json", "tx1")
    ran = andon("tx", "discard", "--plan", shown["hash"], "--yes")
    assert ran.code == 6
    assert "is to replay" in ran.err


def test_a_place_that_cannot_be_written_to_keeps_the_stored_plan_usable(
    andon: Andon, platform: Any, tmp_path: Path
) -> None:
    platform.add("tx1")
    ran = andon(*REPLAY, "tx1", "--plan-out", str(tmp_path / "none" / "plan.json"))
    assert ran.code == 2
    assert next(iter(platform.plans)) in ran.err
    assert platform.sent("POST") == ["plans"]


def test_a_platform_that_restarts_while_a_batch_runs_is_waited_for(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    asked = 0

    def away_twice(_asked: object) -> Any:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise Unavailable("Starting.")
        return platform.batches["b1"][0]

    platform.on("GET", "batches/b1", away_twice)
    assert andon(*REPLAY, "tx1").code == 0


def test_holds_and_releases_are_plans_too(andon: Andon, platform: Any) -> None:
    ran = andon("systems", "hold", "ERP", "--plant", "P01", "--reason", "patch", "--yes", "-o", "json")
    assert ran.code == 0
    plan = platform.plans[ran.json["plan"]]
    assert (plan.action, plan.options.target, plan.options.plant, plan.items) == ("hold", "ERP", "P01", [])
    ran = andon("systems", "release", "--target", "ERP", "--drain-rate", "5/s", "--reason", "done", "--yes")
    assert ran.code == 0
    assert "released" in ran.out
    assert list(platform.plans.values())[-1].options.drain_rate == 5.0


def test_a_batch_can_be_watched_to_its_end(andon: Andon, platform: Any) -> None:
    platform.add("tx1")
    andon(*REPLAY, "tx1")
    assert andon("batches", "watch", "b1", "-o", "json").json["state"] == "done"
    platform.batches["b1"] = (
        msgspec.structs.replace(platform.batches["b1"][0], state=BatchState.STOPPED),
        platform.batches["b1"][1],
    )
    assert andon("batches", "watch", "b1").code == 5


def on_a_terminal(typed: str, *arguments: str) -> tuple[int, str]:
    """Runs a command on a real terminal where somebody types; gives exit code and all that was shown."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "commands", *arguments], stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    os.write(leader, typed.encode())
    shown = b""
    try:
        while piece := os.read(leader, 65536):
            shown += piece
    except OSError:
        # Linux ends a terminal that nobody has open any more with an error.
        pass
    finally:
        os.close(leader)
    return process.wait(timeout=30), shown.decode()


def test_on_a_terminal_it_asks_and_yes_runs_the_plan(platform: Any) -> None:
    platform.add("tx1")
    code, shown = on_a_terminal("mended\ny\n", "tx", "replay", "tx1")
    assert code == 0, shown
    assert "Reason for replay" in shown
    assert "Run it? [y/N]" in shown
    assert platform.plans[next(iter(platform.plans))].reason == "mended"
    assert list(platform.batches) == ["b1"]


def test_on_a_terminal_no_sends_nothing_and_says_how_to_go_on(platform: Any) -> None:
    platform.add("tx1")
    code, shown = on_a_terminal("n\n", "tx", "replay", "tx1", "--reason", "r")
    assert code == 1
    assert "--plan " + next(iter(platform.plans))[:12] in shown
    assert platform.batches == {}


def test_production_wants_its_name_typed(platform: Any, andon: Andon, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.add("tx1")
    assert andon("context", "add", "plant", "--url", platform.url, "--production").code == 0
    arguments = ("tx", "replay", "tx1", "--reason", "r", "--context", "plant")
    assert on_a_terminal("y\n", *arguments)[0] == 1
    assert platform.batches == {}
    assert on_a_terminal("plant\n", *arguments)[0] == 0
    assert list(platform.batches) == ["b1"]
