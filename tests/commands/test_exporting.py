"""``andon tx export``: a file that is whole or not there, stdout as it comes, and lines that cannot be refused."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Andon = Callable[..., Any]
ROWS = b'{"id":"tx1"}\n{"id":"tx2"}\n'


@pytest.fixture(autouse=True)
def exporting(platform: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    platform.on("GET", "export", ROWS)
    monkeypatch.chdir(tmp_path)


def test_to_stdout_goes_what_comes_and_nothing_else(andon: Andon, platform: Any) -> None:
    ran = andon("tx", "export")
    assert (ran.code, ran.raw, ran.err) == (0, ROWS, "")
    assert platform.asked[-1].params == {"format": "jsonl"}
    assert platform.asked[-1].headers["Accept"] == "application/x-ndjson"


def test_what_is_asked_is_what_was_said(andon: Andon, platform: Any) -> None:
    line = "--filter status:failed --columns id,order --sort -failed_at --format csv --raw"
    assert andon("tx", "export", *line.split()).code == 0
    assert platform.asked[-1].params == {
        "filter": "status:failed",
        "columns": "id,order",
        "sort": "-failed_at",
        "format": "csv",
        "raw": "true",
    }


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ((), "jsonl"),
        (("-o", "csv"), "csv"),
        (("-o", "json"), "jsonl"),
        (("--out", "rows.csv"), "csv"),
        (("--out", "rows.CSV"), "csv"),
        (("--out", "rows.jsonl"), "jsonl"),
        (("--out", "rows.txt"), "jsonl"),
        (("--out", "rows.csv", "--format", "jsonl"), "jsonl"),
        (("--out", "rows.csv", "-o", "json"), "csv"),
    ],
)
def test_the_form_goes_by_what_was_said_then_by_the_name(
    andon: Andon, platform: Any, line: tuple[str, ...], form: str
) -> None:
    assert andon("tx", "export", *line).code == 0
    assert platform.asked[-1].params["format"] == form


def test_a_file_is_written_and_said(andon: Andon) -> None:
    ran = andon("tx", "export", "--out", "rows.jsonl", "-o", "json")
    assert ran.code == 0
    assert Path("rows.jsonl").read_bytes() == ROWS
    assert ran.json == {"file": "rows.jsonl", "format": "jsonl", "size": len(ROWS)}
    assert "✓ rows.jsonl: 26 bytes of jsonl" in andon("tx", "export", "--out", "rows.jsonl").out


def test_raw_json_lines_are_no_question(andon: Andon, platform: Any) -> None:
    ran = andon("tx", "export", "--raw")
    assert ran.code == 2
    assert "add --format csv" in ran.err
    assert platform.asked == []


def test_a_folder_that_is_not_there_is_refused_before_anything_is_asked(andon: Andon, platform: Any) -> None:
    ran = andon("tx", "export", "--out", "nowhere/rows.csv")
    assert ran.code == 2
    assert "Nothing was written" in ran.err
    assert platform.asked == []


@pytest.fixture
def breaking_off() -> Iterator[str]:
    """A platform that says there is more, and hangs up."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%b\r\n" % (len(ROWS), ROWS)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:  # the test is over
                    return
                with peer:
                    peer.recv(65_536)
                    peer.sendall(head + chunk)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_an_export_that_breaks_off_leaves_no_file_and_the_old_one_alone(andon: Andon, breaking_off: str) -> None:
    Path("rows.jsonl").write_bytes(b"old")
    ran = andon("tx", "export", "--out", "rows.jsonl", "--url", breaking_off)
    assert (ran.code, ran.out) == (3, "")
    assert "broke off after 26 bytes" in ran.err
    assert "no file was written" in ran.err
    assert Path("rows.jsonl").read_bytes() == b"old"
    assert [each.name for each in Path().iterdir()] == ["rows.jsonl"]


def test_whoever_reads_stdout_is_told_that_it_broke_off(andon: Andon, breaking_off: str) -> None:
    ran = andon("tx", "export", "--url", breaking_off)
    assert (ran.code, ran.raw) == (3, ROWS)
    assert "What came is not all of it" in ran.err


def test_on_a_real_hub_it_is_what_the_list_says(
    andon: Andon, hub: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {**hub.env, "ANDON_CONFIG_DIR": str(tmp_path / "config")}.items():
        monkeypatch.setenv(name, value)
    Path("doc.json").write_text('{"Order": "EXP-1"}')
    sent = andon("hub", "send", "doc.json", "--flow", "material-consumption", "--plant", "P01", "--key", "EXP-1")
    assert sent.code == 0, sent.err
    asked = ("--filter", "idempotency_key:*EXP-1*")
    listed = andon("tx", "list", *asked, "--sort", "id", "-o", "json").json["items"]
    assert len(listed) == 2
    exported = andon("tx", "export", *asked, "--sort", "id", "--columns", "id,target")
    assert exported.code == 0, exported.err
    assert [json.loads(line) for line in exported.raw.splitlines()] == [
        {"id": each["id"], "target": each["target"]} for each in listed
    ]
    for line, column in (("--columns", "idd"), ("--sort", "weight"), ("--filter", "plnt:1")):
        refused = andon("tx", "export", line, column)
        assert refused.code == 2, refused.err
