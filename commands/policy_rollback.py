"""``andon policy rollback``: the gateway as a policy set had made it at a revision."""

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
    carry_out,
    check_may,
    patience,
)
from commands.policy_gateway import GatewayOption, gateway_of, refusals, tell_cut_off
from commands.policy_overrides import check_overrides
from commands.policy_plan import Override, UsageFile, save, seen_at, show
from commands.policy_rights import check_rights
from commands.session import session_of
from transactions.errors import NotFound

if TYPE_CHECKING:
    from gateway_policies.gateway import Gateway

Revision = Annotated[
    int,
    typer.Argument(
        metavar="REVISION",
        min=0,
        help="Of 'andon policy revisions': what came after it is taken back. 0 is before the first.",
        show_default=False,
    ),
]
SetName = Annotated[
    str | None, typer.Option("--set", metavar="NAME", help="The policy set, where andon.toml names one; else policies.")
]
Reason = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Why: for the second person, revisions, audit, and of --override."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Only save the plan, for 'andon policy apply --plan FILE'."),
]


def rollback(
    ctx: typer.Context,
    revision: Revision,
    gateway: GatewayOption = None,
    set_name: SetName = None,
    dry_run: DryRun = False,
    out: Out = None,
    override: Override = None,
    reason: Reason = None,
    usage: UsageFile = None,
    yes: Yes = False,
    break_glass: BreakGlass = False,
    wait: Wait = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
) -> None:
    """Take back what a policy set has changed since a revision, by a plan that is shown, refused and approved like any
    other. What others did stays; what another set built on it is in the way (exit 6). The files stay as they are."""
    session = session_of(ctx)
    if override and not (reason or "").strip():
        raise Usage("--override needs a --reason. Nothing was done. Say why it has to be done all the same.")
    if break_glass and not (reason or "").strip():
        raise Usage("--break-glass needs a --reason. Nothing was done. Say why it cannot wait for somebody else.")
    from gateway_policies.model import PolicySet
    from gateway_policies.planning.rollback import roll_back

    name = set_name or PolicySet.DEFAULT_NAME
    seen = seen_at(session, gateway, usage)
    with refusals():
        found = gateway_of(session, gateway, "")
        _check_set(found, name, revision)
        made = roll_back(
            found,
            name,
            revision,
            made_at=session.clock.now(),
            usage=seen,
            overrides={each: (reason or "").strip() for each in override or ()},
        )
    check_overrides(made, override or ())
    if out is not None:
        save(made, out)
    if out is not None or dry_run:
        tell_cut_off(session, found)
        show(session, made, None, folder=Path())
        if out is not None:
            session.note(f"The plan is in {out}, and good until {made.expires_at:%Y-%m-%d %H:%M} UTC.")
        return
    check_may(session, yes=yes, look="--dry-run")
    if gateway is None:
        check_rights(session)
    how = How(
        folder=Path(),
        yes=yes,
        asks=gateway is None,
        reason=reason or f"Back to revision {revision}",
        break_glass=break_glass,
        wait=patience(wait, timeout),
        done=f"is as {name} had made it at revision {revision}",
    )
    carry_out(session, found, made, how)
    if not made.empty:
        session.note(f"The files of {name} still say what was taken back: take it back there too, or a plan brings it.")


def _check_set(gateway: Gateway, name: str, revision: int) -> None:
    """Whether there is anything of the policy set: a name that is mistyped has nothing to take back.

    Raises:
        NotFound: there is not.
    """
    from gateway_policies.nearest import did_you_mean

    taken = gateway.revisions()
    sets = sorted({each.policy_set for each in taken})
    if taken and revision <= taken[0].number and name not in sets:
        raise NotFound(
            f"No policy set {name!r} was applied here.{did_you_mean(name, sets)} Nothing was changed. "
            f"Give --set NAME: there {'is' if len(sets) == 1 else 'are'} {', '.join(sets)}."
        )
