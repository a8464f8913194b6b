"""``andon policy contracts`` on real files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from commands.main import main

V1 = """\
openapi: 3.1.0
info: {title: Orders, version: '1'}
paths:
  /orders:
    post:
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [order]
              properties: {order: {type: string}, plant: {type: string}, lot: {type: string}}
      responses: {'202': {description: taken}}
"""
TIGHT = V1.replace("required: [order]", "required: [order, plant]")
WIDE = V1.replace("required: [order]", "required: []")
VAGUE = V1.replace("lot: {type: string}", "lot: {type: string, not: {pattern: ^T}}")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {"v1": V1, "tight": TIGHT, "wide": WIDE, "vague": VAGUE}.items():
        Path(f"{name}.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["policy", "contracts", *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return call


def test_what_breaks_exits_6_with_the_verdict_first(run: Run) -> None:
    code, out, _ = run("v1.yaml", "tight.yaml")
    assert code == 6
    assert out.splitlines() == [
        "✗ v1.yaml → tight.yaml: 1 breaking",
        "",
        "Breaking",
        "  The property plant of the request body became required. [request-property-became-required]",
        "      tight.yaml:11:15",
        "      in POST /orders",
    ]


def test_what_is_compatible_exits_0_and_is_listed_on_request(run: Run) -> None:
    code, out, _ = run("v1.yaml", "wide.yaml")
    assert code == 0
    assert out.splitlines()[0] == "✓ v1.yaml → wide.yaml: 1 compatible"
    assert "--all" in out
    _, out, _ = run("v1.yaml", "wide.yaml", "--all")
    assert "[request-property-became-optional]" in out
    assert "--all" not in out


def test_nothing_changed(run: Run) -> None:
    code, out, _ = run("v1.yaml", "v1.yaml")
    assert (code, out) == (0, "✓ v1.yaml → v1.yaml: nothing changed that counts\n")


def test_what_is_undecided_fails_on_request(run: Run) -> None:
    code, out, _ = run("v1.yaml", "vague.yaml")
    assert code == 0
    assert "? v1.yaml → vague.yaml: 1 undecided" in out
    assert run("v1.yaml", "vague.yaml", "--fail-on", "undecided")[0] == 6
    assert run("v1.yaml", "wide.yaml", "--fail-on", "undecided")[0] == 0


@pytest.mark.parametrize("form", [("-o", "json"), ("--format", "json")])
def test_as_json(run: Run, form: tuple[str, str]) -> None:
    code, out, _ = run("v1.yaml", "tight.yaml", *form)
    assert code == 6
    assert json.loads(out) == {
        "before": "v1.yaml",
        "after": "tight.yaml",
        "breaking": 1,
        "undecided": 0,
        "compatible": 0,
        "changes": [
            {
                "id": "request-property-became-required",
                "level": "breaking",
                "message": "The property plant of the request body became required.",
                "operations": ["POST /orders"],
                "path": "plant",
                "before": "v1.yaml:12:51",
                "before_pointer": "/paths/~1orders/post/requestBody/content/application~1json/schema/properties/plant",
                "after": "tight.yaml:11:15",
                "after_pointer": "/paths/~1orders/post/requestBody/content/application~1json/schema/required",
            }
        ],
    }


def test_as_sarif(run: Run) -> None:
    code, out, _ = run("v1.yaml", "tight.yaml", "--format", "sarif")
    assert code == 6
    (found,) = json.loads(out)["runs"]
    (result,) = found["results"]
    assert result["ruleId"] == "request-property-became-required"
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "tight.yaml"
    assert location["region"] == {"startLine": 11, "startColumn": 15}
    assert found["tool"]["driver"]["rules"][0]["shortDescription"]["text"]


def test_as_annotations_below_a_folder(run: Run) -> None:
    Path("policies/contracts").mkdir(parents=True)
    Path("policies/andon.toml").write_text('[gateway]\nname = "g"\n', encoding="utf-8")
    Path("policies/contracts/v1.yaml").write_text(TIGHT, encoding="utf-8")
    code, out, _ = run("v1.yaml", "policies/contracts/v1.yaml", "--format", "gitlab")
    assert code == 6
    assert {each["location"]["path"] for each in json.loads(out)} == {"policies/contracts/v1.yaml"}
    code, out, _ = run("v1.yaml", "policies/contracts/v1.yaml", "--format", "github")
    assert code == 6
    assert out.startswith(
        "::error file=policies/contracts/v1.yaml,line=11,col=15,title=request-property-became-required::"
    )


def test_schemas_of_documents(run: Run) -> None:
    Path("a.json").write_text('{"type": "object", "properties": {"lot": {"maxLength": 5}}}', encoding="utf-8")
    Path("b.json").write_text('{"type": "object", "properties": {"lot": {"maxLength": 9}}}', encoding="utf-8")
    assert run("a.json", "b.json", "--schema", "request")[0] == 0
    code, out, _ = run("a.json", "b.json", "--schema", "response")
    assert code == 6
    assert "[response-property-max-length-increased]" in out


def test_a_file_that_is_not_there(run: Run) -> None:
    code, _, err = run("v1.yaml", "gone.yaml")
    assert code == 7
    assert "'gone.yaml'" in err


def test_a_schema_taken_for_a_contract_is_told_what_to_do(run: Run) -> None:
    Path("a.json").write_text('{"type": "object"}', encoding="utf-8")
    code, _, err = run("a.json", "v1.yaml")
    assert code == 6
    assert "a.json:1:1: error: This is no OpenAPI document" in err
    assert "--schema" in err


def test_what_cannot_be_read_says_where(run: Run) -> None:
    Path("broken.yaml").write_text("openapi: 3.1.0\npaths: {a: b: c}\n", encoding="utf-8")
    code, out, err = run("v1.yaml", "broken.yaml")
    assert (code, out) == (6, "")
    assert "broken.yaml:2:" in err


def test_a_reference_that_leads_nowhere_is_told_and_not_passed(run: Run) -> None:
    Path("lost.yaml").write_text(V1.replace("{type: string}, lot", "{$ref: '#/components/x'}, lot"), encoding="utf-8")
    code, out, err = run("v1.yaml", "lost.yaml")
    assert code == 0
    assert "lost.yaml:12:" in err
    assert "undecided" in out


ANDON = '[gateway]\nname = "g"\n[issuer.i]\nurl = "https://idp.example/realms/plant"\n'
API = """\
[api]
name = "orders"
owner = "erp"
base_path = "/orders"
upstream = "system:ERP"

