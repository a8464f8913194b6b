"""Questions to a real hub, asked in this process: what only the platform itself can answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Andon = Callable[..., Any]


@pytest.fixture(autouse=True)
def at_the_hub(hub: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {**hub.env, "ANDON_CONFIG_DIR": str(tmp_path / "config")}.items():
        monkeypatch.setenv(name, value)
    for name in ("ANDON_OUTPUT", "ANDON_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def send(andon: Andon, tmp_path: Path, key: str) -> list[str]:
    """Send a document of this test's own; gives the ids of its transactions."""
    (tmp_path / "doc.json").write_text(json.dumps({"Order": key}))
    ran = andon(
        "hub", "send", "doc.json", "--flow", "material-consumption", "--plant", "P01", "--key", key, "-o", "json"
    )
    assert ran.code == 0, ran.err
    return [item["id"] for item in ran.json["items"]]


@pytest.mark.parametrize(
    "line",
    [
        "tx list", "tx list --all", "batches list", "systems list", "systems list --holds", "audit list", "hub status",
        "hub books", "hub simulate list", "whoami", "doctor", "context show",
    ],
)  # fmt: skip
def test_every_question_is_answered(andon: Andon, line: str) -> None:
    for form in ("table", "json", "csv"):
        ran = andon(*line.split(), "-o", form)
        assert ran.code in ((0, 10) if line == "hub books" else (0,)), ran.err
        assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("plnt:P01", 1),
        ("plant:P01 nothing:1", 11),
        ("(plant:P01", 11),
        ("plant:", 7),
        ("status:failed or", 17),
        ("status:bogus", 8),
        ("日本語 plnt:x", 5),
        ("ab", 1),
    ],
)
def test_a_bad_filter_is_pointed_at_under_the_character_that_is_meant(andon: Andon, text: str, column: int) -> None:
    ran = andon("tx", "list", "--filter", text, "-o", "json")
    assert (ran.code, ran.out) == (2, "")
    first, given, pointer, *rest = ran.err.splitlines()
    assert f"at column {column}" in first
    assert given.strip() == text
    wide = sum(char in "日本語" for char in text[: column - 1])
    assert pointer.index("^") == 9 + column - 1 + wide
    assert rest, "what to do"
    assert andon("tx", "replay", "--filter", text, "--reason", "r", "--yes").err.splitlines()[2] == pointer


def test_a_long_filter_is_shown_around_the_place(andon: Andon) -> None:
    text = " ".join(["plant:P01"] * 60) + " plnt:x " + " ".join(["plant:P02"] * 60)
    ran = andon("tx", "list", "--filter", text)
    _, given, pointer, *_ = ran.err.splitlines()
    assert len(given) <= 90
    assert given[pointer.index("^") :].startswith("plnt:x")


def test_a_filter_over_several_lines_is_pointed_at_on_one(andon: Andon) -> None:
    _, given, pointer, *_ = andon("tx", "list", "--filter", "plant:P01\nplnt:x").err.splitlines()
    assert given.strip() == "plant:P01 plnt:x"
    assert given[pointer.index("^") :] == "plnt:x"


@pytest.mark.parametrize("sort", ["nonsense", "-nonsense", "failed_at,id", "--", " "])
def test_a_sort_that_is_none_is_a_usage_error_that_names_all(andon: Andon, sort: str) -> None:
    ran = andon("tx", "list", f"--sort={sort}")
    assert (ran.code, ran.out) == (2, "")
    assert "created_at, failed_at, due_at" in ran.err


def test_pages_and_all_are_the_same_ids_in_the_same_order(andon: Andon, tmp_path: Path) -> None:
    for n in range(3):
        send(andon, tmp_path, f"paging-{n}")
    scope = ("tx", "list", "--sort", "id")
    whole = andon(*scope, "--all", "--limit", "2", "-o", "id").out.split()
    assert len(whole) >= 6
    assert len(set(whole)) == len(whole)
    pages: list[str] = []
    cursor: list[str] = []
    while True:
        page = andon(*scope, "--limit", "2", *cursor, "-o", "json").json
        pages += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None or len(pages) >= len(whole):
            break
        cursor = ["--cursor", page["next_cursor"]]
    assert pages[: len(whole)] == whole


def test_a_cursor_of_another_list_is_refused(andon: Andon, tmp_path: Path) -> None:
    for n in range(2):
        send(andon, tmp_path, f"cursor-{n}")
    cursor = andon("tx", "list", "--limit", "1", "--sort", "id", "-o", "json").json["next_cursor"]
    for line in (("tx", "list", "--sort", "flow"), ("audit", "list"), ("batches", "list")):
        ran = andon(*line, "--cursor", cursor)
        assert (ran.code, ran.out) == (2, ""), line


