"""The line at the top: where one is, on which platform, who one is, and whether what shows is live."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.color import Color, ColorParseError
from textual.message import Message
from textual.widget import Widget

from console.second_person import Waiting, told
from console.text import clean, shorten
from platforms.events import ConnectionState
from transactions.durations import short

CRUMB_CELLS = 20
_NAME_CELLS = 7  # `` andon ``
_SHORTEST = 6  # cells of a platform's name that are worth showing
WIDE = 110
"""Cells from which there is room for who one is, and the time."""
ROOMY = 150
"""Cells from which everything that waits is told apart."""


class Place(NamedTuple):
    """What the bar shows.

    Attributes:
        waiting: what this person could decide.
        ends_in: how long the token lasts, where that is not long and nobody renews it.
    """

    crumbs: tuple[str, ...]
    platform: str
    person: str
    read_only: bool
    connection: ConnectionState | None
    since: datetime | None
    now: datetime
    colour: str | None = None
    refused: bool = False
    waiting: Waiting = Waiting()
    ends_in: str = ""
    name: str = ""


class TopBar(Widget):
    """One line; a click on a breadcrumb goes back to it."""

    class CrumbClicked(Message):
        """Go back to this depth (0 is the board)."""

        def __init__(self, depth: int) -> None:
            super().__init__()
            self.depth = depth

    class WordClicked(Message):
        """Go where this word of the command line leads."""

        def __init__(self, word: str) -> None:
            super().__init__()
            self.word = word

    def __init__(self) -> None:
        super().__init__()
        self._place: Place | None = None
        self._crumbs: list[tuple[int, int]] = []
        self._words: list[tuple[int, int, str]] = []

    def show(self, place: Place) -> None:
        """Show this."""
        if place != self._place:
            self._place = place
            self.refresh()

    def render(self) -> Text:
        """The line."""
        place, tones = self._place, self.app.theme_variables
        if place is None:
            return Text(" andon", style=f"bold {tones['accent']}")
        line = Text(no_wrap=True)
        line.append(" andon ", f"bold {tones['accent']}")
        self._crumbs = []
        for depth, crumb in enumerate(place.crumbs):
            last = depth == len(place.crumbs) - 1
            text = clean(crumb) if last else shorten(clean(crumb), CRUMB_CELLS)
            line.append(" ▸ " if depth else " ", tones["quiet"])
            self._crumbs.append((line.cell_len, line.cell_len + cell_len(text)))
            line.append(text, f"bold {tones['bright']}" if last else tones["quiet"])
        right = self._right(place, tones, self.size.width - line.cell_len - 1)
        # Whether what shows is live is never cut off; where one is may be.
        line.truncate(max(1, self.size.width - right.cell_len - 1), overflow="ellipsis")
        gap = max(1, self.size.width - line.cell_len - right.cell_len)
        line.append(" " * gap)
        self._words = [(line.cell_len + start, line.cell_len + end, word) for start, end, word in self._words]
        return line.append_text(right)

    def on_click(self, event: events.Click) -> None:
        """Go back to the breadcrumb under the pointer, or to what the word under it is about."""
        for depth, (start, end) in enumerate(self._crumbs):
            if start <= event.x < end:
                self.post_message(self.CrumbClicked(depth))
        for start, end, word in self._words:
            if start <= event.x < end:
                self.post_message(self.WordClicked(word))

    def _right(self, place: Place, tones: dict[str, str], spare: int) -> Text:
        """``spare`` cells are left beside what it needs: for who one is, and the time."""
        text = Text(no_wrap=True)
        self._words = []
        wide = self.size.width >= WIDE
        if place.read_only:
            text.append("read-only  ", tones["late"])
        if place.ends_in:
            said = f"▲ sign-in ends in {place.ends_in}" if wide else f"▲ {place.ends_in} left"
            self._word(text, said, "whoami", tones["late"])
        for said, tone in told(place.waiting, parts=3 if self.size.width >= ROOMY else 2 if wide else 1):
            self._word(text, said, "approvals", f"bold {tones[tone]}")
        connection, style = _connected(place, tones)
        # What is said of the connection is never cut off; of much else the platform's name is the first to give way.
        room = self.size.width - text.cell_len - cell_len(connection) - _NAME_CELLS - 2
        if self.size.width >= 70 and room >= _SHORTEST:
            name = shorten(clean(place.platform), min(24, room))
            text.append(f"{name}  ", _drawable(place.colour) or tones["foreground"])
        spare -= text.cell_len + cell_len(connection)
        person = clean(place.person if wide and spare >= cell_len(place.person) + 2 else place.name)
        # In a narrow bar only what is left over is for the name.
        if person and self.size.width >= 70 and (wide or spare >= cell_len(person) + 2):
            self._word(text, person, "whoami", tones["quiet"])
            spare -= cell_len(person) + 2
        if wide and spare >= 7:
            text.append(f"{place.now.astimezone():%H:%M}  ", tones["quiet"])
        text.truncate(max(1, self.size.width - cell_len(connection) - _NAME_CELLS), overflow="ellipsis")
        text.append(connection, style)
        return text

    def _word(self, text: Text, said: str, word: str, style: str) -> None:
        start = text.cell_len
        text.append(said, style)
        self._words.append((start, text.cell_len, word))
        text.append("  ")


def _drawable(colour: str | None) -> str | None:
    """The colour of a context; None for what is none, which a file written by hand may have."""
    try:
        return None if colour is None else Color.parse(colour).hex6
    except ColorParseError:
        return None


def _connected(place: Place, tones: dict[str, str]) -> tuple[str, str]:
    if place.connection is ConnectionState.LIVE:
        return "● live ", tones["fine"]
    if place.refused:
        return "■ refused ", f"bold {tones['failed']}"
    if place.connection is ConnectionState.LOST:
        since = "" if place.since is None else f", {short(place.now - place.since)}"
        return f"▲ reconnecting{since} ", f"bold {tones['late']}"
    return "○ connecting ", tones["quiet"]
