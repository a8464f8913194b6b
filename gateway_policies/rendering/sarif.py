"""Findings as SARIF 2.1.0 (OASIS), as code hosts and editors take them in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from gateway_policies.findings import Finding
from gateway_policies.model import Severity
from gateway_policies.rendering.finding_words import Known, RuleText, file_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.OFF: "none"}


def render_sarif(
    findings: Sequence[Finding],
    *,
    prefix: str = "",
    suppressed: Sequence[Known] = (),
    rules: Iterable[RuleText] = (),
    version: str = "",
) -> str:
    """Findings as a SARIF log with one run; the same bytes for the same findings.

    Args:
        prefix: the folder of the policies below the repository's root, with ``/``.
        suppressed: findings that are known; code hosts show them as dismissed, with the reason.
        rules: what is known of rules; those without a finding are left out.
        version: of Andon.
    """
    known = {each.id: each for each in rules}
    broken = sorted({each.rule for each in findings} | {each.finding.rule for each in suppressed})
    number = {rule: n for n, rule in enumerate(broken)}
    results = [_result(each, number, prefix) for each in findings]
    results += [
        _result(each.finding, number, prefix)
        | {"suppressions": [{"kind": "external", "status": "accepted", "justification": each.reason}]}
        for each in suppressed
    ]
    driver: dict[str, Any] = {"name": "andon", "rules": [_rule(each, known.get(each)) for each in broken]}
    if version:
        driver["semanticVersion"] = version
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(name: str, text: RuleText | None) -> dict[str, Any]:
    if text is None:
        return {"id": name}
    described: dict[str, Any] = {"id": name, "shortDescription": {"text": text.title}}
    if text.why:
        described["fullDescription"] = {"text": text.why}
    if text.help:
        described["help"] = {"text": text.help}
    described["defaultConfiguration"] = {"level": _LEVELS[text.severity]}
    if text.severity is Severity.OFF:
        described["defaultConfiguration"] = {"enabled": False}
    return described


def _result(finding: Finding, number: dict[str, int], prefix: str) -> dict[str, Any]:
    text = f"{finding.message} {finding.help}" if finding.help else finding.message
    location: dict[str, Any] = {"physicalLocation": _physical(finding, prefix)}
    if finding.address is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.address, "kind": "resource"}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": number[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {"andonFinding/v1": fingerprint(finding, prefix)},
    }


def _physical(finding: Finding, prefix: str) -> dict[str, Any]:
    file = file_of(finding, prefix)
    if file is None or finding.place is None:
        # Code hosts refuse results without a place. What no file says belongs to the whole, which begins there.
        file, line, column = f"{prefix}/andon.toml" if prefix not in ("", ".") else "andon.toml", 1, 1
    else:
        line, column = finding.place.line, finding.place.column
    return {
        "artifactLocation": {"uri": quote(file), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": line, "startColumn": column},
    }


def fingerprint(finding: Finding, prefix: str) -> str:
    """What stays the same when lines are put in above: by it a code host knows a finding again."""
    about = finding.address or file_of(finding, prefix) or ""
    return hashlib.sha256(f"{finding.rule}\n{about}\n{finding.message}".encode()).hexdigest()[:32]
