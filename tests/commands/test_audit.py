"""``andon audit``: exports that arrive whole or not at all, and checks that name the first broken place."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commands import audit_export, whole_file
from hub.audit_signer import AuditSigner
from platforms import context_file
from platforms.context_file import Context, ContextFile
from transactions.audit import GENESIS, link
from transactions.audit_key import trusted
from transactions.errors import Forbidden, Unavailable
from transactions.history import AuditEntry

Andon = Callable[..., Any]


def chain(count: int, **fields: Any) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for seq in range(1, count + 1):
        entry = AuditEntry(
            seq=seq, at=datetime(2026, 11, 20, tzinfo=UTC) + timedelta(minutes=seq), actor="ann", action="batch.replay",
            subject=f"01J{seq}", reason="\x1b[31mwhy\u202e", before=None, after={"n": seq},
            previous=entries[-1].hash if entries else GENESIS, hash="",
        )  # fmt: skip
        entries.append(link(msgspec.structs.replace(entry, **fields)))
    return entries


class World:
    """A platform with a chain and a signer, and what a user has of it."""

    def __init__(self, platform: Any) -> None:
        self.platform = platform
        self.signer = AuditSigner("test-hub", None)
        self.key = trusted(self.signer.public())
        self.lines = platform.export(chain(9), self.signer)
        self.path = Path("audit.jsonl")
        self.key_file = Path("key.json")
        self.key_file.write_bytes(msgspec.json.encode(self.signer.public()))
        self.given = ("--key", str(self.key_file))

    def write(self, lines: list[bytes]) -> str:
        self.path.write_bytes(b"".join(lines))
        return str(self.path)

    def contexts(self) -> dict[str, Context]:
        return context_file.load(Path(os.environ["ANDON_CONFIG_DIR"])).context

    def use_context(self, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
        """Name the platform by a context instead of ANDON_URL."""
        monkeypatch.delenv("ANDON_URL")
        context = Context(url=self.platform.url, **fields)
        folder = Path(os.environ["ANDON_CONFIG_DIR"])
        context_file.save(folder, ContextFile(current="night", context={"night": context}))


@pytest.fixture
def world(platform: Any) -> World:
    return World(platform)


@pytest.fixture
def context(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, named by the context ``night``."""
    world.use_context(monkeypatch)
    return world


# --- list


