"""What was found wrong, as data: by the loader, by the rules of lint, by the comparison of contracts."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from gateway_policies.edits import Edit
from gateway_policies.model import Severity
from gateway_policies.places import Place


class Finding(Struct, frozen=True, kw_only=True):
    """Something that is wrong with the policies, or might be.

    Attributes:
        rule: the id of what was broken, in lower case with hyphens.
        message: what is wrong, as a sentence that stands by itself; it never has a secret in it.
        address: of the resource that it is about; None where there is none, as in a file that cannot be read.
        place: None where no file says it.
        help: what to do.
        edits: what would mend it without changing what the gateway does; nothing where that takes a decision.
    """

    rule: str
    severity: Severity
    message: str
    address: str | None
    place: Place | None
    help: str = ""
    edits: tuple[Edit, ...] = ()


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings as people read them: file by file, from top to bottom; what has no place comes last. Each one once."""
    return sorted(set(findings), key=_reading_order)


def refuses(findings: Iterable[Finding]) -> bool:
    """Whether there is an error among them."""
    return any(each.severity is Severity.ERROR for each in findings)


def _reading_order(finding: Finding) -> tuple[bool, str, int, int, str, str, str]:
    place = finding.place or Place("", 0, 0)
    return (
        finding.place is None,
        place.file,
        place.line,
        place.column,
        finding.address or "",
        finding.rule,
        finding.message,
    )
