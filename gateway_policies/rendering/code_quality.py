"""Findings as a Code Quality report of GitLab: notes in the changes of a merge request."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway_policies.findings import Finding
from gateway_policies.model import Severity
from gateway_policies.rendering.finding_words import file_of
from gateway_policies.rendering.sarif import fingerprint

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.OFF: "info"}
_SOMEWHERE = "andon.toml"


def render_code_quality(findings: Sequence[Finding], *, prefix: str = "") -> str:
    """The report. What has no place stands at the top of ``andon.toml``: GitLab leaves out what has none.

    Args:
        prefix: the folder of the policies below the repository's root, with ``/``.
    """
    somewhere = f"{prefix}/{_SOMEWHERE}" if prefix not in ("", ".") else _SOMEWHERE
    report = [
        {
            "description": f"{each.message} {each.help}" if each.help else each.message,
            "check_name": each.rule,
            "fingerprint": fingerprint(each, prefix),
            "severity": _SEVERITIES[each.severity],
            "location": {
                "path": file_of(each, prefix) or somewhere,
                "lines": {"begin": 1 if each.place is None else each.place.line},
            },
        }
        for each in findings
    ]
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"
