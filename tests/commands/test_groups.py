"""``andon groups``: what is asked of the platform, and what people and machines are told."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from transactions.errors import Invalid, NotFound
from transactions.group_words import compare

Andon = Callable[..., Any]


def test_a_list_asks_for_what_it_was_told(andon: Andon, stocked: Any) -> None:
    ran = andon("groups", "list", "--filter", "plant:P02", "--sort", "-overdue", "--limit", "7", "--cursor", "c")
    assert ran.code == 0, ran.err
    assert stocked.asked[0].params == {"filter": "plant:P02", "sort": "-overdue", "limit": "7", "cursor": "c"}


def test_a_list_tells_the_size_the_plants_and_what_comes_back(andon: Andon, stocked: Any) -> None:
    told = andon("groups", "list").out
    head, first, second = told.splitlines()[:3]
    assert head.split()[:2] == ["FINGERPRINT", "COUNT"]
    for word in ("g1", "217", "▁▁▁▂▃▅▇█", "41", "48", "↻ 9/12", "material-consumption", "P02 214, P01 3"):
        assert word in first
    assert "WMS" in second
    assert "master-data: M3351 Material <id> not maintained in plant <id>" in first


def test_nothing_failed_is_said_so(andon: Andon, stocked: Any) -> None:
    stocked.on("GET", "groups", stocked.page())
    assert andon("groups", "list").out == "Nothing is failed.\n"
    assert andon("groups", "list", "--filter", "plant:P01").out == "No group matches.\n"


def test_a_group_in_sentences_and_what_to_type_next(andon: Andon, stocked: Any) -> None:
    told = andon("groups", "show", "g1").out
    assert told.splitlines() == [
        (
            "217 failed transactions of material-consumption to ERP: master-data M3351, "
            "“Material <id> not maintained in plant <id>”"
        ),
        "",
        "  where        P02 214, P01 3; 41 overdue; 48 held behind them",
        told.splitlines()[3],  # ages count from now
        "  last 4 h     ▁▁▁▂▃▅▇█ 23 failures",
        "  replays      12 replayed, of which 9 failed for the same cause again: replaying alone does not help",
        "  helps        mending data: the document or the master data it names. Replay after that (owner: mdm-team)",
        "  never        replay before it is mended: it fails the same way",
        "  sample       tx1",
        "  fingerprint  g1",
        "",
        "  andon tx show tx1",
        "  andon tx replay --filter 'status:failed group:g1' --reason TEXT --dry-run",
    ]
    assert told.splitlines()[3].startswith("  when         first seen ")


def test_what_can_only_be_closed_is_not_offered_for_replay(andon: Andon, stocked: Any) -> None:
    stocked.on("GET", "groups/g1", stocked.group("g1", kind="duplicate", help="never"))
    told = andon("groups", "show", "g1").out
    assert "andon tx discard --filter 'status:failed group:g1'" in told
    assert "tx replay" not in told


def test_a_group_that_is_over_offers_to_look_back(andon: Andon, stocked: Any) -> None:
    stocked.on("GET", "groups/g1", stocked.group("g1", count=0, plants={}, sample=None, oldest_failed_at=None))
    told = andon("groups", "show", "g1").out
    assert "0 failed transactions" in told
    assert told.splitlines()[-1].strip() == "andon tx list --filter group:g1"


def test_why_two_are_two(andon: Andon, stocked: Any) -> None:
    ran = andon("groups", "show", "g1", "--compare", "g2")
    assert stocked.asked[0].params == {"other": "g2"}
    assert ran.out.splitlines() == [
        "They have the same message and differ in target ERP and WMS.",
        "",
        "  target    ERP",
        "            WMS",
    ]
    told = andon("groups", "show", "g1", "--compare", "g2", "-o", "json").json
    assert told["parts"] == [{"name": "target", "this": "ERP", "other": "WMS"}]


@pytest.mark.parametrize("error", [Invalid("Several groups begin with 'g'."), NotFound("There is no group 'g'.")])
def test_a_bad_beginning_is_told_as_it_is(andon: Andon, stocked: Any, error: Exception) -> None:
    def refuse(_asked: Any) -> Any:
        raise error

    stocked.on("GET", "groups/g", refuse)
    ran = andon("groups", "show", "g")
    assert (ran.code, ran.out) == (2 if isinstance(error, Invalid) else 7, "")
    assert "group" in ran.err


def test_what_cannot_be_a_fingerprint_is_not_asked(andon: Andon, stocked: Any) -> None:
    ran = andon("groups", "show", "../x")
    assert ran.code == 7
    assert stocked.asked == []


def test_words_of_a_target_steer_no_terminal(andon: Andon, stocked: Any) -> None:
    evil = stocked.group("g1", template="bad \x1b[2J\nline", code="\x1b]0;x\x07")
    stocked.on("GET", "groups/g1", evil)
    stocked.on("GET", "groups", stocked.page(evil))
    stocked.on("GET", "groups/g1/difference", compare(evil, stocked.group("g2")))
    for line in (("groups", "show", "g1"), ("groups", "list"), ("groups", "show", "g1", "--compare", "g2")):
        told = andon(*line).out
        assert "\x1b" not in told
        assert "\x07" not in told


def test_machines_get_plants_and_trend(andon: Andon, stocked: Any) -> None:
    told = andon("groups", "list", "-o", "json").json["items"][0]
    assert told["plants"] == {"P01": 3, "P02": 214}
    assert told["trend"] == [0, 0, 0, 1, 2, 5, 7, 8]
    row = next(csv.DictReader(io.StringIO(andon("groups", "list", "-o", "csv").out)))
    assert json.loads(row["plants"]) == told["plants"]
    assert andon("groups", "list", "-o", "id").out == "g1\ng2\n"


def test_the_shell_completes_fingerprints_and_sorts(andon: Andon, stocked: Any) -> None:
    from commands import completing

    assert completing.groups("g") == ["g1", "g2"]
    assert completing.group_sorts("-c") == ["-count"]


def test_the_changes_of_the_gateway_before_it_and_how_to_take_them_back(andon: Andon, stocked: Any) -> None:
    revision = {
        "number": 4,
        "at": "2026-01-02T03:00:00Z",
        "by": "ann",
        "policy_set": "policies",
        "plan": "p",
        "fingerprint": "f",
        "reason": "tidied up",
        "added": 0,
        "changed": 0,
        "removed": 1,
    }
    change = {
        "revision": revision,
        "seconds_before": 245,
        "concerns": ["throttle.erp"],
        "undo": "andon policy rollback 3",
    }
    stocked.on("GET", "groups/g1/changes", stocked.page(change, {**change, "concerns": [], "undo": "andon never"}))
    told = andon("groups", "show", "g1").out
    assert "before it    revision 4, 4 min before, by ann (tidied up): throttle.erp\n" in told
    assert "             revision 4, 4 min before, by ann (tidied up)\n" in told
    assert told.endswith("  andon policy rollback 3\n")
    assert "andon never" not in told
    assert "changes" not in andon("groups", "show", "g1", "-o", "json").out
