"""``andon policy apply`` on real files and a real directory."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from policies_and_gateway import GATEWAY, apply, change, prepare

from commands.main import main
from commands.progress import Progress
from commands.session import Session
from gateway_policies import durable
from gateway_policies.directory import Directory, file_name
from gateway_policies.durable import held
from gateway_policies.gateway import Revision
from gateway_policies.model import PolicySet

Run = Callable[..., tuple[int, str, str]]
LIVE = Path("gw/live")
SCOPE = LIVE / file_name("scope.orders.release")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """``andon policy``."""
    prepare(tmp_path, monkeypatch)

    def running(*arguments: str) -> tuple[int, str, str]:
        code = main(["policy", *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return running


def revisions() -> list[int]:
    return [each.number for each in Directory(Path("gw"), "plant-gateway").revisions()]


def by_hand(path: Path, before: str, after: str) -> None:
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def test_what_is_applied_is_as_the_files_say(run: Run) -> None:
    code, out, err = run("apply", *GATEWAY, "--yes")
    assert code == 0
    assert out == "✓ plant-gateway is as the files say: 6 added (revision 1)\n"
    assert err.splitlines()[0] == "6 to add, 0 to change, 0 to remove; a second person has to approve"
    assert "A second person should have seen this" in err
    assert run("plan", *GATEWAY, "--exit-code")[0] == 0
    code, out, err = run("apply", *GATEWAY, "--yes")
    assert (code, out, err) == (0, "Nothing to do: the gateway is as the files say.\n", "")
    assert revisions() == [1]


def test_what_is_taken_and_not_in_force_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody walks away from a gateway that does not enforce what it was given."""
    taking = Directory.apply

    def taken(self: Directory, *arguments: Any) -> Revision:
        found = taking(self, *arguments)
        return msgspec.structs.replace(found, not_in_force="The gateway did not start: no room on the disk.")

    monkeypatch.setattr(Directory, "apply", taken)
    code, out, err = run("apply", *GATEWAY, "--yes")
    assert (code, "revision 1" in out) == (0, True)
    assert "It is taken, and not in force" in err
    assert "no room on the disk. The hub tries it again by itself; 'andon gateway status' tells" in err


