"""A thin line with a title on it: what follows, and one word about it."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget

from console.text import clean


class Divider(Widget):
    """``── title ─────────── note ──``"""

    DEFAULT_CSS = "Divider { height: 1; }"

    def __init__(self, title: str = "", *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._title = title
        self._note = ""

    def show(self, title: str, note: str = "") -> None:
        """Another title and note."""
        self._title, self._note = title, note
        self.refresh()

    def render(self) -> Text:
        """The line."""
        tones = self.app.theme_variables
        text = Text(no_wrap=True)
        text.append("─", tones["rule"])
        if self._title:
            text.append(f" {clean(self._title)} ", tones["quiet"])
        note = f" {clean(self._note)} " if self._note else ""
        text.append("─" * max(0, self.size.width - text.cell_len - len(note) - 1), tones["rule"])
        text.append(note, tones["quiet"])
        text.append("─", tones["rule"])
        return text
