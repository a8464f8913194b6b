"""Findings for machines: JSON, SARIF, annotations."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway_policies.edits import Remove, SetField
from gateway_policies.findings import Finding
from gateway_policies.model import Severity
from gateway_policies.places import Place
from gateway_policies.rendering.annotations import render_github
from gateway_policies.rendering.code_quality import render_code_quality
from gateway_policies.rendering.finding_json import FORMAT, findings_report, findings_schema, render_json
from gateway_policies.rendering.finding_words import Known, RuleText
from gateway_policies.rendering.sarif import render_sarif

ERROR = Finding(
    rule="grant-expired",
    severity=Severity.ERROR,
    message="consumer.mes.grant.a expired on 2026-01-01.",
    address="consumer.mes.grant.a",
    place=Place("consumers/mes p03.toml", 3, 14),
    help="Renew it.",
    edits=(Remove("consumer.mes.grant.a"), SetField("consumer.mes", "expires_on", date(2027, 1, 1))),
)
WARNING = Finding(
    rule="syntax", severity=Severity.WARNING, message="Ä wörd: 5%, 1\r\nor two.", address=None, place=None
)
RULES = [
    RuleText(id="grant-expired", title="an expired grant", why="It allows nothing.", help="Renew it."),
    RuleText(id="never-broken", title="x"),
]
findings = st.lists(
    st.builds(
        Finding,
        rule=st.sampled_from(["a-rule", "b-rule"]),
        severity=st.sampled_from([Severity.ERROR, Severity.WARNING]),
        message=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        address=st.none() | st.sampled_from(["api.a", "api.b"]),
        place=st.none() | st.builds(Place, st.sampled_from(["apis/a.toml", "ä b.toml"]), st.integers(1, 9), st.just(1)),
        help=st.just("Do it."),
    ),
    max_size=5,
)


def sarif(*found: Finding, **more: Any) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(render_sarif(found, **more))
    return log


def test_json_has_a_version_and_everything_that_is_known() -> None:
    report = json.loads(
        render_json(findings_report([ERROR, WARNING], prefix="policies", suppressed=[Known(WARNING, "known")]))
    )
    assert report["format"] == FORMAT == "andon.policy-findings/1"
    assert report["summary"] == {"errors": 1, "warnings": 1, "suppressed": 1, "fixable": 1}
    first, second = report["findings"]
    assert (first["file"], first["line"], first["column"]) == ("policies/consumers/mes p03.toml", 3, 14)
    assert first["edits"] == [
        {"action": "remove", "address": "consumer.mes.grant.a", "field": None, "value": None},
        {"action": "set", "address": "consumer.mes", "field": "expires_on", "value": "2027-01-01"},
    ]
    assert (second["file"], second["line"], second["column"], second["reason"]) == (None, None, None, None)
    assert report["suppressed"][0]["reason"] == "known"


@given(findings)
def test_json_is_as_its_schema_says_and_always_the_same(found: list[Finding]) -> None:
    text = render_json(findings_report(found, fixed=found))
    Draft202012Validator(findings_schema()).validate(json.loads(text))
    assert render_json(findings_report(list(found), fixed=found)) == text


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(findings_schema())


@given(findings)
def test_sarif_has_what_the_standard_requires(found: list[Finding]) -> None:
    log = sarif(*found, suppressed=[Known(each, "known") for each in found[:1]])
    # Section 3.13 and on: version and runs; tool.driver.name; message.text; ids and indices that agree.
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    ids = [each["id"] for each in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        [location] = result["locations"]
        region = location["physicalLocation"]["region"]
        assert region["startLine"] >= 1
        assert region["startColumn"] >= 1
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.isascii()
        assert not uri.startswith("/")
        assert " " not in uri
        assert all(isinstance(each, str) for each in result["partialFingerprints"].values())
        for each in result.get("suppressions", ()):
            assert each["kind"] in ("inSource", "external")


def test_sarif_leads_to_the_line_in_the_repository() -> None:
    log = sarif(ERROR, prefix="deploy/policies", rules=RULES, version="1.2.3")
    [run] = log["runs"]
    [result] = run["results"]
    assert result["locations"][0] == {
        "physicalLocation": {
            "artifactLocation": {
                "uri": "deploy/policies/consumers/mes%20p03.toml",
                "uriBaseId": "%SRCROOT%",
            },
            "region": {"startLine": 3, "startColumn": 14},
        },
        "logicalLocations": [{"fullyQualifiedName": "consumer.mes.grant.a", "kind": "resource"}],
    }
    assert run["tool"]["driver"]["semanticVersion"] == "1.2.3"
    assert [each["id"] for each in run["tool"]["driver"]["rules"]] == ["grant-expired"]
    assert run["tool"]["driver"]["rules"][0]["shortDescription"] == {"text": "an expired grant"}


def test_sarif_gives_what_has_no_place_one_that_is_there() -> None:
    [result] = sarif(WARNING, prefix="policies")["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "policies/andon.toml"


def test_a_finding_is_known_again_when_lines_are_put_in_above() -> None:
    lower = msgspec.structs.replace(ERROR, place=Place("consumers/mes p03.toml", 30, 14))
    one, other = sarif(ERROR, lower)["runs"][0]["results"]
    assert one["partialFingerprints"] == other["partialFingerprints"]
    assert one["partialFingerprints"] != sarif(WARNING)["runs"][0]["results"][0]["partialFingerprints"]


def test_what_is_suppressed_is_dismissed_with_its_reason() -> None:
    [result] = sarif(suppressed=[Known(ERROR, "renewal in progress")])["runs"][0]["results"]
    assert result["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "renewal in progress"}
    ]


def test_annotations_are_escaped_as_the_runner_reads_them_and_errors_come_first() -> None:
    odd = msgspec.structs.replace(ERROR, place=Place("a,b:c%.toml", 3, 14), help="")
    assert render_github([WARNING, odd], prefix="policies") == (
        "::error file=policies/a%2Cb%3Ac%25.toml,line=3,col=14,title=grant-expired::"
        "consumer.mes.grant.a expired on 2026-01-01.\n"
        "::warning title=syntax::Ä wörd: 5%25, 1%0D%0Aor two.\n"
    )


@given(findings)
def test_an_annotation_is_one_line(found: list[Finding]) -> None:
    lines = render_github(found).split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(found)
    assert all(line.startswith(("::error ", "::warning ")) and "\r" not in line for line in lines)


def test_code_quality_has_what_gitlab_wants() -> None:
    one, other = json.loads(render_code_quality([ERROR, WARNING], prefix="deploy/policies"))
    assert one == {
        "description": "consumer.mes.grant.a expired on 2026-01-01. Renew it.",
        "check_name": "grant-expired",
        "fingerprint": one["fingerprint"],
        "severity": "critical",
        "location": {"path": "deploy/policies/consumers/mes p03.toml", "lines": {"begin": 3}},
    }
    assert (other["severity"], other["location"]) == (
        "minor",
        {"path": "deploy/policies/andon.toml", "lines": {"begin": 1}},
    )


@given(findings)
def test_code_quality_tells_different_findings_apart(found: list[Finding]) -> None:
    report = json.loads(render_code_quality(found))
    assert len(report) == len(found)
    assert {each["severity"] for each in report} <= {"info", "minor", "major", "critical", "blocker"}
    apart = {(each.rule, each.address or (each.place and each.place.file), each.message) for each in found}
    assert len({each["fingerprint"] for each in report}) == len(apart)