def test_a_terminal_shows_how_far_it_is_on_a_line_that_is_gone_at_the_end(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.progress.Progress.__init__", _on_a_terminal)
    _, out, err = run("apply", *GATEWAY, "--yes")
    shown = [each for each in err.split("\r\x1b[K") if each.endswith(("on the way", "revision 1"))]
    assert shown == [
        "6 changes of plant-gateway: on the way",
        "░░░░░░░░░░░░░░░░░░░░ 0 of 6 files written, as revision 1",
        "███░░░░░░░░░░░░░░░░░ 1 of 6 files written, as revision 1",
        "██████░░░░░░░░░░░░░░ 2 of 6 files written, as revision 1",
        "██████████░░░░░░░░░░ 3 of 6 files written, as revision 1",
        "█████████████░░░░░░░ 4 of 6 files written, as revision 1",
        "████████████████░░░░ 5 of 6 files written, as revision 1",
        "████████████████████ 6 of 6 files written, as revision 1",
    ]
    assert err.endswith("\r\x1b[K"), "the line is gone"
    assert out == "✓ plant-gateway is as the files say: 6 added (revision 1)\n"


def test_no_terminal_no_progress(run: Run) -> None:
    _, _, err = run("apply", *GATEWAY, "--yes")
    assert "files written" not in err
    assert "\r" not in err


def _on_a_terminal(progress: Progress, session: Session) -> None:
    progress._stderr, progress._on = session.stderr, True


def test_machines_get_what_came_of_it(run: Run) -> None:
    code, out, _ = run("apply", *GATEWAY, "--yes", "-o", "json", "--quiet")
    found = json.loads(out)
    assert code == 0
    assert (found["gateway"], found["revision"], found["add"], found["remove"]) == ("plant-gateway", 1, 6, 0)
    assert found["by"]


def test_a_saved_plan_is_applied_without_any_policy_files(run: Run) -> None:
    run("plan", *GATEWAY, "--out", "plan.json")
    Path("policies").rename("elsewhere")
    code, out, _ = run("apply", *GATEWAY, "--plan", "plan.json", "--yes")
    assert code == 0
    assert "6 added (revision 1)" in out


def test_a_saved_plan_is_applied_once(run: Run) -> None:
    run("plan", *GATEWAY, "--out", "plan.json")
    assert run("apply", *GATEWAY, "--plan", "plan.json", "--yes")[0] == 0
    code, out, err = run("apply", *GATEWAY, "--plan", "plan.json", "--yes")
    assert (code, err) == (0, "")
    assert "was applied already as revision 1" in out
    assert revisions() == [1]
    by_hand(SCOPE, "execution", "by hand")
    code, out, err = run("apply", *GATEWAY, "--plan", "plan.json", "--yes")
    assert (code, out) == (8, "")
    assert "was applied already, as revision 1" in err
    assert "and the gateway has changed since" in err


def test_a_plan_of_a_base_that_moved_is_refused(run: Run) -> None:
    apply()
    change("scopes.toml", "Release production orders to execution", "Release")
    run("plan", *GATEWAY, "--out", "plan.json")
    by_hand(SCOPE, "execution", "by hand")
    code, _, err = run("apply", *GATEWAY, "--plan", "plan.json", "--yes")
    assert code == 8
    assert "Nothing was changed" in err
    assert "by hand" in SCOPE.read_text()


def test_an_edited_plan_is_refused(run: Run) -> None:
    run("plan", *GATEWAY, "--out", "plan.json")
    by_hand(Path("plan.json"), "dispatches released orders", "because I say so")
    code, _, err = run("apply", *GATEWAY, "--plan", "plan.json", "--yes")
    assert code == 6
    assert "edited after it was made" in err
    assert revisions() == []


def test_a_plan_for_another_gateway_is_refused(run: Run) -> None:
    run("plan", *GATEWAY, "--out", "plan.json")
    change("andon.toml", "plant-gateway", "office-gateway")
    Path("office").mkdir()
    assert run("apply", "--gateway", "directory:office", "--yes")[0] == 0
    code, _, err = run("apply", "--gateway", "directory:office", "--plan", "plan.json", "--yes")
    assert code == 6
    assert "is for the gateway plant-gateway, and this is office-gateway" in err


def test_a_first_plan_is_for_the_directory_that_it_was_made_for(run: Run) -> None:
    run("plan", *GATEWAY, "--out", "plan.json")
    Path("other").mkdir()
    code, out, err = run("apply", "--gateway", "directory:other", "--plan", "plan.json", "--yes")
    assert (code, out) == (6, "")
    assert "The plan is for the plant-gateway in another directory, or for this one before it was moved." in err
    assert not list(Path("other").iterdir())
    code, _, err = run("apply", *GATEWAY, "--plan", "plan.json", "--yes")
    assert code == 0, err


def test_a_plan_that_is_none_or_not_there(run: Run) -> None:
    Path("plan.json").write_text("{}")
    code, _, err = run("apply", *GATEWAY, "--plan", "plan.json", "--yes")
    assert code == 6
    assert "This is no plan" in err
    code, _, err = run("apply", *GATEWAY, "--plan", "absent.json", "--yes")
    assert code == 7
    assert "There is no plan absent.json" in err
    assert run("apply", *GATEWAY, "--plan", "policies", "--yes")[0] == 2


@pytest.mark.parametrize("more", [("--only", "scope.*"), ("--environment", "test"), ("--usage", "u.json")])
def test_a_saved_plan_takes_nothing_that_would_make_it_another(run: Run, more: tuple[str, ...]) -> None:
    run("plan", *GATEWAY, "--out", "plan.json")
    code, _, err = run("apply", *GATEWAY, "--plan", "plan.json", "--yes", *more)
    assert code == 2
    assert f"{more[0]} cannot be given with --plan" in err


def test_what_is_blocked_is_not_applied_and_says_why(run: Run) -> None:
    apply()
    change("scopes.toml", "to execution", "in the files")
    by_hand(SCOPE, "to execution", "by hand")
    code, out, err = run("apply", *GATEWAY, "--yes")
    assert (code, out) == (6, "")
    assert "scope.orders.release was changed at the gateway and in the files: description." in err
    assert revisions() == [1]
    code, _, _ = run(
        "apply", *GATEWAY, "--yes", "--override", "scope.orders.release", "--reason", "the files are right"
    )
    assert code == 0
    assert "in the files" in SCOPE.read_text()
    assert Directory(Path("gw"), "").revisions()[0].reason == "the files are right"


def rule_broken() -> None:
    """A grant of everything, to everybody's portal."""
    consumer = Path("policies/consumers/mes-p03.toml")
    consumer.write_text(consumer.read_text().replace('"orders.release"', '"*"'))


SUPPRESSED = """
[[suppress]]
rule = "grant-wildcard"
address = "consumer.mes-p03.grant.*"
reason = "until the cut-over of plant 3"
until = 2099-12-31
"""


def test_what_breaks_a_rule_is_neither_applied_nor_saved_to_be_applied(run: Run) -> None:
    rule_broken()
    for command in (("apply", "--yes"), ("plan", "--out", "plan.json")):
        code, out, err = run(*command, *GATEWAY)
        assert (code, out) == (6, "")
        assert "policies/consumers/mes-p03.toml:6:" in err
        assert "[grant-wildcard]" in err
        assert "'andon policy lint' lists it again" in " ".join(err.split())
    assert not Path("plan.json").exists()
    assert revisions() == []
    assert run("plan", *GATEWAY)[0] == 0, "looking at it is free"


def test_what_is_suppressed_with_a_reason_is_applied(run: Run) -> None:
    rule_broken()
    andon = Path("policies/andon.toml")
    andon.write_text(andon.read_text() + SUPPRESSED)
    code, _, err = run("apply", *GATEWAY, "--yes")
    assert code == 0, err
    assert "grants a financial scope" in err
    assert run("plan", *GATEWAY, "--exit-code")[0] == 0


def test_a_warning_is_in_nobodys_way(run: Run) -> None:
    andon = Path("policies/andon.toml")
    andon.write_text(andon.read_text() + '[lint]\ngrant-wildcard = "warning"\n')
    rule_broken()
    assert run("apply", *GATEWAY, "--yes")[0] == 0


def test_without_a_terminal_it_wants_yes(run: Run) -> None:
    code, _, err = run("apply", *GATEWAY)
    assert code == 2
    assert "Add --yes" in err
    assert not list(Path("gw").iterdir())


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("what\nyes\n", 0), ("n\n", 1), ("\n", 1)])
def test_with_a_terminal_it_asks(run: Run, monkeypatch: pytest.MonkeyPatch, answer: str, code: int) -> None:
    answers = iter(answer.splitlines(keepends=True))
    monkeypatch.setattr("commands.session.Session.interactive", True)
    monkeypatch.setattr(sys, "stdin", type("Typed", (), {"readline": lambda _self: next(answers), "isatty": bool})())
    ended, _, err = run("apply", *GATEWAY)
    assert ended == code
    assert "Apply it? [y/N]" in err
    assert revisions() == ([1] if code == 0 else [])


