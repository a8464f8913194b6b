"""A plan as findings, for the tools that show such at the line of a file: SARIF, annotations."""

from __future__ import annotations

from collections.abc import Iterator

from gateway_policies.findings import Finding
from gateway_policies.model import Severity
from gateway_policies.planning.model import Change, Guard, Hazard, Moved, Plan
from gateway_policies.rendering import plan_words as words
from gateway_policies.rendering.finding_words import RuleText

_TITLES = {
    Guard.STILL_CALLED: "What is still called goes",
    Guard.GRANT_USED: "A grant that is still used goes",
    Guard.BELOW_PEAK: "A throttle is cut below the peak that was seen",
    Guard.CONFLICT: "The files and the gateway both moved",
    Guard.PROTECTED: "What is protected would be deleted",
    Guard.OWNED_BY_OTHER: "Another policy set owns it",
    Guard.STILL_REFERRED: "Something still refers to what would be deleted",
    Guard.NOT_THERE: "It refers to what is not there",
    Guard.TAKEN: "Another has what only one can have",
    Guard.SECRET: "A secret stands where only the place of one belongs",
}
RULES: tuple[RuleText, ...] = (
    *(RuleText(id=f"plan-{guard}", title=title) for guard, title in _TITLES.items()),
    RuleText(id="plan-outage", title="A change can cause an outage", severity=Severity.WARNING),
    RuleText(id="plan-access", title="A change removes access", severity=Severity.WARNING),
    RuleText(id="plan-throttle", title="A change cuts a throttle", severity=Severity.WARNING),
    RuleText(id="plan-drift", title="The gateway was changed by hand", severity=Severity.WARNING),
)
"""What the findings of a plan are about."""


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
    if change.drifted and change.moved is not Moved.CONFLICT:  # a conflict stands in the way, and was told as that
        origin = words.origin(change) or "drift: " + "; ".join(
            words.field(each) for each in change.fields if each.moved is Moved.DRIFT
        )
        yield Finding(
            rule="plan-drift",
            severity=Severity.WARNING,
            message=f"{change.address}: {origin}",
            address=change.address,
            place=change.place,
            help="Take what is live into the files, or apply them to put back what they say.",
        )
