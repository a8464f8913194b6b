"""Which platform a command works on and with whose token, as the command line tells it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Andon = Callable[..., Any]
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def contexts(andon: Andon, stocked: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two contexts: ``near`` is the platform of the test and current, ``far`` is nowhere."""
    assert andon("context", "add", "near", "--url", stocked.url).code == 0
    assert andon("context", "add", "far", "--url", NOWHERE, "--read-only").code == 0
    monkeypatch.delenv("ANDON_URL")
    return stocked


def chosen(andon: Andon, *arguments: str) -> tuple[str, str]:
    shown = andon("context", "show", "-o", "json", *arguments)
    assert shown.code == 0, shown.err
    return shown.json["name"], shown.json["chosen_by"]


def test_the_current_context_is_the_last_choice_before_none(andon: Andon, contexts: Any) -> None:
    name, by = chosen(andon)
    assert name == "near"
    assert "context" in by
    assert andon("tx", "list", "-o", "id").out.split() == ["tx1", "tx2"]


def test_each_choice_goes_before_the_next(
    andon: Andon, contexts: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".andon.toml").write_text('context = "far"\n')
    assert chosen(andon) == ("far", str(tmp_path / ".andon.toml"))
    monkeypatch.setenv("ANDON_CONTEXT", "near")
    assert chosen(andon) == ("near", "ANDON_CONTEXT")
    monkeypatch.setenv("ANDON_URL", "http://127.0.0.1:2")
    assert chosen(andon) == ("127.0.0.1:2", "ANDON_URL")
    assert chosen(andon, "--context", "far") == ("far", "--context")
    assert chosen(andon, "--url", "http://127.0.0.1:3") == ("127.0.0.1:3", "--url")


