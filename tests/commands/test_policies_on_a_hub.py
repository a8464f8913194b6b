"""Policies that are planned, applied and looked at on a real hub over HTTP, with no ``--gateway`` at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from policies_and_gateway import change, prepare
from served_hub import Served

from commands.main import main

Run = Callable[..., tuple[int, str, str]]
SCOPE = "Release production orders to execution"


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


def test_who_may_only_look_plans_and_does_not_apply(run: Run) -> None:
    low()
    assert run("policy", "plan", token="reader-token")[0] == 0
    code, _, err = run("policy", "apply", "--yes", token="reader-token")
    assert code == 4
    assert "policy-apply" in err


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
