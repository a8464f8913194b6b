"""The ``:`` command line, over the page it was called on."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from console.verbs import complete


class CommandScreen(ModalScreen[str | None]):
    """Takes one line; gives it back, or None."""

    CSS_PATH = "command.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", show=False),
        Binding("tab", "complete", "complete", show=False, priority=True),
    ]

    def compose(self) -> ComposeResult:
        """A line, and what it may become above it."""
        with Vertical():
            yield Static(id="words", markup=False)
            yield Input(placeholder="board, failed, transaction ID …", id="line", select_on_focus=False)

    def on_mount(self) -> None:
        """All words, to begin with."""
        self._suggest("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Fewer words with every letter."""
        self._suggest(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Done."""
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        """Nothing is done."""
        self.dismiss(None)

    def action_complete(self) -> None:
        """Write out the only word it can be."""
        line = self.query_one(Input)
        found = complete(line.value)
        if len(found) == 1:
            line.value = found[0].name + (" " if found[0].argument else "")
            line.cursor_position = len(line.value)

    def _suggest(self, line: str) -> None:
        tones = self.app.theme_variables
        text = Text()
        for verb in complete(line):
            text.append(f" :{verb.name}", f"bold {tones['accent']}")
            text.append(f" {verb.argument:<9}".ljust(24 - len(verb.name)), tones["quiet"])
            text.append(f"{verb.help}\n", tones["foreground"])
        if not text:
            text.append(" no such command", tones["late"])
        text.rstrip()
        self.query_one("#words", Static).update(text)
