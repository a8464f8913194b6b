"""Key figures: a window, what it came to beside the one before, a plot of one, and by flow and plant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static, Tab, Tabs

from console.looks import Look, Tone
from console.screens.base import AndonScreen, FetchFailed
from console.text import one_line, pretty_name
from console.widgets.plot import Plot
from console.widgets.rule import Divider
from console.widgets.table import Cell, Column, Row, RowTable, Table
from transactions.errors import AndonError
from transactions.kpis.definitions import Better, Unit
from transactions.kpis.model import Kpi, KpiPart, KpiReport
from transactions.kpis.sparkline import sparkline
from transactions.kpis.windows import LENGTHS, SHIFT
from transactions.kpis.wording import change_of, value_of

WINDOWS = (*LENGTHS, SHIFT)
FIGURES = (
    Column("figure", "figure", 26, flex=True),
    Column("value", "value", 10, right=True),
    Column("change", "change", 9, right=True),
    Column("trend", "trend", 26, least=112),
    Column("bar", "bar", 9, right=True),
    Column("met", "", 8),
    Column("counted", "counted", 14, right=True, least=100),
)
PARTS = (
    Column("name", "by flow", 20, flex=True),
    Column("value", "value", 10, right=True),
    Column("counted", "counted", 16, right=True, least=40),
)
MET = {
    True: Look("●", "met", Tone.FINE),
    False: Look("■", "missed", Tone.FAILED),
    None: Look("", "", Tone.QUIET),
}
STALE = timedelta(seconds=30)
"""So old, figures are asked for again: numbers are kept by the minute."""


class PartsTable(RowTable):
    """A figure by flow, or by plant."""

    head = "by flow"

    def title_of(self, column: Column) -> str:
        """What it is told by."""
        return self.head if column.key == "name" else super().title_of(column)


class KpisScreen(AndonScreen):
    """Key figures of a window; what is under the cursor is plotted, and opens as the list of what it counts."""

    CSS_PATH = "kpis.tcss"
    AUTO_FOCUS = "#figures"
    crumb = "key figures"
    follows = frozenset()  # every transaction changes them: they are asked for every half minute instead
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(place), f"window({name!r})", name, show=False) for place, name in enumerate(WINDOWS, 1)),
        Binding("left", "step(-1)", "window before", show=False, id="kpis.before"),
        Binding("right", "step(1)", "next window", show=False, id="kpis.next"),
        Binding("v", "parts", "by plant", id="kpis.parts"),
    ]

    class Arrived(Message):
        """Figures of a window."""

        def __init__(self, asked: str, found: KpiReport) -> None:
            super().__init__()
            self.asked = asked
            self.found = found

    def __init__(self, window: str = "24h") -> None:
        """``window`` is one of those that are offered, or one that somebody wrote."""
        super().__init__()
        self.window = window
        self._found: dict[str, KpiReport] = {}
        self._by_plant = False

    def body(self) -> Iterable[Widget]:
        """Windows, figures, and beside or below them the plot and the parts of one."""
        names = WINDOWS if self.window in WINDOWS else (*WINDOWS, self.window)
        tabs = Tabs(
            *(Tab(one_line(name), id=f"window-{place}") for place, name in enumerate(names)),
            active=f"window-{names.index(self.window)}",
        )
        tabs.can_focus = False
        yield tabs
        yield Static("", id="when", markup=False)
        yield RowTable(FIGURES, id="figures")
        yield Divider("", id="plot-title")
        with Horizontal(id="below"):
            with Vertical(id="plot-box"):
                yield Plot(id="plot")
                yield Static("", id="about", markup=False)
            yield PartsTable(PARTS, id="parts")

    def on_mount(self) -> None:
        """Until figures come: say so."""
        self.query_one("#when", Static).update(Text("loading …", self.app.theme_variables["quiet"]))

    def fetch(self) -> None:
        """Ask for the window that shows."""
        self._fetch(self.window)

    @work(group="kpis", exclusive=True, exit_on_error=False)
    async def _fetch(self, window: str) -> None:
        try:
            found = await self.andon.source.kpis(window)
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Arrived(window, found))

    def fetch_failed(self, error: AndonError) -> None:
        """Nothing loads any more where nothing came."""
        super().fetch_failed(error)
        if self.window not in self._found:
            self.query_one("#when", Static).update("")

    def on_kpis_screen_arrived(self, message: Arrived) -> None:
        """Show them, where their window is still the one that shows."""
        self._found[message.asked] = message.found
        if message.asked == self.window:
            self.arrived()
            self._show()

    def on_tabs_tab_activated(self, message: Tabs.TabActivated) -> None:
        """Another window; one that was asked for before shows what it came to then, until it is known anew."""
        window = str(message.tab.label)
        if window != self.window:
            self.window = window
            self._show()
            self.again()

    def tick(self, now: datetime) -> None:
        """Figures move on."""
        if self.fetched_at is not None and now - self.fetched_at >= STALE and self.is_current:
            self.again()

    def on_table_moved(self, message: Table.Moved) -> None:
        """Another figure is plotted."""
        if message.table.id == "figures":
            self._show_one()

    def on_table_opened(self, message: Table.Opened) -> None:
        """The transactions behind the figure, or behind its part of one flow or plant."""
        kpi = self._current()
        if kpi is None:
            return
        if kpi.as_of is not None or kpi.name in ("order-status-alignment", "inventory-variance"):
            self.andon.obey(f"reconcile {'inventory' if kpi.name == 'inventory-variance' else 'orders'}")
        elif kpi.filter is None:
            self.notify("No list of transactions is behind this figure.", severity="warning")
        else:
            self.andon.obey(f"failed {kpi.filter}{self._part_of(message.table)}")

    def _part_of(self, table: Table) -> str:
        row = table.current() if isinstance(table, PartsTable) else None
        if row is None or not row.id:
            return ""
        return f" plant:{row.id}" if self._by_plant else f" flow:{row.id}"

    def action_window(self, window: str) -> None:
        """The tab of that window."""
        self.query_one(Tabs).active = f"window-{WINDOWS.index(window)}"

    def action_step(self, by: int) -> None:
        """The tab beside."""
        tabs = self.query_one(Tabs)
        places = [tab.id or "" for tab in tabs.query(Tab)]
        tabs.active = places[(places.index(tabs.active) + by) % len(places)]

    def action_parts(self) -> None:
        """By flow, or by plant."""
        self._by_plant = not self._by_plant
        self._show_one()

    def _show(self) -> None:
        report = self._found.get(self.window)
        items = [] if report is None else report.items
        self.query_one("#figures", RowTable).show_rows([_row(kpi) for kpi in items])
        self.query_one("#when", Static).update(self._when(report))
        self._show_one()

    def _when(self, report: KpiReport | None) -> Text:
        quiet = self.app.theme_variables["quiet"]
        if report is None:
            return Text("loading …", quiet)
        shown, before = report.window, report.before
        same = shown.begin.astimezone().date() == shown.until.astimezone().date()
        begin, until = f"{shown.begin.astimezone():%d %b %H:%M}", shown.until.astimezone()
        text = Text(no_wrap=True)
        text.append(f"{begin} to {until:%H:%M}" if same else f"{begin} to {until:%d %b %H:%M}")
        if report.counted_since is None:
            text.append("  nothing was counted yet", quiet)
        elif report.counted_since > shown.begin:
            text.append(f"  counted since {report.counted_since.astimezone():%d %b %H:%M}", quiet)
        else:
            text.append(f"  beside {before.begin.astimezone():%d %b %H:%M} and the same length", quiet)
        return text

    def _show_one(self) -> None:
        report, kpi, tones = self._found.get(self.window), self._current(), dict(self.app.theme_variables)
        plot, about = self.query_one(Plot), self.query_one("#about", Static)
        parts = self.query_one(PartsTable)
        if report is None or kpi is None:
            plot.show([], str, ("", ""), "")
            about.update("")
            parts.show_rows([])
            return
        unit = kpi.unit
        self.query_one("#plot-title", Divider).show(kpi.title, "v: by flow" if self._by_plant else "v: by plant")
        begin, until = report.window.begin.astimezone(), report.window.until.astimezone()
        form = "%H:%M" if begin.date() == until.date() else "%d %b %H:%M"
        ends = (f"{begin:{form}}", f"{until:{form}}")
        why = kpi.note or ("not in the window" if kpi.trend else "it has no trend")
        plot.show(kpi.trend, lambda value: value_of(value, unit), ends, why)
        about.update(_about(kpi, tones))
        found = kpi.plants if self._by_plant else kpi.flows
        parts.head = "by plant" if self._by_plant else "by flow"
        parts.show_rows([_part_row(part, unit, plant=self._by_plant) for part in found])

    def _current(self) -> Kpi | None:
        report, row = self._found.get(self.window), self.query_one("#figures", RowTable).current()
        if report is None or row is None:
            return None
        return next((kpi for kpi in report.items if kpi.name == row.id), None)


def _row(kpi: Kpi) -> Row:
    met = MET[kpi.met]
    bar = "" if kpi.bar is None else f"{'≥' if kpi.better is Better.UP else '≤'} {value_of(kpi.bar, kpi.unit)}"
    known = any(value is not None for value in kpi.trend)
    cells = [
        Cell(one_line(kpi.title), Tone.BRIGHT if kpi.met is False else Tone.PLAIN),
        Cell(value_of(kpi.value, kpi.unit), Tone.QUIET if kpi.value is None else Tone.BRIGHT),
        Cell(change_of(kpi.value, kpi.before, kpi.unit), Tone.QUIET),
        Cell(sparkline(kpi.trend) if known else "", Tone.ACCENT),
        Cell(bar, Tone.QUIET),
        Cell(f"{met.glyph} {met.word}".strip(), met.tone),
        Cell(_counted(kpi.count, kpi.of), Tone.QUIET),
    ]
    return Row(kpi.name, tuple(cell.text for cell in cells), cells)


def _counted(count: int | None, of: int | None) -> str:
    if count is None:
        return ""
    return f"{count:,}" if of is None else f"{count:,} of {of:,}"


def _part_row(part: KpiPart, unit: Unit, *, plant: bool) -> Row:
    name = part.name or "no plant"
    tone = Tone.FAILED if part.met is False else Tone.PLAIN
    cells = [
        Cell(one_line(name) if plant else pretty_name(name)),
        Cell(value_of(part.value, unit), tone),
        Cell(_counted(part.count, part.of), Tone.QUIET),
    ]
    return Row(part.name, tuple(cell.text for cell in cells), cells)


def _about(kpi: Kpi, tones: dict[str, str]) -> Text:
    text = Text()
    if kpi.parts:
        kinds = " · ".join(f"{one_line(part.name)} {value_of(part.value, kpi.unit)}" for part in kpi.parts)
        text.append(f"{kinds}  ", tones["foreground"])
    if kpi.as_of is not None:
        text.append(f"as the systems said at {kpi.as_of.astimezone():%d %b %H:%M}  ", tones["quiet"])
    if kpi.note is not None and (kpi.parts or any(value is not None for value in kpi.trend)):
        text.append(one_line(kpi.note), tones["late" if kpi.flows and kpi.of is not None else "quiet"])
    return text
