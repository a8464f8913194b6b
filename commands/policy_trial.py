"""``andon policy trial``: what the files would refuse of the calls that the gateway lets through now."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.exits import Exit, misread
from commands.output import Column, Listing
from commands.policy_files import Environment, Folder
from commands.policy_gateway import refusals
from commands.policy_plan import make
from commands.progress import Progress
from commands.session import Session, session_of
from commands.terminal import plain
from transactions.durations import parse_duration, short

if TYPE_CHECKING:
    from gateway_policies.changeset import Changeset
    from gateway_policies.enforcement import Lost, Trial

For = Annotated[
    str,
    typer.Option("--for", metavar="TIME", help="How long: 90s, 10m, 8h. Ctrl+C ends it sooner.", show_default=True),
]
_LOOK_EVERY = 2.0
COLUMNS: tuple[Column, ...] = (
    Column("would lose", lambda each, _: each.address),
    Column("scope", lambda each, _: each.scope or "everything", give=1),
    Column("calls", lambda each, _: f"{each.calls:,}", style=lambda each: "red" if each.calls else None, right=True),
)


def trial(
    ctx: typer.Context,
    folder: Folder = Path("policies"),
    environment: Environment = None,
    lasts: For = "10m",
) -> None:
    """Try the files on live traffic: the gateway counts the calls that it lets through and by these policies would
    not, since a consumer, its credential or a grant is gone. Nothing is refused and nothing is changed. Exits 10
    where a call would have been refused."""
    session = session_of(ctx)
    try:
        seconds = parse_duration(lasts).total_seconds()
    except ValueError as error:
        raise misread("--for", error) from error
    from gateway_policies.enforcement import Lost
    from gateway_policies.planning.applying import changeset_of

    gateway, made = make(session, folder, None, environment, (), (), None, None, rules=False)
    if made.empty:
        session.note("There is nothing to try: the gateway is as the files say.")
    with refusals():
        before = gateway.state(made.policy_set)
        asked = changeset_of(made, before, by="trial", only_tried=True)
    found = _tried(session, asked, seconds)
    session.show(
        Listing(
            of=Lost,
            items=list(found.lost),
            columns=COLUMNS,
            empty="No consumer would lose anything.",
            identify=lambda each: each.address,
            next_cursor=None,
        )
    )
    refused = sum(each.calls for each in found.lost)
    lasted = short(session.clock.now() - found.since)
    session.note(
        f"In {lasted} {refused:,} {'call' if refused == 1 else 'calls'} would have been refused that the gateway let "
        "through. What the plan does besides, 'andon policy plan' tells."
    )
    if refused:
        raise typer.Exit(Exit.DIFFERENCES)


def _tried(session: Session, asked: Changeset, seconds: float) -> Trial:
    """The trial from its begin to its end; whoever interrupts it is told what was counted until then."""
    from platforms.hub import gateway

    begun = session.send(gateway.begin_trial(asked))
    if not begun.lost:
        return session.send(gateway.end_trial())
    end = session.clock.now() + timedelta(seconds=seconds)
    try:
        with Progress(session) as progress:
            while (left := end - session.clock.now()) > timedelta():
                session.sleep(min(_LOOK_EVERY, left.total_seconds()))
                progress.show(_so_far(session.send(gateway.show_trial()).lost, left))
    except KeyboardInterrupt:
        session.note("It was ended before its time.")
    return session.send(gateway.end_trial())


def _so_far(lost: tuple[Lost, ...], left: timedelta) -> str:
    counted = sum(each.calls for each in lost)
    most = max(lost, key=lambda each: each.calls)
    of = f", most of all for want of {plain(most.address)}" if most.calls else ""
    return f"{counted:,} calls would have been refused{of}; {short(max(left, timedelta()))} left"