def test_what_was_sent_can_be_read_back_in_every_way(andon: Andon, tmp_path: Path) -> None:
    first, *_ = send(andon, tmp_path, "read-back")
    shown = andon("tx", "show", first, "-o", "json").json
    assert (shown["id"], shown["flow"]) == (first, "material-consumption")
    assert andon("tx", "payload", first, "--raw").raw == (tmp_path / "doc.json").read_bytes()
    assert andon("tx", "timeline", first, "-o", "json").json["items"][0]["status"] == "pending"
    assert andon("tx", "list", "--filter", f"id:{first}", "-o", "id").out.split() == [first]
    assert first in andon("tx", "show", first).out
    assert andon("tx", "payload", first, "--revision", "99").code == 7


def test_one_key_sent_twice_is_one_transaction(andon: Andon, tmp_path: Path) -> None:
    assert send(andon, tmp_path, "twice") == send(andon, tmp_path, "twice")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("tx show 01ARZ3NDEKTSV4RRFFQ69G5FAV", 7),
        ("tx payload 01ARZ3NDEKTSV4RRFFQ69G5FAV --raw", 7),
        ("batches show 01ARZ3NDEKTSV4RRFFQ69G5FAV --items", 7),
        ("batches watch 01ARZ3NDEKTSV4RRFFQ69G5FAV", 7),
        ("tx plan --show 0123456789abcdef", 7),
        ("tx replay 01ARZ3NDEKTSV4RRFFQ69G5FAV --reason r --yes", 7),
        ("tx replay --plan 0123456789abcdef --yes", 7),
        ("tx list --cursor nonsense", 2),
        ("systems hold NOPE --reason r --yes", 6),
        ("systems release NOPE --reason r --yes", 6),
        ("systems hold --plant NOPE --reason r --yes", 6),
        ("hub simulate on nonsense", 6),
        ("hub simulate on target-down --system NOPE", 6),
        ("hub simulate off nonsense", 6),
        ("tx watch --flow nonsense --count 1", 2),
    ],
)
def test_what_is_not_there_is_told_in_two_to_four_lines(andon: Andon, line: str, code: int) -> None:
    ran = andon(*line.split())
    assert ran.code in (code, 7) if "release" in line else ran.code == code, ran.err
    assert ran.out == ""
    assert 2 <= len(ran.err.splitlines()) <= 4
    assert ran.err.startswith("andon: ")


def test_an_empty_selection_is_done(andon: Andon) -> None:
    for action in ("replay", "discard", "restore"):
        ran = andon("tx", action, "--filter", "order:no-such-order", "--reason", "r", "--yes", "-o", "json")
        assert (ran.code, ran.json["total"], ran.json["batch"]) == (0, 0, None)


def test_what_cannot_be_acted_on_is_refused_with_its_reason(andon: Andon, tmp_path: Path, eventually: Any) -> None:
    first, *_ = send(andon, tmp_path, "refused")
    eventually(
        "it is processed or failed",
        lambda: andon("tx", "show", first, "-o", "json").json["status"] in ("processed", "failed"),
    )
    ran = andon("tx", "restore", first, "--reason", "r", "--yes", "-o", "json")
    assert ran.code == 6
    assert ran.json["not_processed"][0]["reason"]
    assert "Nothing was restored" in ran.err


@pytest.mark.parametrize("token", ["wrong", "Bearer-x", "0" * 5000])
def test_a_wrong_token_exits_4_for_every_question(andon: Andon, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("ANDON_TOKEN", token)
    for line in ("tx list", "hub status", "whoami", "tx watch --count 1", "systems list"):
        ran = andon(*line.split(), "-o", "json")
        assert (ran.code, ran.out) == (4, ""), (line, ran.err)
        assert token not in ran.err
    assert andon("doctor").code == 1


def test_the_running_hub_cannot_be_seeded_under_its_feet(andon: Andon, hub: Any) -> None:
    ran = andon("hub", "seed", "--data", str(hub.data), "--transactions", "1")
    assert (ran.code, ran.out) == (1, "")
    assert "Another hub is serving" in ran.err


def test_a_new_folder_is_seeded_once(andon: Andon, tmp_path: Path) -> None:
    line = ("hub", "seed", "--data", str(tmp_path / "new"), "--transactions", "3", "--seed", "5", "-o", "json")
    ran = andon(*line)
    assert ran.code == 0, ran.err
    assert ran.json == {"data": str(tmp_path / "new"), "transactions": 3, "seed": 5}
    again = andon(*line)
    assert (again.code, again.out) == (6, "")
    assert "3 transactions already" in again.err
