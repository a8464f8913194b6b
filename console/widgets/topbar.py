"""The line at the top: where one is, on which platform, who one is, and whether what shows is live."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from console.text import clean, shorten
from platforms.events import ConnectionState
from transactions.durations import short

CRUMB_CELLS = 20


class Place(NamedTuple):
    """What the bar shows."""

    crumbs: tuple[str, ...]
    platform: str
    person: str
    read_only: bool
    connection: ConnectionState | None
    since: datetime | None
    now: datetime
    colour: str | None = None
    refused: bool = False


class TopBar(Widget):
    """One line; a click on a breadcrumb goes back to it."""

    class CrumbClicked(Message):
        """Go back to this depth (0 is the board)."""

        def __init__(self, depth: int) -> None:
            super().__init__()
            self.depth = depth

    def __init__(self) -> None:
        super().__init__()
        self._place: Place | None = None
        self._crumbs: list[tuple[int, int]] = []

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
        right = self._right(place, tones)
        line = Text(no_wrap=True)
        line.append(" andon ", f"bold {tones['accent']}")
        self._crumbs = []
        for depth, crumb in enumerate(place.crumbs):
            last = depth == len(place.crumbs) - 1
            text = clean(crumb) if last else shorten(clean(crumb), CRUMB_CELLS)
            line.append(" ▸ " if depth else " ", tones["quiet"])
            self._crumbs.append((line.cell_len, line.cell_len + cell_len(text)))
            line.append(text, f"bold {tones['bright']}" if last else tones["quiet"])
        # Whether what shows is live is never cut off; where one is may be.
        line.truncate(max(0, self.size.width - right.cell_len - 1), overflow="ellipsis")
        gap = max(1, self.size.width - line.cell_len - right.cell_len)
        line.append(" " * gap)
        return line.append_text(right)

    def on_click(self, event: events.Click) -> None:
        """Go back to the breadcrumb under the pointer."""
        for depth, (start, end) in enumerate(self._crumbs):
            if start <= event.x < end:
                self.post_message(self.CrumbClicked(depth))

    def _right(self, place: Place, tones: dict[str, str]) -> Text:
        text = Text(no_wrap=True)
        if place.read_only:
            text.append("read-only  ", tones["late"])
        if self.size.width >= 70:
            text.append(shorten(clean(place.platform), 24) + "  ", place.colour or tones["foreground"])
        if self.size.width >= 110:
            text.append(f"{place.person}  " if place.person else "", tones["quiet"])
            text.append(f"{place.now.astimezone():%H:%M}  ", tones["quiet"])
        if place.connection is ConnectionState.LIVE:
            text.append("● live ", tones["fine"])
        elif place.refused:
            text.append("■ refused ", f"bold {tones['failed']}")
        elif place.connection is ConnectionState.LOST:
            since = "" if place.since is None else f", {short(place.now - place.since)}"
            text.append(f"▲ reconnecting{since} ", f"bold {tones['late']}")
        else:
            text.append("○ connecting ", tones["quiet"])
        return text