def test_a_read_only_session_changes_nothing(run: Run) -> None:
    code, _, err = run("apply", *GATEWAY, "--yes", "--read-only")
    assert code == 6
    assert "read-only" in err
    assert run("plan", *GATEWAY, "--read-only")[0] == 0
    assert run("drift", *GATEWAY, "--read-only")[0] == 0


def test_who_changes_it_now_is_told(run: Run) -> None:
    note = json.dumps({"by": "grete", "host": "shop-floor", "pid": 4711, "since": "2026-11-21T08:00:00+00:00"})
    with held(Path("gw/lock"), note.encode()):
        code, _, err = run("apply", *GATEWAY, "--yes")
    assert code == 6
    assert "is being changed by grete (process 4711 on shop-floor) since 2026-11-21T08:00:00" in err


def test_it_can_wait_until_that_has_ended(run: Run) -> None:
    note = json.dumps({"by": "grete", "host": "shop-floor", "pid": 4711, "since": "2026-11-21T08:00:00+00:00"})
    holding, tried = threading.Event(), threading.Event()

    def hold() -> None:
        with held(Path("gw/lock"), note.encode()):
            holding.set()
            tried.wait(30)

    other = threading.Thread(target=hold)
    other.start()
    holding.wait(30)
    assert run("apply", *GATEWAY, "--yes", "--wait", "--timeout", "0.3s")[0] == 6
    threading.Timer(0.3, tried.set).start()
    code, out, err = run("apply", *GATEWAY, "--yes", "--wait")
    other.join(30)
    assert (code, "(revision 1)" in out) == (0, True), err


