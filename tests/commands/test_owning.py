"""Assigning and noting from the command line: by ids or by filter, one by one, with what became of each."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from transactions.errors import Refused, Stale, Unavailable
from transactions.history import TimelineEntry


@pytest.fixture
def owned(platform: Any) -> Any:
    """A platform with three transactions that takes assignments and notes."""
    for name in ("tx1", "tx2", "tx3"):
        platform.add(name)

        def assign(asked: Any, name: str = name) -> Any:
            body = {key: "ann" if value == "me" else value for key, value in json.loads(asked.body).items()}
            platform.transactions[name] = msgspec.structs.replace(platform.transactions[name], **body)
            return platform.transactions[name]

        def note(asked: Any) -> Any:
            text = json.loads(asked.body)["text"]
            return platform.page(platform.filled(TimelineEntry, kind="note", by="ann", text=text))

        platform.on("POST", f"transactions/{name}/assign", assign)
        platform.on("POST", f"transactions/{name}/note", note)
    return platform


def bodies(platform: Any) -> list[Any]:
    return [json.loads(asked.body) for asked in platform.asked if asked.method == "POST"]


def test_only_what_was_said_is_sent_and_none_clears(owned: Any, andon: Any) -> None:
    assert andon("tx", "assign", "tx1", "--to", "me", "--ticket", "INC-1").code == 0
    assert andon("tx", "assign", "tx1", "--to", "none", "--waiting-on", "finance").code == 0
    assert andon("tx", "assign", "tx1", "--ticket", "NONE").code == 0
    assert bodies(owned) == [
        {"assignee": "me", "ticket": "INC-1"},
        {"assignee": None, "waiting_on": "finance"},
        {"ticket": None},
    ]


def test_many_by_id_once_each_and_what_each_has_then(owned: Any, andon: Any) -> None:
    ran = andon("tx", "assign", "tx1", "tx2", "tx1", "--to", "kim", "-o", "json")
    assert ran.code == 0
    assert [(item["id"], item["assignee"]) for item in json.loads(ran.out)["items"]] == [("tx1", "kim"), ("tx2", "kim")]


def test_all_that_match_and_not_only_the_first_page(owned: Any, andon: Any) -> None:
    ran = andon("tx", "assign", "--filter", "status:failed", "--to", "me", "-o", "jsonl")
    assert (ran.code, len(ran.out.splitlines())) == (0, 3)
    assert owned.asked[0].params["filter"] == "status:failed"


def test_nothing_that_matches_is_no_failure(platform: Any, andon: Any) -> None:
    ran = andon("tx", "assign", "--filter", "plant:P09", "--to", "me")
    assert ran.code == 0
    assert "Nothing matches" in ran.out


def test_one_that_is_refused_does_not_stop_the_others(owned: Any, andon: Any) -> None:
    def refuse(_asked: Any) -> Any:
        raise Refused("tx2 is held: the hub itself knows what for. Nothing was changed. Write a note.")

    owned.on("POST", "transactions/tx2/assign", refuse)
    ran = andon("tx", "assign", "tx1", "tx2", "tx3", "--waiting-on", "finance", "-o", "json")
    assert ran.code == 5
    assert [bool(item["error"]) for item in json.loads(ran.out)["items"]] == [False, True, False]
    assert andon("tx", "assign", "tx2", "--waiting-on", "finance").code == 6
    assert andon("tx", "note", "gone", "hello").code == 7


def test_a_platform_that_is_gone_half_way_says_how_far_it_came(owned: Any, andon: Any) -> None:
    def end(_asked: Any) -> Any:
        raise Unavailable("The hub is ending.")

    owned.on("POST", "transactions/tx2/note", end)
    ran = andon("tx", "note", "tx1", "tx2", "tx3", "hello")
    assert ran.code != 0
    assert "1 were done before this" in ran.err
    assert owned.sent("POST") == ["transactions/tx1/note", "transactions/tx2/note"]


def test_stale_is_8(owned: Any, andon: Any) -> None:
    def stale(_asked: Any) -> Any:
        raise Stale("tx1 has changed. Nothing was changed. Look again.")

    owned.on("POST", "transactions/tx1/assign", stale)
    assert andon("tx", "assign", "tx1", "--to", "me").code == 8


def test_notes_are_cleaned_for_the_terminal_and_whole_for_machines(owned: Any, andon: Any) -> None:
    text = "red \x1b[31mlamp\x1b[0m\nlot 7"
    ran = andon("tx", "note", "tx1", "tx2", text)
    assert ran.code == 0
    assert "\x1b[31m" not in ran.out
    assert [item["text"] for item in json.loads(andon("tx", "note", "tx1", text, "-o", "json").out)["items"]] == [text]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("assign", "tx1"), "Nothing is to be changed"),
        (("assign", "--to", "me"), "neither was"),
        (("assign", "tx1", "--filter", "plant:P01", "--to", "me"), "both were"),
        (("assign", "--filter", " ", "--to", "me"), "The filter is empty"),
        (("note",), "The note is missing"),
        (("note", "hello"), "neither was"),
        (("note", "tx1", "  "), "The note is missing"),
        (("note", "01M7YK6BK9GCV0DNHKJQ88YW95", "01M7YK6BK9GCV0DNHKJQ88YW96"), "stands last"),
    ],
)
def test_what_the_line_lacks(platform: Any, andon: Any, line: tuple[str, ...], said: str) -> None:
    ran = andon("tx", *line)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not platform.sent("POST")


@pytest.mark.parametrize("line", [("assign", "tx1", "--to", "me"), ("note", "tx1", "hello")])
def test_read_only_changes_nothing(owned: Any, andon: Any, line: tuple[str, ...]) -> None:
    assert andon("--read-only", "tx", *line).code != 0
    assert not owned.sent("POST")


def test_ownership_shows_in_what_one_sees_of_a_transaction(platform: Any, andon: Any) -> None:
    platform.add("tx1", assignee="kim", ticket="INC-1", waiting_on="finance")
    shown = andon("tx", "show", "tx1").out
    for word in ("kim", "INC-1", "finance"):
        assert word in shown
