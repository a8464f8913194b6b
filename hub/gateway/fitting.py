"""Whether a change fits the gateway, and whether one person is enough for it. The hub looks itself: who sends changes
need not have planned them with andon."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from gateway_policies.changeset import Edit
from gateway_policies.model import Api, Consumer, Grant, Issuer, Resource, Scope, Throttle, Version
from gateway_policies.nearest import listed
from gateway_policies.planning.facets import hides
from gateway_policies.planning.hazards import harms
from gateway_policies.planning.scene import Scene
from gateway_policies.planning.threeway import Noise, compare
from gateway_policies.planning.usage import Seen
from gateway_policies.references import Names, claims, dangling
from gateway_policies.state import GatewayState
from transactions.errors import Invalid, Refused

_NAME = r"[a-z0-9][a-z0-9-]{0,62}"
_SCOPE = rf"{_NAME}(?:\.{_NAME}){{0,7}}"
_ADDRESSES: dict[type[Resource], re.Pattern[str]] = {
    Api: re.compile(rf"api\.{_NAME}"),
    Version: re.compile(rf"api\.{_NAME}\.version\.[A-Za-z0-9][A-Za-z0-9_-]{{0,62}}"),
    Scope: re.compile(rf"scope\.{_SCOPE}"),
    Consumer: re.compile(rf"consumer\.{_NAME}"),
    Grant: re.compile(rf"consumer\.{_NAME}\.grant\.(?:\*|{_SCOPE}(?:\.\*)?)"),
    Throttle: re.compile(rf"throttle\.{_NAME}"),
    Issuer: re.compile(rf"issuer\.{_NAME}"),
}
_NAMED = (Api, Scope, Consumer, Throttle, Issuer)
_SHOWN = 5


def check_form(edits: Iterable[Edit]) -> None:
    """Whether edits say what they are about.

    Raises:
        Invalid: an address is none, or is not the one of what stands there; or a secret stands where only the place
            of one belongs.
    """
    for edit in edits:
        for address in (edit.address, edit.renamed_from):
            if address is not None and not any(each.fullmatch(address) for each in _ADDRESSES.values()):
                raise Invalid(f"{address[:200]!r} is no address. Nothing was changed.")
        for resource in (edit.resource, edit.applied):
            if resource is None:
                continue
            if resource.address != edit.address or not _ADDRESSES[type(resource)].fullmatch(edit.address):
                raise Invalid(f"{resource.address} cannot stand at {edit.address}. Nothing was changed.")
            if hides(resource):
                raise Invalid(
                    f"{edit.address} has a secret in it, or had one. Nothing was changed, and it was not kept. "
                    "Name the place of a secret: env:NAME, file:PATH or keyring:SERVICE/NAME."
                )


def check_fit(before: GatewayState, after: GatewayState, edits: Iterable[Edit]) -> None:
    """Whether the gateway would be whole afterwards.

    Raises:
        Refused: something would refer to what is not there, or two would claim the same, or what is protected would
            go. What was so before, by hand, stands in nobody's way.
    """
    broken_before = set(dangling(before.live))
    broken = [pair for pair in dangling(after.live) if pair not in broken_before]
    if broken:
        told = listed((f"{who} refers to {what}" for who, what in broken), _SHOWN)
        raise Refused(f"What is referred to would not be there: {told}. Nothing was changed. Make a new plan.")
    twice = _claimed_twice(after) - _claimed_twice(before)
    if twice:
        raise Refused(f"More than one would have {listed(sorted(twice), _SHOWN)}. Nothing was changed.")
    was = Names(_renames(before, edits)).in_all(before.live)
    gone = [
        address
        for address, resource in was.items()
        if address not in after.live and getattr(resource, "protected", False)
    ]
    if gone:
        raise Refused(
            f"{listed(gone, _SHOWN)} {'is' if len(gone) == 1 else 'are'} protected. Nothing was changed. "
            "Apply it with 'protected = false' first, then take it out of the files."
        )


def _claimed_twice(state: GatewayState) -> set[str]:
    seen: set[str] = set()
    twice: set[str] = set()
    for resource in state.live.values():
        for claim in claims(resource):
            (twice if claim in seen else seen).add(claim)
    return twice


class Comparison:
    """Two states of the gateway, resource by resource, where a rename is the same thing by another name.

    Attributes:
        was: what was live, under the names that it has afterwards.
        old_names: from new to old.
    """

    def __init__(self, before: GatewayState, after: GatewayState, edits: Iterable[Edit]) -> None:
        self._renames = _renames(before, edits)
        self.was: dict[str, Resource] = Names(self._renames).in_all(before.live)
        self.now: Mapping[str, Resource] = after.live
        self.old_names = {new: old for old, new in self._renames.items()}
        self._owners = before.owners

    def __iter__(self) -> Iterator[tuple[str, Resource | None, Resource | None]]:
        """What differs: the address, before, after."""
        for address in sorted(self.was.keys() | self.now.keys()):
            one, other = self.was.get(address), self.now.get(address)
            if one != other or address in self.old_names:
                yield address, one, other

    def owners(self) -> dict[str, str]:
        """Whose what was live is, under the names that it has afterwards."""
        return {_renamed(address, self._renames): owner for address, owner in self._owners.items()}


def why_second(
    before: GatewayState, after: GatewayState, edits: Iterable[Edit], policy_set: str, today: date
) -> dict[str, list[str]]:
    """Why somebody else has to approve a change, by address; empty where one person is enough. It is judged by what it
    comes to, not by how it says so."""
    both = Comparison(before, after, edits)
    scene = Scene(
        before=both.was, after=after.live, owners=both.owners(), policy_set=policy_set, seen=Seen(None), today=today
    )
    found: dict[str, list[str]] = {}
    for address, one, other in both:
        fields = compare(other, one, None, Noise(())).fields if one is not None and other is not None else ()
        reasons = [
            each.because for each in harms(scene, one, other, fields, both.old_names.get(address)) if each.second
        ]
        if reasons:
            found[address] = reasons
    return found


def _renames(before: GatewayState, edits: Iterable[Edit]) -> dict[str, str]:
    """From old to new: what bears a name of its own, is the same kind, and takes nobody's place."""
    found: dict[str, str] = {}
    for edit in edits:
        old, new = edit.renamed_from, edit.address
        if old is None or old not in before.live or new in before.live:
            continue
        kind = type(before.live[old])
        if kind in _NAMED and _ADDRESSES[kind].fullmatch(new) and new not in found.values():
            found[old] = new
    return found


def _renamed(address: str, renames: dict[str, str]) -> str:
    for old, new in renames.items():
        if address == old or address.startswith(f"{old}."):
            return new + address[len(old) :]
    return address
