"""``andon doctor``: is this machine in order, and the way to the platform?"""

from __future__ import annotations

import typer

from commands.app import Word
from commands.checks import Check, Grade, checks
from commands.exits import Exit
from commands.output import Column, Listing
from commands.session import session_of
from commands.terminal import state

app = Word()

COLUMNS: tuple[Column, ...] = (
    Column("check", lambda c, _: c.name),
    Column("", lambda c, _: state(c.grade)[0], style=lambda c: state(c.grade)[1]),
    Column("found", lambda c, _: c.found, give=1, least=40),
    Column("what to do", lambda c, _: c.advice or "", give=2, least=40),
)


@app.verb()
def doctor(ctx: typer.Context) -> None:
    """Check this machine and the way to the platform. Exits 1 where something fails."""
    session = session_of(ctx)
    done = list(checks(session))
    session.show(Listing(of=Check, items=done, columns=COLUMNS, empty="", identify=lambda each: each.name))
    if any(check.grade is Grade.FAIL for check in done):
        raise typer.Exit(Exit.FAILED)
