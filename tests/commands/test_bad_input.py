"""Everything a hand can get wrong: the exit code, three lines on stderr, nothing on stdout, and nothing sent."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Andon = Callable[..., Any]
ACT = ("--reason", "r", "--yes")

USAGE: list[tuple[tuple[str, ...], str]] = [
    (("nonsense",), "No such command 'nonsense'"),
    (("hub", "nonsense"), "No such command 'nonsense'"),
    (("transactions",), "Missing command"),
    (("hub", "simulate"), "Missing command"),
    (("tx", "show"), "Missing argument 'ID'"),
    (("tx", "show", "a", "b"), "unexpected extra argument"),
    (("tx", "list", "extra"), "unexpected extra argument"),
    (("tx", "list", "--limit", "0"), "not in the range 1<=x<=1000"),
    (("tx", "list", "--limit", "1001"), "not in the range 1<=x<=1000"),
    (("tx", "list", "--limit", "many"), "'many' is not a valid int"),
    (("tx", "list", "--limit"), "requires an argument"),
    (("tx", "list", "--all", "--cursor", "c"), "--all and --cursor cannot be together"),
    (("batches", "list", "--all", "--cursor", "c"), "--all and --cursor cannot be together"),
    (("audit", "list", "--all", "--cursor", "c"), "--all and --cursor cannot be together"),
    (("tx", "payload", "tx1", "--revision", "0"), "not in the range x>=1"),
    (("tx", "watch", "--count", "0"), "not in the range x>=1"),
    (("tx", "watch", "--status", "broken"), "'broken' is not one of"),
    (("tx", "replay"), "replay wants ids or --filter, and neither was given"),
    (("tx", "replay", "tx1", "--filter", "x:y", *ACT), "replay wants ids or --filter, and both were given"),
    (("tx", "discard", *ACT), "discard wants ids or --filter"),
    (("tx", "replay", "tx1", "--yes"), "replay wants a reason, and none was given"),
    (("tx", "replay", "tx1", "--yes", "--reason", ""), "replay wants a reason"),
    (("tx", "replay", "tx1", "--yes", "--reason", "  \t"), "replay wants a reason"),
    (("tx", "restore", "tx1", "--reason", "r"), "There is no terminal to ask for a confirmation"),
    (("tx", "replay", "tx1", *ACT, "--rate", "fast"), "--rate 'fast' is not a rate"),
    (("tx", "replay", "tx1", *ACT, "--rate", "0/s"), "--rate '0/s' is not a rate"),
    (("tx", "replay", "tx1", *ACT, "--rate", "-1/s"), "--rate '-1/s' is not a rate"),
    (("tx", "replay", "tx1", *ACT, "--rate", "nan/s"), "--rate 'nan/s' is not a rate"),
    (("tx", "replay", "tx1", *ACT, "--concurrency", "0"), "not in the range x>=1"),
    (("tx", "replay", "tx1", *ACT, "--canary", "-1"), "not in the range x>=0"),
    (("tx", "replay", "tx1", *ACT, "--stop-after-failures", "0"), "not in the range x>=1"),
    (("tx", "plan", "tx1", "--reason", "r", "--action", "explode"), "'explode' is not one of"),
    (("tx", "plan", "--show", "0123456789ab", "tx1"), "--show prints a stored plan"),
    (("tx", "replay", "--plan", "short", "--yes"), "neither a file nor the hash of a plan"),
    (("tx", "replay", "--plan", "", "--yes"), "neither a file nor the hash of a plan"),
    (("tx", "replay", "--plan", "0123456789ab"), "There is no terminal to ask for a confirmation"),
    (("tx", "replay", "--plan", "0123456789ab", "tx1", "--yes"), "--plan says what is acted on"),
    (("tx", "replay", "--plan", "0123456789ab", "--yes", "--rate", "3/s"), "--rate cannot be given with --plan"),
    (("tx", "replay", "--plan", "0123456789ab", "--yes", "--force-superseded"), "--force-superseded cannot be given"),
    (("tx", "replay", "--plan", "0123456789ab", "--yes", "--canary", "0"), "--canary cannot be given with --plan"),
    (("handover", "--plant", "P01", "--plant", "P02"), "--plant was given more than once, and takes one value"),
    (("handover", "--plant=P01", "--plant=P01"), "--plant was given more than once"),
    (("tx", "replay", "--filter", "plant:P01", "--filter", "plant:P02", *ACT), "--filter was given more than once"),
    (("tx", "replay", "tx1", *ACT, "--reason", "another"), "--reason was given more than once"),
    (("tx", "list", "--limit", "1", "--limit", "2"), "--limit was given more than once"),
    (("systems", "hold", *ACT), "No place was named"),
    (("systems", "hold", "ERP", "--target", "MES", *ACT), "name two systems"),
    (("systems", "hold", "ERP", "--yes"), "hold wants a reason"),
    (("systems", "release", "ERP", "--drain-rate", "fast", *ACT), "--drain-rate 'fast' is not a rate"),
    (("hub", "send", "no-such-file", "--flow", "f"), "no-such-file cannot be read: No such file or directory"),
    (("hub", "send", ".", "--flow", "f"), "cannot be read: Is a directory"),
    (("hub", "send", "x"), "Missing option '--flow'"),
    (("hub", "simulate", "on"), "Missing argument 'FAULT'"),
    (("hub", "simulate", "on", "target-down", "--for", "soon"), "--for 'soon' is not a duration"),
    (("hub", "simulate", "on", "target-down", "--probability", "1.1"), "not in the range 0<=x<=1"),
    (("hub", "seed"), "Missing option '--data'"),
    (("hub", "seed", "--data", "d", "--transactions", "-1"), "not in the range x>=0"),
    (("hub", "serve", "--port", "65536"), "not in the range 0<=x<=65535"),
    (("hub", "serve", "--speed", "-1"), "not in the range x>=0"),
    (("demo", "--duration", "soon"), "--duration 'soon' is not a duration"),
    (("demo", "--duration", "1s"), "too short for a story"),
    (("demo", "--speed", "0"), "not in the range"),
    (("completion", "tcsh"), "'tcsh' is not one of"),
    (("context", "add", "a"), "A context wants an address"),
    (("context", "add", "a b", "--url", "http://x"), "'a b' cannot name a context"),
    (("context", "add", "-", "--url", "http://x"), "'-' cannot name a context"),
    (("context", "add", "a", "--url", "ftp://x"), "it has to begin with http:// or https://"),
    (("context", "add", "a", "--url", "http://u:p@x"), "it has a user or a password in it"),
    (("context", "add", "a", "--url", "http://x", "--platform", "fax"), "'fax' is not a platform"),
    (("context", "add", "a", "--url", "http://x", "--colour", "sparkly"), "'sparkly' is no colour"),
    (("--output",), "requires an argument"),
    (("--url", "", "tx", "list"), "--url is not an address"),
    (("--url", "http://x", "--context", "y", "tx", "list"), "--url and --context were both given"),
    (("--no-such-option", "tx", "list"), "--no-such-option"),
]
NOT_FOUND: list[tuple[tuple[str, ...], str]] = [
    (("tx", "show", ""), "There is no transaction ''"),
    (("tx", "show", "count"), "There is no transaction 'count'"),
    (("tx", "show", "a/b"), "There is no transaction 'a/b'"),
    (("tx", "show", "tx1/timeline"), "There is no transaction 'tx1/timeline'"),
    (("tx", "timeline", "../whoami"), "There is no transaction '../whoami'"),
    (("tx", "payload", "..", "--raw"), "There is no transaction '..'"),
    (("batches", "show", "b1/items"), "There is no batch 'b1/items'"),
    (("batches", "cancel", "a b"), "There is no batch 'a b'"),
    (("tx", "plan", "--show", "a/run"), "There is no plan 'a/run'"),
    (("tx", "replay", "--plan", "nowhere.json", "--yes"), "There is no plan file nowhere.json"),
    (("tx", "replay", "--plan", "/", "--yes"), "There is no plan file /"),
    (("context", "use", "nope"), "There is no context 'nope'"),
    (("context", "remove", "nope"), "There is no context 'nope'"),
    (("context", "show", "nope"), "There is no context 'nope'"),
]


def named(value: object) -> str | None:
    return " ".join(value) if isinstance(value, tuple) else None


def told(err: str) -> list[str]:
    """The lines of a message, after its form was checked."""
    first, *rest = err.splitlines()
    assert first.startswith("andon: ")
    assert all(line.startswith("       ") for line in rest), err
    assert 2 <= len(rest) + 1 <= 4, err
    assert "Traceback" not in err
    return [first.removeprefix("andon: "), *(line.strip() for line in rest)]


@pytest.mark.parametrize(
    ("arguments", "says"), USAGE, ids=lambda value: None if isinstance(value, str) else " ".join(value)
)
def test_what_cannot_be_asked_exits_2(andon: Andon, stocked: Any, arguments: tuple[str, ...], says: str) -> None:
    ran = andon(*arguments)
    assert (ran.code, ran.out) == (2, ""), ran.err
    lines = told(ran.err)
    assert says in lines[0]
    assert len(lines) == 3, "what happened, what it means, what to do"
    assert stocked.asked == []


@pytest.mark.parametrize(
    ("arguments", "says"), NOT_FOUND, ids=lambda value: None if isinstance(value, str) else " ".join(value)
)
def test_what_cannot_exist_exits_7_and_asks_nobody(
    andon: Andon, stocked: Any, arguments: tuple[str, ...], says: str
) -> None:
    ran = andon(*arguments)
    assert (ran.code, ran.out) == (7, ""), ran.err
    assert says in told(ran.err)[0]
    assert stocked.asked == []


@pytest.mark.parametrize("option", ["--key", "--content-type"])
@pytest.mark.parametrize("value", ["ä→", "a\nb", "a\x1b[31m", "a\r\nX-More: b"])
def test_what_no_header_can_hold_is_refused(
    andon: Andon, stocked: Any, tmp_path: Path, option: str, value: str
) -> None:
    (tmp_path / "doc.json").write_text("{}")
    ran = andon("hub", "send", "doc.json", "--flow", "f", option, value)
    assert (ran.code, ran.out) == (6, "")
    assert "travels in a header" in ran.err
    assert "\x1b" not in ran.err
    told(ran.err)
    assert stocked.asked == []


@pytest.mark.parametrize("content", [b"", b" \n\t"])
def test_an_empty_document_is_refused_here(andon: Andon, stocked: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "doc.json").write_bytes(content)
    ran = andon("hub", "send", "doc.json", "--flow", "f")
    assert (ran.code, ran.out, stocked.asked) == (6, "", [])
    assert "doc.json is empty" in told(ran.err)[0]


@pytest.mark.parametrize("token", ["a b", "a\nb", "tök", "a\x00b", "a\x1bb"])
def test_a_token_that_is_none_is_never_shown(
    andon: Andon, stocked: Any, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    if "\x00" in token:
        monkeypatch.setattr("os.environ", {**os.environ, "ANDON_TOKEN": token})
    else:
        monkeypatch.setenv("ANDON_TOKEN", token)
    ran = andon("tx", "list")
    assert (ran.code, ran.out, stocked.asked) == (2, "", [])
    assert told(ran.err)[0].startswith("ANDON_TOKEN is not a token")
    assert token not in ran.err


@pytest.mark.parametrize("noun", ["flow", "plant"])
def test_watching_for_what_nothing_has_is_refused(andon: Andon, stocked: Any, noun: str) -> None:
    near = {"flow": ("goods-reciept", "Did you mean goods-receipt?"), "plant": ("P1", "Did you mean P01?")}[noun]
    ran = andon("tx", "watch", f"--{noun}", near[0], "--count", "1")
    assert (ran.code, ran.out) == (2, "")
    assert told(ran.err) == [f"There is no {noun} '{near[0]}'.", "Nothing would ever be told.", near[1]]
    ran = andon("tx", "watch", f"--{noun}", "qqqqqqq")
    assert "There are: " in told(ran.err)[-1]


def test_without_contexts_the_advice_is_to_add_one(andon: Andon, stocked: Any) -> None:
    assert told(andon("context", "use", "nope").err)[-1] == "There are none yet: andon context add NAME --url URL"
    assert andon("context", "add", "plant", "--url", stocked.url).code == 0
    assert told(andon("context", "use", "nope").err)[-1] == "Known are: plant."


@pytest.mark.parametrize(
    "words",
    [
        ("tx", "list", "--output", "json", "-o", "id"),
        ("hub", "serve", "--data", "/proc/none", "--port", "0", "--port", "0"),
        ("tx", "list", "--quiet", "-q", "--no-color", "--no-color"),
        ("policy", "plan", "nowhere", "--only", "api.a", "--only", "api.b"),
    ],
)
def test_what_adds_up_or_says_the_same_or_is_of_every_command_may_be_said_again(
    andon: Andon, stocked: Any, words: tuple[str, ...]
) -> None:
    assert "more than once" not in andon(*words).err
