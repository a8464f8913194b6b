"""``andon policy apply``: make the gateway as the files, or a saved plan, say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.exits import Usage
from commands.policy_doing import (
    DEFAULT_TIMEOUT,
    BreakGlass,
    How,
    Timeout,
    Wait,
    Yes,
    applied_before,
    carry_out,
    check_may,
    patience,
)
from commands.policy_files import Environment, Folder
from commands.policy_gateway import GatewayOption, gateway_of, refusals
from commands.policy_plan import Only, Override, UsageFile, make
from commands.policy_rights import check_rights
from commands.session import Session, session_of
from transactions.errors import NotFound

if TYPE_CHECKING:
    from gateway_policies.gateway import Gateway
    from gateway_policies.planning.model import Plan

PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", metavar="FILE", help="Apply what 'andon policy plan --out' saved; reads no policy files."),
]
Reason = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Why: for the second person, revisions, audit, and of --override."),
]


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
    break_glass: BreakGlass = False,
    wait: Wait = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
) -> None:
    """Plan and apply, or apply a saved plan: all of it or nothing. Refused (exit 6) where something stands in the way
    or a second person has to approve, and (exit 8) where the gateway has moved since, or the plan is too old."""
    session = session_of(ctx)
    check_may(session, yes=yes)
    how = How(
        folder=folder,
        yes=yes,
        asks=gateway is None,
        reason=reason,
        break_glass=break_glass,
        wait=patience(wait, timeout),
    )
    if plan is not None:
        given = {"--environment": environment, "--only": only, "--override": override, "--usage": usage}
        for option, value in given.items():
            if value:
                raise Usage(f"{option} cannot be given with --plan. Nothing was done. A plan is applied as it is.")
    if how.asks:
        check_rights(session)
    if plan is None:
        found, made = make(session, folder, gateway, environment, only or (), override or (), reason, usage, rules=True)
    else:
        found, made = _saved(gateway, plan, session)
        if applied_before(session, found, made, how):
            return
        _check_age(session, made)
    carry_out(session, found, made, how)


def _saved(named: str | None, path: Path, session: Session) -> tuple[Gateway, Plan]:
    from gateway_policies.planning.saved import from_bytes

    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"There is no plan {path}. Nothing was changed. Check the path.") from error
    except OSError as error:
        raise Usage(f"The plan {path} cannot be read: {error.strerror or error}. Nothing was changed.") from error
    with refusals():
        made = from_bytes(content)
        return gateway_of(session, named, made.target.gateway), made


def _check_age(session: Session, made: Plan) -> None:
    from gateway_policies.planning.saved import check_age

    with refusals():
        check_age(made, session.clock.now())
