"""What the shell may complete besides words and options: names that only the configuration or the platform knows.

A completion never complains: where nothing can be asked, nothing is offered.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from commands.session import Session
from transactions.errors import AndonError
from transactions.model import Risk
from transactions.people import GRANTABLE, Role

# A name goes onto the line of a shell, which reads quotes, blanks and brackets in its own way, and so may run it.
_PLAIN = re.compile(r"[\w./:+@%-]+")

SORTS = ("created_at", "failed_at", "due_at", "priority", "flow", "plant", "target", "status", "id")

GROUP_SORTS = ("count", "last_seen", "first_seen", "overdue", "blocked")


def contexts(incomplete: str) -> list[str]:
    """Names of the user's contexts."""
    from platforms.contexts import user_contexts

    try:
        names = user_contexts(os.environ).context
    except AndonError:
        # The command itself will say what is wrong with the file.
        return []
    return sorted(name for name in names if name.startswith(incomplete))


def flows(incomplete: str) -> list[str]:
    """Names of the platform's flows."""
    return _starting(incomplete, _flows)


def plants(incomplete: str) -> list[str]:
    """Names of the platform's plants."""
    return _starting(incomplete, _plants)


def systems(incomplete: str) -> list[str]:
    """Names of the platform's systems."""
    return _starting(incomplete, _systems)


def faults(incomplete: str) -> list[str]:
    """Names of the simulator's faults."""
    from platforms.hub import simulator

    return _starting(incomplete, lambda session: [fault.name for fault in session.send(simulator.faults()).items])


def batches(incomplete: str) -> list[str]:
    """Ids of the newest batches."""
    from platforms.hub import batches as calls

    return _starting(incomplete, lambda session: [batch.id for batch in session.send(calls.list_page()).items])


def approvals(incomplete: str) -> list[str]:
    """Hashes of the plans that wait for a second person."""
    from platforms.hub import approvals as calls

    return _starting(incomplete, lambda session: [item.hash for item in session.send(calls.list_page()).items])


def groups(incomplete: str) -> list[str]:
    """Fingerprints of the largest groups."""
    from platforms.hub import groups as calls

    return _starting(incomplete, lambda session: [group.fingerprint for group in session.send(calls.list_page()).items])


def roles(incomplete: str) -> list[str]:
    """Names of roles."""
    return [role for role in Role if role.startswith(incomplete)]


def risks(incomplete: str) -> list[str]:
    """Names of risks."""
    return [risk for risk in Risk if risk.startswith(incomplete)]


def grantable(incomplete: str) -> list[str]:
    """Permissions that are given one by one."""
    return sorted(name for name in GRANTABLE if name.startswith(incomplete))


def keys(incomplete: str) -> list[str]:
    """Names of business keys, like order and lot."""
    return _starting(incomplete, _keys)


def sorts(incomplete: str) -> list[str]:
    """What a list may be sorted by, either way."""
    return [name for name in (*SORTS, *(f"-{name}" for name in SORTS)) if name.startswith(incomplete)]


def group_sorts(incomplete: str) -> list[str]:
    """What groups may be sorted by, either way."""
    return [name for name in (*GROUP_SORTS, *(f"-{name}" for name in GROUP_SORTS)) if name.startswith(incomplete)]


def filters(incomplete: str) -> list[str]:
    """The filter that is being typed, with each thing that may stand at its end."""
    from transactions.filters.completion import complete

    offered = complete(incomplete, len(incomplete), keys=_starting("", _keys), known=Known())
    return [incomplete[: each.start] + each.text for each in offered]


class Known(Mapping[str, Iterable[str]]):
    """Values of the filter's open fields, each asked of the platform only when a filter comes to it."""

    def __getitem__(self, field: str) -> list[str]:
        return _starting("", _ASKED[field])

    def __iter__(self) -> Iterator[str]:
        return iter(_ASKED)

    def __len__(self) -> int:
        return len(_ASKED)


def _flows(session: Session) -> list[str]:
    from platforms.hub import landscape

    return [flow.name for flow in session.send(landscape.flows()).items]


def _keys(session: Session) -> list[str]:
    from platforms.hub import landscape

    flows = session.send(landscape.flows()).items
    masked = {key for flow in flows for key in flow.masked_keys}  # nothing can be searched by them
    return [key for flow in flows for key in flow.business_keys if key not in masked]


def _plants(session: Session) -> list[str]:
    from platforms.hub import landscape

    return [plant.name for plant in session.send(landscape.plants()).items]


def _systems(session: Session) -> list[str]:
    from platforms.hub import landscape

    return [each.name for each in session.send(landscape.systems()).items]


_ASKED: dict[str, Callable[[Session], list[str]]] = {
    "flow": _flows,
    "plant": _plants,
    "source": _systems,
    "target": _systems,
    "system": _systems,
}


def _starting(incomplete: str, ask: Callable[[Session], list[str]]) -> list[str]:
    try:
        session = Session(os.environ, Path.cwd())
    except FileNotFoundError:
        # The working folder was deleted under the shell.
        return []
    try:
        names = ask(session)
    except AndonError:
        return []
    finally:
        session.close()
    return sorted({name for name in names if name.startswith(incomplete) and _PLAIN.fullmatch(name)})
