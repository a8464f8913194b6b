"""Fields that are set in the documents of some transactions, one value at a path each: the same in all of them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from console.acting import Chosen
from console.highlighting import highlighted
from console.payloads import language, pretty
from console.text import clean, number, one_line
from transactions.edits import Step, parse_set, say_set
from transactions.errors import AndonError, Invalid
from transactions.history import Payload
from transactions.plans import Action, PlanOptions

if TYPE_CHECKING:
    from console.app import AndonApp


class ChangeScreen(ModalScreen[PlanOptions | None]):
    """Takes values at paths, with one of the documents in sight; gives them back as options, or None."""

    CSS_PATH = "change.tcss"
    AUTO_FOCUS = "#step"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", show=False),
        Binding("ctrl+z", "take_back", "take back", show=False),
        Binding("pageup", "scroll(-1)", "up", show=False),
        Binding("pagedown", "scroll(1)", "down", show=False),
    ]

    class Arrived(Message):
        """One of the documents."""

        def __init__(self, payload: Payload) -> None:
            super().__init__()
            self.payload = payload

    class NotArrived(Message):
        """It cannot be shown."""

        def __init__(self, error: AndonError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, chosen: Chosen, action: Action) -> None:
        """
        Args:
            chosen: whose documents are changed.
            action: edit, or correct.
        """
        super().__init__()
        self._chosen, self._action = chosen, action
        self._steps: list[Step] = []

    def compose(self) -> ComposeResult:
        """What happens, a document, what is set so far, and the line for more."""
        with Vertical():
            yield Static(id="about", markup=False)
            with VerticalScroll(id="document"):
                yield Static(id="content", markup=False)
            yield Static(id="steps", markup=False)
            yield Input(placeholder="$.quantity=12.5   //Unit=KG   $.count:=3", id="step", max_length=2000)
            if self._action is Action.CORRECT:
                yield Input(placeholder="day of the reversal, like 2026-12-01; else today", id="day", max_length=10)

    def on_mount(self) -> None:
        """Say what becomes of it."""
        tones = self.app.theme_variables
        one = self._chosen.count == 1
        many = "1 document" if one else f"{number(self._chosen.count)} documents"
        text = Text()
        if self._action is Action.CORRECT:
            text.append(f"Correct {many}\n", f"bold {tones['bright']}")
            text.append(
                "What was posted is reversed, and the right document posted under a key of its own when that is done. ",
                tones["quiet"],
            )
        else:
            text.append(f"Edit {many}\n", f"bold {tones['bright']}")
            text.append("They are sent again with these values, under the keys they had. ", tones["quiet"])
        text.append(
            "PATH=VALUE and enter adds a value (JSONPath, in XML XPath), ctrl+z takes the last one back; enter on an "
            "empty line plans it. Nothing is sent by that.",
            tones["quiet"],
        )
        self.query_one("#about", Static).update(text)
        self._show_steps()
        self.query_one("#document").display = False
        if self._chosen.some:
            self._fetch(self._chosen.some[0].id)

    @work(group="document", exclusive=True, exit_on_error=False)
    async def _fetch(self, id: str) -> None:  # noqa: A002
        try:
            payload = await cast("AndonApp", self.app).source.payload(id, None)
        except AndonError as error:
            self.post_message(self.NotArrived(error))
        else:
            self.post_message(self.Arrived(payload))

    def on_change_screen_arrived(self, message: Arrived) -> None:
        """Show it, with the values that there are to be changed."""
        payload = message.payload
        shown = highlighted(pretty(payload), language(payload), dict(self.app.theme_variables))
        self._show_document(shown)

    def on_change_screen_not_arrived(self, message: NotArrived) -> None:
        """Paths can be written without it."""
        said = f"The document cannot be shown: {clean(message.error.detail)}"
        self._show_document(Text(said, self.app.theme_variables["late"]))

    def _show_document(self, shown: Text) -> None:
        self.query_one("#content", Static).update(shown)
        self.query_one("#document").display = True

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Another value; on an empty line, the plan."""
        line = self.query_one("#step", Input)
        if event.input is line and line.value.strip():
            self._add(line)
        elif line.value.strip():
            self.notify("There is a value that was not added: press enter in its line.", severity="warning")
        elif not self._steps:
            self.notify("Nothing is set yet: write PATH=VALUE, like $.quantity=12.5", severity="warning")
        elif (day := self._day()) is not None:
            self.dismiss(PlanOptions(patch=self._steps, date=day or None))

    def _add(self, line: Input) -> None:
        try:
            self._steps.append(parse_set(line.value.strip()))
        except Invalid as error:
            self.notify(clean(error.detail), severity="warning", timeout=12)
            return
        line.value = ""
        self._show_steps()

    def _day(self) -> str | None:
        """The day that was written; empty for none, None where it is no day."""
        if self._action is not Action.CORRECT:
            return ""
        day = self.query_one("#day", Input).value.strip()
        try:
            return date.fromisoformat(day).isoformat() if day else ""
        except ValueError:
            self.notify(f"{one_line(day)} is no day: write it like 2026-12-01.", severity="warning")
            return None

    def _show_steps(self) -> None:
        tones = self.app.theme_variables
        text = Text()
        for step in self._steps:
            text.append(f"+ {one_line(say_set(step))}\n", tones["fine"])
        text.rstrip()
        steps = self.query_one("#steps", Static)
        steps.update(text)
        steps.display = bool(self._steps)

    def action_take_back(self) -> None:
        """Without the last value."""
        if self._steps:
            self._steps.pop()
            self._show_steps()

    def action_scroll(self, down: int) -> None:
        """Another part of the document, while one writes."""
        document = self.query_one("#document", VerticalScroll)
        (document.scroll_page_down if down > 0 else document.scroll_page_up)(animate=False)

    def action_cancel(self) -> None:
        """Nothing is planned."""
        self.dismiss(None)
