"""``andon policy suggest``: the smallest change of the files that would let a refused transaction pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from commands.exits import Usage
from commands.output import Detail, put
from commands.policy_files import Environment, policies
from commands.policy_formats import below_repository
from commands.session import Session, session_of
from commands.terminal import Look, plain
from transactions.errors import NotFound, Refused

if TYPE_CHECKING:
    from gateway_policies.explaining.stopped_call import StoppedCall
    from gateway_policies.model import Resource
    from gateway_policies.suggesting.suggestion import Change, Suggestion
    from gateway_policies.writing.edits import Edits

What = Annotated[
    str,
    typer.Argument(metavar="TX|GROUP", help="A transaction that a policy stopped, or a group.", show_default=False),
]
Folder = Annotated[
    Path,
    typer.Argument(metavar="[DIR]", help="The folder of the policies; 'policies' unless told.", show_default=False),
]
Patch = Annotated[bool, typer.Option("--patch", help="Print the change alone, for 'git apply'.")]
Write = Annotated[bool, typer.Option("--write", help="Make the change in the files. Nothing is applied.")]
_LOOKED_AT = 1000
"""Transactions of a group that are looked through for the policies that stopped them."""


class Changed(Struct, frozen=True, kw_only=True):
    """A change of the files: a ``field`` that is set, or a resource that is added where it is None."""

    address: str
    field: str | None
    value: str | None


class Suggested(Struct, frozen=True, kw_only=True):
    """What would let refused calls pass.

    Attributes:
        transactions: one for each policy that stopped them.
        what: what is suggested, in sentences.
        left: why nothing is suggested for others, by transaction.
        patch: the change of the files, for ``git apply``.
        written: the files that were changed; empty without ``--write``.
    """

    transactions: list[str]
    what: list[str]
    notes: list[str]
    changes: list[Changed]
    left: dict[str, str]
    patch: str
    written: list[str]


def suggest(
    ctx: typer.Context,
    what: What,
    folder: Folder = Path("policies"),
    environment: Environment = None,
    patch: Patch = False,
    write: Write = False,
) -> None:
    """Say the smallest change of the files that would let a refused transaction pass, or a group of them: a grant by
    name with an end, a renewed last day, a throttle as wide as what was called, a postponed retirement. It is for
    review: nothing is applied."""
    if patch and write:
        raise Usage("--patch prints the change and --write makes it. Nothing was done. Leave one of them out.")
    session = session_of(ctx)
    stopped = _stopped(session, what)
    loaded = policies(session, folder, environment)
    assert loaded.policies is not None
    found, left = _suggestions(session, stopped, loaded.policies.resources)
    if not found:
        raise Refused(f"{next(iter(left.values()))} Nothing was changed.")
    from gateway_policies.rendering.patch import render_patch
    from gateway_policies.suggesting.in_files import edited
    from gateway_policies.writing.edits import CannotEdit

    changes = list(dict.fromkeys(change for each in found.values() for change in each.changes))
    try:
        edits = edited(folder, loaded, changes)
        written = _save(folder, edits) if write else []
    except CannotEdit as error:
        raise Refused(f"{error} What was to be done: {' '.join(each.what for each in found.values())}") from error
    text = render_patch(edits.originals, edits.changed, prefix=below_repository(session.folder, folder))
    result = Suggested(
        transactions=list(found),
        what=list(dict.fromkeys(each.what for each in found.values())),
        notes=list(dict.fromkeys(note for each in found.values() for note in each.notes)),
        changes=[_changed(each) for each in changes],
        left=left,
        patch=text,
        written=written,
    )
    if patch:
        put(session.stdout, text.encode())
        for line in (*result.what, *result.notes):
            session.note(line)
        return
    session.show(Detail(value=result, human=lambda look: _told(result, look), identify=lambda each: each.what[0]))
    following = f"andon policy plan {plain(str(folder))}"
    session.note(
        f"Look at it, write why into the files, and go on with: {following}"
        if written
        else f"Nothing was changed. --write makes it in the files, --patch prints it for 'git apply'; then: {following}"
    )


def _stopped(session: Session, what: str) -> list[StoppedCall]:
    """What stopped a transaction; of a group one transaction for every policy that stopped some of it."""
    from platforms.hub import gateway, groups, transactions

    try:
        session.send(transactions.show(what))
    except NotFound:
        try:
            group = session.send(groups.show(what))
        except NotFound as error:
            raise NotFound(
                f"There is no transaction and no group {what[:80]!r}. Nothing was done. 'andon tx list' and "
                "'andon groups list' show those that are here."
            ) from error
    else:
        return [session.send(gateway.refusal(what))]
    page = session.send(transactions.list_page(f"group:{group.fingerprint}", "-failed_at", _LOOKED_AT, None))
    by_policy: dict[tuple[str, str | None], str] = {}
    for each in page.items:
        if each.failure is not None:
            by_policy.setdefault((each.failure.system, each.failure.policy_ref), each.id)
    if not by_policy:
        raise Refused(f"The group {what} has no failed transaction any more. Nothing was changed.")
    return [session.send(gateway.refusal(each)) for each in by_policy.values()]


def _suggestions(
    session: Session, stopped: list[StoppedCall], files: Mapping[str, Resource]
) -> tuple[dict[str, Suggestion], dict[str, str]]:
    from gateway_policies.explaining.judging import Reason
    from gateway_policies.suggesting.suggestion import NoSuggestion
    from gateway_policies.suggesting.suggestion import suggest as suggested
    from platforms.hub import gateway

    throttled = any(each.reason is Reason.THROTTLED for each in stopped)
    usage = session.send(gateway.calls()).usage if throttled else None
    today = session.clock.now().date()
    found: dict[str, Suggestion] = {}
    left: dict[str, str] = {}
    for each in stopped:
        try:
            found[each.transaction] = suggested(each, files, today, usage)
        except NoSuggestion as error:
            left[each.transaction] = str(error)
    return found, left


def _save(folder: Path, edits: Edits) -> list[str]:
    try:
        return [path.as_posix() for path in edits.save()]
    except OSError as error:
        raise Refused(
            f"{str(folder)!r} cannot be written: {error.strerror}. See to its permissions; --patch prints the change."
        ) from error


def _changed(change: Change) -> Changed:
    from gateway_policies.edits import SetField

    if isinstance(change, SetField):
        return Changed(address=change.address, field=change.field, value=str(change.value))
    return Changed(address=change.address, field=None, value=None)


def _told(result: Suggested, look: Look) -> str:
    lines = [look.paint(plain(each), "bold") for each in result.what]
    lines += [f"  {plain(each)}" for each in result.notes]
    lines += [f"  {look.paint('left', 'yellow')}  {plain(tx)}: {plain(why)}" for tx, why in result.left.items()]
    if result.written:
        lines += [f"  {look.paint('written', 'green')}  {plain(each)}" for each in result.written]
    lines.append("")
    for line in result.patch.splitlines():
        colour = {"+": "green", "-": "red", "@": "dim"}.get(line[:1])
        lines.append(look.paint(plain(line), colour) if colour else plain(line))
    return "\n".join(lines)
