"""``andon hub simulate``: the simulated systems and their faults."""

from __future__ import annotations

from typing import Annotated

import typer

from commands import completing
from commands.app import Noun
from commands.exits import Exit, misread
from commands.output import Column, Detail, Listing
from commands.session import Session, session_of
from platforms.hub import simulator
from transactions.books import Fault, FaultChange, FaultSetting
from transactions.durations import parse_duration
from transactions.errors import Unavailable
from transactions.pages import Page

app = Noun(help="The simulated systems and their faults.")


def where(setting: FaultSetting) -> str:
    """Where a fault is on, and how."""
    parts = [each for each in (setting.system, setting.plant, setting.flow) if each]
    text = " ".join(parts) or "everywhere"
    if setting.probability < 1:
        text += f" {setting.probability:.0%}"
    if setting.for_seconds is not None:
        text += f" for {setting.for_seconds:g}s"
    return text


COLUMNS: tuple[Column, ...] = (
    Column("fault", lambda f, _: f.name),
    Column("", lambda f, _: "■ on" if f.active else "○ off", style=lambda f: "red" if f.active else "dim"),
    Column("where", lambda f, _: ", ".join(where(each) for each in f.active), give=1),
    Column("heals", lambda f, _: f.heals, give=2),
    Column("what it does", lambda f, _: f.description, give=3),
)

FaultName = Annotated[
    str,
    typer.Argument(
        metavar="FAULT", help="Name of a fault, as in the list.", autocompletion=completing.faults, show_default=False
    ),
]


@app.verb("list")
def list_(ctx: typer.Context) -> None:
    """Every fault, and where each is on."""
    session = session_of(ctx)
    _show(session, session.send(simulator.faults()))


@app.verb()
def on(
    ctx: typer.Context,
    fault: FaultName,
    system: Annotated[
        str | None, typer.Option("--system", metavar="SYSTEM", help="Only there.", autocompletion=completing.systems)
    ] = None,
    plant: Annotated[
        str | None, typer.Option("--plant", metavar="PLANT", help="Only there.", autocompletion=completing.plants)
    ] = None,
    flow: Annotated[
        str | None, typer.Option("--flow", metavar="FLOW", help="Only this flow.", autocompletion=completing.flows)
    ] = None,
    lasting: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="Off by itself after it, like 5m.")
    ] = None,
    probability: Annotated[
        float, typer.Option("--probability", metavar="P", min=0, max=1, help="Share of messages hit.")
    ] = 1.0,
) -> None:
    """Switch a fault on."""
    session = session_of(ctx)
    try:
        seconds = None if lasting is None else parse_duration(lasting).total_seconds()
    except ValueError as error:
        raise misread("--for", error) from error
    change = FaultChange(
        on=True, name=fault, system=system, plant=plant, flow=flow, probability=probability, for_seconds=seconds
    )
    _show(session, session.send(simulator.change(change)))


@app.verb()
def off(
    ctx: typer.Context,
    fault: Annotated[
        str | None,
        typer.Argument(
            metavar="[FAULT]", help="Name of a fault; every one, unless told.", autocompletion=completing.faults
        ),
    ] = None,
    system: Annotated[
        str | None, typer.Option("--system", metavar="SYSTEM", help="Only there.", autocompletion=completing.systems)
    ] = None,
    plant: Annotated[
        str | None, typer.Option("--plant", metavar="PLANT", help="Only there.", autocompletion=completing.plants)
    ] = None,
    flow: Annotated[
        str | None, typer.Option("--flow", metavar="FLOW", help="Only this flow.", autocompletion=completing.flows)
    ] = None,
) -> None:
    """Switch a fault off, or all. Without options it is off everywhere."""
    session = session_of(ctx)
    _show(
        session,
        session.send(simulator.change(FaultChange(on=False, name=fault, system=system, plant=plant, flow=flow))),
    )


@app.verb()
def pause(ctx: typer.Context) -> None:
    """Stop emitting documents, and return."""
    session = session_of(ctx)
    answer = session.send(simulator.pause())
    session.show(Detail(value=answer, human=lambda _: "Nothing is emitted any more.", identify=lambda _: "paused"))


@app.verb()
def resume(ctx: typer.Context) -> None:
    """Emit documents again."""
    session = session_of(ctx)
    answer = session.send(simulator.resume())
    session.show(Detail(value=answer, human=lambda _: "Documents are emitted again.", identify=lambda _: "emitting"))


@app.verb()
def drain(ctx: typer.Context) -> None:
    """Stop emitting and wait until nothing is under way; exits 1 after 30 s."""
    session = session_of(ctx)
    try:
        answer = session.send(simulator.drain())
    except Unavailable as error:
        session.note(f"Not drained: {error.detail}")
        raise typer.Exit(Exit.FAILED) from error
    session.show(Detail(value=answer, human=lambda _: "✓ drained: nothing is under way.", identify=lambda _: "drained"))


def _show(session: Session, page: Page[Fault]) -> None:
    session.show(
        Listing(
            of=Fault,
            items=page.items,
            columns=COLUMNS,
            empty="The simulator knows no faults.",
            identify=lambda each: each.name,
            next_cursor=page.next_cursor,
        )
    )
