"""What is overridden in a plan, held against what stands in its way: a reason that changes nothing is a mistake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from commands.exits import Usage

if TYPE_CHECKING:
    from gateway_policies.planning.model import Change, Plan

_DECISIONS = (
    "A reason lets pass what is a decision: what is still called or used, a throttle below the peak that was seen, and "
    "a conflict with what was done by hand."
)


def check_overrides(made: Plan, override: Sequence[str]) -> None:
    """Whether everything that is to be overridden can be, and has to.

    Raises:
        Usage: one of the addresses has nothing that a reason lets pass; it says why.
    """
    from gateway_policies.nearest import did_you_mean
    from gateway_policies.planning.model import OVERRIDABLE

    changes = {each.address: each for each in made.changes}
    blocked = [address for address, each in changes.items() if any(one.guard in OVERRIDABLE for one in each.blockers)]
    for each in override:
        change = changes.get(each)
        if change is None:
            raise Usage(
                f"--override {each}: the plan changes nothing at that address.{did_you_mean(each, blocked or changes)} "
                "Nothing was done. Look at the plan without it first."
            )
        if each not in blocked:
            raise Usage(f"--override {each}: {_why_not(change)} Nothing was done.")


def _why_not(change: Change) -> str:
    if not change.blockers:
        return "nothing stands in the way of that change. Leave it out."
    stands = " ".join(f"({one.guard}) {one.message}" for one in change.blockers)
    return f"what stands in the way there cannot be overridden, whatever the reason. {stands} {_DECISIONS}"
