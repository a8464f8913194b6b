"""What is said of a change that somebody made by hand at the gateway, and that a plan would undo.

A plan of files says what the files did meanwhile. A plan that goes back to a revision has no files: it says what the
revision had, what is live, and what going back would do.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway_policies.nearest import listed
from gateway_policies.planning.facets import in_words, shown
from gateway_policies.planning.model import Action, Change, FieldChange, Moved

_SHOWN = 3


def conflict(change: Change, back_to: int | None) -> str:
    """What moved on both sides, and what to do, as sentences. No secret is in it.

    Args:
        change: one that moved on both sides.
        back_to: the revision that the plan goes back to; None for a plan of files.
    """
    return _of_files(change) if back_to is None else _going_back(change, back_to)


def _of_files(change: Change) -> str:
    if change.action is Action.CREATE:
        return (
            f"{change.address} was deleted at the gateway, and changed in the files. "
            "Take it out of the files, or override it to make it again."
        )
    if change.action is Action.DELETE:
        return (
            f"{change.address} was changed at the gateway, and deleted in the files. "
            "Put it back into the files as it is live, or override it to delete it."
        )
    return (
        f"{change.address} was changed at the gateway and in the files: "
        f"{listed((each.field for each in _both(change)), _SHOWN)}. Take what is live into the files, or override it."
    )


def _going_back(change: Change, revision: int) -> str:
    if change.action is Action.CREATE:
        return (
            f"{change.address} was deleted by hand at the gateway. Revision {revision} had it, otherwise than it was "
            "applied last. Going back would make it again as that revision had it: override it if that is meant."
        )
    by_hand = f"{change.address} was changed by hand at the gateway"
    if change.action is Action.DELETE:
        moved = [_moved(each, "when it was applied") for each in change.fields if each.moved is not Moved.PENDING]
        return (
            f"{by_hand}: {listed(moved, _SHOWN)}. Revision {revision} did not have it. "
            "Going back would delete it, with what was done by hand: override it if that is meant."
        )
    moved = [_moved(each, f"at revision {revision}") for each in _both(change)]
    return (
        f"{by_hand}: {listed(moved, _SHOWN)}. "
        "Going back would undo what was done by hand: override it if that is meant."
    )


def _both(change: Change) -> Iterator[FieldChange]:
    return (each for each in change.fields if each.moved is Moved.CONFLICT)


def _moved(field: FieldChange, then: str) -> str:
    """``requests (50 now, 600 at revision 1)``; of a set what came and went by hand."""
    if field.added or field.removed:
        hand = [*(f"+{each}" for each in field.removed), *(f"-{each}" for each in field.added)]
        return f"{field.field} ({' '.join(hand)} by hand)"
    live, wanted = (in_words(shown(field.field, each)) for each in (field.before, field.after))
    return f"{field.field} ({live} now, {wanted} {then})"
