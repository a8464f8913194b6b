"""Data that wants to steer a terminal or a spreadsheet: from every place where a platform can say something."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from platforms.errors import ContextError
from transactions.errors import BadFilter, Forbidden, Refused
from transactions.model import Failure, FailureKind, Status

Andon = Callable[..., Any]

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\u2066\rover\x08\x00"
STEERING = ("\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\r", "\x08", "\x00")
FIELDS = (
    "flow",
    "plant",
    "source",
    "target",
    "assignee",
    "owner",
    "waiting_on",
    "document",
    "idempotency_key",
    "correlation_id",
)


def harmless(text: str) -> bool:
    return not any(char in text for char in STEERING)


@pytest.fixture
def evil(stocked: Any) -> Any:
    failure = Failure(
        kind=FailureKind.MASTER_DATA, help=FailureKind.MASTER_DATA.help, code=EVIL, message=EVIL, system=EVIL
    )
    stocked.add("tx1", failure=failure, business_keys={"order": EVIL, "lot": EVIL}, **dict.fromkeys(FIELDS, EVIL))
    return stocked


@pytest.mark.parametrize(
    "line",
    [
        ("tx", "list"),
        ("tx", "show", "tx1"),
        ("tx", "plan", "tx1", "--reason", EVIL.replace("\x00", "")),
        ("tx", "replay", "tx1", "--yes", "--reason", EVIL.replace("\x00", "")),
        ("hub", "send", "-", "--flow", "f"),
    ],
)
def test_no_table_and_no_sentence_steers(
    andon: Andon, evil: Any, line: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"{}")))
    ran = andon(*line)
    assert ran.code == 0, ran.err
    assert harmless(ran.out), ran.out
    assert harmless(ran.err), ran.err


@pytest.mark.parametrize(
    ("path", "field", "line"),
    [
        ("systems", "last_failure", ("systems", "list")),
        ("systems", "name", ("systems", "list")),
        ("holds", "reason", ("systems", "list", "--holds")),
        ("holds", "placed_by", ("systems", "list", "--holds")),
        ("audit", "actor", ("audit", "list")),
        ("audit", "subject", ("audit", "list")),
        ("audit", "reason", ("audit", "list")),
        ("transactions/tx1/timeline", "text", ("tx", "timeline", "tx1")),
        ("transactions/tx1/timeline", "by", ("tx", "timeline", "tx1")),
        ("simulator/faults", "description", ("hub", "simulate", "list")),
    ],
)
def test_no_list_steers_and_machines_get_the_data_as_it_is(
    andon: Andon, stocked: Any, path: str, field: str, line: tuple[str, ...]
) -> None:
    import msgspec

    answer = msgspec.to_builtins(stocked.routes["GET", path](None))
    answer["items"][0][field] = EVIL
    stocked.on("GET", path, answer)
    ran = andon(*line)
    assert ran.code == 0, ran.err
    assert harmless(ran.out)
    assert json.loads(andon(*line, "-o", "json").out)["items"][0][field] == EVIL
    assert harmless(andon(*line, "-o", "json").out.replace("\x9b", "").replace("\u202e", "").replace("\u2066", ""))


@pytest.mark.parametrize(
    "line", [("hub", "status"), ("whoami",), ("batches", "list"), ("batches", "show", "b1"), ("tx", "payload", "tx1")]
)
def test_no_words_about_the_hub_steer(andon: Andon, stocked: Any, line: tuple[str, ...]) -> None:
    import msgspec

    stocked.on("GET", "status", msgspec.structs.replace(stocked.routes["GET", "status"](None), platform=EVIL))
    who = stocked.routes["GET", "whoami"](None)
    stocked.on("GET", "whoami", msgspec.structs.replace(who, subject=EVIL, roles=[EVIL], permissions=[EVIL]))
    batch, items = stocked.batches["b1"]
    stocked.batches["b1"] = (msgspec.structs.replace(batch, reason=EVIL, started_by=EVIL, because=EVIL), items)
    payload = {"id": "tx1", "revision": 1, "content_type": EVIL, "sha256": "x", "size": 1, "encoding": "text"}
    stocked.on("GET", "transactions/tx1/payload", {**payload, "content": EVIL, "headers": {}, "revisions": []})
    ran = andon(*line)
    assert ran.code == 0, ran.err
    assert harmless(ran.out.replace("\n", "")), ran.out


@pytest.mark.parametrize(
    "error",
    [
        Forbidden(f"Not {EVIL}."),
        Refused(f"{EVIL}. {EVIL}. {EVIL}."),
        BadFilter(EVIL, column=1, suggestions=[EVIL]),
        ContextError(EVIL),
    ],
)
def test_no_message_of_a_platform_steers(andon: Andon, stocked: Any, error: Exception) -> None:
    def refuse(_asked: object) -> None:
        raise error

    stocked.on("GET", "transactions", refuse)
    ran = andon("tx", "list", "--filter", "a\tb")
    assert ran.out == ""
    assert harmless(ran.err), ran.err


def test_what_is_watched_does_not_steer(andon: Andon, stocked: Any) -> None:
    data = {"flow": EVIL, "plant": EVIL, "target": EVIL, "status": EVIL, "before": EVIL}
    event = {"seq": 1, "at": "2026-01-01T00:00:00Z", "type": "transaction", "id": EVIL, "data": data}
    stocked.on("GET", "events", f"id: 1\nevent: transaction\ndata: {json.dumps(event)}\n\n".encode())
    ran = andon("tx", "watch", "--count", "1")
    assert ran.code == 0, ran.err
    assert harmless(ran.out), ran.out


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＠A"])  # noqa: RUF001
def test_no_cell_is_run_by_a_spreadsheet(andon: Andon, stocked: Any, value: str) -> None:
    stocked.add("tx1", owner=value, assignee=f"{value},x", document=f'"{value}')
    rows = list(csv.DictReader(io.StringIO(andon("tx", "list", "-o", "csv").raw.decode(), newline="")))
    row = next(row for row in rows if row["id"] == "tx1")
    assert row["owner"] == f"'{value}"
    assert row["assignee"] == f"'{value},x"
    assert row["document"] == f'"{value}'


def test_a_raw_payload_is_the_bytes_whatever_they_do(andon: Andon, stocked: Any) -> None:
    stocked.on("GET", "transactions/tx1/payload", EVIL.encode() + b"\xff\xfe")
    assert andon("tx", "payload", "tx1", "--raw").raw == EVIL.encode() + b"\xff\xfe"


def test_an_id_that_steers_is_not_asked_for(andon: Andon, stocked: Any) -> None:
    ran = andon("tx", "show", "\x1b[31mred")
    assert (ran.code, stocked.asked) == (7, [])
    assert harmless(ran.err)
    assert Status.FAILED in andon("tx", "show", "tx1").out
