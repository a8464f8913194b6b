"""Policies that are planned, applied and looked at on a real hub over HTTP, with no ``--gateway`` at all."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from policies_and_gateway import change, prepare
from served_hub import Served

from commands.demo_policies import govern
from commands.main import main
from commands.progress import Progress
from commands.session import Session
from gateway_policies.changeset import Changeset
from gateway_policies.gateway import Report, Revision
from platforms.contexts import Choice, resolve
from platforms.hub import approvals
from platforms.hub.gateway import HubGateway
from platforms.synchronous import SyncClient
from transactions.errors import Unreachable

Run = Callable[..., tuple[int, str, str]]
SCOPE = "Release production orders to execution"
BECAUSE = "consumer.mes-p03.grant.orders.release grants a financial scope."


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    hub = Served(tmp_path_factory.mktemp("hub"))
    yield hub
    hub.end()


@pytest.fixture
def run(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """``andon``, as grete unless ``token`` names somebody else's."""
    served.empty()
    prepare(tmp_path, monkeypatch)
    monkeypatch.setenv("ANDON_URL", served.url)

    def running(*arguments: str, token: str = "a-token") -> tuple[int, str, str]:
        monkeypatch.setenv("ANDON_TOKEN", token)
        code = main(arguments)
        out, err = capfd.readouterr()
        return code, out, err

    return running


def asked_as(err: str) -> str:
    found = re.search(r"andon approvals approve ([0-9a-f]{12})", err)
    assert found is not None, err
    return found[1]


def ask(run: Run, *more: str) -> str:
    """Apply what wants a second person; gives the hash that it waits under."""
    code, _, err = run("policy", "apply", "--yes", *more)
    assert code == 6, err
    return asked_as(err)


