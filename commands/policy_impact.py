"""``andon policy impact``: what the traffic says of the policies."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.exits import Exit, Usage, misread
from commands.output import Detail, put
from commands.policy_export import Patch
from commands.policy_files import Environment, policies
from commands.policy_formats import below_repository
from commands.policy_plan import ExitCode
from commands.session import Session, session_of
from commands.terminal import Look
from transactions.durations import parse_duration
from transactions.errors import Invalid

if TYPE_CHECKING:
    from gateway_policies.impact.model import ImpactReport

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="[DIR]", help="The folder of the policies, for --patch; 'policies' unless told.", show_default=False
    ),
]
_KINDS = "consumer,api,version,operation,scope,outcome"
_MOST = 1000


def impact(
    ctx: typer.Context,
    folder: Folder = Path("policies"),
    environment: Environment = None,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="How far back calls count: 24h, 30d.", show_default=True)
    ] = "30d",
    patch: Patch = False,
    extend: Annotated[
        str,
        typer.Option(
            "--extend", metavar="TIME", help="With --patch: how long from today grants last that are used and end soon."
        ),
    ] = "90d",
    exit_code: ExitCode = False,
) -> None:
    """What the traffic says of the policies that are live: grants that nobody uses, calls that are refused, callers of
    versions that go, credentials and grants that end in 30, 7 or 1 days. Changes nothing. With --patch the change of
    the files that takes out what nobody uses, and lets last what is used. With --exit-code 10 where there is
    anything."""
    session = session_of(ctx)
    try:
        length = parse_duration(extend)
    except ValueError as error:
        raise misread("--extend", error) from error
    found = _found(session, since)
    if patch:
        _patch(session, folder, environment, found, length)
    else:
        from commands.policy_impact_view import describe

        def human(look: Look) -> str:
            return describe(found, look, full=session.options.verbose)

        session.show(Detail(value=found, human=human, identify=_addresses))
    if exit_code and not found.empty:
        raise typer.Exit(Exit.DIFFERENCES)


def _found(session: Session, since: str) -> ImpactReport:
    from gateway_policies.impact.finding import impact_of
    from gateway_policies.model import PolicySet
    from platforms.hub import gateway

    state = session.send(gateway.state(PolicySet.DEFAULT_NAME))
    try:
        usage = session.send(gateway.calls(since)).usage
        refused = session.send(gateway.usage(since, _KINDS, _MOST, outcome="refused"))
    except Invalid as error:
        raise Usage(error.detail) from error
    today = session.clock.now().date()
    return impact_of(state, usage, refused.items, today=today, left_off=refused.left_off)


def _addresses(found: ImpactReport) -> str:
    told = [
        *(each.address for each in found.unused),
        *(each.policy for each in found.denied if each.policy is not None),
        *(each.address for each in found.leaving),
        *(each.address for each in found.ending),
    ]
    return "\n".join(dict.fromkeys(told))


def _patch(session: Session, folder: Path, environment: str | None, found: ImpactReport, extend: timedelta) -> None:
    from gateway_policies.impact.patching import mend
    from gateway_policies.rendering.patch import render_patch

    loaded = policies(session, folder, environment)
    mended = mend(folder, loaded, found, extend)
    text = render_patch(mended.before, mended.changed, prefix=below_repository(session.folder, folder))
    put(session.stdout, text.encode())
    for each in mended.left:
        session.note(f"{each.address}: {each.why}")
    session.note(
        f"{len(mended.removed):,} grants taken out, {len(mended.extended):,} last longer. Nothing was written: look at "
        "the patch, then 'git apply' it."
        if text
        else "Nothing to change in the files."
    )
