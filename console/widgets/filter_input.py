"""The line that a filter is written in."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class FilterInput(Input):
    """Tab takes what is offered behind the cursor, as the right arrow does, and leaves the line where nothing is."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "take", "take what is offered", show=False)]

    def action_take(self) -> None:
        """Take what is offered; else go on to the next part of the page."""
        before = self.value
        if self.cursor_at_end:
            self.action_cursor_right()
        if self.value == before:
            self.screen.focus_next()
