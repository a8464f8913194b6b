"""``andon policy export`` and ``drift --patch`` on real files, a real directory and a real git."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from policies_and_gateway import GATEWAY, apply, change, prepare

from commands.main import main
from gateway_policies.directory import file_name

Run = Callable[..., tuple[int, str, str]]
LIVE = Path("gw/live")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """``andon policy``."""
    prepare(tmp_path, monkeypatch)

    def running(*arguments: str) -> tuple[int, str, str]:
        code = main(["policy", *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return running


def by_hand(address: str, before: str, after: str) -> None:
    path = LIVE / file_name(address)
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def made(address: str, text: str) -> None:
    (LIVE / file_name(address)).write_text(text)


def git_apply(patch: str) -> None:
    subprocess.run(["git", "apply", "-"], input=patch.encode(), check=True)


def test_new_files_are_what_is_live(run: Run) -> None:
    apply()
    made("scope.hand", '{"kind": "scope", "name": "hand"}')
    code, out, err = run("export", "new", *GATEWAY)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "✓ new: 7 resources of plant-gateway in 4 files",
        "  1 of them was made by hand: applying the files takes them in",
        "Check them:  andon policy validate new",
    ]
    assert run("validate", "new")[0] == 0
    assert run("fmt", "new", "--check")[0] == 0
    assert run("plan", "new", *GATEWAY)[1].startswith("0 to add, 0 to change, 0 to remove, 1 to adopt")


def test_machines_get_the_files(run: Run) -> None:
    apply()
    found = json.loads(run("export", "new", *GATEWAY, "-o", "json")[1])
    assert (found["gateway"], found["policy_set"], found["resources"]) == ("plant-gateway", "policies", 6)
    assert all(Path(each).is_file() for each in found["files"])


def test_nothing_is_written_over(run: Run) -> None:
    apply()
    before = {each: each.read_text() for each in Path("policies").rglob("*.toml")}
    code, out, err = run("export", *GATEWAY)
    assert (code, out) == (6, "")
    assert "Nothing was written" in err
    assert "andon policy export --patch policies" in err
    assert {each: each.read_text() for each in Path("policies").rglob("*.toml")} == before


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("new", "--environment", "test"), 2, "--environment is for --patch"),
        (("--patch", "--set", "x"), 2, "--set cannot be given with --patch"),
        (("new", "--set", "Not A Name"), 2, "is no name"),
        (("policies/andon.toml",), 6, "is a file"),
        (("nowhere", "--patch"), 7, "There is no folder 'nowhere'"),
    ],
)
def test_what_cannot_be_asked(run: Run, arguments: tuple[str, ...], code: int, says: str) -> None:
    got, out, err = run("export", *arguments, *GATEWAY)
    assert (got, out) == (code, "")
    assert says in err


def test_no_gateway_is_there(run: Run) -> None:
    code, out, err = run("export", "new", "--gateway", "directory:nowhere")
    assert (code, out) == (7, "")
    assert "nowhere" in err
    assert not Path("new").exists()


def test_contracts_have_to_be_brought(run: Run) -> None:
    Path("policies/contracts").mkdir()
    Path("policies/contracts/v1.json").write_text('{"openapi": "3.1.0"}')
    change("apis/production-orders.toml", '"active"', '"active"\ncontract = "contracts/v1.json"')
    apply()
    out = run("export", "new", *GATEWAY)[1]
    assert "  Put the contracts there, which a gateway does not have: contracts/v1.json" in out
    code, _, err = run("plan", "new", *GATEWAY, "--exit-code")
    assert code == 0, "what was exported is what is live, with or without the documents"
    assert err == (
        "new/apis/production-orders.toml:15:12: warning: The folder 'contracts' is not there, and "
        "api.production-orders.version.v1 names its contract in it: 'contracts/v1.json'. [contracts-absent]\n"
        "    Put the documents there: a gateway does not have them, so an export does not either. Until then nobody "
        "compares them.\n"
    )
    assert run("validate", "new")[0] == 0
    assert run("apply", "new", *GATEWAY, "--yes")[0] == 0
    Path("policies/contracts").rename("new/contracts")
    assert run("plan", "new", *GATEWAY, "--exit-code")[::2] == (0, "")


def test_drift_is_a_patch_and_applying_it_ends_the_drift(run: Run) -> None:
    apply()
    by_hand("scope.orders.release", "to execution", "by hand")
    (LIVE / file_name("consumer.mes-p03.grant.orders.release")).unlink()
    code, out, err = run("drift", *GATEWAY, "--patch", "--exit-code")
    assert (code, err) == (10, "")
    assert out.splitlines()[:2] == [
        "diff --git a/policies/consumers/mes-p03.toml b/policies/consumers/mes-p03.toml",
        "--- a/policies/consumers/mes-p03.toml",
    ]
    git_apply(out)
    assert run("plan", *GATEWAY, "--exit-code")[0] == 0
    assert run("apply", *GATEWAY, "--yes")[0] == 0
    assert run("drift", *GATEWAY, "--exit-code")[0] == 0
    code, out, err = run("drift", *GATEWAY, "--patch")
    assert (code, out, err) == (0, "", "Nothing to take into the files.\n")


def test_what_was_made_by_hand_is_in_the_patch_of_export_only(run: Run) -> None:
    apply()
    made("consumer.portal", '{"kind": "consumer", "name": "portal", "owner": "sales-it"}')
    assert run("drift", *GATEWAY, "--patch")[1] == ""
    out = run("export", *GATEWAY, "--patch")[1]
    assert out == (
        "diff --git a/policies/consumers/portal.toml b/policies/consumers/portal.toml\nnew file mode 100644\n"
        "--- /dev/null\n+++ b/policies/consumers/portal.toml\n@@ -0,0 +1,3 @@\n"
        '+[consumer]\n+name = "portal"\n+owner = "sales-it"\n'
    )
    git_apply(out)
    assert run("plan", *GATEWAY)[1].startswith("0 to add, 0 to change, 0 to remove, 1 to adopt")


def test_a_secret_at_the_gateway_is_in_no_file_and_no_patch(run: Run) -> None:
    apply()
    by_hand("consumer.mes-p03", '"client_id": "mes-p03"', '"client_id": "mes-p03", "secret": "hunter2-of-the-plant"')
    for line in (("drift", "--patch"), ("export", "--patch"), ("export", "new")):
        code, out, err = run(*line, *GATEWAY)
        assert code == 0
        assert "consumer.mes-p03: a secret stands in it at the gateway" in err
        assert "hunter2" not in out + err
    assert all("hunter2" not in each.read_text() for each in Path("new").rglob("*.toml"))