def test_without_any_it_is_the_hub_of_this_machine(andon: Andon, stocked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANDON_URL")
    shown = andon("context", "show", "-o", "json").json
    assert (shown["url"], shown["chosen_by"]) == ("http://127.0.0.1:8470", "the default")


def test_a_projects_file_is_found_from_below_it(
    andon: Andon, contexts: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".andon.toml").write_text('context = "far"\n')
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert chosen(andon)[0] == "far"


@pytest.mark.parametrize(
    "text", ['url = "http://evil.example.com"\n', 'context = "near"\ntoken = "x"\n', "context = 3\n", "= broken", ""]
)
def test_a_projects_file_can_do_nothing_but_name_one(andon: Andon, contexts: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / ".andon.toml").write_text(text)
    ran = andon("tx", "list")
    assert (ran.code, ran.out, contexts.asked) == (2, "", [])
    assert ".andon.toml" in ran.err
    assert len(ran.err.splitlines()) <= 4


def test_a_token_of_one_address_is_not_sent_to_the_one_a_project_names(
    andon: Andon, contexts: Any, tmp_path: Path
) -> None:
    assert andon("context", "use", "far").code == 0
    (tmp_path / ".andon.toml").write_text('context = "near"\n')
    andon("tx", "list")
    assert [each.headers.get("Authorization") for each in contexts.asked] == [None]


def test_a_named_context_gets_the_token(andon: Andon, contexts: Any) -> None:
    andon("tx", "list", "--context", "near")
    assert [each.headers["Authorization"] for each in contexts.asked] == ["Bearer token"]


def test_a_refused_token_says_where_it_came_from(andon: Andon, stocked: Any) -> None:
    from transactions.errors import Unauthenticated

    def refuse(_asked: object) -> None:
        raise Unauthenticated("The access token is not valid here. Read it anew.")

    stocked.on("GET", "transactions", refuse)
    ran = andon("tx", "list")
    assert ran.code == 4
    first, second, third = ran.err.splitlines()
    assert first == "andon: The access token is not valid here."
    assert second.strip() == "The token: it came from ANDON_TOKEN."
    assert third.strip() == "Sign in with 'andon login', or set ANDON_TOKEN to a token of this platform."


def test_without_a_token_it_says_why_there_is_none(
    andon: Andon, stocked: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from transactions.errors import Unauthenticated

    def refuse(_asked: object) -> None:
        raise Unauthenticated("The request has no access token. Send one.")

    stocked.on("GET", "transactions", refuse)
    monkeypatch.delenv("ANDON_TOKEN")
    ran = andon("tx", "list")
    assert ran.code == 4
    told = "ANDON_TOKEN is not set, nobody has signed in with 'andon login'"
    assert f"{told}, and there is no {tmp_path / 'data' / 'bootstrap.token'}" in ran.err


def test_the_token_is_read_from_the_hubs_own_folder(
    andon: Andon, stocked: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ANDON_TOKEN")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bootstrap.token").write_text("local\n")
    assert andon("tx", "list").code == 0
    assert stocked.asked[-1].headers["Authorization"] == "Bearer local"


def test_a_read_only_context_refuses_to_act_and_lets_look(andon: Andon, contexts: Any) -> None:
    assert andon("context", "add", "looked", "--url", contexts.url, "--read-only").code == 0
    assert andon("--context", "looked", "tx", "list").code == 0
    ran = andon("--context", "looked", "tx", "replay", "tx1", "--reason", "r", "--yes")
    assert (ran.code, ran.out) == (6, "")
    assert {each.method for each in contexts.asked} == {"GET"}


def test_contexts_are_listed_with_a_mark_and_their_warnings(andon: Andon, contexts: Any) -> None:
    listed = andon("context", "list").out.splitlines()
    assert listed[1].split()[:2] == ["far", "hub"]
    assert listed[1].endswith("read-only")
    assert listed[2].startswith("●")
    assert andon("context", "use", "far").err == f"far is current: {NOWHERE}\n"
    assert [each["name"] for each in andon("context", "list", "-o", "json").json["items"] if each["current"]] == ["far"]


def test_removing_the_current_one_says_that_none_is(andon: Andon, contexts: Any) -> None:
    assert "No context is current now." in andon("context", "remove", "near").err
    assert andon("context", "list", "-o", "id").out == "far\n"
    assert andon("context", "show", "-o", "json").json["chosen_by"] == "the default"


@pytest.mark.parametrize("name", ["a" * 65, "ä", "a/b", "../a", "", ".", "a b", "-a"])
def test_names_that_no_shell_likes_are_refused(andon: Andon, stocked: Any, name: str) -> None:
    ran = andon("context", "add", "--url", "http://x", "--", name)
    assert (ran.code, ran.out) == (2, "")
    assert andon("context", "list", "-o", "id").out == ""


def test_a_verbose_run_says_who_is_asked_in_its_order(andon: Andon, contexts: Any) -> None:
    ran = andon("-v", "batches", "show", "b1", "--items", "-o", "id")
    lines = ran.err.splitlines()
    assert "near:" in lines[0]
    assert lines[1].strip().startswith("GET batches/b1/items")
    assert "Bearer" not in ran.err
    assert "token: ANDON_TOKEN" in lines[0]


@pytest.mark.parametrize(
    ("environ", "grades"),
    [
        ({}, {"context": "ok", "platform": "ok", "token": "ok", "versions": "warn"}),
        ({"ANDON_URL": NOWHERE}, {"context": "ok", "platform": "fail"}),
        ({"ANDON_URL": "nonsense"}, {"context": "fail"}),
        ({"ANDON_TOKEN": "a b"}, {"context": "fail"}),
        ({"ANDON_URL": "", "ANDON_CONTEXT": "nope"}, {"context": "fail"}),
    ],
)
def test_the_doctor_stops_at_what_the_rest_needs(
    andon: Andon, stocked: Any, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], grades: dict[str, str]
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    ran = andon("doctor", "-o", "json")
    found = {each["name"]: each["grade"] for each in ran.json["items"]}
    assert {name: found.get(name) for name in grades} == grades
    assert ran.code == int("fail" in found.values())
    assert list(found)[-1] == list(grades)[-1], "what builds on a failure is not looked at"
    for check in ran.json["items"]:
        assert (check["advice"] is None) == (check["grade"] == "ok"), check


def test_a_token_in_clear_text_is_not_for_quiet_to_silence(
    andon: Andon, stocked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "WARNING" not in andon("whoami").err
    monkeypatch.setenv("ANDON_URL", "http://no-such-host.invalid:8470")
    asked = andon("whoami", "--quiet")
    assert asked.code == 3
    assert "WARNING: http://no-such-host.invalid:8470 is plain HTTP" in asked.err


@pytest.mark.parametrize(
    ("url", "warned"),
    [("http://hub.example:8470", True), ("https://hub.example", False), ("http://127.0.0.1:8470", False)],
)
def test_a_context_in_clear_text_elsewhere_is_warned_of(
    andon: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, warned: bool
) -> None:
    monkeypatch.setenv("ANDON_CONFIG_DIR", str(tmp_path / "config"))
    ran = andon("--quiet", "context", "add", "plant", "--url", url)
    assert ran.code == 0
    assert (f"WARNING: {url} is plain HTTP" in ran.err) is warned
