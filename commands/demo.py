"""``andon demo``: a hub, simulated systems and a story, in a temporary folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.app import Word
from commands.exits import Exit, Usage, misread
from commands.output import Detail
from commands.serving import hub_extra
from commands.session import Session, session_of
from transactions.durations import parse_duration

if TYPE_CHECKING:
    from commands.demo_hub import DemoHub
    from commands.demo_story import Told

app = Word()

PEOPLE = ("day-shift", "night-shift")
"""The demo's two, so that four eyes can be shown: either may act, and approve what the other asks for."""
_FASTEST = 1000.0
_TOLD, _WATCHED = 20.0, 5.0  # a story should be over soon; a board should move at a pace that people can follow


@app.verb()
def demo(
    ctx: typer.Context,
    headless: Annotated[
        bool, typer.Option("--headless", help="Tell the story instead of opening the console.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="The same seed tells the same story.")] = 1,
    speed: Annotated[
        float | None,
        typer.Option(
            "--speed",
            metavar="X",
            min=0.1,
            max=_FASTEST,
            help="Speed of the plant; 1 is two documents a second. [default: 20 for the story, 5 for the console]",
            show_default=False,
        ),
    ] = None,
    duration: Annotated[str, typer.Option("--duration", metavar="TIME", help="Plant time to play.")] = "60s",
) -> None:
    """A hub, simulated systems and a story. On a terminal the console opens on them, and a second person may
    join from another; nothing is left behind."""
    try:
        seconds = parse_duration(duration).total_seconds()
    except ValueError as error:
        raise misread("--duration", error) from error
    from commands.demo_hub import DemoHub
    from commands.demo_policies import govern
    from commands.demo_story import DOCUMENTS_PER_SECOND

    documents = int(seconds * DOCUMENTS_PER_SECOND)
    if documents < 3:
        raise Usage(f"--duration {duration} is too short for a story. Nothing was done. Play at least 2s.")
    session = session_of(ctx)
    with hub_extra():
        import hub.serve  # noqa: F401 - is it installed? Said before anything is started
    session.note("Andon starts a hub and fourteen simulated systems in a temporary folder.")
    told = headless or not session.interactive
    with DemoHub(seed, speed or (_TOLD if told else _WATCHED), sleep=session.sleep) as running:
        _admit_people(session, running)
        inner, second = (_session_on(session, running, running.tokens[name]) for name in PEOPLE)
        try:
            govern(inner, second, running.policies)
            if told:
                _tell(session, inner, second, seed, documents)
            else:
                raise typer.Exit(_open_console(session, inner, running, documents))
        finally:
            inner.close()
            second.close()


def _admit_people(session: Session, running: DemoHub) -> None:
    """Two people who may act, and approve what the other asks for."""
    from platforms.hub import people
    from transactions.accounts import PersonRequest
    from transactions.people import Role

    admin = _session_on(session, running, running.bootstrap)
    try:
        for name in PEOPLE:
            admin.send(people.add(PersonRequest(name=name, roles=[Role.OPERATOR, Role.APPROVER, Role.POLICY_ADMIN])))
            running.admit(name, admin.send(people.give_token(name)).token)
    finally:
        admin.close()


def _session_on(session: Session, running: DemoHub, token: str) -> Session:
    """A session of one of the demo's people on its hub, whatever the surroundings name."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ANDON_")}
    inner = Session(
        {**environ, "ANDON_URL": running.url, "ANDON_TOKEN": token},
        Path.cwd(),
        clock=session.clock,
        sleep=session.sleep,
    )
    inner.options.quiet = session.options.quiet
    inner.options.no_color = session.options.no_color
    return inner


def _tell(session: Session, inner: Session, second: Session, seed: int, documents: int) -> None:
    from commands import demo_story as story

    first = max(1, documents // 3)
    inner.note("A healthy shift begins.")
    story.healthy_shift(inner, first)
    failed = story.break_things(inner, documents - first)
    story.heal(inner)
    story.four_eyes(inner, second)
    story.recover(inner)
    told: Told = story.conclude(inner, seed, failed)
    session.show(Detail(value=told, human=lambda _: story.in_words(told), identify=lambda _: str(seed)))
    if not told.books.agree:
        raise typer.Exit(Exit.FAILED)


def _open_console(session: Session, inner: Session, running: DemoHub, documents: int) -> int:
    from commands import demo_story as story
    from console.app import run_console
    from platforms.hub import simulator

    first = max(1, documents // 3)
    mine, other = PEOPLE
    # Before everything else: once the console is open, it covers this.
    session.note(f"You are {mine}. To be {other} in another terminal, and approve what {mine} asks for:")
    session.note(f"  export ANDON_URL={running.url} ANDON_TOKEN=$(cat {running.token_file(other)}) && andon")
    session.note(f"The policies are in {running.policies}. Change one, and look what that would do:")
    session.note(f"  andon policy plan {running.policies}")
    session.note("A healthy shift begins, then three faults. The console opens when there is something to see.")
    story.healthy_shift(inner, first)
    story.break_things(inner, documents - first)
    story.heal(inner)
    inner.send(simulator.resume())
    return run_console(inner.resolved, read_only=session.options.read_only)
