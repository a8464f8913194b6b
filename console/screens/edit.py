"""An edited document: why, then what differs. Storing it as a draft sends nothing; a plan does."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from console.looks import Tone
from console.text import clean, one_line
from transactions.edits import Draft, FieldDifference, Finding
from transactions.errors import AndonError
from transactions.model import Transaction
from transactions.plans import Action

if TYPE_CHECKING:
    from console.app import AndonApp

PLAN, AGAIN = "plan", "again"


class Stored(NamedTuple):
    """How it goes on: to the plan, with the day that a reversal is posted on, or into the editor again."""

    how: str
    day: str | None = None


class EditScreen(ModalScreen[Stored | None]):
    """Takes a reason, stores the draft, shows what differs. Gives back how it goes on, or None."""

    CSS_PATH = "edit.tcss"
    AUTO_FOCUS = "#reason"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave(None)", "leave", show=False),
        Binding("ctrl+o", "leave('again')", "edit again", show=False),
    ]

    class Kept(Message):
        """The platform keeps the draft."""

        def __init__(self, draft: Draft) -> None:
            super().__init__()
            self.draft = draft

    class NotKept(Message):
        """It does not."""

        def __init__(self, error: AndonError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, transaction: Transaction, text: str, action: Action = Action.EDIT) -> None:
        """
        Args:
            transaction: as it was looked at; its ETag goes with the edit.
            text: the whole new document.
            action: edit, or correct.
        """
        super().__init__()
        self._transaction, self._text, self._action = transaction, text, action
        self._stored = False

    def compose(self) -> ComposeResult:
        """What it is, the differences, and the line for the reason."""
        with Vertical():
            yield Static(id="about", markup=False)
            with VerticalScroll(id="found"):
                yield Static(id="differences", markup=False)
            yield Input(placeholder="why it is changed: it stays with the revision", id="reason", max_length=500)
            if self._correcting:
                yield Input(placeholder="day of the reversal, like 2026-12-01; else today", id="day", max_length=10)

    def on_mount(self) -> None:
        """Begin with the reason."""
        self.query_one("#found").display = False
        for day in self.query("#day"):
            day.display = False
        self._say("Write the reason and press enter: the draft is stored, and nothing is sent. ctrl+o edits again.")

    def _say(self, sentence: str, tone: str = "quiet") -> None:
        tones = self.app.theme_variables
        text = Text()
        what = "Correction" if self._correcting else "Edit"
        revision = "" if self._correcting else f", revision {self._transaction.revision}"
        text.append(f"{what} of {one_line(self._transaction.id)}{revision}\n", tones["bright"])
        text.append(clean(sentence), tones[tone])
        self.query_one("#about", Static).update(text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Store the draft; then, once it is stored, plan."""
        reason = self.query_one("#reason", Input).value.strip()
        if self._stored:
            self._go_on()
        elif reason:
            self._store(reason)
        else:
            self.notify("A reason is needed: it stays with the revision for ever.", severity="warning")

    @property
    def _correcting(self) -> bool:
        return self._action is Action.CORRECT

    def _go_on(self) -> None:
        day = self.query_one("#day", Input).value.strip() if self._correcting else ""
        try:
            self.dismiss(Stored(PLAN, date.fromisoformat(day).isoformat() if day else None))
        except ValueError:
            self.notify(f"{one_line(day)} is no day: write it like 2026-12-01.", severity="warning")

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def _store(self, reason: str) -> None:
        one = self._transaction
        kind = one.content_type.partition(";")[0].strip()
        source = cast("AndonApp", self.app).source
        try:
            draft = await source.edit(one.id, self._text.encode(), kind, one.etag, reason, correction=self._correcting)
        except AndonError as error:
            self.post_message(self.NotKept(error))
        else:
            self.post_message(self.Kept(draft))

    def on_edit_screen_kept(self, message: Kept) -> None:
        """Show what differs."""
        self._stored = True
        said = "enter plans to send it; escape leaves it so."
        if self._correcting:
            said = "enter plans to reverse what was posted and to post this instead; escape leaves it so."
        self._say(f"The draft is stored, and nothing was sent. {said}", Tone.FINE)
        for day in self.query("#day"):
            day.display = True
        draft = message.draft
        self.query_one("#differences", Static).update(
            differences(draft.difference, draft.more, draft.findings, dict(self.app.theme_variables))
        )
        self.query_one("#found").display = True

    def on_edit_screen_not_kept(self, message: NotKept) -> None:
        """Say why, and keep what was written."""
        self._say(f"{message.error.detail} ctrl+o edits what you wrote again; escape throws it away.", "failed")

    def action_leave(self, how: str | None) -> None:
        """Back, or into the editor again."""
        self.dismiss(None if how is None else Stored(how))


def differences(found: list[FieldDifference], more: int, findings: list[Finding], tones: dict[str, str]) -> Text:
    """Differences as lines: the place, what was there, what is there."""
    text = Text()
    for each in found:
        text.append(f"{one_line(each.path) or 'document'}\n", tones["quiet"])
        for sign, value, tone in (("- ", each.before, Tone.FAILED), ("+ ", each.after, Tone.FINE)):
            if value is not None:
                text.append(f"  {sign}{one_line(value)}\n", tones[tone])
    if not found:
        text.append("written differently, and says the same\n", tones["quiet"])
    if more:
        text.append(f"and {more} more\n", tones["quiet"])
    for finding in findings:
        text.append(f"▲ {one_line(finding.path)} {one_line(finding.message)}\n", tones["late"])
    return text


class DifferenceScreen(ModalScreen[None]):
    """Where two revisions differ."""

    CSS_PATH = "edit.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,d,enter", "dismiss", "back", show=False)]

    def __init__(self, title: str, shown: Text) -> None:
        """
        Args:
            title: which two.
            shown: the differences.
        """
        super().__init__()
        self._title, self._shown = title, shown

    def compose(self) -> ComposeResult:
        """The title and the differences."""
        with Vertical():
            yield Static(Text(self._title, self.app.theme_variables["bright"]), id="about", markup=False)
            with VerticalScroll(id="found"):
                yield Static(self._shown, id="differences", markup=False)
