"""The command log: what was done here, as commands for a runbook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from console.looks import Tone
from console.screens.base import AndonScreen
from console.text import one_line
from console.widgets.table import Cell, Column, Row, RowTable

COLUMNS = (Column("at", "time", 8), Column("command", "command", 20, flex=True))


class LogScreen(AndonScreen):
    """Newest first; y copies the line."""

    crumb = "command log"
    follows = frozenset()
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "copy", id="log.copy")]

    def body(self) -> Iterable[Widget]:
        """The list, or a word about its emptiness."""
        yield RowTable(COLUMNS, id="log")
        empty = Static("Nothing was done in this session yet. Every action leaves its command here.", id="empty")
        empty.display = False
        yield empty

    def fetch(self) -> None:
        """Nothing to ask for: it is all here."""
        rows = [
            Row(
                str(number),
                number,
                [Cell(f"{at.astimezone():%H:%M:%S}", Tone.QUIET), Cell(one_line(command), Tone.BRIGHT)],
            )
            for number, (at, command) in enumerate(self.andon.commands_done)
        ]
        self.query_one("#log", RowTable).show_rows(rows[::-1])
        self.query_one("#empty").display = not rows
        self.query_one("#log").display = bool(rows)
        self.arrived()

    def action_copy(self) -> None:
        """Copy the command whole."""
        row = self.query_one("#log", RowTable).current()
        if row is not None:
            self.app.copy_to_clipboard(self.andon.commands_done[int(row.id)][1])
            self.notify("command copied")
