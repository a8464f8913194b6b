"""What moved at the gateway since a policy set was applied, whatever its files say by now."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from gateway_policies.model import PolicySet
from gateway_policies.planning.facets import shown
from gateway_policies.planning.model import FieldChange, Moved
from gateway_policies.planning.threeway import Noise, compare
from gateway_policies.state import GatewayState


class How(StrEnum):
    """What was done to a resource by hand."""

    CHANGED = "changed"
    DELETED = "deleted"


class Drifted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A resource that is not as it was applied.

    Attributes:
        fields: from what was applied (``before``) to what is live (``after``).
    """

    address: str
    how: How
    fields: tuple[FieldChange, ...] = ()


class Drift(Struct, frozen=True, kw_only=True):
    """What moved.

    Attributes:
        made_by_hand: the addresses that nobody owns; these are no drift.
        text: in a line.
    """

    gateway: str
    revision: int
    policy_set: str
    text: str
    drifted: tuple[Drifted, ...]
    made_by_hand: tuple[str, ...]


def drift_of(policies: PolicySet, state: GatewayState) -> Drift:
    """Hold the gateway against what was last applied.

    Args:
        policies: for its name and its noise.
        state: the gateway, as ``policies.name`` sees it.
    """
    noise = Noise(policies.noise)
    found = []
    for address, applied in state.applied.items():
        live = state.live.get(address)
        if live is None:
            if not noise.covers(address):
                found.append(Drifted(address=address, how=How.DELETED))
        elif fields := compare(applied, live, applied, noise).fields:
            found.append(Drifted(address=address, how=How.CHANGED, fields=tuple(map(_turned, fields))))
    found.sort(key=lambda each: each.address)
    return Drift(
        gateway=state.gateway,
        revision=state.revision,
        policy_set=policies.name,
        text=_text(found),
        drifted=tuple(found),
        made_by_hand=tuple(sorted(each for each in state.live if each not in state.owners)),
    )


def _turned(field: FieldChange) -> FieldChange:
    """As it happened: from what was applied to what is live."""
    return FieldChange(
        field=field.field,
        moved=Moved.DRIFT,
        before=shown(field.field, field.after),
        after=shown(field.field, field.before),
        added=field.removed,
        removed=field.added,
    )


def _text(found: list[Drifted]) -> str:
    if not found:
        return "No drift: the gateway is as it was last applied."
    changed = sum(each.how is How.CHANGED for each in found)
    parts = [f"{changed} changed" if changed else "", f"{len(found) - changed} deleted" if len(found) > changed else ""]
    return f"{' and '.join(each for each in parts if each)} at the gateway since the policies were applied"
