"""Plan files: whatever was changed in one since it was written is noticed before anything is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands.exits import Usage
from commands.plan_files import plan_named, read_plan, write_plan
from transactions.canonical import canonical
from transactions.errors import NotFound, PlanAltered

Andon = Callable[..., Any]


@pytest.fixture
def file(andon: Andon, stocked: Any, tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    made = andon("tx", "replay", "tx1", "tx2", "--reason", "r", "--rate", "5/s", "--dry-run", "--plan-out", str(path))
    assert made.code == 0
    stocked.asked.clear()
    return path


def edit(path: Path, change: Callable[[Any], object]) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


EDITS: dict[str, Callable[[Any], object]] = {
    "reason": lambda d: d.update(reason="another"),
    "action": lambda d: d.update(action="discard"),
    "filter": lambda d: d.update(filter="status:failed"),
    "platform": lambda d: d.update(platform="other"),
    "requested_by": lambda d: d.update(requested_by="mallory"),
    "expires_at": lambda d: d.update(expires_at="2099-01-01T00:00:00Z"),
    "created_at": lambda d: d.update(created_at="2020-01-01T00:00:00Z"),
    "hash": lambda d: d.update(hash="0" * 64),
    "an item less": lambda d: d["items"].pop(),
    "an item twice": lambda d: d["items"].append(d["items"][0]),
    "items turned round": lambda d: d["items"].reverse(),
    "an item's id": lambda d: d["items"][0].update(id="tx9"),
    "an item's etag": lambda d: d["items"][0].update(etag="e9"),
    "an item's verdict": lambda d: d["items"][0].update(verdict="refused"),
    "an item's key": lambda d: d["items"][0].update(idempotency_key="k9"),
    "an item's payload": lambda d: d["items"][0].update(payload_sha256="cd" * 32),
    "a faster rate": lambda d: d["options"].update(rate=500.0),
    "no rate": lambda d: d["options"].clear(),
    "another option": lambda d: d["options"].update(force_superseded=True),
    "counts": lambda d: d["verdicts"].update(send=9),
    "a field more": lambda d: d.update(note="approved by phone"),
    "an item's field more": lambda d: d["items"][0].update(note="checked"),
    "a field less": lambda d: d.pop("filter"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_file_is_refused_and_nobody_is_asked(andon: Andon, stocked: Any, file: Path, name: str) -> None:
    edit(file, EDITS[name])
    ran = andon("tx", "replay", "--plan", str(file), "--yes")
    assert (ran.code, ran.out, stocked.asked) == (6, "", [])
    assert "Nothing was sent." in ran.err


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"text"', b"{}", b"\xff\xfe\x00", b"\x00" * 10, b'{"hash": 1}', b"not json at all"],
)
def test_what_is_no_plan_is_refused_and_says_how_to_make_one(
    andon: Andon, stocked: Any, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    ran = andon("tx", "replay", "--plan", str(path), "--yes")
    assert (ran.code, ran.out, stocked.asked) == (6, "", [])
    assert "is not a plan as andon writes it" in ran.err
    assert "--dry-run --plan-out FILE" in ran.err


@pytest.mark.parametrize("indent", [None, 0, 4])
def test_only_laid_out_anew_it_is_still_the_same_plan(
    andon: Andon, stocked: Any, file: Path, indent: int | None
) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()), indent=indent, sort_keys=indent == 4))
    assert andon("tx", "replay", "--plan", str(file), "--yes", "-o", "json").code == 0


def test_the_file_is_canonical_ends_with_nothing_and_leaves_nothing_beside_it(file: Path) -> None:
    plan = read_plan(file)
    assert file.read_bytes() == canonical(plan)
    assert [each.name for each in file.parent.glob("*plan*")] == ["plan.json"]


def test_writing_over_a_file_is_whole_or_not_at_all(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, before = read_plan(file), file.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Usage, match="No space left on device"):
        write_plan(plan, file)
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.glob(".plan*")] == []


@pytest.mark.parametrize("place", ["no/such/folder/plan.json", "."])
def test_a_place_that_cannot_be_written_to_names_the_stored_plan(andon: Andon, stocked: Any, place: str) -> None:
    ran = andon("tx", "replay", "tx1", "--reason", "r", "--dry-run", "--plan-out", place)
    assert (ran.code, ran.out) == (2, "")
    kept = list(stocked.plans)[-1]
    assert f"--plan {kept[:12]}" in ran.err
    assert andon("tx", "replay", "--plan", kept[:12], "--yes").code == 0


def test_a_reason_beside_a_plan_is_said_to_be_left_out(andon: Andon, stocked: Any, file: Path) -> None:
    ran = andon("tx", "replay", "--plan", str(file), "--yes", "--reason", "another")
    assert ran.code == 0
    assert "The plan keeps the reason it was made with" in ran.err
    assert {plan.reason for plan in stocked.plans.values()} == {"r"}


def test_a_file_is_found_before_a_hash_and_a_hash_may_be_in_capitals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert plan_named("ABCDEF012345") == "abcdef012345"
    (tmp_path / "abcdef012345").write_text("{}")
    assert plan_named("abcdef012345") == Path("abcdef012345")


@pytest.mark.parametrize("text", ["abc", "0" * 65, "xyzxyzxyzxyz", "-", " "])
def test_what_is_neither_is_a_usage_error(text: str) -> None:
    with pytest.raises(Usage, match="neither a file nor the hash"):
        plan_named(text)


def test_what_looks_like_a_file_and_is_none_is_not_found() -> None:
    with pytest.raises(NotFound, match="There is no plan file"):
        plan_named("plans/friday.json")


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="cannot be read: Is a directory"):
        read_plan(tmp_path)


def test_duplicate_fields_are_the_last_one_and_so_an_edit(file: Path) -> None:
    text = file.read_text()
    file.write_text(text.removesuffix("}") + ',"reason":"another"}')
    with pytest.raises(PlanAltered):
        read_plan(file)
