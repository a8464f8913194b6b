"""Taking transactions, giving them back, and noting: effects of the app, with neither plan nor batch."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from console.text import clean
from transactions.errors import AndonError
from transactions.model import Transaction
from transactions.ownership import ME

if TYPE_CHECKING:
    from console.app import AndonApp


def take(app: AndonApp, chosen: list[Transaction]) -> None:
    """Make them mine; where all of them are already, give them back. What somebody else works on is left there."""
    me = None if app.session.who is None else app.session.who.subject
    if not app.session.may_act("Taking"):
        return
    mine = [one for one in chosen if me is not None and one.assignee == me]
    free = [one for one in chosen if one.assignee is None]
    if not free and not mine:
        names = ", ".join(sorted({clean(one.assignee or "") for one in chosen}))
        command = f"andon transactions assign {chosen[0].id} --to me"
        app.notify(f"{names} works on it. To take it over all the same: {command}", title="Not taken", timeout=12)
        return
    to, asked = (ME, free) if free else (None, mine)
    app.log_command(shlex.join(["andon", "transactions", "assign", *(one.id for one in asked), "--to", to or "none"]))
    app.run_worker(_assign(app, asked, to), group="effects", exit_on_error=False)


async def _assign(app: AndonApp, chosen: list[Transaction], to: str | None) -> None:
    done = 0
    for one in chosen:
        try:
            # As it was looked at: of two who press the key at once, the first has it.
            await app.source.assign(one.id, to, one.etag)
        except AndonError as error:
            app.notify(
                clean(error.detail), title="Not taken" if to else "Not given back", severity="warning", timeout=12
            )
        else:
            done += 1
    if done:
        app.notify(f"{done} {'yours now' if to else 'given back'}.", title="Assigned")
        app.happened("transaction")


def note(app: AndonApp, ids: list[str]) -> None:
    """Ask for a note, and add it to each of them."""
    if not ids or not app.session.may_act("Noting"):
        return
    from console.screens.note import NoteScreen

    def asked(text: str | None) -> None:
        if text:
            app.log_command(shlex.join(["andon", "transactions", "note", *ids, text]))
            app.run_worker(_note(app, ids, text), group="effects", exit_on_error=False)

    app.push_screen(NoteScreen(len(ids)), asked)


async def _note(app: AndonApp, ids: list[str], text: str) -> None:
    for one in ids:
        try:
            await app.source.note(one, text)
        except AndonError as error:
            app.notify(clean(error.detail), title="Not noted", severity="warning", timeout=12)
            return
    app.notify("It stays in the timeline, with your name.", title="Noted")
    app.happened("transaction")
