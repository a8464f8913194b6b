"""``andon policy lint`` on real files, without any hub."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from policies_and_gateway import ANDON, change, prepare
from policies_and_gateway import write as write_file

from commands.main import main
from commands.policy_formats import below_repository

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """A command line in a folder with policies that are in order: the usual ones, with all that rules ask for."""
    prepare(tmp_path, monkeypatch)
    monkeypatch.delenv("ANDON_OUTPUT", raising=False)
    change("scopes.toml", 'risk = "financial"\n', "")
    change("apis/production-orders.toml", "base_path", 'system = "ERP"\nbase_path')
    change("apis/production-orders.toml", '"active"\n', '"active"\ncontract = "contracts/v1.json"\n')
    change("consumers/mes-p03.toml", "credential", 'system = "MES"\nthrottle = "plant-standard"\ncredential')
    change("consumers/mes-p03.toml", "[[grant]]", "\n[[grant]]")
    write("throttles.toml", '[throttle.plant-standard]\nrequests = 600\nper = "1m"\nburst = 100\n')
    write("contracts/v1.json", "{}")

    def running(*arguments: str) -> tuple[int, str, str]:
        code = main(["policy", "lint", *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return running


def write(path: str, text: str) -> None:
    write_file(Path("policies", path), text)


def break_it() -> None:
    """An error at a line, and a warning."""
    change("apis/production-orders.toml", 'scope = "orders.release"\n', "")


def test_policies_in_order(run: Run) -> None:
    assert run() == (0, "Nothing found.\n", "")


def test_an_error_exits_6_and_a_warning_does_not(run: Run) -> None:
    change("consumers/mes-p03.toml", 'reason = "dispatches released orders"\n', "")
    code, out, _ = run()
    assert code == 0
    assert "policies/consumers/mes-p03.toml:8:1: warning grant-reason" in out
    break_it()
    code, out, _ = run()
    assert code == 6
    assert "policies/apis/production-orders.toml:13:1: error operation-without-scope" in out
    assert out.endswith("in 3 files.\n")


def test_policies_that_cannot_be_loaded_are_told_like_any_other_finding(run: Run) -> None:
    change("consumers/mes-p03.toml", "throttle", "trottle")
    code, out, _ = run()
    assert code == 6
    assert "policies/consumers/mes-p03.toml:5:1: error unknown-key" in out


def test_severities_and_suppressions_of_the_files_count(run: Run) -> None:
    break_it()
    write("andon.toml", f'{ANDON}[lint]\noperation-without-scope = "warning"\n')
    assert run()[0] == 0
    silence = '[[suppress]]\nrule = "scope-unused"\naddress = "scope.*"\nreason = "soon"\nuntil = 2199-01-01\n'
    write("andon.toml", f'{ANDON}[lint]\noperation-without-scope = "off"\nsuppression-long = "off"\n{silence}')
    assert run() == (0, "Nothing found; 1 suppressed.\n", "")


def test_json_and_the_other_forms(run: Run) -> None:
    break_it()
    code, out, err = run("--format", "json")
    assert (code, err) == (6, "")
    report = json.loads(out)
    assert report["format"] == "andon.policy-findings/1"
    assert [each["rule"] for each in report["findings"]] == ["operation-without-scope", "scope-unused"]
    assert json.loads(run("-o", "json")[1]) == report
    for form in ("jsonl", "yaml", "id"):
        assert run("-o", form)[0] == 6
    assert len(list(csv.reader(io.StringIO(run("-o", "csv")[1])))) == 2


def test_sarif_and_annotations_name_files_below_the_repository(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it()
    Path(".git").mkdir()
    Path("deploy").mkdir()
    Path("policies").rename("deploy/policies")
    monkeypatch.chdir("deploy")
    code, out, _ = run("--format", "sarif")
    [sarif] = json.loads(out)["runs"]
    uri = sarif["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (code, uri) == (6, "deploy/policies/apis/production-orders.toml")
    code, out, _ = run("--format", "github")
    assert code == 6
    assert out.splitlines()[0].startswith(
        "::error file=deploy/policies/apis/production-orders.toml,line=13,col=1,title=operation-without-scope::"
    )
    code, out, _ = run("--format", "gitlab")
    assert (code, json.loads(out)[0]["location"]["path"]) == (6, "deploy/policies/apis/production-orders.toml")


def test_a_folder_below_no_repository_is_named_from_here(tmp_path: Path) -> None:
    assert below_repository(tmp_path / "x", Path("policies")) == "policies"
    assert below_repository(tmp_path / "x", tmp_path / "y") == (tmp_path / "y").resolve().as_posix()


def test_every_environment_is_looked_at(run: Run) -> None:
    write("environments/production/throttles.toml", "[throttle.plant-standard]\nburst = 700\n")
    code, out, _ = run()
    assert code == 0
    assert "policies/environments/production/throttles.toml:2:9: warning throttle-burst" in out
    assert "With production: throttle.plant-standard lets 700 pass at once" in " ".join(out.split())
    assert "With production" not in run("--environment", "production")[1]
    assert "throttle-burst" in run("--environment", "production")[1]


def test_what_an_environment_cannot_load_is_told(run: Run) -> None:
    write("environments/production/throttles.toml", "[throttle.plant-standard]\nbrst = 7\n")
    code, out, _ = run()
    assert code == 6
    assert "policies/environments/production/throttles.toml:2:1: error unknown-key" in out


def test_comments_of_environments_are_searched_too(run: Run) -> None:
    write("environments/test/throttles.toml", "# password: " + "hunter2hunter2\n[throttle.plant-standard]\nburst = 7\n")
    code, out, _ = run()
    assert code == 6
    assert "policies/environments/test/throttles.toml:1:3: error secret-in-text" in out
    assert "hunter2" not in out
    assert run("--environment", "test")[0] == 6


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere"], 7, "andon policy init"),
        (["--environment", "production"], 7, "no environment"),
        (["--explain", "grant-expird"], 7, "Did you mean 'grant-expired'?"),
        (["--format", "xml"], 2, "'xml'"),
    ],
)
def test_what_is_asked_for_and_is_not_there(run: Run, arguments: list[str], code: int, said: str) -> None:
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert said in err


def expire() -> None:
    change(
        "consumers/mes-p03.toml", 'scope = "orders.release"', 'scope = "orders.release"\nexpires_on = 2020-01-31 # !'
    )


def test_what_takes_no_decision_is_mended_and_said(run: Run) -> None:
    expire()
    assert run()[1].endswith("1 error in 1 file; --fix mends 1.\n")
    code, out, err = run("--fix")
    assert code == 0
    assert err == (
        "policies/consumers/mes-p03.toml:10: grant-expired: consumer.mes-p03.grant.orders.release taken out\n"
    )
    assert "warning consumer-idle" in out
    assert "[[grant]]" not in Path("policies/consumers/mes-p03.toml").read_text()
    assert run("--fix")[2] == ""


def test_scripts_are_told_what_was_mended(run: Run) -> None:
    expire()
    report = json.loads(run("--fix", "--format", "json", "--quiet")[1])
    assert [each["rule"] for each in report["fixed"]] == ["grant-expired"]
    assert report["summary"]["errors"] == 0


def test_the_suppression_of_what_is_mended_goes_with_it(run: Run) -> None:
    expire()
    silence = '[[suppress]]\nrule = "consumer-idle"\naddress = "*"\nreason = "r"\nuntil = 2020-01-01\n'
    write("andon.toml", ANDON + silence)
    assert run("--fix")[0] == 0
    assert Path("policies/andon.toml").read_text() == ANDON


def test_what_an_environment_needs_is_not_mended(run: Run) -> None:
    expire()
    renewed = '[consumer]\nname = "mes-p03"\n[[grant]]\nscope = "orders.release"\nexpires_on = 2199-01-31\n'
    write("environments/production/consumers/mes-p03.toml", renewed)
    before = Path("policies/consumers/mes-p03.toml").read_text()
    code, out, err = run("--fix")
    assert (code, err) == (6, "")
    assert "--fix mends" not in out
    assert Path("policies/consumers/mes-p03.toml").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [(["--environment", "production"], 2, "Leave out --environment"), (["--read-only"], 6, "--read-only")],
)
def test_mending_is_refused(run: Run, arguments: list[str], code: int, said: str) -> None:
    expire()
    write("environments/production/throttles.toml", "[throttle.plant-standard]\nburst = 7\n")
    before = Path("policies/consumers/mes-p03.toml").read_text()
    found, out, err = run("--fix", *arguments)
    assert (found, out) == (code, "")
    assert said in err
    assert Path("policies/consumers/mes-p03.toml").read_text() == before


def test_a_file_that_cannot_be_written_is_told(run: Run) -> None:
    expire()
    # A folder beside it, with the name that the new text is first written under, cannot be written over.
    Path("policies/consumers", f".mes-p03.toml.{os.getpid()}").mkdir()
    code, _, err = run("--fix")
    assert code == 6
    assert "cannot be mended" in err


def test_a_rule_explains_itself_and_so_does_what_cannot_be_loaded(run: Run) -> None:
    code, out, _ = run("--explain", "grant-expired")
    assert code == 0
    assert out.startswith("grant-expired: a grant that has expired\n")
    assert "--fix takes the grant out" in out
    assert "Error unless [lint]" in out
    assert "Always an error" in run("--explain", "unknown-key")[1]
    assert json.loads(run("--explain", "grant-expired", "-o", "json")[1])["severity"] == "error"


def test_all_rules_are_listed(run: Run) -> None:
    code, out, _ = run("--explain", "all", "-o", "id")
    assert code == 0
    assert {"grant-expired", "unknown-key", "suppression-unused"} <= set(out.split())


def test_importing_the_command_imports_no_rules_and_no_rich() -> None:
    code = (
        "import sys, commands.policy\n"
        "print([each for each in sys.modules if each.split('.')[0] in ('rich', 'httpx', 'textual')"
        " or each.startswith('gateway_policies.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
