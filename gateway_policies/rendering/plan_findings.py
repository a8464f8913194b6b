"""A plan as findings, for the tools that show such at the line of a file: SARIF, annotations."""

from __future__ import annotations

from collections.abc import Iterator

from gateway_policies.findings import Finding
from gateway_policies.model import Severity
from gateway_policies.planning.model import Change, Hazard, Plan
from gateway_policies.rendering import plan_words as words


def plan_findings(plan: Plan) -> list[Finding]:
    """What of a plan somebody should look at: what blocks (errors), what is dangerous, and what drifted (warnings)."""
    return [finding for change in plan.changes for finding in _of(change)]


def _of(change: Change) -> Iterator[Finding]:
    for blocker in change.blockers:
        yield Finding(
            rule=f"plan-{blocker.guard}",
            severity=Severity.ERROR if blocker.open else Severity.WARNING,
            message=blocker.message if blocker.open else words.blocker(blocker),
            address=change.address,
            place=change.place,
            help=f"To undo: {change.inverse.summary}.",
        )
    if change.hazard is not Hazard.NONE:
        calls = words.calls(change.impact)
        told = [f"{change.address} {change.action}: {words.why(change)}", *([] if calls is None else [calls])]
        yield Finding(
            rule=f"plan-{change.hazard}",
            severity=Severity.WARNING,
            message=". ".join(told),
            address=change.address,
            place=change.place,
            help=f"To undo: {change.inverse.summary}.",
        )
    if change.drifted:
        origin = words.origin(change) or "drift: " + "; ".join(
            words.field(each) for each in change.fields if each.moved != "pending"
        )
        yield Finding(
            rule=f"plan-{'conflict' if change.moved == 'conflict' else 'drift'}",
            severity=Severity.WARNING,
            message=f"{change.address}: {origin}",
            address=change.address,
            place=change.place,
            help="'andon policy export' takes what is live into the files.",
        )
