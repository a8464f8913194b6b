"""What the commands make of a platform's answers, noun by noun."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands.hub import content_type_of
from transactions.errors import BadFilter, Unavailable, Unreadable
from transactions.model import KeyOrigin, Status

Andon = Callable[..., Any]


def test_a_page_and_all_pages(andon: Andon, platform: Any) -> None:
    for n in range(5):
        platform.add(f"tx{n}")
    first = andon("tx", "list", "--limit", "2", "-o", "json")
    assert [item["id"] for item in first.json["items"]] == ["tx0", "tx1"]
    assert first.err == ""  # the cursor is in the JSON
    for form in ("table", "jsonl", "csv", "id"):
        told = andon("tx", "list", "--limit", "2", "-o", form)
        assert told.err == f"More: --cursor {first.json['next_cursor']}, or --all\n"
    assert andon("tx", "list", "--limit", "2", "--cursor", "2", "-o", "id").out == "tx2\ntx3\n"
    every = andon("tx", "list", "--all", "--limit", "2", "-o", "json")
    assert ([item["id"] for item in every.json["items"]], every.json["next_cursor"]) == (
        [f"tx{n}" for n in range(5)],
        None,
    )
    assert "--cursor" not in andon("tx", "list", "--limit", "2", "-q").err


def test_nothing_found_is_an_empty_list_and_exit_0(andon: Andon, platform: Any) -> None:
    assert andon("tx", "list", "-o", "json").json == {"items": [], "next_cursor": None}
    assert andon("tx", "list", "-o", "jsonl").out == ""
    assert andon("tx", "list", "--filter", "plant:P9").out == "No transactions match.\n"


def test_a_bad_filter_exits_2_and_points(andon: Andon, platform: Any) -> None:
    def refuse(_asked: Any) -> None:
        raise BadFilter("There is no field 'flwo'.", column=1, suggestions=["flow"])

    platform.on("GET", "transactions", refuse)
    ran = andon("tx", "list", "--filter", "flwo:x", "-o", "json")
    assert (ran.code, ran.out) == (2, "")
    assert "         flwo:x\n         ^\n       Did you mean: flow\n" in ran.err


def test_a_transaction_is_told_in_sentences_then_facts(andon: Andon, platform: Any) -> None:
    platform.add("tx1", key_origin=KeyOrigin.GENERATED)
    out = andon("tx", "show", "tx1").out
    places = [
        out.index(text) for text in ("■ failed", "ERP says", "M3351", "means", "helps", "never", "idempotency key")
    ]
    assert places == sorted(places)
    assert "gave no key" in out


@pytest.mark.parametrize("status", list(Status))
def test_every_status_can_be_told(andon: Andon, platform: Any, status: Status) -> None:
    platform.add("tx1", status=status)
    ran = andon("tx", "show", "tx1")
    assert ran.code == 0
    assert f" {status}" in ran.out.splitlines()[0]


def test_an_unknown_id_exits_7(andon: Andon, platform: Any) -> None:
    ran = andon("tx", "show", "nope", "-o", "json")
    assert (ran.code, ran.out) == (7, "")


def test_a_raw_payload_is_byte_for_byte(andon: Andon, platform: Any) -> None:
    content = bytes(range(256)) + b"\r\n\x1b[31m"
    platform.on("GET", "transactions/tx1/payload", content)
    assert andon("tx", "payload", "tx1", "--raw", "-o", "json").raw == content
    assert platform.asked[-1].headers["Accept"] == "application/octet-stream"


def test_a_document_is_sent_with_what_it_is_and_its_key(andon: Andon, platform: Any, tmp_path: Path) -> None:
    path = tmp_path / "order.xml"
    path.write_bytes(b"\xef\xbb\xbf<a/>")
    platform.on("POST", "ingress", {"items": [platform.add("tx1")]})
    ran = andon("hub", "send", str(path), "--flow", "master-data", "--plant", "P01", "--key", "k", "-o", "json")
    assert [item["id"] for item in ran.json["items"]] == ["tx1"]
    asked = platform.asked[-1]
    assert (asked.body, asked.params) == (b"\xef\xbb\xbf<a/>", {"flow": "master-data", "plant": "P01"})
    assert (asked.headers["Content-Type"], asked.headers["Idempotency-Key"]) == ("application/xml", "k")


def test_a_document_may_come_from_stdin(platform: Any) -> None:
    platform.on("POST", "ingress", {"items": []})
    ran = subprocess.run(
        [sys.executable, "-m", "commands", "hub", "send", "-", "--flow", "f"],
        input=b' {"a": 1}',
        capture_output=True,
        env=os.environ,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert (platform.asked[-1].body, platform.asked[-1].headers["Content-Type"]) == (b' {"a": 1}', "application/json")


def test_a_refused_document_exits_6_and_a_missing_one_2(andon: Andon, platform: Any, tmp_path: Path) -> None:
    def refuse(_asked: Any) -> None:
        raise Unreadable("The document is not JSON. Nothing was taken in. Mend it.")

    platform.on("POST", "ingress", refuse)
    (tmp_path / "a.json").write_text("{")
    assert andon("hub", "send", str(tmp_path / "a.json"), "--flow", "f").code == 6
    ran = andon("hub", "send", str(tmp_path / "none.json"), "--flow", "f")
    assert ran.code == 2
    assert "No such file" in ran.err


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.JSON", b"", "application/json"),
        ("a.xml", b"{", "application/xml"),
        ("-", b"\n <a/>", "application/xml"),
        ("a.dat", b"[1]", "application/json"),
        ("a.dat", b"ISA*00", "application/octet-stream"),
        ("-", b"", "application/octet-stream"),
    ],
)
def test_a_document_is_told_by_its_name_then_by_how_it_begins(name: str, content: bytes, kind: str) -> None:
    assert content_type_of(name, content) == kind


def books(**figures: int) -> dict[str, Any]:
    names = ("missing", "double", "mismatched", "in_flight", "unresolved", "written_off")
    counts = {name: figures.get(name, 0) for name in names}
    agree = not any(counts[name] for name in ("missing", "double", "mismatched", "unresolved"))
    line = {"flow": "goods-receipt", "target": "ERP", "owed": 2, "agreed": 1, **counts}
    return {"agree": agree, **counts, "flows": [line]}


@pytest.mark.parametrize(
    ("figures", "code"), [({}, 0), ({"in_flight": 1}, 0), ({"missing": 1}, 10), ({"double": 1}, 10)]
)
def test_books_that_do_not_agree_exit_10(andon: Andon, platform: Any, figures: dict[str, int], code: int) -> None:
    platform.on("GET", "simulator/books", books(**figures))
    ran = andon("hub", "books", "-o", "json")
    assert (ran.code, ran.json) == (code, books(**figures))
    assert ("do not agree" in andon("hub", "books").out) == (code == 10)


def test_a_fault_is_switched_with_its_options(andon: Andon, platform: Any) -> None:
    import msgspec

    fault = {"name": "locked", "description": "d", "heals": "target", "active": [{"system": "ERP", "probability": 0.5}]}
    platform.on("PUT", "simulator/faults", {"items": [fault]})
    where = ["--system", "ERP", "--plant", "P01", "--flow", "f"]
    ran = andon("hub", "simulate", "on", "locked", *where, "--for", "1m30s", "--probability", "0.5")
    assert msgspec.json.decode(platform.asked[-1].body) == {
        "on": True,
        "name": "locked",
        "system": "ERP",
        "plant": "P01",
        "flow": "f",
        "probability": 0.5,
        "for_seconds": 90.0,
    }
    assert "ERP 50%" in ran.out
    andon("hub", "simulate", "off")
    sent = msgspec.json.decode(platform.asked[-1].body)
    assert (sent["on"], sent["name"], sent["system"]) == (False, None, None)
    assert andon("hub", "simulate", "on", "locked", "--for", "soon").code == 2


def test_a_drain_that_does_not_come_to_an_end_exits_1(andon: Andon, platform: Any) -> None:
    def busy(_asked: Any) -> None:
        raise Unavailable("3 are still under way.")

    platform.on("POST", "simulator/drain", busy)
    ran = andon("hub", "simulate", "drain", "-o", "json")
    assert (ran.code, ran.out) == (1, "")
    assert "3 are still under way" in ran.err


def test_changes_are_watched_as_they_come(andon: Andon, platform: Any) -> None:
    import msgspec

    def event(seq: int, flow: str, status: str) -> bytes:
        data = {"id": f"tx{seq}", "flow": flow, "plant": "P01", "target": "ERP", "status": status, "before": "pending"}
        whole = {"seq": seq, "at": "2026-01-02T03:04:05Z", "type": "transaction", "id": f"tx{seq}", "data": data}
        return b"data: " + msgspec.json.encode(whole) + b"\n\n"

    stream = event(1, "a", "failed") + event(2, "b", "failed") + event(3, "a", "held") + event(4, "a", "failed")
    platform.on("GET", "events", stream)
    platform.on("GET", "flows", platform.page(platform.flow("a")))
    ran = andon("tx", "watch", "--flow", "a", "--status", "failed", "--count", "2", "-o", "jsonl")
    assert ran.code == 0
    assert [msgspec.json.decode(line)["id"] for line in ran.raw.splitlines()] == ["tx1", "tx4"]
    out = andon("tx", "watch", "--count", "1").out
    assert "tx1" in out
    assert "pending → ■ failed" in out
    assert "● live" not in out


def test_a_gap_in_what_is_watched_is_said(andon: Andon, platform: Any) -> None:
    import msgspec

    gap = {"seq": 7, "at": "2026-01-02T03:04:05Z", "type": "reset", "id": "", "data": {}}
    data = {"id": "tx9", "flow": "a", "plant": "P01", "target": "ERP", "status": "failed", "before": "pending"}
    change = {"seq": 9, "at": "2026-01-02T03:04:05Z", "type": "transaction", "id": "tx9", "data": data}
    platform.on("GET", "events", b"".join(b"data: " + msgspec.json.encode(each) + b"\n\n" for each in (gap, change)))
    ran = andon("tx", "watch", "--count", "1", "-o", "jsonl")
    assert [msgspec.json.decode(line)["type"] for line in ran.raw.splitlines()] == ["reset", "transaction"]
    for form in ("table", "id"):
        ran = andon("tx", "watch", "--count", "1", "-o", form)
        assert len(ran.out.splitlines()) == 1
        assert "no longer has the changes before 7" in ran.err


def test_contexts_come_and_go(andon: Andon, platform: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ANDON_URL")
    assert andon("context", "add", "one", "--url", "http://127.0.0.1:1/").code == 0
    second = andon("context", "add", "two", "--url", platform.url, "--production", "--read-only")
    assert second.code == 0
    assert "one is current still; to work on this one: andon context use two" in second.err
    shown = andon("context", "list", "-o", "json").json["items"]
    assert [(each["name"], each["current"], each["production"], each["read_only"]) for each in shown] == [
        ("one", True, False, False),
        ("two", False, True, True),
    ]
    assert andon("context", "use", "two").code == 0
    used = andon("context", "show", "-o", "json").json
    assert (used["name"], used["url"], used["chosen_by"], used["token"]) == (
        "two",
        platform.url,
        "the current context",
        True,
    )
    assert "token" in used["token_from"].lower()
    assert andon("tx", "list", "-o", "json").code == 0
    assert andon("tx", "replay", "x", "--reason", "r", "--yes").code == 6
    (tmp_path / ".andon.toml").write_text('context = "one"\n')
    assert andon("tx", "list").code == 3
    assert andon("context", "remove", "two").code == 0
    assert andon("context", "show", "two").code == 7
    assert andon("context", "use", "two").code == 7


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("add", "x"), 2),
        (("add", "a/b", "--url", "http://x"), 2),
        (("add", "x", "--url", "x"), 2),
        (("add", "x", "--url", "http://x", "--platform", "kong"), 2),
        (("remove", "x"), 7),
    ],
)
def test_a_context_that_cannot_be_is_told(andon: Andon, platform: Any, arguments: tuple[str, ...], code: int) -> None:
    assert andon("context", *arguments).code == code
    assert andon("context", "list", "-o", "id").out == ""


def test_a_context_is_not_written_over_by_accident(andon: Andon, platform: Any) -> None:
    andon("context", "add", "x", "--url", "http://127.0.0.1:1")
    assert andon("context", "add", "x", "--url", "http://127.0.0.1:2").code == 6
    assert andon("context", "add", "x", "--url", "http://127.0.0.1:2", "--replace").code == 0
    assert andon("context", "show", "x", "-o", "json").json["url"] == "http://127.0.0.1:2"


def test_no_output_ever_has_the_token(andon: Andon, platform: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_TOKEN", "very-secret-token")
    platform.add("tx1")
    for arguments in (("context", "show", "-o", "json"), ("-v", "tx", "list"), ("doctor",), ("whoami", "-v")):
        ran = andon(*arguments)
        assert "very-secret" not in ran.out + ran.err


def test_the_doctor_says_what_to_do_and_exits_1_where_something_fails(andon: Andon, platform: Any) -> None:
    ran = andon("doctor", "-o", "json", "--url", "http://127.0.0.1:1")
    found = {each["name"]: each for each in ran.json["items"]}
    assert ran.code == 1
    assert found["platform"]["grade"] == "fail"
    assert "andon hub serve" in found["platform"]["advice"]
    assert found["python"]["grade"] == "ok"
    assert all(each["advice"] for each in found.values() if each["grade"] != "ok")


def test_the_doctor_tells_a_refused_token_from_a_platform_that_is_not_there(andon: Andon, platform: Any) -> None:
    from transactions.errors import Unauthenticated

    def refuse(_asked: Any) -> None:
        raise Unauthenticated("No.")

    platform.on("GET", "status", refuse)
    found = {each["name"]: each["grade"] for each in andon("doctor", "-o", "json").json["items"]}
    assert (found["platform"], found["token"]) == ("ok", "fail")


def test_the_doctor_finds_a_broken_file_of_contexts(
    andon: Andon, platform: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ANDON_URL")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "contexts.toml").write_text("broken")
    ran = andon("doctor", "-o", "json")
    assert ran.code == 1
    assert {each["name"]: each["grade"] for each in ran.json["items"]}["context"] == "fail"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_every_shell_gets_a_script(andon: Andon, platform: Any, shell: str) -> None:
    ran = andon("completion", shell)
    assert ran.code == 0
    assert "_ANDON_COMPLETE" in ran.out


def test_the_shell_is_taken_from_the_environment(andon: Andon, platform: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert "compdef" in andon("completion").out
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert andon("completion").code == 2


def completed(*words: str) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-m", "commands"],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "_ANDON_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(["andon", *words]),
            "COMP_CWORD": str(len(words)),
        },
        check=False,
    )
    return ran.stdout.split()


def test_words_names_and_fields_are_completed(andon: Andon, platform: Any) -> None:
    andon("context", "add", "plant-one", "--url", platform.url)
    assert {"transactions", "tx"} <= set(completed("t"))
    assert completed("tx", "rep") == ["replay"]
    assert completed("tx", "list", "--context", "pl") == ["plant-one"]
    assert "plant:" in completed("tx", "list", "--filter", "pla")


def test_a_completion_never_complains(platform: Any) -> None:
    # The platform of this test has no flows to tell.
    assert completed("hub", "send", "--flow", "m") == []
