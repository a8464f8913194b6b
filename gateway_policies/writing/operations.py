"""The operations of an API in its file, made those of the gateway where they moved there."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway_policies.model import Api, Operation
from gateway_policies.planning.facets import call_of
from gateway_policies.writing.edits import CannotEdit, Edits


def take_operations(edits: Edits, files: Api, live: Api, facts: Iterable[str]) -> None:
    """Say of the calls that some facts are about what is live; the other operations keep their comments.

    Args:
        facts: as ``planning.facets`` names them.

    Raises:
        CannotEdit: the file cannot be changed by a program, or cannot say it.
    """
    facts = set(facts)
    wanted = {call: _of(live, call) for each in facts if (call := call_of(each)) is not None}
    for each in files.operations:
        here = [f"{method} {each.path}" for method in each.methods]
        theirs = [wanted[call] for call in here if call in wanted]
        if not theirs:
            continue
        (first, *others) = theirs
        if first is not None and len(theirs) == len(here) and all(_alike(first, one) for one in others):
            # All of it has become one and the same: it is changed where it stands.
            _change(edits, files.address, each, first, facts, here)
            wanted.update(dict.fromkeys(here))
            continue
        rest = tuple(method for method, call in zip(each.methods, here, strict=True) if call not in wanted)
        field = f"operations[{each.key}]"
        if rest:
            edits.set_field(files.address, f"{field}.methods", rest)
        else:
            edits.set_field(files.address, field, None)
    for _, new in sorted(wanted.items()):
        if new is not None:
            edits.append_operation(files.address, new)


def _change(edits: Edits, address: str, old: Operation, new: Operation, facts: set[str], calls: list[str]) -> None:
    field = f"operations[{old.key}]"
    if any(f"operations[{call}]" in facts for call in calls):
        edits.set_field(address, f"{field}.scope", new.scope)
    if any(f"operations[{call}].versions" in facts for call in calls):
        edits.set_field(address, f"{field}.versions", new.versions)


def _of(api: Api, call: str) -> Operation | None:
    """The operation of a call; None where there is none."""
    method, _, path = call.partition(" ")
    found = [each for each in api.operations if method in each.methods and each.path == path]
    if len(found) > 1:
        raise CannotEdit(
            f"The gateway has {call} of {api.address} {len(found)} times, with a scope for some of its versions each. "
            "In files an operation has one scope."
        )
    return msgspec.structs.replace(found[0], methods=(method,)) if found else None


def _alike(one: Operation, other: Operation | None) -> bool:
    return other is not None and (one.scope, one.versions) == (other.scope, other.versions)
