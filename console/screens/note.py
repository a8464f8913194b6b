"""A note on transactions: asked over the page they were chosen on."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class NoteScreen(ModalScreen[str | None]):
    """Takes a note; gives it back, or None."""

    CSS_PATH = "note.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", show=False)]

    def __init__(self, count: int, about: str | None = None) -> None:
        """``count`` transactions get it; ``about`` says what becomes of it where it is not about transactions."""
        super().__init__()
        self._count = count
        self._about = about

    def compose(self) -> ComposeResult:
        """What becomes of it, and the line for it."""
        with Vertical():
            yield Static(id="about", markup=False)
            yield Input(placeholder="what the next one on shift should know", id="note", max_length=4000)

    def on_mount(self) -> None:
        """Say what it is about."""
        tones = self.app.theme_variables
        text = Text()
        title = "Remark" if self._about else f"Note on {self._count} transaction{'' if self._count == 1 else 's'}"
        becomes = self._about or "It stays in the timeline, with your name."
        text.append(f"{title}\n", f"bold {tones['bright']}")
        text.append(f"{becomes} Enter adds it; escape adds nothing.", tones["quiet"])
        self.query_one("#about", Static).update(text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Done, where there is a note."""
        self.dismiss(event.value.strip() or None)

    def action_cancel(self) -> None:
        """Nothing is added."""
        self.dismiss(None)
