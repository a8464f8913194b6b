"""Changes of the gateway shortly before something began to fail, and how each is taken back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from gateway_policies.gateway import GatewayRevision
from gateway_policies.linting.scene import pattern
from gateway_policies.model import PolicySet
from gateway_policies.overview.access import Access, system_of

WINDOW = timedelta(hours=24)
"""How long before the first failure a change may have been."""
MOST = 10
"""So many of them are told, the newest first."""
_ADDRESSES = 8


class ChangeBefore(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of the gateway before the first failure of a group.

    Attributes:
        seconds_before: from the change to the failure.
        concerns: the addresses that it changed which have to do with the group: what its failures name, and what
            stands between its target and who calls that; the first few.
        undo: the command that shows, and makes, the inverse.
    """

    revision: GatewayRevision
    seconds_before: int
    concerns: list[str]
    undo: str


def change_before(
    revision: GatewayRevision,
    changed: Iterable[str],
    first: datetime,
    named: Iterable[str],
    target: str,
    access: Access,
) -> ChangeBefore:
    """A revision, held against a group.

    Args:
        changed: the addresses that it changed.
        first: when the group first failed.
        named: the policies that failures of the group name.
        target: the system that its transactions go to.
        access: what is live now.
    """
    near = _around(target, access)
    concerns = [each for each in sorted(changed) if _concerns(each, named, near)]
    of_set = "" if revision.policy_set == PolicySet.DEFAULT_NAME else f" --set {revision.policy_set}"
    return ChangeBefore(
        revision=revision,
        seconds_before=max(0, int((first - revision.at).total_seconds())),
        concerns=concerns[:_ADDRESSES],
        undo=f"andon policy rollback {revision.number - 1}{of_set} --dry-run",
    )


def _around(target: str, access: Access) -> frozenset[str]:
    """What stands in front of a system: its APIs, their throttles, and the scopes that they want."""
    found: set[str] = set()
    for api in access.apis.values():
        if system_of(api).casefold() != target.casefold():
            continue
        found.add(api.address)
        found |= {f"throttle.{api.throttle}"} if api.throttle is not None else set()
        found |= {f"scope.{each.scope}" for each in api.operations if each.scope is not None}
    return frozenset(found)


def _concerns(address: str, named: Iterable[str], near: frozenset[str]) -> bool:
    kind, _, rest = address.partition(".")
    whole = f"api.{rest.partition('.')[0]}" if kind == "api" else address
    if whole in near:
        return True
    scope = _granted(address)
    if scope is not None and any(_fits(scope, each.partition(".")[2]) for each in near if each.startswith("scope.")):
        return True
    return any(is_of(address, each) for each in named)


def is_of(address: str, policy: str) -> bool:
    """Whether a change at an address is one of a policy: at its own, at what it belongs to, or of a grant that covers
    it."""
    if policy == address or policy.startswith(f"{address}."):
        return True
    scope, other = _granted(address), _granted(policy)
    return scope is not None and other is not None and _consumer(policy) == _consumer(address) and _fits(scope, other)


def _granted(address: str) -> str | None:
    """The scope of a grant's address."""
    return address.split(".", 3)[3] if address.startswith("consumer.") and ".grant." in address else None


def _consumer(address: str) -> str:
    return address.split(".")[1]


def _fits(granted: str, scope: str) -> bool:
    return granted == scope or ("*" in granted and pattern(granted).fullmatch(scope) is not None)


def in_words(each: ChangeBefore) -> str:
    """``revision 4, 12 min before, by ann (tidied up): consumer.andon-hub.grant.erp.deliver``"""
    told = each.revision
    because = f" ({told.reason})" if told.reason else ""
    what = f": {', '.join(each.concerns)}" if each.concerns else ""
    return f"revision {told.number}, {_span(each.seconds_before)} before, by {told.by}{because}{what}"


def _span(seconds: int) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def nearest_first(found: Iterable[ChangeBefore]) -> list[ChangeBefore]:
    """Those that have to do with the group first, and of these the newest."""
    return sorted(found, key=lambda each: (not each.concerns, each.seconds_before))
