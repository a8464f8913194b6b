"""Plants and flows: one lamp a cell, with glyph, word, count and age."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.looks import Tone, of_status
from console.text import fit, number, one_line, pretty_name
from transactions.durations import short
from transactions.model import Status

if TYPE_CHECKING:
    from transactions.landscape import Lamp

_BARS = "▁▂▃▄▅▆▇█"
_WORST = (
    Status.FAILED,
    Status.COMPENSATION_FAILED,
    Status.IN_DOUBT,
    Status.PARKED,
    Status.PARTLY_PROCESSED,
    Status.HELD,
    Status.RETRYING,
)
_LABEL = 25
_TREND = 10


class Shown(NamedTuple):
    """A lamp as it is drawn."""

    glyph: str
    word: str
    tone: Tone
    many: int
    age: str
    overdue: bool
    status: Status | None


def shown(lamp: Lamp | None, now: datetime) -> Shown:
    """What a lamp says: the worst there is, how many, how old."""
    for status in _WORST if lamp is not None else ():
        count = lamp.counts.get(status, 0) if lamp is not None else 0
        if lamp is not None and count:
            look = of_status(status)
            age = short(now - lamp.oldest_failed_at) if lamp.oldest_failed_at is not None else ""
            return Shown(look.glyph, look.word, look.tone, count, age, lamp.overdue > 0, status)
    if lamp is None or not any(lamp.counts.values()):
        return Shown("·", "", Tone.QUIET, 0, "", False, None)
    return Shown("●", "ok", Tone.FINE, 0, "", False, None)


def sparkline(values: list[int]) -> str:
    """Eight half-hours as bars; none at all is a flat line."""
    top = max(values, default=0)
    if top == 0:
        return _BARS[0] * len(values)
    return "".join(_BARS[0 if value == 0 else max(1, round(value / top * 7))] for value in values)


class LampGrid(ScrollView, can_focus=True):
    """The grid. Arrows move from lamp to lamp, enter opens one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="lamps.open"),
        Binding("up,k", "move(-1, 0)", "up", show=False, id="lamps.up"),
        Binding("down,j", "move(1, 0)", "down", show=False, id="lamps.down"),
        Binding("left,h", "move(0, -1)", "left", show=False, id="lamps.left"),
        Binding("right,l", "move(0, 1)", "right", show=False, id="lamps.right"),
    ]
    at: reactive[tuple[int, int]] = reactive((0, 0))

    class Opened(Message):
        """A lamp was chosen."""

        def __init__(self, flow: str, plant: str | None, status: Status | None) -> None:
            super().__init__()
            self.flow = flow
            self.plant = plant
            self.status = status

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._flows: list[str] = []
        self._plants: list[str | None] = []
        self._lamps: dict[tuple[str, str | None], Lamp] = {}
        self._now: datetime | None = None
        self._styles: dict[tuple[Tone, bool], Style] = {}

    def show(self, lamps: list[Lamp], now: datetime) -> None:
        """Show these lamps; flows stand in the order of their names, so that none moves when another comes."""
        self._lamps = {(lamp.flow, lamp.plant): lamp for lamp in lamps}
        self._flows = sorted({lamp.flow for lamp in lamps})
        # A lamp without a plant stands for flows between systems of no plant: its column comes last, if it is there.
        self._plants = sorted({lamp.plant for lamp in lamps}, key=lambda plant: (plant is None, plant or ""))
        self._now = now
        self.virtual_size = Size(0, len(self._flows) + 1)
        self.at = self.validate_at(self.at)
        self.refresh()

    def tick(self, now: datetime) -> None:
        """Ages move on."""
        self._now = now
        self.refresh()

    def notify_style_update(self) -> None:
        """Another theme."""
        super().notify_style_update()
        self._styles.clear()

    def render_line(self, y: int) -> Strip:
        """The plants' names, or a flow's lamps."""
        width = self.size.width
        cell = self._cell_width(width)
        if y == 0:
            note, tone = self._out_of_sight()
            segments = [Segment("  " + fit(note, _LABEL), self._style(tone))]
            segments += [
                Segment(fit(one_line(plant or "no plant"), cell), self._style(Tone.QUIET)) for plant in self._plants
            ]
            if self._flows and self._trend_fits(width):
                segments.append(Segment(fit("last 4 h", _TREND), self._style(Tone.QUIET)))
            return Strip(segments).adjust_cell_length(width, self._style(Tone.PLAIN))
        index = self.scroll_offset.y + y - 1
        if index == 0 and not self._flows and self._now is not None:
            nothing = Segment("  no transactions yet: this fills with the first documents", self._style(Tone.QUIET))
            return Strip([nothing]).adjust_cell_length(width, self._style(Tone.PLAIN))
        if index >= len(self._flows) or self._now is None:
            return Strip.blank(width, self._style(Tone.PLAIN))
        flow = self._flows[index]
        lamps = [shown(self._lamps.get((flow, plant)), self._now) for plant in self._plants]
        alarmed = any(lamp.status is not None for lamp in lamps)
        label = "  " + fit(pretty_name(flow), _LABEL)
        segments = [Segment(label, self._style(Tone.BRIGHT if alarmed else Tone.QUIET))]
        for column, lamp in enumerate(lamps):
            segments += self._lamp(lamp, cell, self.has_focus and (index, column) == self.at)
        if self._trend_fits(width):
            trend = [sum(parts) for parts in zip(*(self._trends(flow)), strict=True)]
            tone = Tone.LATE if any(trend) else Tone.QUIET
            segments.append(Segment(fit(sparkline(trend), _TREND), self._style(tone)))
        return Strip(segments).adjust_cell_length(width, self._style(Tone.PLAIN))

    def validate_at(self, at: tuple[int, int]) -> tuple[int, int]:
        """Within the grid."""
        row, column = at
        return max(0, min(row, len(self._flows) - 1)), max(0, min(column, len(self._plants) - 1))

    def watch_at(self, before: tuple[int, int], after: tuple[int, int]) -> None:
        """Keep the chosen lamp in sight."""
        top, height = self.scroll_offset.y, max(self.size.height - 1, 1)
        if after[0] < top:
            self.scroll_to(y=after[0], animate=False, force=True, immediate=True)
        elif after[0] >= top + height:
            self.scroll_to(y=after[0] - height + 1, animate=False, force=True, immediate=True)
        self.refresh()

    def action_move(self, down: int, right: int) -> None:
        """Another lamp."""
        self.at = (self.at[0] + down, self.at[1] + right)

    def action_open(self) -> None:
        """What is behind this lamp."""
        if not self._flows or not self._plants:
            return
        flow, plant = self._flows[self.at[0]], self._plants[self.at[1]]
        lamp = self._lamps.get((flow, plant))
        status = None if self._now is None else shown(lamp, self._now).status
        self.post_message(self.Opened(flow, plant, status))

    def on_click(self, event: events.Click) -> None:
        """A click chooses, a second one opens."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y == 0:
            return
        row = self.scroll_offset.y + offset.y - 1
        column = (offset.x - _LABEL - 2) // max(self._cell_width(self.size.width), 1)
        if row < len(self._flows) and 0 <= column < len(self._plants):
            self.at = (row, column)
            if event.chain >= 2:
                self.action_open()

    def on_focus(self) -> None:
        """The chosen lamp shows where keys go."""
        self.refresh()

    def on_blur(self) -> None:
        """And not where they do not."""
        self.refresh()

    def _out_of_sight(self) -> tuple[str, Tone]:
        """Flows that there is no room for: said, and loudly where one of them is in trouble."""
        top, height = self.scroll_offset.y, max(self.size.height - 1, 0)
        hidden = [*self._flows[:top], *self._flows[top + height :]]
        if not hidden or self._now is None:
            return "", Tone.QUIET
        now = self._now
        troubled = sum(
            any(shown(self._lamps.get((flow, plant)), now).status is not None for plant in self._plants)
            for flow in hidden
        )
        note = f"↕ {len(hidden)} more"
        return (f"{note}, {troubled} not ok", Tone.LATE) if troubled else (f"{note}, all ok", Tone.QUIET)

    def _trends(self, flow: str) -> list[list[int]]:
        return [lamp.trend for (name, _), lamp in self._lamps.items() if name == flow]

    def _trend_fits(self, width: int) -> bool:
        return width >= _LABEL + 2 + 14 * len(self._plants) + _TREND

    def _cell_width(self, width: int) -> int:
        room = width - _LABEL - 2 - (_TREND if self._trend_fits(width) else 0)
        return max(6, min(24, room // max(len(self._plants), 1)))

    def _lamp(self, lamp: Shown, width: int, chosen: bool) -> list[Segment]:
        style = self._style(lamp.tone, chosen)
        quiet = self._style(Tone.LATE if lamp.overdue else Tone.QUIET, chosen)
        if lamp.status is None:
            return [Segment(fit(f" {lamp.glyph}", width), style)]
        word = f" {lamp.word}" if width >= 20 and len(lamp.word) <= 9 else ""
        text = f" {lamp.glyph}{word} {number(lamp.many)}"
        rest = width - len(text)
        if rest < len(lamp.age) + 2:
            return [Segment(fit(text, width), style)]
        return [Segment(text, style), Segment(fit(f"  {lamp.age}", rest), quiet)]

    def _style(self, tone: Tone, chosen: bool = False) -> Style:
        style = self._styles.get((tone, chosen))
        if style is None:
            variables = self.app.theme_variables
            ground = Color.parse(variables["cursor-row"]) if chosen else self.background_colors[1]
            name = "foreground" if tone is Tone.PLAIN else tone.value
            style = Style(
                color=Color.parse(variables[name]).rich_color,
                bgcolor=ground.rich_color,
                reverse=chosen and self.app.no_color,
            )
            self._styles[tone, chosen] = style
        return style
