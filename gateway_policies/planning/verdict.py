"""A plan in a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gateway_policies.planning.model import Action, Change, Moved, Verdict


def verdict_of(changes: Sequence[Change], back_to: int | None = None) -> Verdict:
    """What the changes come to.

    Args:
        back_to: the revision that the plan goes back to; None for a plan of files.
    """
    actions = Counter(each.action for each in changes)
    blocked = [each for each in changes if each.blocked]
    drifted = sum(each.drifted for each in changes)
    conflicts = sum(each.moved is Moved.CONFLICT for each in changes)
    second = any(each.second_person for each in changes)
    parts = [
        f"{actions[Action.CREATE]} to add, {actions[Action.UPDATE]} to change, {actions[Action.DELETE]} to remove"
        + "".join(
            f", {actions[action]} to {action}"
            for action in (Action.RENAME, Action.ADOPT, Action.RELEASE)
            if actions[action]
        )
    ]
    if drifted:
        parts.append(f"{drifted} drifted")
    if conflicts:
        parts.append(f"{conflicts} in conflict")
    if second:
        parts.append("a second person has to approve")
    if blocked:
        first = next(each.message for each in blocked[0].blockers if each.open)
        more = f" (and {len(blocked) - 1} more)" if len(blocked) > 1 else ""
        parts.append(f"blocked: {first.rstrip('.')}{more}")
    return Verdict(
        add=actions[Action.CREATE],
        change=actions[Action.UPDATE],
        remove=actions[Action.DELETE],
        rename=actions[Action.RENAME],
        adopt=actions[Action.ADOPT],
        drifted=drifted,
        conflicts=conflicts,
        blocked=len(blocked),
        second_person=second,
        text="; ".join(parts) if changes else f"Nothing to do: the gateway is as {_wanted(back_to)}.",
    )


def _wanted(back_to: int | None) -> str:
    return "the files say" if back_to is None else f"it was made at revision {back_to}"
