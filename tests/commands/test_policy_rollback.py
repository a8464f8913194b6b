"""``andon policy rollback`` on a directory and on a real hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gateway_conformance import bring
from policies_and_gateway import GATEWAY, apply, change, prepare
from served_hub import Served

from commands.main import main
from gateway_policies.directory import Directory
from gateway_policies.model import Consumer, Grant

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    prepare(tmp_path, monkeypatch)

    def running(*arguments: str) -> tuple[int, str, str]:
        code = main(["policy", *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return running


def gateway() -> Directory:
    return Directory(Path("gw"), "plant-gateway")


def second_revision() -> None:
    """A scope more, and another word for one that is there."""
    apply()
    change("scopes.toml", "to execution", "and go")
    path = Path("policies/scopes.toml")
    path.write_text(f'{path.read_text()}[scope."orders.read"]\ndescription = "Read orders"\nrisk = "low"\n')
    apply()


def test_it_is_shown_and_applied_like_any_plan(run: Run) -> None:
    second_revision()
    code, out, err = run("rollback", "1", *GATEWAY, "--yes")
    assert (code, out) == (
        0,
        "✓ plant-gateway is as policies had made it at revision 1: 1 changed, 1 removed (revision 3)\n",
    )
    assert err.startswith("0 to add, 1 to change, 1 to remove; a second person has to approve\n")
    assert "- scope.orders.read" in err
    assert "description: Release production orders and go → Release production orders to execution" in err
    assert "The files of policies still say what was taken back" in err
    newest = gateway().revisions()[0]
    assert (newest.number, newest.reason) == (3, "Back to revision 1")
    assert "orders.read" not in "".join(gateway().state("policies").live)
    code, out, _ = run("plan", *GATEWAY, "--exit-code")
    assert (code, out.splitlines()[0]) == (10, "1 to add, 1 to change, 0 to remove")


def test_what_was_adopted_is_given_up_and_counted(run: Run) -> None:
    apply()
    made_by_hand = {"kind": "scope", "name": "orders.hand", "description": "by hand", "risk": "low"}
    path = Path("gw/live/scope.orders.hand.json")
    path.write_text(json.dumps(made_by_hand))
    with Path("policies/scopes.toml").open("a") as file:
        file.write('[scope."orders.hand"]\ndescription = "Ours"\nrisk = "low"\n')
    apply()
    code, out, _ = run("rollback", "1", *GATEWAY, "--yes")
    assert (code, out) == (0, "✓ plant-gateway is as policies had made it at revision 1: 1 given up (revision 3)\n")
    assert json.loads(path.read_text()) == made_by_hand


def test_to_where_it_is_there_is_nothing_to_do(run: Run) -> None:
    second_revision()
    code, out, err = run("rollback", "2", *GATEWAY, "--yes")
    assert (code, out, err) == (0, "Nothing to do: the gateway is as policies had made it at revision 2.\n", "")
    assert len(gateway().revisions()) == 2


def test_looking_changes_nothing_and_wants_no_confirmation(run: Run) -> None:
    second_revision()
    code, out, _ = run("rollback", "1", *GATEWAY, "--dry-run")
    assert code == 0
    assert out.startswith("0 to add, 1 to change, 1 to remove")
    assert run("rollback", "1", *GATEWAY, "--dry-run", "--read-only")[0] == 0
    assert run("rollback", "1", *GATEWAY)[0] == 2
    assert run("rollback", "1", *GATEWAY, "--yes", "--read-only")[0] == 6
    assert len(gateway().revisions()) == 2


def test_a_plan_that_is_saved_is_applied_as_any_other(run: Run) -> None:
    second_revision()
    code, _, err = run("rollback", "1", *GATEWAY, "--out", "back.json")
    assert (code, "The plan is in back.json" in err) == (0, True)
    assert len(gateway().revisions()) == 2
    code, out, _ = run("apply", *GATEWAY, "--plan", "back.json", "--yes", "--reason", "the line stands")
    assert (code, "1 removed (revision 3)" in out) == (0, True)
    assert gateway().revisions()[0].reason == "the line stands"


def test_what_another_set_built_on_it_is_in_the_way_and_named(run: Run) -> None:
    second_revision()
    office = [Consumer(name="office", owner="it"), Grant(consumer="office", scope="orders.read")]
    bring(gateway(), office, "office")
    code, _, err = run("rollback", "1", *GATEWAY, "--yes")
    assert code == 6
    assert "consumer.office.grant.orders.read (of the policy set office) still refers to scope.orders.read" in err
    assert len(gateway().revisions()) == 3
    assert run("rollback", "2", "--set", "office", *GATEWAY, "--yes")[0] == 0
    assert run("rollback", "1", *GATEWAY, "--yes")[0] == 0


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("9",), 7, "has no revision 9: it has taken 2"),
        (("-1",), 2, "-1"),
        (("one",), 2, "one"),
        (("1", "--set", "polices"), 7, "No policy set 'polices' was applied here. Did you mean 'policies'?"),
        (("1", "--override", "scope.orders.read"), 2, "--override needs a --reason"),
        (("1", "--override", "scope.x", "--reason", "r"), 2, "the plan changes nothing at that address."),
        (("1", "--break-glass"), 2, "--break-glass needs a --reason"),
        (("1", "--timeout", "5m"), 2, "--wait was not given"),
    ],
)
def test_what_cannot_be_done_says_why(run: Run, more: tuple[str, ...], code: int, said: str) -> None:
    second_revision()
    ended, _, err = run("rollback", *more, *GATEWAY, "--yes")
    assert ended == code
    assert said in " ".join(err.split())
    assert len(gateway().revisions()) == 2


def test_what_is_mistyped_is_told_before_a_confirmation_is_missed(run: Run) -> None:
    run("apply", *GATEWAY, "--yes")
    code, _, err = run("rollback", "9", *GATEWAY)
    assert (code, "has no revision 9" in err) == (7, True)
    code, _, err = run("rollback", "0", *GATEWAY)
    assert (code, "Add --yes to apply, or look with --dry-run." in err) == (2, True)


def test_a_directory_that_is_none(run: Run) -> None:
    assert run("rollback", "0", "--gateway", "directory:none", "--yes")[0] == 7


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    hub = Served(tmp_path_factory.mktemp("hub"))
    yield hub
    hub.end()


def test_on_a_hub_it_waits_for_a_second_person_like_any_other(
    run: Run, served: Served, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANDON_URL", served.url)
    monkeypatch.setenv("ANDON_TOKEN", "a-token")
    change("scopes.toml", '"financial"', '"low"')
    assert run("apply", "--yes")[0] == 0
    path = Path("policies/scopes.toml")
    path.write_text(f'{path.read_text()}[scope."orders.read"]\ndescription = "Read orders"\nrisk = "low"\n')
    assert run("apply", "--yes")[0] == 0
    code, out, err = run("rollback", "1", "--yes", "-o", "json")
    told = json.loads(out)
    assert (code, told["state"], told["revision"]) == (6, "awaiting-approval", None)
    assert "scope.orders.read removes the scope" in err
    assert "still say" not in err, "nothing was taken back yet"
    monkeypatch.setenv("ANDON_TOKEN", "another-token")
    assert main(["approvals", "approve", told["asked_as"], "--reason", "seen", "--yes"]) == 0
    capfd.readouterr()
    monkeypatch.setenv("ANDON_TOKEN", "a-token")
    (newest, *_) = json.loads(run("revisions", "-o", "json")[1])["items"]
    assert (newest["number"], newest["by"], newest["reason"]) == (3, "grete", "Back to revision 1")
    assert json.loads(run("rollback", "1", "--dry-run", "-o", "json")[1])["changes"] == []
