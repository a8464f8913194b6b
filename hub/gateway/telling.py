"""A change of the gateway as a second person reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from gateway_policies.canonical import sha256_of
from gateway_policies.changeset import Changeset, Edit
from gateway_policies.model import Resource
from gateway_policies.planning.facets import shown, without_secrets
from gateway_policies.planning.model import FieldChange
from gateway_policies.planning.threeway import Noise, compare
from gateway_policies.rendering.plan_words import drifted_field, stated
from gateway_policies.state import GatewayState
from hub.gateway.fitting import Comparison
from transactions.plans import PolicyChange, PolicyChanges, PolicyDoes

TOLD = 1_000
"""Resources that are told one by one; more are only counted."""
_FACTS = 50
_REASONS = 5


def digest_of(asked: Changeset) -> str:
    """The fingerprint of a change, whoever says that it is by them."""
    return sha256_of((asked.gateway, asked.policy_set, asked.base, asked.plan, asked.steps))


def changes_of(
    before: GatewayState, after: GatewayState, edits: Iterable[Edit], because: Mapping[str, list[str]], asked: Changeset
) -> PolicyChanges:
    """What becomes of the gateway, first what somebody has to look at.

    Args:
        because: why somebody has to, by address.
    """
    both = Comparison(before, after, edits)
    differing = list(both)
    counts = Counter(_does(address, one, other, both) for address, one, other in differing)
    first = sorted(differing, key=lambda each: each[0] not in because)[:TOLD]
    return PolicyChanges(
        gateway=asked.gateway,
        policy_set=asked.policy_set,
        plan=asked.plan,
        base=asked.base,
        revision=before.revision,
        sha256=digest_of(asked),
        counts={str(each): counts[each] for each in PolicyDoes},
        changes=[
            PolicyChange(
                address=address,
                does=_does(address, one, other, both),
                said=list(_said(one, other))[:_FACTS],
                because=because.get(address, []),
                from_=both.old_names.get(address),
            )
            for address, one, other in first
        ],
    )


def sentences(because: Mapping[str, list[str]]) -> list[str]:
    """Why a second person is wanted, each reason a sentence with the first that has it; the first few, and how many
    more there are."""
    alike: dict[str, list[str]] = {}
    for address, reasons in because.items():
        for reason in reasons:
            alike.setdefault(reason, []).append(address)
    told = [f"{addresses[0]} {reason}{_as_well(len(addresses) - 1)}." for reason, addresses in alike.items()]
    more = sum(map(len, list(alike.values())[_REASONS:]))
    return [*told[:_REASONS], *([f"And {more:,} more like these."] if more > 0 else [])]


def _as_well(others: int) -> str:
    return "" if others == 0 else f", and so {'does 1' if others == 1 else f'do {others:,}'} more"


def _does(address: str, one: Resource | None, other: Resource | None, both: Comparison) -> PolicyDoes:
    if address in both.old_names:
        return PolicyDoes.RENAME
    return PolicyDoes.ADD if one is None else PolicyDoes.REMOVE if other is None else PolicyDoes.CHANGE


def _said(one: Resource | None, other: Resource | None) -> Iterator[str]:
    if one is not None and other is not None:
        yield from (drifted_field(_hidden(each)) for each in compare(other, one, None, Noise(())).fields)
    elif (there := other or one) is not None:
        yield from stated(without_secrets(there))


def _hidden(field: FieldChange) -> FieldChange:
    return FieldChange(
        field=field.field,
        moved=field.moved,
        before=shown(field.field, field.before),
        after=shown(field.field, field.after),
        added=field.added,
        removed=field.removed,
    )
