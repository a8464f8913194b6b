"""What a plan says, in words that its forms share."""

from __future__ import annotations

from collections.abc import Iterator

from gateway_policies.model import Resource
from gateway_policies.nearest import listed
from gateway_policies.planning.facets import facets, in_words
from gateway_policies.planning.hazards import GRAVE
from gateway_policies.planning.model import (
    Action,
    Blocker,
    Change,
    FieldChange,
    Guard,
    Hazard,
    Impact,
    Moved,
    Plan,
    Traffic,
)

TITLES = {
    Hazard.OUTAGE: "Can cause an outage",
    Hazard.ACCESS: "Removes access",
    Hazard.THROTTLE: "Cuts a throttle",
    Hazard.NONE: "Everything else",
}
SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.DELETE: "-",
    Action.RENAME: ">",
    Action.ADOPT: "*",
    Action.RELEASE: "*",
}
BOTH = "the files and the gateway both moved"
_CALLERS = 3
_NEEDING = 5


def sections(plan: Plan) -> Iterator[tuple[Hazard, list[Change]]]:
    """The changes by the worst that they do; nothing for what is empty."""
    for hazard in Hazard:
        changes = [each for each in plan.changes if each.hazard is hazard]
        if changes:
            yield hazard, changes


def heading(change: Change) -> str:
    """What it is about: the address; of a rename both; with what happens to it where the sign does not say so."""
    match change.action:
        case Action.RENAME:
            return f"{change.from_} → {change.address}"
        case Action.ADOPT if any(each.guard is Guard.OWNED_BY_OTHER for each in change.blockers):
            return f"{change.address} (another policy set's)"
        case Action.ADOPT:
            return f"{change.address} (made by hand, adopted)"
        case Action.RELEASE:
            return f"{change.address} (given up)"
        case _:
            return change.address


def place(change: Change, folder: str) -> str:
    """Where the files say it, as an editor opens it from where the folder of the policies is; empty for nowhere."""
    if change.place is None:
        return ""
    return f"{folder.rstrip('/')}/{change.place}" if folder not in ("", ".") else str(change.place)


def origin(change: Change, back_to: int | None = None) -> str | None:
    """Who moved, where it was not the files alone.

    Args:
        back_to: see :class:`gateway_policies.planning.model.Body`.
    """
    if change.moved is Moved.CONFLICT:
        return f"conflict: {BOTH if back_to is None else 'by hand, in what going back changes too'}"
    if change.moved is Moved.DRIFT:
        if change.action is Action.CREATE:
            return "drift: it was deleted at the gateway"
        return "drift: it was changed at the gateway, and is put back"
    return None


def field(change: FieldChange) -> str:
    """What becomes of a fact: ``burst: 100 → 50``, and who moved where that was not the files."""
    return drifted_field(change) + _moved(change)


def drifted_field(change: FieldChange) -> str:
    """What became of a fact: ``burst: 100 → 50``."""
    if change.added or change.removed:
        text = " ".join([*(f"+{each}" for each in change.added), *(f"-{each}" for each in change.removed)])
    elif change.before is None:
        text = f"+ {in_words(change.after)}"
    elif change.after is None:
        text = f"- {in_words(change.before)}"
    else:
        text = f"{in_words(change.before)} → {in_words(change.after)}"
    return f"{_name(change.field)}: {text}"


def _name(facet: str) -> str:
    """``POST /{order}/release`` is read as an operation without being called one."""
    return facet.removeprefix("operations[").replace("]", "", 1) if facet.startswith("operations[") else facet


def _moved(change: FieldChange) -> str:
    if change.moved is Moved.PENDING:
        return ""
    if change.added or change.removed:
        return f"  ({change.moved})"
    return f"  ({change.moved}; last applied: {in_words(change.applied)})"


def facts(change: Change) -> Iterator[str]:
    """What a resource states that comes or goes whole."""
    resource = change.after or change.before
    if resource is not None and (change.before is None or change.after is None):
        yield from stated(resource)


def stated(resource: Resource) -> Iterator[str]:
    """What a resource states, a fact in each: ``risk: low``."""
    for name, fact in facets(resource).items():
        yield f"{_name(name)}: {in_words(fact)}"


def calls(impact: Impact) -> str | None:
    """Whom a change meets; None where it is new."""
    if impact.traffic is Traffic.NEW:
        return None
    if impact.traffic is Traffic.UNKNOWN or impact.since is None:
        able = f"; {len(impact.may_call)} consumer{_s(len(impact.may_call))} may call" if impact.may_call else ""
        return f"calls: unknown{able}"
    if not impact.callers or impact.last_seen is None:
        return f"no calls since {impact.since:%Y-%m-%d}"
    shown = [f"{each.consumer} {each.calls:,}" for each in impact.callers[:_CALLERS]]
    if len(impact.callers) > _CALLERS:
        shown.append(f"{len(impact.callers) - _CALLERS} more")
    return (
        f"{impact.calls:,} call{_s(impact.calls or 0)} since {impact.since:%Y-%m-%d}, last on "
        f"{impact.last_seen:%Y-%m-%d}: {', '.join(shown)}"
    )


def blocker(each: Blocker) -> str:
    """What stands against a change, or stood."""
    if each.open:
        return f"blocked ({each.guard}): {each.message}"
    return f"overridden ({each.guard}): {each.message} Reason: {each.overridden}"


def moved_along(change: Change) -> str | None:
    """What a rename takes with it."""
    parts = []
    if change.moves:
        parts.append(f"{_resources(len(change.moves))} with it")
    if change.follows:
        parts.append(f"its name in {_resources(len(change.follows))}")
    return f"moves {' and '.join(parts)}" if parts else None


def why(change: Change) -> str:
    """What a change does, and at what risk where that is grave."""
    grave = f" (risk: {change.risk})" if change.risk in GRAVE and change.hazard is not Hazard.NONE else ""
    return "; ".join(change.because) + grave


def needed_by(change: Change, most: int = _NEEDING) -> str | None:
    """Which of the addresses that were asked for need it; the first of very many."""
    return f"needed by {listed(change.needed_by, most)}" if change.needed_by else None


def says_calls(change: Change) -> bool:
    """Whether what blocks it already tells who calls."""
    return any(each.guard in (Guard.STILL_CALLED, Guard.GRANT_USED) for each in change.blockers)


def notes(plan: Plan) -> Iterator[str]:
    """What is said of the plan as a whole, after its changes."""
    if plan.records:
        count = _resources(len(plan.records))
        said = "the files say" if plan.back_to is None else f"revision {plan.back_to} had it"
        yield f"{count} came to be as {said} by other hands; the next apply records that."
    added = [each for each in plan.changes if each.needed_by]
    if added:
        yield f"{len(added)} change{_s(len(added))} more than asked for, which the others cannot be made without."
    if plan.undoes is not None:
        yield f"It takes the plan {plan.undoes[:12]} back."


def _resources(count: int) -> str:
    return f"{count:,} resource{_s(count)}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
