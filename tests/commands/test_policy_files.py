"""``andon policy init|validate|fmt|schema``: on real files, without a hub, a token or a home."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from policy_folder import FILES, made, put

Andon = Callable[..., Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def policies(here: Path) -> Path:
    return made(here / "policies")


def test_what_init_writes_is_right_and_says_what_comes_next(here: Path, andon: Andon) -> None:
    ran = andon("policy", "init")
    assert (ran.code, ran.err) == (0, "")
    assert "policies/apis/production-orders.toml" in ran.out
    assert ran.out.splitlines()[-1] == "Check them:  andon policy validate"
    assert andon("policy", "validate").code == 0
    assert andon("policy", "fmt", "--check").code == 0


def test_init_of_the_example_somewhere_else(here: Path, andon: Andon) -> None:
    ran = andon("policy", "init", "gateway", "--example", "-o", "json")
    assert ran.code == 0
    assert ran.json["folder"] == "gateway"
    assert "gateway/consumers/mes-p03.toml" in ran.json["files"]
    assert all((here / file).is_file() for file in ran.json["files"])
    assert andon("policy", "validate", "gateway").code == 0


def test_init_writes_over_nothing(policies: Path, andon: Andon) -> None:
    before = {path: path.read_text() for path in policies.rglob("*.toml")}
    ran = andon("policy", "init")
    assert (ran.code, ran.out) == (6, "")
    assert "andon.toml" in ran.err
    assert "Nothing was written" in ran.err
    assert {path: path.read_text() for path in policies.rglob("*") if path.is_file()} == before


def test_init_into_a_file(here: Path, andon: Andon) -> None:
    (here / "policies").write_text("x")
    ran = andon("policy", "init")
    assert ran.code == 6
    assert "is a file" in ran.err


def test_what_is_in_order_is_counted(policies: Path, andon: Andon) -> None:
    ran = andon("policy", "validate")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "✓ policies: 5 files in order\n  1 API, 1 consumer, 1 grant, 1 issuer, 2 scopes, 1 throttle, 2 versions\n"
    )


def test_everything_that_is_wrong_is_told_with_its_place_as_an_editor_opens_it(policies: Path, andon: Andon) -> None:
    put(policies, "throttles.toml", FILES["throttles.toml"].replace("burst", "brust"))
    put(policies, "scopes.toml", FILES["scopes.toml"].replace("operational", "high"))
    ran = andon("policy", "validate")
    assert (ran.code, ran.err) == (6, "")
    assert ran.out.splitlines() == [
        "policies/scopes.toml:2:8: error: scope.orders.release.risk = 'high' is not a risk. [bad-value]",
        "    Known are: low, operational, quality and financial.",
        (
            "policies/throttles.toml:4:1: error: Unknown key 'brust' in [throttle.plant-standard]. "
            "Did you mean 'burst'? [unknown-key]"
        ),
        "    A throttle has: requests, per, burst, quota, quota_per and protected.",
        "",
        "✗ policies: 2 errors",
    ]
    told = andon("policy", "validate", "-o", "json")
    assert told.code == 6
    assert told.json["valid"] is False
    assert (told.json["errors"], told.json["warnings"], told.json["resources"]) == (2, 0, {})
    assert told.json["findings"][0] == {
        "rule": "bad-value",
        "severity": "error",
        "message": "scope.orders.release.risk = 'high' is not a risk.",
        "help": "Known are: low, operational, quality and financial.",
        "address": None,
        "file": "policies/scopes.toml",
        "line": 2,
        "column": 8,
    }


def test_every_environment_is_tried_and_one_alone_if_asked(policies: Path, andon: Andon) -> None:
    put(policies, "environments/prod/throttles.toml", "[throttle.plant-standrd]\nburst = 5\n")
    put(policies, "environments/test/throttles.toml", "[throttle.plant-standard]\nburst = 5\n")
    ran = andon("policy", "validate")
    assert ran.code == 6
    assert "policies/environments/prod/throttles.toml:1:1" in ran.out
    ran = andon("policy", "validate", "--environment", "test")
    assert ran.code == 0
    assert "5 files" not in ran.out
    assert ran.out.splitlines()[0] == "✓ policies: 6 files in order; with test"
    ran = andon("policy", "validate", "--environment", "tst")
    assert (ran.code, ran.out) == (7, "")
    assert "Did you mean 'test'?" in ran.err


@pytest.mark.parametrize("word", ["validate", "lint", "fmt"])
def test_a_file_where_a_folder_belongs(here: Path, andon: Andon, word: str) -> None:
    (here / "scopes.toml").write_text("")
    ran = andon("policy", word, "scopes.toml")
    assert ran.code == 7
    assert "'scopes.toml' is no folder." in ran.err
    assert "init" not in ran.err


def test_a_folder_that_is_not_there(here: Path, andon: Andon) -> None:
    for word in ("validate", "fmt"):
        ran = andon("policy", word)
        assert (ran.code, ran.out) == (7, ""), word
        assert "andon policy init" in ran.err


def test_names_that_would_move_the_terminal(policies: Path, andon: Andon) -> None:
    put(policies, "apis/\x1b[31mred.toml", "x")
    ran = andon("policy", "validate")
    assert ran.code == 6
    assert "\x1b" not in ran.out


def test_fmt_lays_out_and_says_what(policies: Path, andon: Andon) -> None:
    ugly = '# top\n\n\n[throttle.x]  \nrequests=5 # five\nper="1s"\n'
    path = put(policies, "throttles/x.toml", ugly)
    shown = andon("policy", "fmt", "--diff")
    assert shown.code == 0
    assert "-requests=5 # five\n" in shown.out
    assert "+requests = 5  # five\n" in shown.out
    checked = andon("policy", "fmt", "--check", "-o", "json")
    assert checked.code == 10
    assert checked.json["changed"] == ["policies/throttles/x.toml"]
    assert path.read_text() == ugly
    ran = andon("policy", "fmt")
    assert (ran.code, ran.out) == (
        0,
        "laid out: policies/throttles/x.toml\n5 of 6 files were in the layout already.\n",
    )
    assert path.read_text() == '# top\n\n[throttle.x]\nrequests = 5  # five\nper = "1s"\n'
    assert andon("policy", "fmt", "--check").out == "✓ 6 files in the layout\n"


def test_fmt_reaches_environments_and_leaves_alone_what_is_no_toml(policies: Path, andon: Andon) -> None:
    over = put(policies, "environments/prod/scopes.toml", '[scope."orders.read"]\nrisk="low"\n')
    broken = put(policies, "consumers/broken.toml", "[consumer\n")
    ran = andon("policy", "fmt")
    assert ran.code == 6
    assert "policies/consumers/broken.toml:1:10: error: This is not TOML" in ran.out
    assert over.read_text() == '[scope."orders.read"]\nrisk = "low"\n'
    assert broken.read_text() == "[consumer\n"


def test_schemas(here: Path, andon: Andon) -> None:
    ran = andon("policy", "schema", "api")
    assert ran.code == 0
    schema = json.loads(ran.out)
    assert schema["properties"]["api"]["properties"]["layer"]["enum"] == ["system", "process", "experience"]
    assert andon("policy", "schema", "api", "-o", "json").json == schema
    assert set(json.loads(andon("policy", "schema").out)["$defs"]) == {
        "andon",
        "api",
        "consumer",
        "scopes",
        "throttles",
    }
    ran = andon("policy", "schema", "apis")
    assert (ran.code, ran.out) == (2, "")
    assert "Did you mean 'api'?" in ran.err


def test_none_of_them_imports_what_it_does_not_need(policies: Path) -> None:
    program = (
        "import sys\nfrom commands.main import main\ncode = main(['policy', 'validate', '-o', 'json'])\n"
        "heavy = {'rich', 'httpx', 'textual', 'pydantic', 'keyring', 'tomlkit', 'tomli_w', 'hub'} & set(sys.modules)\n"
        "assert code == 0 and not heavy, (code, heavy)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
