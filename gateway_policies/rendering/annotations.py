"""Findings as workflow commands of GitHub Actions: annotations at the lines of a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_policies.findings import Finding
from gateway_policies.model import Severity
from gateway_policies.rendering.finding_words import file_of

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.OFF: "notice"}


def render_github(findings: Sequence[Finding], *, prefix: str = "") -> str:
    """One annotation a line, errors first: the runner shows the first ten of a kind and forgets the rest.

    Args:
        prefix: the folder of the policies below the repository's root, with ``/``.
    """
    order = list(Severity)
    ordered = sorted(findings, key=lambda each: order.index(each.severity))
    return "".join(f"{_annotation(each, prefix)}\n" for each in ordered)


def _annotation(finding: Finding, prefix: str) -> str:
    properties = {"title": finding.rule}
    file = file_of(finding, prefix)
    if file is not None and finding.place is not None:
        properties = {"file": file, "line": str(finding.place.line), "col": str(finding.place.column), **properties}
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = f"{finding.message} {finding.help}" if finding.help else finding.message
    return f"::{_COMMANDS[finding.severity]} {said}::{_data(text)}"


def _data(text: str) -> str:
    """The escapes that the runner undoes in a message."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Those that it undoes in a property: what would end it, besides."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