def typing(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Somebody at a terminal, who types this."""
    answers = iter(lines)
    monkeypatch.setattr("commands.session.Session.interactive", True)
    typed = type("Typed", (), {"readline": lambda _self: f"{next(answers)}\n", "isatty": bool})()
    monkeypatch.setattr(sys, "stdin", typed)


def low() -> None:
    """Nothing in the files wants a second person."""
    change("scopes.toml", '"financial"', '"low"')


def test_planned_applied_and_nothing_left_to_do(run: Run) -> None:
    low()
    assert run("policy", "plan", "--exit-code")[0] == 10
    code, out, err = run("policy", "apply", "--yes")
    assert (code, out) == (0, "✓ plant-gateway is as the files say: 6 added (revision 1)\n"), err
    assert run("policy", "plan", "--exit-code")[0] == 0
    assert run("policy", "drift", "--exit-code")[0] == 0
    code, out, _ = run("policy", "revisions", "-o", "json")
    (told,) = json.loads(out)["items"]
    assert (code, told["number"], told["by"]) == (0, 1, "grete")
    assert run("policy", "revisions", "-o", "id")[1] == "1\n"
    assert "grete" in run("policy", "revisions")[1]
    assert run("gateway", "scopes", "-o", "id", token="reader-token")[1] == "orders.release\n"


def test_a_terminal_shows_what_the_hub_has_done(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    low()
    monkeypatch.setattr("commands.progress.Progress.__init__", on_a_terminal)
    code, _, err = run("policy", "apply", "--yes")
    assert code == 0
    assert [each for each in err.split("\r\x1b[K") if each.startswith("6 changes of")] == [
        "6 changes of plant-gateway: on the way",
        "6 changes of plant-gateway: sent",
        "6 changes of plant-gateway: sent → committed as revision 1",
    ]


def on_a_terminal(progress: Progress, session: Session) -> None:
    progress._stderr, progress._on = session.stderr, True


def test_where_nothing_was_counted_calls_are_unknown_and_never_none(run: Run) -> None:
    low()
    assert run("policy", "apply", "--yes")[0] == 0
    path = Path("policies/consumers/mes-p03.toml")
    path.write_text(path.read_text().partition("[[grant]]")[0])
    (found,) = json.loads(run("policy", "plan", "-o", "json")[1])["changes"]
    assert found["impact"]["traffic"] == "unknown"
    assert found["impact"].get("calls") is None
    assert "calls: unknown; 1 consumer may call" in run("policy", "plan", "--verbose")[1]


def test_who_may_only_look_plans_and_does_not_apply(run: Run) -> None:
    low()
    assert run("policy", "plan", token="reader-token")[0] == 0
    run("policy", "plan", "--out", "plan.json")
    for command in (("apply",), ("apply", "--plan", "plan.json"), ("rollback", "0")):
        code, out, err = run("policy", *command, "--yes", token="reader-token")
        assert (code, out) == (4, "")
        assert "may not do this: it wants the permission 'policy-apply'" in err
        assert "Nothing was planned or changed." in err
        assert "to add" not in err, "who may not is told before a plan is shown"
    assert run("policy", "rollback", "0", "--dry-run", token="reader-token")[0] == 0


def test_what_cannot_be_asked_needs_no_rights(run: Run) -> None:
    code, _, err = run("policy", "apply", "--yes", "--plan", "x", "--only", "scope.*", token="reader-token")
    assert (code, "--only cannot be given with --plan" in err) == (2, True)


def test_who_may_not_break_glass_is_told_before_the_plan_is_shown(run: Run) -> None:
    code, out, err = run("policy", "apply", "--yes", "--break-glass", "--reason", "r")
    assert (code, out) == (4, "")
    assert "it wants the permission 'break-glass'" in err
    assert "to add" not in err


def test_what_waits_is_not_given_other_words(run: Run) -> None:
    run("policy", "plan", "--out", "plan.json")
    digest = ask(run, "--plan", "plan.json", "--reason", "go-live of plant 3")
    code, out, err = run("policy", "apply", "--yes", "--plan", "plan.json", "--reason", "because I say so")
    assert (code, out) == (6, "")
    assert "the second person reads this reason: 'go-live of plant 3'" in err
    assert ask(run, "--plan", "plan.json") == digest


def test_a_saved_plan_is_for_the_state_that_it_was_made_on(run: Run) -> None:
    low()
    run("policy", "plan", "--out", "plan.json")
    change("scopes.toml", SCOPE, "Release")
    assert run("policy", "apply", "--yes")[0] == 0
    code, _, err = run("policy", "apply", "--plan", "plan.json", "--yes")
    assert code == 8
    assert "has changed since the plan was made" in err


def test_a_hub_that_has_another_gateway(run: Run) -> None:
    change("andon.toml", "plant-gateway", "office-gateway")
    code, _, err = run("policy", "plan")
    assert code == 6
    assert "has 'plant-gateway'" in err


def test_no_hub_is_exit_3_and_a_read_only_session_changes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    low()
    assert run("policy", "apply", "--yes", "--read-only")[0] == 6
    assert json.loads(run("policy", "revisions", "-o", "json")[1]) == {"items": [], "next_cursor": None}
    monkeypatch.setenv("ANDON_URL", "http://127.0.0.1:1")
    assert run("policy", "plan")[0] == 3


def test_what_wants_a_second_person_waits_and_is_applied_by_that_one(run: Run) -> None:
    code, out, err = run("policy", "apply", "--yes", "--reason", "go-live of plant 3")
    digest = asked_as(err)
    assert (code, out) == (6, f"◆ waits  plan {digest}… for a second person\n")
    assert BECAUSE in err
    assert f"Nothing was changed yet. The plan {digest}" in " ".join(err.split())
    assert "it is applied by itself." in err
    assert run("policy", "revisions", "-o", "id")[1] == ""
    code, out, _ = run("approvals", "list", "-o", "json", token="another-token")
    (item,) = json.loads(out)["items"]
    assert (item["action"], item["requested_by"], item["reason"]) == ("policy", "grete", "go-live of plant 3")
    code, out, _ = run("approvals", "show", digest, token="another-token")
    assert code == 0
    assert "policy 6   plan " in out
    assert "◆ grants a financial scope" in out
    assert "  + consumer.mes-p03.grant.orders.release\n" in out
    assert "6 to add" in out
    code, out, _ = run("approvals", "approve", digest, "--reason", "read it", "--yes", token="another-token")
    assert (code, out) == (0, f"✓ approved  plan {digest}… is applied: the gateway is at revision 1\n")
    assert run("policy", "plan", "--exit-code")[0] == 0
    (told,) = json.loads(run("policy", "revisions", "-o", "json")[1])["items"]
    assert (told["by"], told["reason"], told["approved_by"]) == ("grete", "go-live of plant 3", "otto")
    head, line = run("policy", "revisions")[1].splitlines()
    assert line.index("otto") == head.lower().index("approved by")


def test_machines_are_told_where_it_waits(run: Run) -> None:
    code, out, err = run("policy", "apply", "--yes", "-o", "json", "--quiet")
    told = json.loads(out)
    assert (code, told["state"], told["revision"]) == (6, "awaiting-approval", None)
    assert told["asked_as"].startswith(asked_as(err))


def test_nobody_approves_their_own_and_not_everybody_approves(run: Run) -> None:
    digest = asked_as(run("policy", "apply", "--yes", token="admin-token")[2])
    code, _, err = run("approvals", "approve", digest, "--reason", "r", "--yes", token="admin-token")
    assert code == 6
    assert "nobody may approve their own" in err
    assert run("approvals", "approve", digest, "--reason", "r", "--yes", token="reader-token")[0] == 4


def test_a_saved_plan_waits_is_rejected_and_stays_rejected(run: Run) -> None:
    run("policy", "plan", "--out", "plan.json")
    digest = ask(run, "--plan", "plan.json")
    assert ask(run, "--plan", "plan.json") == digest
    code, out, _ = run("approvals", "reject", digest, "--reason", "not today", "--yes", token="another-token")
    assert (code, "rejected" in out) == (0, True)
    code, _, err = run("policy", "apply", "--plan", "plan.json", "--yes")
    assert code == 8
    assert "rejected by otto: not today" in err


def test_a_saved_plan_that_was_approved_was_applied_already(run: Run) -> None:
    run("policy", "plan", "--out", "plan.json")
    digest = ask(run, "--plan", "plan.json")
    run("approvals", "approve", digest, "--reason", "r", "--yes", token="another-token")
    code, out, _ = run("policy", "apply", "--plan", "plan.json", "--yes")
    assert code == 0
    assert "was applied already as revision 1, by grete" in out
    code, out, _ = run("policy", "apply", "--plan", "plan.json", "--yes", "-o", "json")
    assert (code, json.loads(out)["state"], json.loads(out)["revision"]) == (0, "applied-before", 1)


def test_a_base_that_moved_while_it_waited_is_stale(run: Run) -> None:
    digest = ask(run)
    low()
    assert run("policy", "apply", "--yes")[0] == 0
    code, _, err = run("approvals", "approve", digest, "--reason", "r", "--yes", token="another-token")
    assert code == 8
    assert "has changed since this was asked for" in err
    assert json.loads(run("approvals", "list", "-o", "json")[1])["items"] == []


def test_glass_is_broken_with_a_reason_by_who_may(run: Run) -> None:
    code, _, err = run("policy", "apply", "--yes", "--break-glass")
    assert code == 2
    assert "--break-glass needs a --reason" in err
    code, _, err = run("policy", "apply", "--yes", "--break-glass", "--reason", "line 4 stands")
    assert code == 4
    assert "may not break glass" in err
    code, out, err = run("policy", "apply", "--yes", "--break-glass", "--reason", "line 4 stands", token="admin-token")
    assert (code, "revision 1" in out) == (0, True)
    assert "owes a review within 24 hours" in err
    (item,) = json.loads(run("approvals", "list", "-o", "json", token="another-token")[1])["items"]
    assert (item["kind"], item["reason"]) == ("review", "line 4 stands")
    code, out, _ = run("approvals", "approve", item["hash"], "--reason", "right", "--yes", token="another-token")
    assert (code, "it had run without approval" in out) == (0, True)


@pytest.mark.parametrize(
    ("decision", "code", "said"),
    [("approve", 0, "(revision 1)"), ("reject", 6, "was rejected by otto: looked at it. Nothing was changed.")],
)
def test_it_can_wait_for_the_decision(run: Run, served: Served, decision: str, code: int, said: str) -> None:
    resolved = resolve(Choice(), {"ANDON_URL": served.url, "ANDON_TOKEN": "another-token"}, Path.cwd())

    def decide() -> None:
        end = time.monotonic() + 30
        with SyncClient(resolved) as sender:
            while not (found := sender.send(approvals.list_page()).items):
                assert time.monotonic() < end
                time.sleep(0.02)
            sender.send(getattr(approvals, decision)(found[0].hash, "looked at it"))

    other = threading.Thread(target=decide)
    other.start()
    ended, out, err = run("policy", "apply", "--yes", "--wait", "--timeout", "1h")
    other.join(30)
    assert ended == code, err
    assert said in " ".join((out + err).split())
    assert "Waiting for 1h at most" in err


def test_waiting_has_an_end(run: Run) -> None:
    code, out, err = run("policy", "apply", "--yes", "--wait", "--timeout", "0.1s")
    assert (code, "◆ waits" in out) == (6, True)
    code, _, err = run("policy", "apply", "--yes", "--timeout", "5m")
    assert (code, "--wait was not given" in err) == (2, True)
    code, _, err = run("policy", "apply", "--yes", "--wait", "--timeout", "soon")
    assert (code, "--timeout" in err) == (2, True)


def test_at_a_terminal_it_asks_for_the_approval(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    typing(monkeypatch, "n")
    code, _, err = run("policy", "apply")
    assert (code, "It wants a second person. Ask for approval? [y/N]" in err) == (1, True)
    assert json.loads(run("approvals", "list", "-o", "json")[1])["items"] == []
    glass = ("policy", "apply", "--break-glass", "--reason", "line 4 stands")
    typing(monkeypatch, "yes")
    code, _, err = run(*glass, token="admin-token")
    assert (code, "It was not confirmed" in err) == (1, True)
    typing(monkeypatch, "y")
    code, _, err = run("policy", "apply")
    assert (code, "waits for a second person until" in " ".join(err.split())) == (6, True)
    typing(monkeypatch, "break glass")
    code, _, err = run(*glass, token="admin-token")
    assert (code, "Type 'break glass'" in err) == (0, True)


def test_the_demo_applies_the_example_with_its_second_person_and_export_gets_it_back(
    run: Run, served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    tokens = ("a-token", "another-token")
    first, second = (Session({"ANDON_URL": served.url, "ANDON_TOKEN": each}, Path.cwd()) for each in tokens)
    govern(first, second, Path("demo"))
    first.close()
    second.close()
    assert "grete applies them, otto approves" in capfd.readouterr().err
    assert run("policy", "plan", "demo", "--exit-code")[0] == 0
    assert run("policy", "lint", "demo")[1] == "Nothing found.\n"
    (told,) = json.loads(run("policy", "revisions", "-o", "json")[1])["items"]
    assert told["by"] == "grete"
    live = {
        each
        for kind in ("apis", "consumers", "scopes", "throttles")
        for each in run("gateway", kind, "-o", "id")[1].split()
    }
    assert {"erp-documents", "andon-hub", "postings.read", "erp-quota"} <= live
    code, out, _ = run("policy", "export", "back")
    assert code == 0
    assert "Put the contracts there" in out
    Path("demo/contracts").rename("back/contracts")
    assert run("policy", "plan", "back", "--exit-code")[0] == 0


def lost(monkeypatch: pytest.MonkeyPatch, *, sent: bool, again: int = 0) -> None:
    """The answer to the next change is lost, after the hub has made it or before it came there; ``again`` questions
    after that as well."""
    apply, look, left = HubGateway.apply, HubGateway.revision_of, [again]
    tried: list[Changeset] = []

    def losing(self: HubGateway, changeset: Changeset, at: datetime, report: Report) -> Revision:
        tried.append(changeset)
        if sent:
            apply(self, changeset, at, report)
        raise Unreachable("The connection broke off.")

    def looking(self: HubGateway, plan: str) -> Revision | None:
        if tried and left[0]:
            left[0] -= 1
            raise Unreachable("Nobody answers.")
        return look(self, plan)

    monkeypatch.setattr(HubGateway, "apply", losing)
    monkeypatch.setattr(HubGateway, "revision_of", looking)


@pytest.mark.parametrize("again", [0, 2])
def test_an_answer_that_was_lost_after_the_change_is_asked_for(
    run: Run, monkeypatch: pytest.MonkeyPatch, again: int
) -> None:
    low()
    lost(monkeypatch, sent=True, again=again)
    code, out, err = run("policy", "apply", "--yes")
    assert (code, out) == (0, "✓ plant-gateway is as the files say: 6 added (revision 1)\n"), err


def test_a_change_that_never_arrived_was_not_made_and_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    low()
    lost(monkeypatch, sent=False)
    code, _, err = run("policy", "apply", "--yes")
    assert code == 3
    assert "The gateway was asked again, and has not taken the change." in " ".join(err.split())


def test_whether_it_was_made_is_not_guessed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    low()
    run("policy", "plan", "--out", "plan.json")
    with monkeypatch.context() as broken:
        lost(broken, sent=True, again=99)
        code, _, err = run("policy", "apply", "--yes")
        assert code == 3
        assert "Whether the gateway took the change is not known." in " ".join(err.split())
    code, _, err = run("policy", "apply", "--plan", "plan.json", "--yes")
    assert code == 8, "that was another plan of the same files"


def test_a_saved_plan_whose_answer_was_lost_is_given_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    low()
    run("policy", "plan", "--out", "plan.json")
    with monkeypatch.context() as broken:
        lost(broken, sent=True, again=99)
        assert run("policy", "apply", "--plan", "plan.json", "--yes")[0] == 3
    code, out, _ = run("policy", "apply", "--plan", "plan.json", "--yes")
    assert (code, "was applied already as revision 1, by grete" in out) == (0, True)
    change("scopes.toml", SCOPE, "Release")
    assert run("policy", "apply", "--yes")[0] == 0
    code, _, err = run("policy", "apply", "--plan", "plan.json", "--yes")
    assert code == 8
    assert "was applied already, as revision 1 by grete, and the gateway has changed since" in " ".join(err.split())