def test_a_list_is_asked_with_what_was_given(andon: Andon, world: World) -> None:
    ran = andon(
        "audit", "list", "--actor", "ann", "--action", "batch.*", "--subject", "01J", "--since", "2026-11-20",
        "--until", "2026-11-20T07:00+01:00", "--limit", "5",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert world.platform.asked[0].params == {
        "actor": "ann", "action": "batch.*", "subject": "01J", "since": "2026-11-20T00:00:00+00:00",
        "until": "2026-11-20T06:00:00+00:00", "limit": "5",
    }  # fmt: skip


def test_an_age_is_counted_back_from_now(andon: Andon, world: World) -> None:
    before = datetime.now(UTC)
    assert andon("audit", "list", "--since", "2h").code == 0
    since = datetime.fromisoformat(world.platform.asked[0].params["since"])
    assert before - timedelta(hours=2) <= since <= datetime.now(UTC) - timedelta(hours=2)


def test_a_moment_that_is_none_asks_nothing(andon: Andon, world: World) -> None:
    ran = andon("audit", "list", "--until", "tomorrow")
    assert (ran.code, ran.out) == (2, "")
    assert "--until 'tomorrow' is not a moment" in ran.err
    assert world.platform.asked == []


def test_every_page_keeps_what_was_asked(andon: Andon, world: World) -> None:
    entries = chain(3)
    pages = {None: {"items": entries[2:], "next_cursor": "c"}, "c": {"items": entries[:2], "next_cursor": None}}
    world.platform.on("GET", "audit", lambda asked: pages[asked.params.get("cursor")])
    ran = andon("audit", "list", "--all", "--actor", "ann", "-o", "id")
    assert ran.out.split() == ["3", "1", "2"]
    assert [each.params["actor"] for each in world.platform.asked] == ["ann", "ann"]


def test_nothing_found_says_so(andon: Andon, world: World) -> None:
    world.platform.on("GET", "audit", {"items": [], "next_cursor": None})
    assert andon("audit", "list").out == "Nothing was done yet.\n"
    assert andon("audit", "list", "--actor", "x").out == "Nothing that was done fits that.\n"


# --- export


def test_an_export_is_written_byte_for_byte(andon: Andon, world: World) -> None:
    ran = andon("audit", "export", "--out", "audit.jsonl", "--from", "1", "--to", "9", "-o", "json")
    assert ran.code == 0, ran.err
    assert world.path.read_bytes() == b"".join(world.lines)
    assert ran.json == {
        "file": "audit.jsonl", "platform": "test-hub", "entries": 9, "first": 1, "last": 9,
        "head": chain(9)[-1].hash, "key": world.key.fingerprint,
    }  # fmt: skip
    assert world.platform.asked[-1].params == {"from": "1", "to": "9"}
    if os.name == "posix":
        assert stat.S_IMODE(world.path.stat().st_mode) == 0o600
    assert andon("audit", "verify", "audit.jsonl", *world.given).code == 0


def test_without_a_file_it_goes_to_stdout_and_nothing_else_does(andon: Andon, world: World) -> None:
    for form in ("table", "json", "id"):
        ran = andon("audit", "export", "-o", form)
        assert ran.code == 0
        assert ran.raw == b"".join(world.lines)
    assert "andon audit key" in ran.err


@pytest.mark.parametrize("kept", [0, 1, 5, 9])
def test_an_export_that_breaks_off_leaves_no_file_and_the_old_one_alone(andon: Andon, world: World, kept: int) -> None:
    world.path.write_bytes(b"old")
    world.platform.on("GET", "audit/export", b"".join(world.lines[:kept]))
    ran = andon("audit", "export", "--out", "audit.jsonl")
    assert (ran.code, ran.out) == (3, "")
    assert f"broke off after {kept} lines" in ran.err
    assert world.path.read_bytes() == b"old"
    assert sorted(each.name for each in Path().iterdir()) == ["audit.jsonl", "key.json"]


def test_half_a_line_is_no_export(andon: Andon, world: World) -> None:
    for content in (b"".join(world.lines)[:-1], b"".join(world.lines[:4]) + world.lines[4][:30]):
        world.platform.on("GET", "audit/export", content)
        assert andon("audit", "export", "--out", "audit.jsonl").code == 3
        assert not world.path.exists()


def test_a_chain_that_does_not_hold_is_kept_as_evidence_and_said(andon: Andon, world: World) -> None:
    lines = [*world.lines[:4], *world.lines[5:]]
    world.platform.on("GET", "audit/export", b"".join(lines))
    ran = andon("audit", "export", "--out", "audit.jsonl", "-o", "json")
    assert (ran.code, ran.out) == (1, "")
    assert "does not hold at line 5, entry 5: entry 5 is missing" in ran.err
    assert world.path.read_bytes() == b"".join(lines)


def test_a_refusal_writes_nothing(andon: Andon, world: World) -> None:
    def refuse(_asked: Any) -> Any:
        raise Forbidden("ann may not do this: it wants the permission 'audit'.")

    world.platform.on("GET", "audit/key", refuse)
    world.platform.on("GET", "audit/export", refuse)
    ran = andon("audit", "export", "--out", "audit.jsonl")
    assert (ran.code, ran.out) == (4, "")
    assert not world.path.exists()


def test_a_place_that_cannot_be_written_to_exports_nothing(andon: Andon, world: World) -> None:
    ran = andon("audit", "export", "--out", "gone/audit.jsonl")
    assert (ran.code, ran.out) == (2, "")
    assert "Nothing was written" in ran.err
    assert world.platform.sent("GET") == ["audit/key"]
    Path("folder").mkdir()
    ran = andon("audit", "export", "--out", "folder")
    assert ran.code == 2
    assert sorted(each.name for each in Path().iterdir()) == ["folder", "key.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_said(andon: Andon, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_a_full_disk(**where: Any) -> tuple[int, str]:
        fresh = Path(where["dir"]) / f"{where['prefix']}x"
        fresh.touch()
        return os.open("/dev/full", os.O_WRONLY), str(fresh)

    monkeypatch.setattr(whole_file.tempfile, "mkstemp", on_a_full_disk)
    ran = andon("audit", "export", "--out", "audit.jsonl")
    assert (ran.code, ran.out) == (1, "")
    assert "no half file was left" in ran.err.replace("\n      ", "")
    assert sorted(each.name for each in Path().iterdir()) == ["key.json"]


# --- verify


def test_a_whole_export_is_verified_offline(andon: Andon, world: World) -> None:
    file = world.write(world.lines)
    ran = andon("audit", "verify", file, *world.given, "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json == {
        "ok": True, "entries": 9, "first": 1, "last": 9, "head": chain(9)[-1].hash, "key": world.key.fingerprint,
        "broken": None,
    }  # fmt: skip
    assert world.platform.asked == []
    told = andon("audit", "verify", file, *world.given).out
    assert told.startswith("✓ whole  entries 1 to 9 of test-hub, exported ")
    assert str(world.key_file) in told


def test_the_first_broken_entry_is_named(andon: Andon, world: World) -> None:
    lines = list(world.lines)
    for n in (3, 6):
        lines[n] = lines[n].replace(b'"ann"', b'"bob"')
    ran = andon("audit", "verify", world.write(lines), *world.given, "-o", "json")
    assert ran.code == 1
    assert (ran.json["ok"], ran.json["entries"], ran.json["last"]) == (False, 3, 3)
    assert ran.json["broken"] == {"line": 4, "seq": 4, "why": "its content does not match its hash: it was changed"}
    told = andon("audit", "verify", str(world.path), *world.given).out
    assert told.startswith("■ broken  at line 4, entry 4: its content")
    assert "entries 1 to 3 before that" in told


def test_an_export_without_its_end_is_none(andon: Andon, world: World) -> None:
    ran = andon("audit", "verify", world.write(world.lines[:-1]), *world.given, "-o", "json")
    assert (ran.code, ran.json["broken"]["line"], ran.json["broken"]["seq"]) == (1, 10, 10)


def test_what_a_file_says_steers_no_terminal(andon: Andon, world: World) -> None:
    lines = [*world.lines[:2], b'{"seq":3,"\x1b[31m":\x9b}\n']
    ran = andon("audit", "verify", world.write(lines), *world.given)
    assert ran.code == 1
    assert "\x1b" not in ran.out + ran.err
    end = msgspec.json.decode(world.lines[-1])
    end["key"] = "\x1b]0;owned\x07"
    ran = andon("audit", "verify", world.write([*world.lines[:-1], msgspec.json.encode(end) + b"\n"]), *world.given)
    assert ran.code == 1
    assert "\x1b" not in ran.out + ran.err


def test_a_part_says_where_it_begins(andon: Andon, world: World) -> None:
    entries = chain(9)[4:]
    file = world.write(world.platform.export(entries, world.signer))
    ran = andon("audit", "verify", file, *world.given)
    assert ran.code == 0
    assert f"after entry 4, which has the hash {entries[0].previous}" in ran.out


def test_a_key_of_somebody_else(andon: Andon, world: World) -> None:
    other = AuditSigner("test-hub", None)
    world.key_file.write_bytes(msgspec.json.encode(other.public()))
    ran = andon("audit", "verify", world.write(world.lines), *world.given, "-o", "json")
    assert (ran.code, ran.json["broken"]["line"], ran.json["entries"]) == (1, 10, 9)
    assert "another key" in ran.json["broken"]["why"]
    elsewhere = AuditSigner("other-hub", None)
    world.key_file.write_bytes(msgspec.json.encode(elsewhere.public()))
    ran = andon("audit", "verify", str(world.path), *world.given, "-o", "json")
    assert (ran.code, "platform test-hub" in ran.json["broken"]["why"]) == (1, True)


@pytest.mark.parametrize(
    ("file", "content", "key", "code", "told"),
    [
        ("gone.jsonl", None, b"", 7, "no file gone.jsonl"),
        (".", None, b"", 2, "cannot be read"),
        ("audit.jsonl", b"", None, 7, "no key file"),
        ("audit.jsonl", b"", b"nonsense", 2, "is no key"),
        ("audit.jsonl", b"", b'{"kty":"RSA"}', 2, "is no key"),
    ],
)
def test_files_that_cannot_be_used(
    andon: Andon, world: World, file: str, content: bytes | None, key: bytes | None, code: int, told: str
) -> None:
    if content is not None:
        Path(file).write_bytes(content)
    if key is None:
        world.key_file.unlink()
    else:
        world.key_file.write_bytes(key)
    ran = andon("audit", "verify", file, *world.given)
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err
    assert len(ran.err.splitlines()) >= 2


@pytest.mark.parametrize("form", ["line", "jwk", "shown"])
def test_a_key_is_taken_in_every_form(andon: Andon, world: World, form: str) -> None:
    match form:
        case "line":
            world.key_file.write_text(world.key.pin + "\n")
        case "jwk":
            world.key_file.write_bytes(msgspec.json.encode(world.signer.public().jwk))
        case _:
            world.key_file.write_bytes(andon("audit", "key", "-o", "json").raw)
    assert andon("audit", "verify", world.write(world.lines), *world.given).code == 0


# --- keys


def test_a_fetched_key_is_said_loudly_whatever_quiet_says(andon: Andon, world: World) -> None:
    ran = andon("audit", "verify", world.write(world.lines), "-q", "-o", "json")
    assert (ran.code, ran.json["ok"]) == (0, True)
    assert "No key is pinned" in ran.err
    assert world.key.fingerprint in ran.err
    assert world.platform.sent("GET") == ["audit/key"]


def test_no_key_and_no_platform_says_how_to_get_one(
    andon: Andon, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDON_URL", "http://127.0.0.1:1")
    ran = andon("audit", "verify", world.write(world.lines))
    assert (ran.code, ran.out) == (3, "")
    assert "--key FILE" in ran.err


def test_no_key_and_a_busy_platform_is_the_platforms_own_answer(andon: Andon, world: World) -> None:
    def refuse(_asked: Any) -> Any:
        raise Unavailable("The hub is ending. Ask again.")

    world.platform.on("GET", "audit/key", refuse)
    assert andon("audit", "verify", world.write(world.lines)).code == 1


def test_a_pinned_key_checks_offline_from_then_on(
    andon: Andon, context: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = andon("audit", "key", "--pin", "-o", "json")
    assert (ran.code, ran.json["pinned"], ran.json["context"]) == (0, True, "night")
    assert context.contexts()["night"].audit_key == context.key.pin
    assert "From now on" in ran.err
    context.platform.close()
    context.platform.asked.clear()
    ran = andon("audit", "verify", context.write(context.lines), "-o", "json")
    assert (ran.code, ran.err, ran.json["ok"]) == (0, "", True)
    assert "pinned in the context night" in andon("audit", "verify", str(context.path)).out
    assert context.contexts()["night"].audit_key in andon("context", "show", "night").out


def test_a_pin_is_not_read_for_an_address_given_by_itself(andon: Andon, context: World) -> None:
    andon("audit", "key", "--pin")
    context.platform.asked.clear()
    ran = andon("audit", "verify", context.write(context.lines), "--url", context.platform.url)
    assert "No key is pinned" in ran.err


def test_another_key_is_pinned_only_when_somebody_says_so(andon: Andon, context: World) -> None:
    andon("audit", "key", "--pin")
    kept = context.contexts()
    other = AuditSigner("test-hub", None)
    context.platform.export(chain(9), other)
    for more in ((), ("--pin",)):
        ran = andon("audit", "key", *more)
        assert (ran.code, ran.out) == (6, "")
        assert context.key.fingerprint in ran.err
        assert other.public().fingerprint in ran.err
        assert "--pin --replace" in ran.err
    assert context.contexts() == kept
    ran = andon("audit", "export", "--out", "audit.jsonl")
    assert ran.code == 1
    assert "another key" in ran.err
    assert andon("audit", "key", "--pin", "--replace").code == 0
    assert context.contexts()["night"].audit_key == trusted(other.public()).pin
    assert andon("audit", "export", "--out", "audit.jsonl").code == 0


def test_replace_alone_and_pins_without_a_context_are_refused(andon: Andon, world: World) -> None:
    ran = andon("audit", "key", "--replace")
    assert (ran.code, world.platform.asked) == (2, [])
    ran = andon("audit", "key", "--pin")
    assert (ran.code, ran.out) == (2, "")
    assert "none of your contexts" in ran.err
    told = andon("audit", "key").out
    assert world.key.fingerprint in told
    assert "keep the key with -o json > FILE" in told


def test_a_key_whose_fingerprint_is_anothers_is_not_taken(andon: Andon, context: World) -> None:
    said = msgspec.structs.replace(context.signer.public(), fingerprint=AuditSigner("x", None).public().fingerprint)
    context.platform.on("GET", "audit/key", said)
    ran = andon("audit", "key", "--pin")
    assert (ran.code, ran.out) == (3, "")
    assert context.contexts()["night"].audit_key is None


def test_pinning_changes_nothing_at_the_platform(andon: Andon, context: World) -> None:
    assert andon("--read-only", "audit", "key", "--pin").code == 0
    assert {each.method for each in context.platform.asked} == {"GET"}


def test_a_context_added_anew_keeps_its_pin_for_the_same_platform_only(andon: Andon, context: World) -> None:
    andon("audit", "key", "--pin")
    url = context.platform.url
    assert andon("context", "add", "night", "--url", url, "--production", "--replace").code == 0
    assert context.contexts()["night"].audit_key == context.key.pin
    assert andon("context", "add", "night", "--url", "https://elsewhere.example", "--replace").code == 0
    assert context.contexts()["night"].audit_key is None


# --- doctor


def audit_check(andon: Andon) -> dict[str, Any]:
    found: list[dict[str, Any]] = andon("doctor", "-o", "json").json["items"]
    return next(each for each in found if each["name"] == "audit")


def test_doctor_looks_at_the_newest_links(andon: Andon, stocked: Any) -> None:
    stocked.export(chain(9))
    assert audit_check(andon)["found"] == "entries 1 to 9 hold; no key is pinned"
    entries = chain(9)
    stocked.on("GET", "audit", {"items": entries[:3:-1], "next_cursor": "more"})
    assert audit_check(andon)["found"] == "entries 5 to 9 hold; no key is pinned"
    del entries[6]
    stocked.on("GET", "audit", {"items": entries[::-1], "next_cursor": None})
    found = audit_check(andon)
    assert found["grade"] == "fail"
    assert found["found"] == "entry 7 does not hold: entry 7 is missing: the next one found is 8."
    assert "andon audit export" in found["advice"]
    assert andon("doctor").code == 1


def test_doctor_says_when_it_may_not_look(andon: Andon, stocked: Any) -> None:
    def refuse(_asked: Any) -> Any:
        raise Forbidden("ann may not do this.")

    stocked.on("GET", "audit", refuse)
    assert audit_check(andon) | {"advice": None} == {
        "name": "audit", "grade": "ok", "found": "not looked at: this token may not read it", "advice": None,
    }  # fmt: skip


def test_doctor_holds_the_platforms_key_against_the_pinned_one(
    andon: Andon, stocked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(stocked)
    world.use_context(monkeypatch, audit_key=world.key.pin)
    assert audit_check(andon)["found"] == "entries 1 to 9 hold, under the pinned key"
    stocked.export(chain(9), AuditSigner("test-hub", None))
    found = audit_check(andon)
    assert found["grade"] == "fail"
    assert "another key than the pinned" in found["found"]


def test_lines_come_whole_out_of_any_pieces() -> None:
    content = b"".join(world_line + b"\n" for world_line in (b"one", b"", b"three\r", b"four" * 10)) + b"rest"
    for size in (1, 2, 3, 7, 100):
        pieces = [content[n : n + size] for n in range(0, len(content), size)]
        lines = list(audit_export.lines_of(pieces))
        assert b"".join(lines) == content
        assert lines == [b"one\n", b"\n", b"three\r\n", b"four" * 10 + b"\n", b"rest"]


def test_a_line_without_an_end_is_not_kept_in_memory() -> None:
    lines = list(audit_export.lines_of(b"x" * 1_000_000 for _ in range(40)))
    assert b"".join(lines) == b"x" * 40_000_000
    assert max(map(len, lines)) <= audit_export.LONGEST_LINE + 1_000_000


def test_the_json_of_a_key_is_the_platforms(andon: Andon, world: World) -> None:
    said = json.loads(andon("audit", "key", "-o", "json").out)
    assert {name: said[name] for name in ("platform", "fingerprint", "jwk")} == json.loads(
        msgspec.json.encode(world.signer.public())
    )
