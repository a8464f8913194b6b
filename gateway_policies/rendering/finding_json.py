"""Findings as JSON, for scripts: a shape with a version, which only ever grows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct

from gateway_policies.edits import Edit, Remove
from gateway_policies.findings import Finding
from gateway_policies.model import Severity
from gateway_policies.rendering.finding_words import Known, count, file_of

FORMAT = "andon.policy-findings/1"
"""The number rises when something is taken away or means something else, and not when something is added."""


class ToldEdit(Struct, frozen=True, kw_only=True):
    """What ``--fix`` would do: set a field, or take out what has the address (the field, where there is one)."""

    action: str
    address: str
    field: str | None
    value: str | int | bool | tuple[str, ...] | None


class ToldFinding(Struct, frozen=True, kw_only=True):
    """A finding.

    Attributes:
        file: as the reader names it; None where no file says it, and then line and column are None too.
        reason: of the suppression, where it is suppressed.
        edits: what would mend it without changing what the gateway does; empty where that takes a decision.
    """

    rule: str
    severity: Severity
    message: str
    help: str
    address: str | None
    file: str | None
    line: int | None
    column: int | None
    edits: list[ToldEdit]
    reason: str | None = None


class ToldSummary(Struct, frozen=True, kw_only=True):
    """How many there are."""

    errors: int
    warnings: int
    suppressed: int
    fixable: int


class FindingsReport(Struct, frozen=True, kw_only=True):
    """Findings, with what is suppressed and what was mended."""

    format: str
    summary: ToldSummary
    findings: list[ToldFinding]
    suppressed: list[ToldFinding]
    fixed: list[ToldFinding]


def findings_report(
    findings: Sequence[Finding],
    *,
    prefix: str = "",
    suppressed: Sequence[Known] = (),
    fixed: Sequence[Finding] = (),
) -> FindingsReport:
    """Findings as machines get them.

    Args:
        prefix: the folder of the policies, as the reader names it.
        fixed: what was found and is mended now.
    """
    return FindingsReport(
        format=FORMAT,
        summary=ToldSummary(
            errors=count(findings, Severity.ERROR),
            warnings=count(findings, Severity.WARNING),
            suppressed=len(suppressed),
            fixable=sum(bool(each.edits) for each in findings),
        ),
        findings=[_told(each, prefix) for each in findings],
        suppressed=[_told(each.finding, prefix, each.reason) for each in suppressed],
        fixed=[_told(each, prefix) for each in fixed],
    )


def render_json(report: FindingsReport) -> str:
    """A report as JSON: the same bytes for the same findings."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def findings_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a report."""
    schema = msgspec.json.schema(FindingsReport)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{FORMAT.replace('.', ':', 1).replace('/', ':')}",
        **schema,
    }


def _told(finding: Finding, prefix: str, reason: str | None = None) -> ToldFinding:
    return ToldFinding(
        rule=finding.rule,
        severity=finding.severity,
        message=finding.message,
        help=finding.help,
        address=finding.address,
        file=file_of(finding, prefix),
        line=None if finding.place is None else finding.place.line,
        column=None if finding.place is None else finding.place.column,
        edits=[_edit(each) for each in finding.edits],
        reason=reason,
    )


def _edit(edit: Edit) -> ToldEdit:
    if isinstance(edit, Remove):
        return ToldEdit(action="remove", address=edit.address, field=edit.field, value=None)
    value = edit.value.isoformat() if isinstance(edit.value, date) else edit.value
    return ToldEdit(action="set", address=edit.address, field=edit.field, value=value)
