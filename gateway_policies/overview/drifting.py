"""What moved at a gateway by hand, line by line: what was applied, and what is there now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from gateway_policies.model import PolicySet
from gateway_policies.planning.drift import Drift, drift_of
from gateway_policies.planning.facets import in_words
from gateway_policies.rendering.plan_words import drifted_field
from gateway_policies.state import GatewayState


class How(StrEnum):
    """What was done by hand. What was made is nobody's, and no drift."""

    CHANGED = "changed"
    DELETED = "deleted"
    MADE = "made"


class DriftLine(Struct, frozen=True):
    """A fact that is not as it was applied.

    Attributes:
        what: the fact and what became of it: ``burst: 100 → 50``; empty for what was made or deleted whole.
        applied, live: the fact as it was applied and as it is, in words.
        policy_set: whose it is; None for what was made by hand.
    """

    address: str
    how: How
    what: str
    applied: str
    live: str
    policy_set: str | None


def drifts(states: Mapping[str, GatewayState], policies: PolicySet | None) -> list[Drift]:
    """What drifted of every policy set.

    Args:
        states: the gateway as each policy set sees it, by its name.
        policies: one of them, with what it calls noise; of the others all is told.
    """
    return [
        drift_of(
            policies if policies is not None and policies.name == name else PolicySet(gateway=state.gateway, name=name),
            state,
        )
        for name, state in sorted(states.items())
    ]


def drift_lines(found: Iterable[Drift]) -> list[DriftLine]:
    """What drifted, fact by fact and by address; then what was made by hand."""
    told: list[DriftLine] = []
    by_hand: dict[str, None] = {}
    for drift in found:
        for each in drift.drifted:
            if not each.fields:
                told.append(DriftLine(each.address, How.DELETED, "", "there", "deleted", drift.policy_set))
            for field in each.fields:
                if field.added or field.removed:
                    applied, live = (
                        ", ".join(field.removed) or "none of these",
                        ", ".join(field.added) or "none of these",
                    )
                else:
                    applied, live = in_words(field.before), in_words(field.after)
                told.append(DriftLine(each.address, How.CHANGED, drifted_field(field), applied, live, drift.policy_set))
        by_hand |= dict.fromkeys(drift.made_by_hand)
    told.sort(key=lambda each: (each.address, each.what))
    return told + [DriftLine(each, How.MADE, "", "nothing", "there", None) for each in by_hand]


def told(found: Sequence[Drift], applied: bool) -> str:
    """All of it in a line.

    Args:
        applied: whether anything was ever applied.
    """
    if not applied:
        return "No policies were applied to this gateway yet: there is nothing that it could have drifted from."
    loud = [each for each in found if each.drifted]
    if not loud:
        return "No drift: the gateway is as it was last applied."
    if len(found) == 1:
        return f"{loud[0].text}."
    return "; ".join(f"{each.policy_set}: {each.text}" for each in loud) + "."
