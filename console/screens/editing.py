"""From the page of a transaction into the editor, to the draft, to the plan."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from console.drafts import Draft
from console.editor import edit, editable
from console.payloads import language
from console.screens.edit import AGAIN, PLAN, DifferenceScreen, EditScreen, differences
from console.text import clean
from transactions.edits import PayloadDifference
from transactions.errors import Refused
from transactions.history import Payload
from transactions.model import Status, Transaction
from transactions.plans import Action

if TYPE_CHECKING:
    from console.screens.transaction import TransactionScreen

_SUFFIX = {"json": ".json", "xml": ".xml"}


def begin(screen: TransactionScreen, transaction: Transaction, payload: Payload) -> None:
    """Open the payload in the editor; say so where that cannot be."""
    if transaction.status is not Status.FAILED:
        screen.notify(f"Only a failed one is edited, and this is {transaction.status}.", title="edit")
        return
    try:
        _edit(screen, transaction, editable(payload), f"{transaction.id}{_SUFFIX.get(language(payload), '.txt')}")
    except Refused as error:
        screen.notify(clean(error.detail), title="edit", severity="warning", timeout=12)


def _edit(
    screen: TransactionScreen, transaction: Transaction, text: str, name: str, *, written_before: bool = False
) -> None:
    try:
        with screen.app.suspend():
            edited = edit(text, name, os.environ)
    except SuspendNotSupported as error:
        raise Refused(
            f"There is no terminal here for an editor. 'andon tx edit {transaction.id} --file FILE' takes a document."
        ) from error
    if edited is None and not written_before:
        screen.notify("Nothing was changed. Nothing was stored.", title="edit")
        return
    written = text if edited is None else edited

    def done(how: str | None) -> None:
        if how == AGAIN:
            try:
                _edit(screen, transaction, written, name, written_before=True)
            except Refused as error:
                screen.notify(clean(error.detail), title="edit", severity="warning", timeout=12)
            return
        screen.fetch()
        if how == PLAN:
            screen.andon.draft(Draft(action=Action.EDIT, ids=[transaction.id], count=1))

    screen.app.push_screen(EditScreen(transaction, written), done)


def show_difference(screen: TransactionScreen, found: PayloadDifference) -> None:
    """Show where two revisions differ."""
    if found.withheld:
        screen.notify(clean(found.withheld), title="difference", severity="warning")
        return
    if found.same:
        screen.notify("There is one revision, or both say the same.", title="difference")
        return
    shown = differences(found.differences, found.more, [], dict(screen.app.theme_variables))
    screen.app.push_screen(DifferenceScreen(f"revision {found.from_} → {found.to}", shown))
