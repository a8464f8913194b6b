"""The audit of a real hub: acts, exports, pins, verifies offline; and somebody who got at the files in between."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SECRET = "18765.43"


class Desk:
    """A person with a context, at a hub of their own."""

    def __init__(self, hub: Any, folder: Path) -> None:
        self.hub, self.folder = hub, folder
        self.env = {**os.environ, **hub.env, "ANDON_CONFIG_DIR": str(folder / "config")}
        del self.env["ANDON_URL"], self.env["ANDON_TOKEN"]

    def __call__(self, *arguments: str, stdin: bytes | None = None) -> Any:
        ran = subprocess.run(
            [sys.executable, "-m", "commands", *arguments],
            input=stdin,
            capture_output=True,
            env=self.env,
            timeout=90,
            check=False,
        )
        assert b"Traceback" not in ran.stderr, ran.stderr.decode()
        return ran

    def verify(self, path: Path, *more: str) -> tuple[int, Any]:
        ran = self("audit", "verify", str(path), "-o", "json", *more)
        assert ran.stdout, ran.stderr.decode()
        return ran.returncode, json.loads(ran.stdout)


@pytest.fixture(scope="module")
def desk(hub_factory: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Somebody who did a few things, of which one showed what is masked."""
    hub = hub_factory("--simulate", "--speed", "0", "--seed", "5")
    one = Desk(hub, tmp_path_factory.mktemp("desk"))
    assert one("context", "add", "night", "--url", hub.url).returncode == 0
    actual = {"MaterialDefinitionID": "M-1", "NetPrice": SECRET}
    document = json.dumps({"MaterialReceipt": {"ID": "GR-1", "PurchaseOrderID": "45", "MaterialActual": [actual]}})
    sent = one("hub", "send", "-", "--flow", "goods-receipt", "--plant", "P01", "-o", "json", stdin=document.encode())
    assert sent.returncode == 0, sent.stderr.decode()
    tx_id = json.loads(sent.stdout)["items"][0]["id"]
    shown = one("tx", "payload", tx_id, "--reveal", "--reason", "the supplier calls", "-o", "json")
    assert SECRET in shown.stdout.decode(), shown.stderr.decode()
    for reason in ("patching", "patching again"):
        assert one("systems", "hold", "CRM", "--reason", reason, "--yes").returncode == 0
        assert one("systems", "release", "CRM", "--reason", "patched", "--yes").returncode == 0
    return one


@pytest.fixture(scope="module")
def exported(desk: Desk) -> Path:
    """An export, held against the key that was pinned before."""
    pinned = desk("audit", "key", "--pin", "-o", "json")
    assert json.loads(pinned.stdout)["pinned"] is True, pinned.stderr.decode()
    path = desk.folder / "audit.jsonl"
    ran = desk("audit", "export", "--out", str(path))
    assert ran.returncode == 0, ran.stderr.decode()
    return path


def test_what_was_done_is_in_it_and_it_holds(desk: Desk, exported: Path) -> None:
    code, found = desk.verify(exported)
    assert (code, found["ok"], found["first"], found["broken"]) == (0, True, 1, None)
    entries = [json.loads(line) for line in exported.read_bytes().splitlines()[:-1]]
    assert len(entries) == found["entries"] == found["last"]
    assert {"payload.revealed", "hold.placed", "hold.released", "document.sent"} <= {each["action"] for each in entries}
    listed = json.loads(desk("audit", "list", "--all", "-o", "json").stdout)["items"]
    assert [each for each in listed[::-1] if each["seq"] <= found["last"]] == entries
    assert (listed[0]["action"], listed[0]["subject"]) == ("audit.exported", f"1-{found['last']}")


def test_the_list_is_asked_by_who_what_and_when(desk: Desk, exported: Path) -> None:
    def actions(*options: str) -> set[str]:
        items = json.loads(desk("audit", "list", "--all", "-o", "json", *options).stdout)["items"]
        return {each["action"] for each in items}

    assert actions("--action", "hold.*") == {"hold.placed", "hold.released"}
    assert actions("--action", "hold.placed", "--actor", "bootstrap", "--since", "1h") == {"hold.placed"}
    assert actions("--until", "1h") == actions("--actor", "nobody") == set()


def test_masked_values_leave_in_no_export(desk: Desk, exported: Path) -> None:
    assert SECRET.encode() not in exported.read_bytes()
    revealed = next(line for line in exported.read_bytes().splitlines() if b"payload.revealed" in line)
    assert "▒▒▒".encode() in revealed


