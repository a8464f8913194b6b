"""``andon policy simulate``: what the throttles of the files would have done to recorded traffic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from commands.exits import Exit, Usage
from commands.output import Detail
from commands.policy_files import Environment, Folder, policies
from commands.policy_gateway import GatewayOption, state_of
from commands.policy_plan import ExitCode
from commands.progress import Progress
from commands.session import Session, session_of
from commands.terminal import Look
from transactions.errors import Invalid

if TYPE_CHECKING:
    from gateway_policies.model import Resource
    from gateway_policies.simulating.model import Simulation
    from gateway_policies.simulating.running import Run

_BLOCK = 1_048_576
_SHORT = 3_600.0
"""Seconds up to which a log is told by the second."""


def simulate(
    ctx: typer.Context,
    folder: Folder = Path("policies"),
    gateway: GatewayOption = None,
    environment: Environment = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="How far back: 24h, 7d, or FROM..TO. Default 7d; 8 days are kept."
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="An access log of the hub's gateway (JSON lines), call by call."),
    ] = None,
    exit_code: ExitCode = False,
) -> None:
    """Run recorded traffic through the throttles of the files, and through the live ones: who is refused, when, how
    often. Changes nothing. With --exit-code 10 where more is refused than now."""
    session = session_of(ctx)
    if since is not None and log is not None:
        raise Usage(
            "--since is about what the hub counted, and --log names a file. Nothing was done. Give one of them."
        )
    if gateway is not None and log is None:
        raise Usage("A directory has no traffic. Nothing was done. Give --log FILE, or leave out --gateway.")
    loaded = policies(session, folder, environment)
    assert loaded.policies is not None
    _, state = state_of(session, gateway, loaded.policies)
    with Progress(session) as progress:
        if log is None:
            found = _of_the_hub(session, state.live, loaded.policies.resources, since or "7d", progress)
        else:
            found = _of_a_log(session, state.live, loaded.policies.resources, log, progress)
    from commands.policy_simulate_view import describe

    def human(look: Look) -> str:
        return describe(found, look, full=session.options.verbose)

    session.show(Detail(value=found, human=human, identify=lambda each: "\n".join(one.address for one in each.held)))
    if exit_code and found.refused > found.refused_before:
        raise typer.Exit(Exit.DIFFERENCES)


def _of_the_hub(
    session: Session, live: Mapping[str, Resource], proposed: Mapping[str, Resource], since: str, progress: Progress
) -> Simulation:
    from gateway_policies.simulating.running import Group, Run
    from platforms.hub import gateway

    run: Run | None = None
    begin: int | None = None
    while True:
        try:
            page = session.send(gateway.arrivals(since, begin))
        except Invalid as error:
            raise Usage(error.detail) from error
        seconds: dict[int, list[Group]] = {}
        for each in page.items:
            for second, calls in each.seconds:
                seconds.setdefault(each.at + second, []).append(Group(each.consumer, each.api, calls))
        for second in sorted(seconds):
            run = run or Run(live, proposed, float(second))
            run.second(second, seconds[second])
        if page.next is None:
            return (run or Run(live, proposed, 0.0)).result()
        begin = page.next
        progress.show(f"calls up to {_told(begin)}")


def _told(second: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M}"


def _of_a_log(
    session: Session, live: Mapping[str, Resource], proposed: Mapping[str, Resource], path: Path, progress: Progress
) -> Simulation:
    from gateway_policies.simulating.running import Run
    from gateway_policies.traffic.counting import Clients
    from gateway_policies.traffic.entries import read_entries
    from gateway_policies.traffic.outcomes import ARRIVED, outcome_of

    known = Clients({**proposed, **live})
    calls: list[tuple[float, str, str]] = []
    unreadable = 0
    try:
        with path.open("rb") as file:
            for lines in _blocks(file):
                entries, wrong = read_entries(lines)
                unreadable += wrong
                for each in entries:
                    consumer = known.consumer(each.issuer, each.client) if each.client else None
                    outcome = outcome_of(each.status, each.refused, each.flags or "", each.detail or "")
                    if consumer is not None and each.api and outcome in ARRIVED:
                        calls.append((each.at.timestamp(), consumer, each.api))
                progress.show(f"{len(calls):,} calls read")
    except OSError as error:
        raise Usage(f"The log {path} cannot be read: {error.strerror or error}. Nothing was done.") from error
    if unreadable:
        bad = "1 line" if unreadable == 1 else f"{unreadable:,} lines"
        session.note(f"Left out, since it cannot be read: {bad} of {path}.")
    calls.sort(key=lambda each: each[0])  # of one millisecond in the order of the log
    first, last = (calls[0][0], calls[-1][0]) if calls else (0.0, 0.0)
    run = Run(live, proposed, first, unit=1 if last - first <= _SHORT else 60)
    for number, (at, consumer, api) in enumerate(calls):
        run.call(at, consumer, api)
        if number % 100_000 == 0:
            progress.show(f"{number:,} of {len(calls):,} calls")
    return run.result()


def _blocks(file: IO[bytes]) -> Iterator[list[bytes]]:
    while lines := file.readlines(_BLOCK):
        yield lines
