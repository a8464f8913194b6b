"""``andon policy apply``: make the gateway as the files, or a saved plan, say."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from commands.exits import Declined, Usage
from commands.output import Detail
from commands.policy_files import Environment, Folder
from commands.policy_gateway import GatewayOption, gateway_of, refusals
from commands.policy_plan import Only, Override, Reason, UsageFile, make, text_of
from commands.session import Session, session_of
from commands.terminal import Look, plain
from platforms.errors import ReadOnly
from transactions.errors import NotFound

if TYPE_CHECKING:
    from gateway_policies.gateway import Gateway, Revision
    from gateway_policies.planning.model import Plan

PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", metavar="FILE", help="Apply what 'andon policy plan --out' saved; reads no policy files."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class Applied(Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        revision: of the gateway, now; None where there was nothing to do.
        add, change, remove, rename, adopt: how many resources.
    """

    gateway: str
    revision: int | None
    plan: str
    by: str
    add: int
    change: int
    remove: int
    rename: int
    adopt: int


def apply(
    ctx: typer.Context,
    folder: Folder = Path("policies"),
    gateway: GatewayOption = None,
    plan: PlanFile = None,
    environment: Environment = None,
    only: Only = None,
    override: Override = None,
    reason: Reason = None,
    usage: UsageFile = None,
    yes: Yes = False,
) -> None:
    """Plan and apply, or apply a saved plan: all of it or nothing. Refused (exit 6) where something stands in the way,
    and (exit 8) where the gateway has moved since, or the plan was applied already or is too old."""
    session = session_of(ctx)
    if session.resolved.read_only:
        raise ReadOnly(
            "This session is read-only, and this would change the gateway. Nothing was changed. "
            "Leave out --read-only, or set read_only = false in the context."
        )
    if not yes and not session.interactive:
        raise Usage(
            "There is no terminal to ask for a confirmation. Nothing was done. "
            "Add --yes to apply, or look with 'andon policy plan'."
        )
    if plan is None:
        found, made = make(session, folder, gateway, environment, only or (), override or (), reason, usage)
    else:
        given = {"--environment": environment, "--only": only, "--override": override, "--usage": usage}
        for option, value in given.items():
            if value:
                raise Usage(f"{option} cannot be given with --plan. Nothing was done. A plan is applied as it is.")
        found, made = _saved(session, gateway, plan)
    _go(session, found, made, folder=folder, yes=yes, asks=gateway is None)


def _saved(session: Session, named: str | None, path: Path) -> tuple[Gateway, Plan]:
    from gateway_policies.planning.saved import check_age, from_bytes

    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"There is no plan {path}. Nothing was changed. Check the path.") from error
    except OSError as error:
        raise Usage(f"The plan {path} cannot be read: {error.strerror or error}. Nothing was changed.") from error
    with refusals():
        made = from_bytes(content)
        check_age(made, session.clock.now())
        return gateway_of(session, named, made.target.gateway), made


def _go(session: Session, found: Gateway, made: Plan, *, folder: Path, yes: bool, asks: bool) -> None:
    """``asks``: the gateway looks itself whether a second person has to approve, and knows by its token who applies."""
    from gateway_policies.planning.applying import changeset_of

    by = _who()
    if not made.empty and not (session.options.quiet and yes):
        session.stderr.write(text_of(made, session.look_err(), folder=folder, full=session.options.verbose))
    reasons = {each.overridden for change in made.changes for each in change.blockers if each.overridden is not None}
    with refusals():
        changeset = changeset_of(
            made, found.state(made.policy_set), by=by, reason="; ".join(sorted(reasons)) if reasons else None
        )
    if made.empty and not made.records:
        _show(session, made, None, by)
        return
    if made.verdict.second_person and not asks:
        session.note("A second person should have seen this: this gateway cannot ask one, and takes your word for it.")
    if not yes:
        _confirm(session)
    with refusals():
        revision = found.apply(changeset, session.clock.now())
    _show(session, made, revision, revision.by)


def _who() -> str:
    """Whoever runs this, as the machine knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # what it is depends on the machine: a number without a name, or Windows
        return "unknown"


def _confirm(session: Session) -> None:
    while (answer := session.ask("Apply it? [y/N]").lower()) not in ("y", "yes"):
        if answer in ("", "n", "no"):
            raise Declined("It was not confirmed. Nothing was changed. To do it after all, give the command again.")


def _show(session: Session, made: Plan, revision: Revision | None, by: str) -> None:
    told = made.verdict
    applied = Applied(
        gateway=made.target.gateway,
        revision=None if revision is None else revision.number,
        plan=made.hash,
        by=by,
        add=told.add,
        change=told.change,
        remove=told.remove,
        rename=told.rename,
        adopt=told.adopt,
    )
    session.show(Detail(value=applied, human=lambda look: _told(applied, made, look), identify=lambda each: each.plan))


def _told(applied: Applied, made: Plan, look: Look) -> str:
    if applied.revision is None:
        return f"{plain(made.verdict.text)}\n"
    counts = {
        "added": applied.add,
        "changed": applied.change,
        "removed": applied.remove,
        "renamed": applied.rename,
        "adopted": applied.adopt,
    }
    done = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing to change"
    name = plain(applied.gateway)
    return f"{look.paint('✓', 'green')} {name} is as the files say: {done} (revision {applied.revision})\n"
