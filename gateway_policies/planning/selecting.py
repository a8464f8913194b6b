"""Part of a plan: what was asked for, and what that cannot be without."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from gateway_policies.model import PolicySet, Resource
from gateway_policies.planning.model import Change
from gateway_policies.planning.order import Work
from gateway_policies.state import GatewayState


def select(
    changes: Sequence[Change], only: Sequence[str], live: Mapping[str, Resource]
) -> list[tuple[Change, tuple[str, ...]]]:
    """The changes that were asked for, with those that they need.

    Args:
        only: addresses, with ``*`` for anything; what hangs below one is part of it. None for all.
        live: under the names after the changes' renames.

    Returns:
        Each with the addresses that were asked for and need it, where it was not asked for itself.
    """
    if not only:
        return [(each, ()) for each in changes]
    asked = _pattern(only)
    needs = Work(changes, live).needs()
    wanted: dict[int, set[str]] = {}
    for start, change in enumerate(changes):
        if not _named(asked, change):
            continue
        wanted[start] = wanted.get(start, set())
        todo, met = [start], {start}
        while todo:
            for each in needs[todo.pop()] - met:
                met.add(each)
                todo.append(each)
                wanted.setdefault(each, set()).add(change.address)
    return [
        (changes[index], () if _named(asked, changes[index]) else tuple(sorted(by)))
        for index, by in sorted(wanted.items())
    ]


def unknown(only: Iterable[str], policies: PolicySet, state: GatewayState) -> list[str]:
    """What of ``only`` names nothing that the files or the gateway have."""
    return [
        each
        for each in only
        if not any(_pattern([each]).fullmatch(address) for address in (*policies.resources, *state.live))
    ]


def _pattern(only: Sequence[str]) -> re.Pattern[str]:
    return re.compile(
        "|".join(rf"{'.*'.join(map(re.escape, each.split('*')))}(?:\.(?:version|grant)\..+)?" for each in only)
    )


def _named(asked: re.Pattern[str], change: Change) -> bool:
    return any(asked.fullmatch(each) for each in (change.address, change.from_) if each is not None)