def cut(monkeypatch: pytest.MonkeyPatch, folder: str, end: BaseException) -> None:
    """The process is ended once, before a file of that folder is written."""
    put, ends = durable.put, [end]

    def putting(path: Path, *arguments: Any, **options: Any) -> None:
        if path.parent.name == folder and ends:
            raise ends.pop()
        put(path, *arguments, **options)

    monkeypatch.setattr(durable, "put", putting)


@pytest.mark.parametrize("more", [(), ("--plan", "plan.json")])
def test_what_was_cut_off_is_brought_to_an_end_by_applying_again(
    run: Run, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    run("plan", *GATEWAY, "--out", "plan.json")
    cut(monkeypatch, "live", SystemExit(137))
    with pytest.raises(SystemExit):
        run("apply", *GATEWAY, "--yes", "--plan", "plan.json")
    assert not SCOPE.exists()
    for word in ("plan", "drift", "revisions"):
        ended, out, err = run(word, *GATEWAY)
        assert ended == 0
        assert "was cut off while its files were written. It counts here as made" in err
        assert "The next 'andon policy apply' writes the rest" in err
        assert run(word, *GATEWAY, "--quiet")[2] == ""
        assert out.startswith("Nothing to do") is (word == "plan")
    assert "was cut off" in run("rollback", "0", *GATEWAY, "--dry-run")[2]
    assert not SCOPE.exists(), "looking writes nothing"
    code, _, err = run("apply", *GATEWAY, "--yes", *more)
    assert code == 0
    assert "was cut off while its files were written. They are all there now." in err
    assert SCOPE.exists()
    assert revisions() == [1]
    for word in (("apply", "--yes", *more), ("plan",), ("drift",), ("revisions",)):
        assert "cut off" not in run(*word, *GATEWAY)[2]


def test_whoever_interrupts_it_is_told_what_became_of_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cut(monkeypatch, "gw", KeyboardInterrupt())
    code, out, err = run("apply", *GATEWAY, "--yes", "--quiet")
    assert (code, out) == (130, "")
    assert err == "andon: It was interrupted. Nothing was changed.\n"
    assert revisions() == []
    cut(monkeypatch, "live", KeyboardInterrupt())
    code, out, err = run("apply", *GATEWAY, "--yes", "--quiet")
    assert (code, out) == (130, "")
    assert err == "andon: It was interrupted. The gateway had taken the change by then: it is whole, as revision 1.\n"
    assert SCOPE.exists()
    assert not Path("gw/journal.json").exists()


def test_only_part_of_it(run: Run) -> None:
    code, out, _ = run("apply", *GATEWAY, "--yes", "--only", "scope.orders.release")
    assert code == 0
    assert "1 added" in out
    assert run("plan", *GATEWAY)[1].startswith("5 to add")


def test_a_secret_at_the_gateway_is_not_told(run: Run) -> None:
    apply()
    consumer = LIVE / file_name("consumer.mes-p03")
    by_hand(consumer, '"client_id": "mes-p03"', '"client_id": "mes-p03", "secret": "hunter2-of-the-plant"')
    for command in (("drift",), ("drift", "-o", "json"), ("plan", "-v"), ("plan", "--format", "json")):
        _, out, err = run(*command, *GATEWAY)
        assert "(hidden)" in out
        assert "hunter2" not in out + err


def test_the_set_of_another_name_owns_its_own(run: Run) -> None:
    apply()
    text = Path("policies/andon.toml").read_text()
    Path("policies/andon.toml").write_text(text.replace("[gateway]\n", '[gateway]\nset = "office"\n'))
    code, _, err = run("apply", *GATEWAY, "--yes")
    assert code == 6
    assert f"belongs to the policy set {PolicySet.DEFAULT_NAME}" in err


def test_a_plan_of_policies_that_break_a_rule_says_that_it_would_not_be_applied(run: Run) -> None:
    change("consumers/mes-p03.toml", 'scope = "orders.release"', 'scope = "orders.*"')
    code, out, err = run("plan", *GATEWAY)
    assert (code, "grant.orders.*" in out) == (0, True)
    assert err == "The policies break a rule, so 'andon policy apply' will refuse them; 'andon policy lint' says why.\n"
    assert run("plan", *GATEWAY, "--quiet")[2] == ""
    assert run("apply", *GATEWAY, "--yes")[0] == 6
