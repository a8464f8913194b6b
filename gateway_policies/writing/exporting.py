"""What is live at a gateway, as policies that files can have."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from gateway_policies.loading.formats import NAME, SCOPE_GRANTED, SCOPE_NAME
from gateway_policies.loading.shapes import Text
from gateway_policies.model import (
    Api,
    Consumer,
    Grant,
    Issuer,
    PolicySet,
    Resource,
    Scope,
    Throttle,
    Version,
    by_address,
)
from gateway_policies.planning.facets import HIDDEN, without_secrets
from gateway_policies.references import references
from gateway_policies.state import GatewayState

SECRET = "a secret stands in it at the gateway, where only the place of one belongs; it is not written"  # noqa: S105
_KINDS = ("issuer", "throttle", "scope", "api", "version", "consumer", "grant")


class Left(Struct, frozen=True, order=True):
    """What is not taken into files, or not all of it, and why."""

    address: str
    why: str


class Exported(Struct, frozen=True, kw_only=True):
    """What files can have of a gateway.

    Attributes:
        others: how many resources belong to other policy sets.
        by_hand: the addresses that nobody owns; applying the files takes them in.
        contracts: the documents that versions name, which a gateway does not have.
    """

    policies: PolicySet
    left: list[Left]
    others: int
    by_hand: list[str]
    contracts: list[str]


def export(state: GatewayState, policy_set: str = PolicySet.DEFAULT_NAME) -> Exported:
    """What a policy set owns at a gateway, and what nobody owns.

    Args:
        state: the gateway, as that policy set sees it.
    """
    wanted = {
        each: resource for each, resource in state.live.items() if state.owners.get(each, policy_set) == policy_set
    }
    found, left = describable(wanted.values(), ())
    return Exported(
        policies=PolicySet(gateway=state.gateway, name=policy_set, resources=by_address(found)),
        left=left,
        others=len(state.live) - len(wanted),
        by_hand=sorted(each.address for each in found if each.address not in state.owners),
        contracts=sorted({each.contract for each in found if isinstance(each, Version) and each.contract is not None}),
    )


def describable(resources: Iterable[Resource], known: Iterable[str]) -> tuple[list[Resource], list[Left]]:
    """Those of some resources that files can describe, what is referred to before what refers to it; and the others.

    Args:
        known: the addresses that the files describe already.
    """
    left: list[Left] = []
    kept: dict[str, Resource] = {}
    for each in sorted(resources, key=lambda each: (_KINDS.index(type(each).__name__.lower()), each.address)):
        if not _named_well(each):
            left.append(Left(each.address, "it has a name that files cannot have"))
            continue
        clean = writable(each)
        if clean != each:
            left.append(Left(each.address, SECRET))
        kept[each.address] = clean
    there = {*known, *kept}
    while lost := [
        (each, needed)
        for each in kept
        for needed in references(kept[each])
        if needed not in there and "*" not in needed
    ]:
        for address, needed in lost:
            if kept.pop(address, None) is not None:
                there.discard(address)
                left.append(Left(address, f"it refers to {needed}, which these files do not have"))
    return list(kept.values()), sorted(left)


def writable(resource: Resource) -> Resource:
    """A resource as a file may have it: a secret that stands in it is left out."""
    clean = without_secrets(resource)
    changed: dict[str, object] = {}
    if isinstance(clean, Consumer) and clean.credential is not None and clean.credential.secret == HIDDEN:
        changed["credential"] = msgspec.structs.replace(clean.credential, secret=None)
    for field in ("upstream", "url"):
        text = getattr(clean, field, None)
        if text is not None and HIDDEN in text:
            changed[field] = text.replace(f"{HIDDEN}@", "")
    return msgspec.structs.replace(clean, **changed) if changed else clean


def _named_well(resource: Resource) -> bool:
    """Whether the names by which others call it, or its file, are names."""
    match resource:
        case Scope(name=name):
            return _is(SCOPE_NAME, name)
        case Version(api=first, name=second):
            return _is(NAME, first) and _is(NAME, second)
        case Grant(consumer=consumer, scope=scope):
            return _is(NAME, consumer) and _is(SCOPE_GRANTED, scope)
        case Api(name=name) | Consumer(name=name) | Throttle(name=name) | Issuer(name=name):
            return _is(NAME, name)


def _is(text: Text, name: str) -> bool:
    return re.fullmatch(text.pattern, name) is not None
