"""Whether transactions account for a disagreement: pure, over what is known of each."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from transactions.model import Status
from transactions.reconciliation.comparing import ZERO, Disagreement, Side, amount_of
from transactions.reconciliation.model import Explained
from transactions.reconciliation.tolerance import Tolerance
from transactions.states import MOVING

NOT_IN_TARGET: frozenset[Status] = (MOVING - {Status.SENT}) | {
    Status.FAILED,
    Status.PARKED,
    Status.DISCARDED,
    Status.COMPENSATED,
}
"""The target has nothing of it, so that the whole of its quantity is missing there."""

MAYBE_NOT: frozenset[Status] = frozenset(
    {
        Status.SENT,
        Status.IN_DOUBT,
        Status.PARTLY_PROCESSED,
        Status.RESOLVED,
        Status.COMPENSATING,
        Status.COMPENSATION_FAILED,
    }
)
"""The target may have it, whole or in part."""


class Lacking(Struct, frozen=True, kw_only=True):
    """What a target lacks because of one transaction.

    Attributes:
        target: label of the instance it goes to.
        sign: 1 where its posting adds to the field, -1 where it takes away, 0 where that is not known.
        quantity: of its document; None where that is not known, or not wholly lacking.
    """

    id: str
    target: str
    sign: int
    quantity: Decimal | None

    @property
    def amount(self) -> Decimal | None:
        """What is added to the field when it is posted; None where that is not known."""
        return None if self.quantity is None or self.sign == 0 else self.sign * self.quantity


def account(
    disagreement: Disagreement, candidates: Iterable[Lacking], tolerance: Tolerance
) -> tuple[Explained, list[Lacking]]:
    """Whether transactions account for a disagreement, and those that have to do with it.

    Args:
        candidates: what is known not to be, or perhaps not to be, in its target, about the same object.

    Returns:
        ``explained`` where the sides would agree with all of it in its targets, or may, since a quantity is not known;
        ``in-part`` where they would come nearer; and with both the transactions that it is.
    """
    differing = {side.instance.label: side for side in disagreement.differing}
    there = [each for each in candidates if each.target in differing]
    if not disagreement.field.amount:
        named = {each.target for each in there}
        if not named:
            return Explained.NOT, []
        return (Explained.WHOLLY if named >= differing.keys() else Explained.IN_PART), there
    if there and _agrees(disagreement, there, tolerance):
        return Explained.WHOLLY, there
    # Some of it would lead away from agreement, and explains nothing.
    nearer = [each for each in there if _nearer(each, differing[each.target])]
    if not nearer:
        return Explained.NOT, []
    may = _agrees(disagreement, nearer, tolerance) or any(each.amount is None for each in nearer)
    return (Explained.WHOLLY if may else Explained.IN_PART), nearer


def _agrees(disagreement: Disagreement, causes: list[Lacking], tolerance: Tolerance) -> bool:
    """Whether every side would be as it should with the known amounts in their targets."""
    bound = tolerance.of(disagreement.unit)
    made_good = {
        side.instance.label: amount_of(side.value)
        + sum((each.amount or ZERO for each in causes if each.target == side.instance.label), ZERO)
        for side in disagreement.sides
    }
    if disagreement.field.leads:
        return all(
            bound.allows(made_good[side.instance.label], amount_of(side.value) + (side.missing or ZERO))
            for side in disagreement.differing
        )
    return bound.allows(max(made_good.values()), min(made_good.values()))


def _nearer(each: Lacking, side: Side) -> bool:
    if side.missing is None or each.sign == 0:
        return True
    # The side with more may have been given too little that takes away.
    return (side.missing > 0) == (each.sign > 0)
