"""The directory as it is on the disk: ended at any instant, edited by hand, not writable, not a gateway's."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import ended_directories
import msgspec
import pytest
from gateway_doubles import NOW, SET, policies_of, replaced

from gateway_policies import durable
from gateway_policies.changeset import Changeset
from gateway_policies.directory import Directory, file_name
from gateway_policies.durable import held
from gateway_policies.errors import Locked, Missing, Moved, Unreadable
from gateway_policies.gateway import Stage, Step
from gateway_policies.model import Resource, Scope, Throttle, by_address
from gateway_policies.planning.applying import changeset_of
from gateway_policies.planning.making import make_plan
from gateway_policies.state import GatewayState

STANDARD = Throttle(name="standard", requests=600, per_seconds=60)
READ, RELEASE, HOLD = (Scope(name=f"orders.{each}") for each in ("read", "release", "hold"))


def change(directory: Directory, *resources: Resource) -> Changeset:
    state = directory.state(SET)
    return changeset_of(make_plan(policies_of(list(resources)), state, made_at=NOW), state, by="grete")


def gateway(path: Path, *resources: Resource) -> Directory:
    path.mkdir(exist_ok=True)
    found = Directory(path, "plant-gateway")
    if resources:
        found.apply(change(found, *resources), NOW)
    return found


def content(state: GatewayState) -> tuple[object, ...]:
    return state.live, state.owners, state.applied, state.revision, state.fingerprint


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be forked")
def test_ended_at_any_instant_it_has_what_it_had_or_what_it_was_to_have(tmp_path: Path) -> None:
    paths = [tmp_path / f"{each:02}" for each in range(50)]
    directories = [gateway(each, STANDARD, READ, RELEASE) for each in paths]
    wanted = change(directories[0], replaced(STANDARD, requests=900), READ, HOLD)
    (tmp_path / "changeset.json").write_bytes(msgspec.json.encode(wanted))
    old = [content(each.state(SET)) for each in directories]
    run = subprocess.run(
        [sys.executable, ended_directories.__file__, tmp_path / "changeset.json", *paths],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=110,
        check=True,
    )
    ends = run.stdout.split()
    assert set(ends) == {"ended", "done"}, run.stderr
    seen = {"old": 0, "new": 0}
    for directory, before, path in zip(directories, old, paths, strict=True):
        found = content(directory.state(SET))
        if found == before:
            seen["old"] += 1
            assert directory.apply(wanted, NOW).number == 2
        else:
            seen["new"] += 1
            assert found[3] == 2
            assert [each.number for each in directory.revisions()] == [2, 1]
            with pytest.raises(Moved, match="applied already"):
                directory.apply(wanted, NOW)
        assert directory.state(SET).live == by_address([replaced(STANDARD, requests=900), READ, HOLD])
        assert directory.applied(SET, 1).applied.keys() == {STANDARD.address, READ.address, RELEASE.address}
        assert not [each for each in path.rglob("*") if each.name.startswith(".")]
        assert not (path / "journal.json").exists()
    assert seen["old"] >= 2  # before the journal is there
    assert seen["new"] > ends.count("done") + 10


def test_whoever_reads_while_a_change_is_half_made_sees_all_of_it(tmp_path: Path) -> None:
    directory = gateway(tmp_path / "gw", STANDARD, READ)
    wanted = change(directory, READ, RELEASE, HOLD)
    seen = []

    def pause(_what: str) -> None:
        state = directory.state(SET)
        seen.append((state.revision, tuple(state.live), [each.number for each in directory.revisions()]))

    Directory(tmp_path / "gw", "plant-gateway", pause=pause).apply(wanted, NOW)
    old = (1, (READ.address, STANDARD.address), [1])
    new = (2, tuple(sorted([READ.address, RELEASE.address, HOLD.address])), [2, 1])
    assert [each for each in seen if each not in (old, new)] == []
    assert seen[0] == old
    assert seen[-1] == new


def test_a_full_disk_before_the_journal_changes_nothing(tmp_path: Path) -> None:
    directory = gateway(tmp_path / "gw", READ)
    before = content(directory.state(SET))
    with pytest.raises(Unreadable, match=r"No space left.*Nothing was changed") as caught:
        Directory(tmp_path / "gw", "plant-gateway", pause=_full_at("rename journal.json")).apply(
            change(directory, READ, HOLD), NOW
        )
    assert "Make room" in str(caught.value)
    assert content(directory.state(SET)) == before


def test_a_full_disk_after_the_journal_is_finished_by_the_next_change(tmp_path: Path) -> None:
    directory = gateway(tmp_path / "gw", READ)
    broken = Directory(tmp_path / "gw", "plant-gateway", pause=_full_at(f"write {file_name(HOLD.address)}"))
    with pytest.raises(Unreadable, match="has been made, and its files are not all up to it"):
        broken.apply(change(directory, READ, HOLD), NOW)
    assert HOLD.address in directory.state(SET).live
    directory.apply(change(directory, READ, HOLD, RELEASE), NOW)
    assert [each.number for each in directory.revisions()] == [3, 2, 1]
    assert len(list((tmp_path / "gw" / "live").iterdir())) == 3


def test_what_was_cut_off_is_finished_without_another_change(tmp_path: Path) -> None:
    directory = gateway(tmp_path / "gw", READ)
    assert directory.finish("karl", NOW) is None
    broken = Directory(tmp_path / "gw", "plant-gateway", pause=_full_at(f"write {file_name(HOLD.address)}"))
    with pytest.raises(Unreadable):
        broken.apply(change(directory, READ, HOLD), NOW)
    assert not (tmp_path / "gw/live" / file_name(HOLD.address)).exists()
    with held(tmp_path / "gw/lock", b"{}"):
        assert directory.finish("karl", NOW) is None  # whoever holds it is about it
    found = directory.finish("karl", NOW)
    assert found is not None
    assert (found.number, found.by) == (2, "grete")
    assert (tmp_path / "gw/live" / file_name(HOLD.address)).exists()
    assert not (tmp_path / "gw/journal.json").exists()
    assert [each.number for each in directory.revisions()] == [2, 1]


def _full_at(where: str) -> Callable[[str], None]:
    def pause(what: str) -> None:
        if what == where:
            raise OSError(28, "No space left on device")

    return pause


def test_who_holds_the_lock_is_told(tmp_path: Path) -> None:
    directory = gateway(tmp_path / "gw", READ)
    wanted = change(directory, READ, HOLD)
    note = json.dumps({"by": "grete", "host": "shop-floor", "pid": 4711, "since": "2026-11-21T08:00:00+00:00"})
    with held(tmp_path / "gw" / "lock", note.encode()) as holder:
        assert holder is None
        with pytest.raises(Locked, match=r"grete \(process 4711 on shop-floor\) since 2026-11-21T08:00") as caught:
            directory.apply(wanted, NOW)
    assert "Nothing was changed" in str(caught.value)
    assert directory.apply(wanted, NOW).number == 2


def test_a_disk_without_locks_is_not_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(_handle: int) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(durable, "_lock", no_locks)
    with pytest.raises(Unreadable, match=r"lock cannot be taken: No locks available\. Nothing was changed"):
        gateway(tmp_path / "gw", READ)
    assert not (tmp_path / "gw" / "live").exists()


def test_a_lock_of_which_nobody_has_said_anything_yet(tmp_path: Path) -> None:
    directory = gateway(tmp_path / "gw", READ)
    with held(tmp_path / "gw" / "lock", b""), pytest.raises(Locked, match="somebody else"):
        directory.apply(change(directory, READ, HOLD), NOW)


def test_there_has_to_be_a_directory(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no directory") as caught:
        Directory(tmp_path / "absent", "plant-gateway").state(SET)
    assert "Make an empty one" in str(caught.value)
    (tmp_path / "file").write_text("x")
    with pytest.raises(Missing, match="is a file"):
        Directory(tmp_path / "file", "plant-gateway").state(SET)


def test_a_directory_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    directory = Directory(tmp_path, "plant-gateway")
    with pytest.raises(Unreadable, match=r"no gateway's directory: it has letters\.txt"):
        directory.state(SET)
    empty = gateway(tmp_path / "gw")
    with pytest.raises(Unreadable, match="no gateway's directory"):
        directory.apply(change(empty, READ), NOW)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["gw", "letters.txt"]


def test_a_gateway_that_lost_its_head_is_no_new_one(tmp_path: Path) -> None:
    directory = gateway(tmp_path / "gw", READ)
    wanted = change(directory, READ, HOLD)
    (tmp_path / "gw/gateway.json").rename(tmp_path / "head")
    before = {each: each.read_bytes() for each in (tmp_path / "gw").rglob("*.json")}
    with pytest.raises(Unreadable, match=r"files in live, and no gateway\.json.*from a copy"):
        directory.state(SET)
    with pytest.raises(Unreadable, match="files in live"):
        directory.apply(wanted, NOW)
    assert before == {each: each.read_bytes() for each in (tmp_path / "gw").rglob("*.json")}
    (tmp_path / "head").rename(tmp_path / "gw/gateway.json")
    assert directory.apply(wanted, NOW).number == 2


def test_whoever_looks_while_the_first_change_is_made_sees_none_or_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = gateway(tmp_path / "gw")
    other = Directory(tmp_path / "gw", "plant-gateway")
    wanted, marks = change(directory, READ), Directory._marks

    def marked(of: Directory) -> tuple[bytes | None, bytes | None]:
        found = marks(of)
        if of is directory and not (tmp_path / "gw/gateway.json").exists():
            other.apply(wanted, NOW)  # between the first look and the second
        return found

    monkeypatch.setattr(Directory, "_marks", marked)
    assert directory.state(SET).revision == 1


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    directory = gateway(tmp_path / "gw", READ)
    live = tmp_path / "gw" / "live"
    (live / "scope.x.json").write_text('{"kind": "scope", "name": "y"}')
    with pytest.raises(Unreadable, match=r"scope\.x\.json has scope\.y, which belongs into scope\.y\.json"):
        directory.state(SET)
    (live / "scope.x.json").write_text('{"kind": "scope", "nam')
    with pytest.raises(Unreadable, match=r"scope\.x\.json is not a resource"):
        directory.state(SET)
    (live / "scope.x.json").unlink()
    (tmp_path / "gw" / "gateway.json").write_text('{"format": 2, "gateway": "plant-gateway", "revision": 1}')
    with pytest.raises(Unreadable, match="has the form 2"):
        directory.state(SET)
    (tmp_path / "gw" / "gateway.json").write_text("{}")
    with pytest.raises(Unreadable, match=r"gateway\.json cannot be read"):
        directory.state(SET)


def test_the_name_is_its_own_once_it_has_one(tmp_path: Path) -> None:
    gateway(tmp_path / "gw", READ)
    assert Directory(tmp_path / "gw", "another").state(SET).gateway == "plant-gateway"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("scope.orders.read", "scope.orders.read.json"),
        ("scope.Orders", "scope.%4frders.json"),
        ("scope.a/b", "scope.a%2fb.json"),
        ("scope.größe", "scope.gr%c3%b6%c3%9fe.json"),
        ("api.x.version.2%", "api.x.version.2%25.json"),
    ],
)
def test_files_are_named_so_that_no_two_are_one(name: str, expected: str) -> None:
    assert file_name(name) == expected


def test_very_long_names_are_cut_and_stay_apart() -> None:
    one, other = f"scope.{'a' * 400}", f"scope.{'a' * 401}"
    assert len(file_name(one)) < 220
    assert file_name(one) != file_name(other)


def test_a_file_removed_by_hand_is_drift(tmp_path: Path) -> None:
    directory = gateway(tmp_path / "gw", READ, HOLD)
    (tmp_path / "gw" / "live" / file_name(HOLD.address)).unlink()
    plan = make_plan(policies_of([READ, HOLD]), directory.state(SET), made_at=NOW)
    assert [(each.action, each.moved) for each in plan.changes] == [("create", "drift")]


def test_a_directory_keeps_its_place_when_it_is_moved_and_a_new_one_has_another(tmp_path: Path) -> None:
    one = gateway(tmp_path / "one", READ)
    (tmp_path / "two").mkdir()
    two = Directory(tmp_path / "two", "plant-gateway")
    place = one.state(SET).platform
    assert two.state(SET).platform not in (None, place)
    (tmp_path / "one").rename(tmp_path / "elsewhere")
    assert Directory(tmp_path / "elsewhere", "").state(SET).platform == place
    (tmp_path / "one").mkdir()
    assert Directory(tmp_path / "one", "plant-gateway").state(SET).platform != place


def test_a_path_to_it_is_as_good_as_another(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "one")
    paths = (tmp_path / "one", tmp_path / "link", tmp_path / "one" / ".." / "one")
    assert len({Directory(each, "plant-gateway").state(SET).platform for each in paths}) == 1


def test_a_directory_of_before_gets_its_place_with_its_next_change(tmp_path: Path) -> None:
    one = gateway(tmp_path, READ)
    head = json.loads((tmp_path / "gateway.json").read_bytes())
    assert head.pop("place")
    (tmp_path / "gateway.json").write_text(json.dumps(head))
    assert one.state(SET).platform is None
    planned = change(one, READ, RELEASE)
    one.apply(planned, NOW)
    assert one.state(SET).platform is not None


def test_what_was_cut_off_is_unfinished_until_it_is_finished(tmp_path: Path) -> None:
    found = gateway(tmp_path, READ)
    ends = Directory(tmp_path, "plant-gateway", pause=_ending_at("write scope.orders.release.json"))
    with pytest.raises(_EndedHere):
        ends.apply(change(found, READ, RELEASE), NOW)
    begun = found.unfinished()
    assert begun is not None
    assert (begun.number, begun.by) == (2, "grete")
    with held(tmp_path / "lock", b"{}"):
        assert found.unfinished() is None, "somebody is about it"
    assert found.unfinished() == begun
    assert found.finish("otto", NOW) == begun
    assert found.unfinished() is None


def test_looking_for_what_is_unfinished_makes_no_lock(tmp_path: Path) -> None:
    found = gateway(tmp_path, READ)
    (tmp_path / "lock").unlink()
    assert found.unfinished() is None
    assert not (tmp_path / "lock").exists()
    assert not durable.is_held(tmp_path / "lock")


def test_a_lock_that_may_not_be_looked_at_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = gateway(tmp_path, READ)
    (tmp_path / "journal.json").write_text("{}")

    def refused(_path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(durable, "is_held", refused)
    with pytest.raises(Unreadable, match=r"lock cannot be read: Permission denied\. Nothing was changed\."):
        found.unfinished()


def test_a_journal_that_cannot_be_read_is_told_by_whoever_looks_for_one(tmp_path: Path) -> None:
    found = gateway(tmp_path, READ)
    (tmp_path / "journal.json").write_text("{")
    with pytest.raises(Unreadable, match=r"journal\.json cannot be read"):
        found.unfinished()


def test_what_was_reported_before_it_was_cut_off_is_what_was_written(tmp_path: Path) -> None:
    found = gateway(tmp_path, READ)
    heard: list[int] = []

    def report(step: Step) -> None:
        heard.append(len(list((tmp_path / "live").iterdir())) - 1)
        assert heard[-1] == step.done
        assert step.stage is Stage.WRITTEN

    found.apply(change(found, READ, RELEASE, HOLD, STANDARD), NOW, report)
    assert heard == [0, 1, 2, 3]


class _EndedHere(BaseException):
    """The process."""


def _ending_at(moment: str) -> Callable[[str], None]:
    def pause(what: str) -> None:
        if what == moment:
            raise _EndedHere

    return pause
