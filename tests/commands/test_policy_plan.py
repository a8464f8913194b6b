"""``andon policy plan`` on real files and a real directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from policies_and_gateway import GATEWAY, apply, change, prepare, write

from commands.main import main
from gateway_policies.directory import file_name
from gateway_policies.planning.saved import from_bytes

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """``andon policy plan``."""
    prepare(tmp_path, monkeypatch)

    def running(*arguments: str) -> tuple[int, str, str]:
        code = main(["policy", "plan", *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return running


def test_a_first_plan_adds_everything_and_says_where_each_stands(run: Run) -> None:
    code, out, err = run(*GATEWAY)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "6 to add, 0 to change, 0 to remove; a second person has to approve"
    assert "+ api.production-orders.version.v1" in out
    assert "policies/apis/production-orders.toml:7:1" in out
    assert "grants a financial scope" in out
    assert not list(Path("gw").iterdir())


def test_exit_10_only_where_it_is_asked_for_and_there_is_something_to_do(run: Run) -> None:
    assert run(*GATEWAY)[0] == 0
    assert run(*GATEWAY, "--exit-code")[0] == 10
    apply()
    code, out, _ = run(*GATEWAY, "--exit-code")
    assert (code, out) == (0, "Nothing to do: the gateway is as the files say.\n")


def test_the_verdict_comes_first_and_what_is_dangerous_next(run: Run) -> None:
    apply()
    change("apis/production-orders.toml", '"active"', '"retired"')
    change("consumers/mes-p03.toml", "plant-3-it", "plant-3-ot")
    change("scopes.toml", "Release production orders to execution", "Release")
    write(Path("policies/throttles.toml"), '[throttle.slow]\nrequests = 6\nper = "1m"\n')
    change("consumers/mes-p03.toml", "credential =", 'throttle = "slow"\ncredential =')
    code, out, _ = run(*GATEWAY)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "1 to add, 3 to change, 0 to remove; a second person has to approve"
    titles = [each for each in lines if each and not each.startswith(" ")][1:]
    assert titles == ["Can cause an outage", "Cuts a throttle", "Everything else"]
    assert "      lifecycle: active → retired" in lines
    assert "      calls: unknown; 1 consumer may call" in lines
    assert "policies/apis/production-orders.toml:9:1" in out


def test_json_is_what_is_saved_and_can_be_read_back(run: Run) -> None:
    code, out, err = run(*GATEWAY, "--format", "json", "--out", "plan.json")
    assert code == 0
    assert Path("plan.json").read_text() == out
    assert from_bytes(out.encode()).verdict.add == 6
    assert err.startswith("The plan is in plan.json, and good until ")
    assert run(*GATEWAY, "--out", "plan.json", "--quiet")[2] == ""


@pytest.mark.parametrize("form", ["json", "yaml", "csv", "jsonl"])
def test_the_forms_of_every_command_work_too(run: Run, form: str) -> None:
    code, out, _ = run(*GATEWAY, "-o", form)
    assert code == 0
    assert "production-orders" in out or form == "csv"
    if form == "json":
        assert json.loads(out)["verdict"]["add"] == 6


def test_its_id_is_its_hash(run: Run) -> None:
    _, out, _ = run(*GATEWAY, "-o", "id")
    assert len(out.strip()) == 64


def test_markdown_is_for_a_pull_request(run: Run) -> None:
    _, out, _ = run(*GATEWAY, "--format", "markdown")
    assert out.startswith("<!-- andon policy plan -->\n### Policy plan for plant-gateway\n")
    assert "**create** `scope.orders.release` in `policies/scopes.toml:1:1`" in out


def test_code_hosts_get_what_is_dangerous_at_its_line(run: Run) -> None:
    apply()
    change("apis/production-orders.toml", '"active"', '"retired"')
    _, out, _ = run(*GATEWAY, "--format", "sarif")
    (result,) = json.loads(out)["runs"][0]["results"]
    assert result["ruleId"] == "plan-outage"
    assert (
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "policies/apis/production-orders.toml"
    )
    _, out, _ = run(*GATEWAY, "--format", "github")
    assert out.startswith("::warning file=policies/apis/production-orders.toml,line=9,col=13,title=plan-outage::")
    (result,) = json.loads(run(*GATEWAY, "--format", "gitlab")[1])
    assert (result["check_name"], result["location"]) == (
        "plan-outage",
        {"path": "policies/apis/production-orders.toml", "lines": {"begin": 9}},
    )


def test_verbose_tells_all(run: Run) -> None:
    short, long = run(*GATEWAY)[1], run(*GATEWAY, "-v")[1]
    assert "credential.client_id: mes-p03" not in short
    assert "credential.client_id: mes-p03" in long
    assert "to undo: delete it again" in long


def test_drift_is_told_apart_from_what_the_files_changed(run: Run) -> None:
    apply()
    path = Path("gw/live") / file_name("scope.orders.release")
    path.write_text(path.read_text().replace("Release production orders to execution", "by hand"))
    change("consumers/mes-p03.toml", "plant-3-it", "plant-3-ot")
    _, out, _ = run(*GATEWAY)
    assert out.splitlines()[0].startswith("0 to add, 2 to change, 0 to remove; 1 drifted")
    assert "description: by hand → Release production orders to execution  (drift; last applied: Release" in out
    assert "owner: plant-3-it → plant-3-ot\n" in out


def test_only_takes_what_it_needs_along_and_says_so(run: Run) -> None:
    _, out, _ = run(*GATEWAY, "--only", "consumer.mes-p03")
    assert out.splitlines()[0].startswith("4 to add")
    assert "needed by consumer.mes-p03" in out
    assert "2 changes more than asked for, which the others cannot be made without." in out
    assert "production-orders" not in out


def test_what_many_need_names_few_of_them_and_all_on_request(run: Run) -> None:
    with Path("policies/throttles.toml").open("w") as file:
        file.write("[throttle.std]\nrequests = 600\nper = '1m'\n")
    for number in range(9):
        text = f'[consumer]\nname = "mes-{number}"\nowner = "it"\nthrottle = "std"\n'
        write(Path(f"policies/consumers/mes-{number}.toml"), text)
    _, out, _ = run(*GATEWAY, "--only", "consumer.mes-*")
    named = "needed by consumer.mes-0, consumer.mes-1, consumer.mes-2, consumer.mes-3, consumer.mes-4 and 4 more"
    assert f"      {named}\n" in out
    assert named in run(*GATEWAY, "--only", "consumer.mes-*", "--format", "markdown")[1]
    assert "consumer.mes-7 and consumer.mes-8\n" in run(*GATEWAY, "--only", "consumer.mes-*", "-v")[1]
    found = json.loads(run(*GATEWAY, "--only", "consumer.mes-*", "--format", "json")[1])
    (needed,) = [each["needed_by"] for each in found["changes"] if each["address"] == "throttle.std"]
    assert len(needed) == 9


def test_an_address_that_nobody_knows_is_told_with_the_nearest(run: Run) -> None:
    code, out, err = run(*GATEWAY, "--only", "consumer.mes-p3")
    assert (code, out) == (7, "")
    assert "Did you mean 'consumer.mes-p03'?" in err


def seen(**more: object) -> Path:
    until = datetime.now(UTC)
    calls = {
        "consumer": "mes-p03",
        "api": "production-orders",
        "version": "v1",
        "operation": "POST /{order}/release",
        "scope": "orders.release",
        "calls": 12431,
        "last_seen": (until - timedelta(days=1)).isoformat(),
    }
    usage = {"since": (until - timedelta(days=7)).isoformat(), "until": until.isoformat(), "calls": [calls]}
    Path("usage.json").write_text(json.dumps(usage | more))
    return Path("usage.json")


def test_what_is_still_used_blocks_until_somebody_overrides_it_with_a_reason(run: Run) -> None:
    apply()
    text = Path("policies/consumers/mes-p03.toml").read_text()
    Path("policies/consumers/mes-p03.toml").write_text(text.partition("[[grant]]")[0])
    usage = ("--usage", str(seen()))
    _, out, _ = run(*GATEWAY, *usage)
    assert (
        "blocked: consumer.mes-p03.grant.orders.release is still used by mes-p03: 12,431 calls" in out.splitlines()[0]
    )
    override = ("--override", "consumer.mes-p03.grant.orders.release")
    code, _, err = run(*GATEWAY, *usage, *override)
    assert code == 2
    assert "--override needs a --reason" in err
    code, out, _ = run(*GATEWAY, *usage, *override, "--reason", "moved to plant 4")
    assert code == 0
    assert "blocked" not in out
    assert "Reason: moved to plant 4" in out


def test_what_nothing_stands_against_cannot_be_overridden(run: Run) -> None:
    code, _, err = run(*GATEWAY, "--override", "scope.orders.release", "--reason", "just so")
    assert code == 2
    assert "nothing stands in the way of that change. Leave it out. Nothing was done." in " ".join(err.split())


def test_usage_that_is_none_is_refused(run: Run) -> None:
    assert run(*GATEWAY, "--usage", "absent.json")[0] == 2
    Path("usage.json").write_text("[]")
    code, _, err = run(*GATEWAY, "--usage", "usage.json")
    assert code == 2
    assert "is not what was seen at a gateway" in err


def test_without_a_gateway_it_is_the_one_of_the_hub(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("ANDON_TOKEN", "a-token")
    code, out, err = run()
    assert (code, out) == (3, "")
    assert "http://127.0.0.1:1" in err


@pytest.mark.parametrize("named", ["kong", "kong:http://kong:8001", "directory:", "directory"])
def test_a_gateway_of_no_known_kind(run: Run, named: str) -> None:
    code, _, err = run("--gateway", named)
    assert code == 2
    assert "Write directory:PATH" in err


def test_a_directory_that_is_not_there(run: Run) -> None:
    code, _, err = run("--gateway", "directory:absent")
    assert code == 7
    assert "There is no directory absent" in err


def test_a_directory_of_something_else(run: Run) -> None:
    code, _, err = run("--gateway", "directory:policies")
    assert code == 1
    assert "is no gateway's directory" in err


def test_policies_with_errors_are_not_planned(run: Run) -> None:
    change("scopes.toml", "risk", "riks")
    code, out, err = run(*GATEWAY)
    assert (code, out) == (6, "")
    assert "policies/scopes.toml:3:1: error:" in err


def test_policies_for_another_gateway_are_refused(run: Run) -> None:
    apply()
    change("andon.toml", "plant-gateway", "office-gateway")
    code, _, err = run(*GATEWAY)
    assert code == 6
    assert "'office-gateway'" in err
    assert "'plant-gateway'" in err


def test_a_folder_that_is_not_there(run: Run) -> None:
    assert run("absent", *GATEWAY)[0] == 7


def test_a_place_that_cannot_be_written_to(run: Run) -> None:
    code, _, err = run(*GATEWAY, "--out", "absent/plan.json")
    assert code == 2
    assert "Give another --out" in err


def test_an_environment_is_named_in_the_plan(run: Run) -> None:
    write(
        Path("policies/environments/test/consumers/mes-p03.toml"), '[consumer]\nname = "mes-p03"\nowner = "test-team"\n'
    )
    _, out, _ = run(*GATEWAY, "--environment", "test", "--format", "json")
    plan = json.loads(out)
    assert plan["environment"] == "test"
    (consumer,) = [each["after"] for each in plan["changes"] if each["address"] == "consumer.mes-p03"]
    assert consumer["owner"] == "test-team"
    place = next(each["place"] for each in plan["changes"] if each["address"] == "consumer.mes-p03")
    assert place["file"].startswith(("consumers/", "environments/"))


def test_what_steers_a_terminal_is_made_harmless(run: Run) -> None:
    apply()
    change("scopes.toml", "Release production orders to execution", "\\u001b[31mred")
    _, out, _ = run(*GATEWAY)
    assert "\x1b" not in out
    assert "\\x1b[31mred" in out