def test_its_key_is_the_hubs_own_and_readable_by_it_alone(desk: Desk, exported: Path) -> None:
    path = desk.hub.data / "audit.key"
    assert b"PRIVATE KEY" in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("entry", [1, 3])
def test_an_edited_entry_is_named(desk: Desk, exported: Path, tmp_path: Path, entry: int) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    lines[entry - 1] = lines[entry - 1].replace(b'"actor":"', b'"actor":"not-')
    path = tmp_path / "edited.jsonl"
    path.write_bytes(b"".join(lines))
    code, found = desk.verify(path)
    assert (code, found["broken"]["line"], found["broken"]["seq"]) == (1, entry, entry)


def test_a_removed_entry_and_a_cut_log_are_named(desk: Desk, exported: Path, tmp_path: Path) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    path = tmp_path / "cut.jsonl"
    for kept, seq in (([*lines[:1], *lines[2:]], 2), (lines[:-2], len(lines) - 1), (lines[1:], 1)):
        path.write_bytes(b"".join(kept))
        code, found = desk.verify(path)
        assert (code, found["ok"], found["broken"]["seq"]) == (1, False, seq)


def test_parts_hold_by_themselves_and_meet(desk: Desk, exported: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    assert desk("audit", "export", "--out", str(one), "--to", "2").returncode == 0
    assert desk("audit", "export", "--out", str(two), "--from", "3").returncode == 0
    first, second = desk.verify(one)[1], desk.verify(two)[1]
    assert (first["ok"], first["last"], second["ok"], second["first"]) == (True, 2, True, 3)
    assert json.loads(two.read_bytes().splitlines()[0])["previous"] == first["head"]
    refused = desk("audit", "export", "--out", str(tmp_path / "three.jsonl"), "--from", "100000")
    assert (refused.returncode, refused.stdout, (tmp_path / "three.jsonl").exists()) == (6, b"", False)


def test_who_changes_the_store_is_found(
    hub_factory: Callable[..., Any], tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    hub = hub_factory(data=tmp_path / "data")
    desk = Desk(hub, tmp_path)
    assert desk("context", "add", "night", "--url", hub.url).returncode == 0
    for _ in range(2):
        assert desk("systems", "hold", "CRM", "--reason", "patching", "--yes").returncode == 0
        assert desk("systems", "release", "CRM", "--reason", "patched", "--yes").returncode == 0
    key = desk("audit", "key", "--pin", "-o", "json").stdout
    (tmp_path / "key.json").write_bytes(key)
    hub.stop()
    with sqlite3.connect(hub.data / "andon.db") as store:
        store.execute("UPDATE audit SET reason = 'I never did' WHERE seq = 4")
    store.close()
    hub.start()
    eventually("the hub says so", lambda: b"audit.broken" in hub.log.read_bytes())
    assert desk("context", "add", "night", "--url", hub.url, "--replace").returncode == 0
    doctor = json.loads(desk("doctor", "-o", "json").stdout)["items"]
    found = next(each for each in doctor if each["name"] == "audit")
    assert found["grade"] == "fail"
    assert "entry 4 does not hold" in found["found"]
    path = tmp_path / "audit.jsonl"
    exported = desk("audit", "export", "--out", str(path))
    assert exported.returncode == 1
    assert b"entry 4" in exported.stderr
    hub.stop()
    code, verified = desk.verify(path, "--key", str(tmp_path / "key.json"))
    assert (code, verified["broken"]["line"], verified["broken"]["seq"]) == (1, 4, 4)


def test_who_has_no_right_to_the_audit_gets_nothing(desk: Desk, tmp_path: Path) -> None:
    for name, more in (("kim", ("--role", "operator")), ("lee", ("--role", "approver", "--plant", "P01"))):
        assert desk("hub", "users", "add", name, *more).returncode == 0
        token = json.loads(desk("hub", "users", "token", name, "-o", "json").stdout)["token"]
        other = Desk(desk.hub, tmp_path)
        other.env |= {"ANDON_URL": desk.hub.url, "ANDON_TOKEN": token}
        path = tmp_path / "audit.jsonl"
        for line in (("export", "--out", str(path)), ("key",), ("list",)):
            ran = other("audit", *line)
            assert (ran.returncode, ran.stdout) == (4, b""), line
        assert not path.exists()
        doctor = json.loads(other("doctor", "-o", "json").stdout)["items"]
        assert next(each for each in doctor if each["name"] == "audit")["found"].startswith("not looked at")