[[version]]
name = "v1"
lifecycle = "deprecated"
deprecated_on = 2026-01-01
sunset_on = 2027-01-01
successor = "v2"
contract = "contracts/v1.yaml"

[[version]]
name = "v2"
lifecycle = "active"
contract = "contracts/v2.yaml"
"""


def folder(name: str, v1: str, v2: str) -> None:
    for place, text in {
        "andon.toml": ANDON,
        "apis/orders.toml": API,
        "contracts/v1.yaml": v1,
        "contracts/v2.yaml": v2,
    }.items():
        path = Path(name, place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_two_folders_of_policies(run: Run) -> None:
    folder("main", V1, TIGHT)
    folder("branch", V1, TIGHT)
    code, out, err = run("main", "branch")
    assert code == 0
    assert "Nothing found" in out
    assert "api.orders.version.v1 → v2, its successor: 1 breaking of 1 changes" in err
    folder("branch", TIGHT, TIGHT)
    code, out, err = run("main", "branch")
    assert code == 6
    assert "branch/contracts/v1.yaml:11:15" in out
    assert "request-property-became-required" in out
    assert "its successor: no change that counts" in err
    code, out, _ = run("main", "branch", "-o", "json")
    assert code == 6
    assert json.loads(out)["findings"][0]["address"] == "api.orders.version.v1"
    folder("branch", VAGUE, TIGHT)
    assert run("main", "branch")[0] == 0
    assert run("main", "branch", "--fail-on", "undecided")[0] == 6


def test_a_folder_and_a_file_are_not_compared(run: Run) -> None:
    folder("main", V1, V1)
    code, _, err = run("main", "v1.yaml")
    assert code == 2
    assert "two folders, or two files" in err
    assert run("main", "main", "--schema", "request")[0] == 2


@pytest.mark.parametrize("option", [("--format", "xml"), ("--fail-on", "never"), ("--schema", "both")])
def test_options_that_are_none(run: Run, option: tuple[str, str]) -> None:
    assert run("v1.yaml", "tight.yaml", *option)[0] == 2
