"""What a gateway is asked to do: a plan without its reasons, in steps, bound to the state that it was planned on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec import Struct

from gateway_policies.errors import Blocked
from gateway_policies.model import Resource
from gateway_policies.planning.facets import without_secrets
from gateway_policies.state import GatewayState, fingerprint_of


class Edit(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How an address is to be afterwards.

    Attributes:
        resource: what is live there; None for nothing.
        owned: whether the policy set owns it.
        applied: what is recorded as applied.
        renamed_from: the address that it had: what was there is what is here now.
    """

    address: str
    resource: Resource | None = None
    owned: bool = False
    applied: Resource | None = None
    renamed_from: str | None = None


class Changeset(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Edits that are done all or not at all.

    Attributes:
        base: the fingerprint of the state that this is for.
        plan: the hash of the plan that it comes from; it is taken once.
        by: who asks for it.
        reason: why it is done; wanted where something that was blocked is done all the same.
        steps: in an order that works one by one; what stands in one step needs to be done at once.
        break_glass: do it without the second person that it wants; somebody else reviews it afterwards.
    """

    gateway: str
    policy_set: str
    base: str
    plan: str
    by: str
    steps: tuple[tuple[Edit, ...], ...]
    reason: str | None = None
    break_glass: bool = False


class Working:
    """A gateway's state while it is changed."""

    def __init__(self, state: GatewayState, policy_set: str) -> None:
        self.live, self.owners, self.applied = dict(state.live), dict(state.owners), dict(state.applied)
        self._policy_set = policy_set

    def take(self, edit: Edit) -> None:
        """Do an edit.

        Raises:
            Blocked: it would touch what another policy set owns.
        """
        for address in (edit.renamed_from, edit.address):
            owner = None if address is None else self.owners.get(address)
            if owner is not None and owner != self._policy_set:
                raise Blocked(f"{address} belongs to the policy set {owner}. Nothing was changed. Make a new plan.")
        if edit.renamed_from is not None:
            for kept in (self.live, self.owners, self.applied):
                kept.pop(edit.renamed_from, None)
        _keep(self.live, edit.address, edit.resource)
        _keep(self.applied, edit.address, edit.applied)
        if edit.owned:
            self.owners[edit.address] = self._policy_set
        else:
            self.owners.pop(edit.address, None)

    def after(self, state: GatewayState) -> GatewayState:
        """The state as it is now, as what follows ``state``."""
        return msgspec.structs.replace(
            state,
            revision=state.revision + 1,
            fingerprint=fingerprint_of(self.live, self.owners, {self._policy_set: self.applied}),
            live=dict(self.live),
            owners=dict(self.owners),
            applied=dict(self.applied),
        )


def _keep(kept: dict[str, Resource], address: str, resource: Resource | None) -> None:
    if resource is None:
        kept.pop(address, None)
    else:
        kept[address] = resource


def states(state: GatewayState, policy_set: str, steps: Iterable[Iterable[Edit]]) -> Iterator[GatewayState]:
    """The states that a gateway goes through, one for each step; fingerprints are of what this policy set sees.

    Raises:
        Blocked: an edit would touch what another policy set owns.
    """
    working = Working(state, policy_set)
    for step in steps:
        for edit in step:
            working.take(edit)
        yield working.after(state)


def adopted(before: GatewayState, after: GatewayState, policy_set: str) -> dict[str, Resource]:
    """What was made by hand and the policy set has taken over between two states, as it was before; without secrets."""
    return {
        address: without_secrets(before.live[address])
        for address, owner in after.owners.items()
        if owner == policy_set and address not in before.owners and address in before.live
    }


def touched(steps: Iterable[Iterable[Edit]]) -> Mapping[str, None]:
    """Every address that the steps touch, in order."""
    return dict.fromkeys(
        address
        for step in steps
        for edit in step
        for address in (edit.renamed_from, edit.address)
        if address is not None
    )
