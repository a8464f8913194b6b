"""The calendar of versions: months across, a bar for each version, today's line, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widgets import Static

from console.governing import Governed
from console.looks import Look, Tone
from console.text import clean, number, one_line, shorten
from console.widgets.gateway.pane import Pane
from console.widgets.many import ManyTable
from console.widgets.rule import Divider
from console.widgets.table import Cell, Column, Piece, Row, Table
from gateway_policies.model import Lifecycle, Version
from gateway_policies.overview.calendar import Frame, Phase, Slot, What, bar, frame, overdue, soonest_first
from gateway_policies.overview.words import about_version, next_of, state_of

COLUMNS = (
    Column("version", "version", 20),
    Column("state", "state", 13),
    Column("bar", "", 20, flex=True),
    Column("next", "next", 18),
    Column("callers", "may call", 8, right=True, least=100),
    Column("owner", "owner", 18, least=140),
)
ROOMY = 150
"""Cells from which the names of versions have more room."""

LOOKS = {
    "draft": Look("┈", "draft", Tone.QUIET),
    "active": Look("●", "active", Tone.FINE),
    "deprecated": Look("▲", "deprecated", Tone.LATE),
    "brownout": Look("▾", "brownout", Tone.LATE),
    "past sunset": Look("■", "past sunset", Tone.FAILED),
    "retired": Look("✕", "retired", Tone.QUIET),
}
BARS = {
    Phase.DRAFT: ("┈", Tone.QUIET),
    Phase.ACTIVE: ("━", Tone.FINE),
    Phase.DEPRECATED: ("╍", Tone.LATE),
    Phase.RETIRED: ("·", Tone.QUIET),
}
TURNS = {
    What.DEPRECATED: ("▲", Tone.LATE),
    What.BROWNOUT: ("▾", Tone.LATE),
    What.SUNSET: ("✕", Tone.FAILED),
}
SERVED_STILL = ("▒", Tone.FAILED)
GONE = ("·", Tone.QUIET)
TODAY = ("│", Tone.ACCENT)
ZOOMS = ((3, 12), (6, 24), (1, 5))
"""Months before today's, and how many there are."""
LEGEND = (
    ("━", "active", Tone.FINE),
    ("▲", "deprecated ╍", Tone.LATE),
    ("▾", "brownout", Tone.LATE),
    ("✕", "sunset", Tone.FAILED),
    ("▒", "overdue", Tone.FAILED),
    ("·", "gone", Tone.QUIET),
    ("┈", "draft", Tone.QUIET),
)


