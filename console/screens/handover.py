"""What a shift hands to the next: read here, written to a file, with room for words to whoever comes."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from console.screens.base import AndonScreen, FetchFailed
from console.text import clean, one_line
from transactions.errors import AndonError
from transactions.handover.model import Handover
from transactions.handover.sections import Section, Table, sections, span_of, title_of

CURRENT, PREVIOUS = "current", "previous"


class HandoverScreen(AndonScreen):
    """The report of the running shift, or of the one before."""

    CSS_PATH = "handover.tcss"
    AUTO_FOCUS = "VerticalScroll"
    crumb = "handover"
    follows = frozenset()  # it is asked for when somebody looks, and again with ctrl+r
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "other", "other shift", id="handover.other"),
        Binding("w", "write", "write to a file", id="handover.write"),
        Binding("n", "remark", "remark", id="handover.remark"),
    ]

    class Arrived(Message):
        """The handover of a shift."""

        def __init__(self, shift: str, found: Handover) -> None:
            super().__init__()
            self.shift = shift
            self.found = found

    def __init__(self, shift: str = CURRENT) -> None:
        """``shift`` is ``current`` or ``previous``."""
        super().__init__()
        self.shift = shift
        self._found: Handover | None = None

    def body(self) -> Iterable[Widget]:
        """One page of words."""
        with VerticalScroll():
            yield Static("loading …", id="report", markup=False)

    def fetch(self) -> None:
        """Ask for the shift that shows."""
        self._fetch(self.shift)

    @work(group="handover", exclusive=True, exit_on_error=False)
    async def _fetch(self, shift: str) -> None:
        try:
            found = await self.andon.source.handover(shift)
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Arrived(shift, found))

    def fetch_failed(self, error: AndonError) -> None:
        """Nothing loads any more where nothing came."""
        super().fetch_failed(error)
        if self._found is None:
            self.query_one("#report", Static).update("")

    def on_handover_screen_arrived(self, message: Arrived) -> None:
        """Show it, where its shift is still the one that is wanted."""
        if message.shift != self.shift:
            return
        self._found = message.found
        self.arrived()
        self.query_one("#report", Static).update(report(message.found, dict(self.app.theme_variables)))

    def action_other(self) -> None:
        """The shift before, or the running one again."""
        self.shift = PREVIOUS if self.shift == CURRENT else CURRENT
        self._found = None
        self.query_one("#report", Static).update("loading …")
        self.again()

    def action_write(self) -> None:
        """Write what shows as Markdown into the folder that the console was started in."""
        if self._found is None:
            self.notify("It has not arrived yet.", severity="warning")
            return
        from transactions.handover.markdown import markdown

        found = self._found
        path = Path(f"handover-{found.begin:%Y%m%d-%H%M}.md")
        try:
            path.write_text(markdown(found), encoding="utf-8")
        except OSError as error:
            told = f"{path} cannot be written: {error.strerror or error}. Start the console in another folder."
            self.notify(told, title="Not written", severity="error", timeout=12)
            return
        self.andon.log_command(shlex.join(["andon", "handover", "--shift", self.shift, "--out", str(path)]))
        self.notify(f"It is in {path}.", title="Written")

    def action_remark(self) -> None:
        """Ask for words to the next shift."""
        if not self.andon.session.may_act("A remark"):
            return
        from console.screens.note import NoteScreen

        def asked(text: str | None) -> None:
            if text:
                self.andon.log_command(shlex.join(["andon", "handover", "--remark", text]))
                self._remark(text)

        self.app.push_screen(NoteScreen(0, "It is in the handover of this shift, with your name."), asked)

    @work(group="remark", exit_on_error=False)
    async def _remark(self, text: str) -> None:
        try:
            await self.andon.source.remark(text)
        except AndonError as error:
            self.notify(clean(error.detail), title="Not kept", severity="warning", timeout=12)
            return
        self.notify("The next shift reads it here.", title="Kept")
        self.again()


def report(found: Handover, tones: dict[str, str]) -> Group:
    """The report as it is shown."""
    parts: list[RenderableType] = [
        Text(one_line(title_of(found)), f"bold {tones['bright']}"),
        Text(one_line(span_of(found)), tones["quiet"]),
    ]
    for section in sections(found):
        parts += _section(section, tones)
    return Group(*parts)


def _section(section: Section, tones: dict[str, str]) -> Iterable[RenderableType]:
    glyph, tone = ("■", tones["late"]) if section.alarming else ("·", tones["quiet"])
    yield Text.assemble("\n", (f"{glyph} ", tone), (section.title, f"bold {tones['foreground']}"))
    for line in section.lines:
        yield Text(f"  {one_line(line)}", tones["foreground"])
    if section.table is not None:
        yield _grid(section.table, tones)


def _grid(table: Table, tones: dict[str, str]) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=tones["quiet"])
    for place, head in enumerate(table.heads):
        number = place in table.numbers
        grid.add_column(f"  {head}" if place == 0 else head, justify="right" if number else "left", no_wrap=number)
    for row in table.rows:
        cells = [one_line(cell) for cell in row]
        grid.add_row(*(Text(f"  {cell}" if n == 0 else cell, tones["foreground"]) for n, cell in enumerate(cells)))
    return grid
