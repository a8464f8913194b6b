"""From the page of a transaction into the editor, to the draft, to the plan."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from console.acting import POSTED
from console.drafts import Draft
from console.editor import edit, editable
from console.payloads import language
from console.screens.edit import AGAIN, PLAN, DifferenceScreen, EditScreen, Stored, differences
from console.text import clean
from transactions.edits import PayloadDifference
from transactions.errors import Refused
from transactions.history import Payload
from transactions.model import Status, Transaction
from transactions.plans import Action, PlanOptions

if TYPE_CHECKING:
    from console.screens.transaction import TransactionScreen

_SUFFIX = {"json": ".json", "xml": ".xml"}


def begin(screen: TransactionScreen, transaction: Transaction, payload: Payload, action: Action = Action.EDIT) -> None:
    """Open the payload in the editor; say so where that cannot be.

    Args:
        action: what shall come of it: an edit is sent under the key it had, a correction instead of what was posted.
    """
    correcting = action is Action.CORRECT
    if transaction.status not in (POSTED if correcting else (Status.FAILED,)):
        wanted = "Only what was posted is corrected" if correcting else "Only a failed one is edited"
        screen.notify(f"{wanted}, and this is {transaction.status}.", title=str(action))
        return
    try:
        name = f"{transaction.id}{_SUFFIX.get(language(payload), '.txt')}"
        _edit(screen, transaction, action, editable(payload), name)
    except Refused as error:
        screen.notify(clean(error.detail), title=str(action), severity="warning", timeout=12)


def _edit(
    screen: TransactionScreen,
    transaction: Transaction,
    action: Action,
    text: str,
    name: str,
    *,
    written_before: bool = False,
) -> None:
    try:
        with screen.app.suspend():
            edited = edit(text, name, os.environ)
    except SuspendNotSupported as error:
        raise Refused(
            "There is no terminal here for an editor. "
            f"'andon tx {action} {transaction.id} --file FILE' takes a document."
        ) from error
    if edited is None and not written_before:
        screen.notify("Nothing was changed. Nothing was stored.", title=str(action))
        return
    written = text if edited is None else edited

    def done(stored: Stored | None) -> None:
        if stored is not None and stored.how == AGAIN:
            try:
                _edit(screen, transaction, action, written, name, written_before=True)
            except Refused as error:
                screen.notify(clean(error.detail), title=str(action), severity="warning", timeout=12)
            return
        screen.fetch()
        if stored is not None and stored.how == PLAN:
            options = PlanOptions(date=stored.day)
            screen.andon.draft(Draft(action=action, ids=[transaction.id], count=1, options=options))

    screen.app.push_screen(EditScreen(transaction, written, action), done)


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