class CalendarTable(ManyTable):
    """Versions as bars over months."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "shift(-1)", "month before", show=False, id="calendar.before"),
        Binding("right", "shift(1)", "next month", show=False, id="calendar.next"),
        Binding("z", "zoom", "zoom", id="calendar.zoom"),
        Binding("0", "today", "today", show=False, id="calendar.today"),
    ]

    def __init__(self) -> None:
        super().__init__(COLUMNS, self._row, id="versions")
        self.governed: Governed | None = None
        self._shift, self._zoom = 0, 0

    def show(self, governed: Governed, ids: list[str]) -> None:
        """Show these versions, by address."""
        self.governed = governed
        self.show_ids(ids)

    def header_lines(self) -> int:
        """The months, and a line with today on it."""
        return 2

    def header_line(self, y: int, width: int) -> Strip:
        """Titles beside the months; below them where a month begins, and today."""
        style = self._style(Tone.QUIET)
        left = self._left_of("bar", width)
        segments = []
        shown = self._frame()
        cells = self._months(shown) if y == 0 else self._ticks(shown)
        # The months belong to no column's title: they are written over it.
        titles = super().header_line(y, width) if y == 0 else Strip.blank(width, style)
        segments = [
            *titles.crop(0, left),
            *(Segment(char, self._style(tone)) for char, tone in cells),
            *titles.crop(left + shown.width, width),
        ]
        return Strip(segments).adjust_cell_length(width, style)

    def _left_of(self, key: str, width: int) -> int:
        left = 2
        for column, cells in self._shown(width):
            if column.key == key:
                return left
            left += cells + 2
        return left

    def _frame(self) -> Frame:
        today = date.min if self.governed is None else self.governed.today
        before, length = ZOOMS[self._zoom]
        return frame(today, before - self._shift, length, max(1, self.width_of("bar")))

    def _months(self, shown: Frame) -> list[tuple[str, Tone]]:
        cells: list[tuple[str, Tone]] = [(" ", Tone.QUIET)] * shown.width
        months = list(shown.months())
        # A year is told before the months around it, which may have no room.
        years = [(cell, f"{month:%Y}") for cell, month in months if month.month == 1 or not cell]
        for cell, name in [*years, *((cell, f"{month:%b}") for cell, month in months)]:
            around = cells[max(0, cell - 1) : cell + len(name) + 1]
            if cell + len(name) <= shown.width and all(char == " " for char, _ in around):
                tone = Tone.BRIGHT if name.isdigit() else Tone.QUIET
                cells[cell : cell + len(name)] = [(char, tone) for char in name]
        return cells

    def _ticks(self, shown: Frame) -> list[tuple[str, Tone]]:
        cells = [("─", Tone.QUIET)] * shown.width
        for cell, _ in shown.months():
            cells[cell] = ("┬", Tone.QUIET)
        now = None if self.governed is None else shown.cell_of(self.governed.today)
        if now is not None:
            cells[now] = ("▼", Tone.ACCENT)
        return cells

    def _row(self, address: str) -> Row:
        assert self.governed is not None
        access, today = self.governed.access, self.governed.today
        version = access.find(address)
        assert isinstance(version, Version)
        api = access.apis.get(version.api)
        stands = state_of(version, today)
        look = LOOKS[stands]
        coming = next_of(version, today)
        quiet = version.lifecycle in (Lifecycle.RETIRED, Lifecycle.DRAFT)
        late = bool(overdue(version, today))
        callers = 0 if quiet else len(access.may_call(version.api, version.name))
        slots = bar(version, self._frame(), today)
        cells = [
            Cell(_name(version, self.width_of("version")), Tone.QUIET if quiet else Tone.BRIGHT),
            Cell(f"{look.glyph} {look.word}", look.tone),
            Cell("", pieces=pieces_of(slots)),
            Cell(coming, Tone.FAILED if late else Tone.PLAIN),
            Cell(number(callers) if callers else "·", Tone.PLAIN if callers else Tone.QUIET),
            Cell(one_line("" if api is None else api.owner), Tone.QUIET),
        ]
        drawn = (version, today, self._shift, self._zoom, callers, cells[5].text)
        return Row(address, drawn, cells)

    def on_resize(self, event: events.Resize) -> None:
        """Names are written whole where there is room."""
        first = COLUMNS[0]._replace(width=36) if event.size.width >= ROOMY else COLUMNS[0]
        self.columns = (first, *COLUMNS[1:])
        self.redraw()

    def action_shift(self, by: int) -> None:
        """Other months."""
        self._shift = max(-1200, min(1200, self._shift + by))
        self.redraw()

    def action_zoom(self) -> None:
        """More or fewer months."""
        self._zoom = (self._zoom + 1) % len(ZOOMS)
        self.redraw()

    def action_today(self) -> None:
        """The months around today."""
        self._shift = 0
        self.redraw()


def pieces_of(slots: list[Slot]) -> list[Piece]:
    """A bar as it is drawn: neighbours that look alike are one piece."""
    found: list[Piece] = []
    for slot in slots:
        char, tone = _drawn(slot)
        if found and found[-1].tone is tone:
            found[-1] = Piece(found[-1].text + char, tone)
        else:
            found.append(Piece(char, tone))
    return found


def _drawn(slot: Slot) -> tuple[str, Tone]:
    if slot.turn is not None:
        return TURNS[slot.turn]
    if slot.today:
        return TODAY
    if slot.phase is Phase.SUNSET:
        return SERVED_STILL if slot.past else GONE
    return BARS[slot.phase]


def _name(version: Version, width: int) -> str:
    name = one_line(version.name)
    return f"{shorten(one_line(version.api), max(1, width - len(name) - 1))} {name}"


class CalendarPane(Pane):
    """Every version of every API."""

    ORDERS = ("what comes first", "by API")

    def __init__(self) -> None:
        super().__init__(id="calendar")
        self._total = 0

    def compose(self) -> ComposeResult:
        """Bars, what their signs mean, and sentences about one."""
        yield CalendarTable()
        yield Static(id="legend", classes="legend", markup=False)
        yield Divider()
        yield Static(classes="about", markup=False)

    def on_mount(self) -> None:
        """What the signs mean."""
        tones = self.app.theme_variables
        legend = Text(no_wrap=True)
        for sign, word, tone in LEGEND:
            legend.append(f"{sign} ", tones["foreground" if tone is Tone.PLAIN else tone])
            legend.append(f"{word}  ", tones["quiet"])
        self.query_one("#legend", Static).update(legend)

    @property
    def table(self) -> CalendarTable:
        """The bars."""
        return self.query_one(CalendarTable)

    def fill(self) -> None:
        """The versions that pass the filter, in order."""
        governed = self.governed
        if governed is None:
            return
        kept = [each for each in governed.access.versions if self.passes(each.address, _texts_of, each, governed)]
        if self.order == self.ORDERS[0]:
            kept = soonest_first(kept, governed.today)
        self._total = len(governed.access.versions)
        self.table.show(governed, [each.address for each in kept])
        self._tell()

    def go_to(self, address: str) -> bool:
        """To a version; of an API, to the first one."""
        found = next(
            (each for each in self.table.ids if each == address or each.startswith(f"{address}.version.")), None
        )
        return found is not None and self.table.go_to(found)

    @property
    def address(self) -> str | None:
        """The version's."""
        return self.table.current_id

    def counted(self) -> str:
        """How many versions."""
        shown = len(self.table.ids)
        return (
            f"{number(shown)} versions"
            if shown == self._total
            else f"{number(shown)} of {number(self._total)} versions"
        )

    def on_table_moved(self, message: Table.Moved) -> None:
        """Another version."""
        message.stop()
        self._tell()

    def _tell(self) -> None:
        governed, address = self.governed, self.address
        version = None if governed is None or address is None else governed.access.find(address)
        if governed is None or not isinstance(version, Version):
            self.title("")
            self.say_empty("The gateway has no version of an API." if not self.words else "No version is like that.")
            return
        self.say(self._lines(version, governed))
        self.post_message(self.Picked(self))

    def _lines(self, version: Version, governed: Governed) -> Iterable[tuple[str, str]]:
        yield from ((label, clean(text)) for label, text in about_version(version, governed.access, governed.seen))
        yield "kept", governed.owner(version.address)


def _texts_of(version: Version, governed: Governed) -> Iterable[str | None]:
    api = governed.access.apis.get(version.api)
    yield from (version.api, version.name, state_of(version, governed.today), version.address)
    if api is not None:
        yield from (api.owner, api.system, api.layer)
