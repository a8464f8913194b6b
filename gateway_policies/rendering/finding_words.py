"""What every form of findings says alike: the file as whoever reads it knows it, and how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from gateway_policies.findings import Finding
from gateway_policies.model import Severity


class RuleText(Struct, frozen=True, kw_only=True):
    """A rule as reports describe it.

    Attributes:
        title: in a few words.
        why: what it is good for.
        help: what to do.
        severity: unless somebody says another one.
    """

    id: str
    title: str
    why: str = ""
    help: str = ""
    severity: Severity = Severity.ERROR


class Known(Struct, frozen=True):
    """A finding that a suppression silences, and the reason."""

    finding: Finding
    reason: str


def file_of(finding: Finding, prefix: str) -> str | None:
    """The file of a finding, below ``prefix``: the folder of the policies as the reader names it, or nothing."""
    if finding.place is None:
        return None
    return f"{prefix}/{finding.place.file}" if prefix not in ("", ".") else finding.place.file


def count(findings: Iterable[Finding], severity: Severity) -> int:
    """How many there are of a severity."""
    return sum(each.severity is severity for each in findings)


def counted(number: int, word: str) -> str:
    """``1 error``, ``2 errors``."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def summary(findings: Sequence[Finding], suppressed: int = 0) -> str:
    """How many there are, in one line."""
    errors, warnings = count(findings, Severity.ERROR), count(findings, Severity.WARNING)
    known = f"; {suppressed:,} suppressed" if suppressed else ""
    fixable = sum(bool(each.edits) for each in findings)
    known += f"; --fix mends {fixable:,}" if fixable else ""
    if not findings:
        return f"Nothing found{known}."
    told = [counted(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    files = len({each.place.file for each in findings if each.place is not None})
    where = f" in {counted(files, 'file')}" if files else ""
    return f"{' and '.join(told)}{where}{known}."
