"""The line-drawn table under every list: a header, rows that are asked for only when they show, a cursor, a mouse.

Not a DataTable: that one lays out every row before it paints. Here a row is a strip made when its line is drawn, and
kept until what it shows changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

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

from console.looks import Tone
from console.text import fit

GAP = 2
STRIPS_KEPT = 2000


class Column(NamedTuple):
    """A column.

    Attributes:
        key: its name in code, and for sorting.
        width: cells it needs; for the flexible one, the least.
        right: numbers align right.
        flex: takes what the others leave.
        least: total width below which the column is left out.
    """

    key: str
    title: str
    width: int
    right: bool = False
    flex: bool = False
    least: int = 0


class Piece(NamedTuple):
    """Part of a cell. ``picked`` is what the cursor is on within its row."""

    text: str
    tone: Tone
    picked: bool = False


class Cell(NamedTuple):
    """Text of one column in one row, and what it is about; or ``pieces``, which are as wide as the column."""

    text: str
    tone: Tone = Tone.PLAIN
    pieces: Sequence[Piece] = ()


class Row(NamedTuple):
    """A row as it is to be drawn. ``version`` differs whenever the drawing would."""

    id: str
    version: object
    cells: Sequence[Cell]
    marked: bool = False


class Table(ScrollView, can_focus=True):
    """A virtual table; subclasses say how many rows there are and what a row shows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="table.open"),
        Binding("up,k", "move(-1)", "up", show=False, id="table.up"),
        Binding("down,j", "move(1)", "down", show=False, id="table.down"),
        Binding("pageup", "move_page(-1)", "page up", show=False, id="table.page-up"),
        Binding("pagedown", "move_page(1)", "page down", show=False, id="table.page-down"),
        Binding("home", "move_to_end(-1)", "first", show=False, id="table.first"),
        Binding("end", "move_to_end(1)", "last", show=False, id="table.last"),
    ]

    cursor: reactive[int] = reactive(0)

    class Moved(Message):
        """The cursor is on another row, or the row under it changed."""

        def __init__(self, table: Table, index: int) -> None:
            super().__init__()
            self.table = table
            self.index = index

        @property
        def control(self) -> Table:
            """The table."""
            return self.table

        def can_replace(self, message: Message) -> bool:
            """Only where the cursor came to rest matters."""
            return isinstance(message, Table.Moved) and message.table is self.table

    class Opened(Message):
        """The row was chosen."""

        def __init__(self, table: Table, index: int) -> None:
            super().__init__()
            self.table = table
            self.index = index

        @property
        def control(self) -> Table:
            """The table."""
            return self.table

    class HeaderClicked(Message):
        """A column's title was clicked."""

        def __init__(self, table: Table, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> Table:
            """The table."""
            return self.table

    def __init__(self, columns: Sequence[Column], *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.columns = tuple(columns)
        self._strips: OrderedDict[tuple[object, ...], Strip] = OrderedDict()
        self._styles: dict[tuple[Tone, bool, bool, bool, bool], Style] = {}

    # What subclasses say

    def row_count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def row_at(self, index: int) -> Row | None:
        """The row to draw, None where it is not at hand yet."""
        raise NotImplementedError

    def title_of(self, column: Column) -> str:
        """A column's title; a sorted one says so."""
        return column.title

    def header_lines(self) -> int:
        """How many lines the header has."""
        return 1

    # Drawing

    def render_line(self, y: int) -> Strip:
        """One line: of the header, or a row."""
        width = self._width
        if y < self.header_lines():
            return self.header_line(y, width)
        index = self.scroll_offset.y + y - self.header_lines()
        if index >= self.row_count():
            return Strip.blank(width, self._style(Tone.PLAIN))
        row = self.row_at(index)
        at_cursor = index == self.cursor
        if row is None:
            return self._line([Cell("· · ·", Tone.QUIET)], [(0, width - 2)], width, at_cursor, False)
        key = (row.id, row.version, row.marked, at_cursor, self.has_focus, width)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._line(row.cells, self._spans(width), width, at_cursor, row.marked)
            self._strips[key] = strip
            if len(self._strips) > STRIPS_KEPT:
                self._strips.popitem(last=False)
        return strip

    def redraw(self) -> None:
        """Rows or times changed: draw again what is visible, and scroll within what is there now."""
        self._strips.clear()
        count = self.row_count()
        self.virtual_size = Size(0, count + self.header_lines())
        if self.cursor >= count:
            self.cursor = max(0, count - 1)
        self.refresh()

    def notify_style_update(self) -> None:
        """Another theme: nothing drawn before is right any more."""
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    def visible_rows(self) -> tuple[int, int]:
        """Indices of the first and the last row in sight."""
        top = self.scroll_offset.y
        return top, min(top + max(self._rows_in_sight - 1, 0), self.row_count() - 1)

    @property
    def _rows_in_sight(self) -> int:
        return self.size.height - self.header_lines()

    @property
    def _width(self) -> int:
        # What the scrollbar leaves.
        return self.scrollable_content_region.width

    def width_of(self, key: str) -> int:
        """The cells that a column has now; 0 where it is left out."""
        return next((cells for column, cells in self._shown(self._width) if column.key == key), 0)

    def header_line(self, y: int, width: int) -> Strip:
        """A line of the header: the titles."""
        cells = [Cell(self.title_of(column), Tone.QUIET) for column, _ in self._shown(width)]
        return self._line(cells, self._spans(width), width, False, False, header=True)

    def _shown(self, width: int) -> list[tuple[Column, int]]:
        columns = [column for column in self.columns if width >= column.least]
        fixed = sum(column.width for column in columns) + GAP * max(len(columns) - 1, 0) + 2
        flexible = [column for column in columns if column.flex]
        spare = max(0, width - fixed)
        shares = {column.key: spare // len(flexible) for column in flexible}
        if flexible:
            shares[flexible[-1].key] += spare - sum(shares.values())
        return [(column, column.width + shares.get(column.key, 0)) for column in columns]

    def _spans(self, width: int) -> list[tuple[int, int]]:
        shown = self._shown(width)
        keys = [column.key for column, _ in shown]
        return [(self._position(key), cells) for key, (_, cells) in zip(keys, shown, strict=True)]

    def _position(self, key: str) -> int:
        return next(index for index, column in enumerate(self.columns) if column.key == key)

    def _line(
        self,
        cells: Sequence[Cell],
        spans: list[tuple[int, int]],
        width: int,
        at_cursor: bool,
        marked: bool,
        *,
        header: bool = False,
    ) -> Strip:
        lead = "▌" if at_cursor else " "
        sign = "*" if marked else " "
        segments = [
            Segment(lead, self._style(Tone.ACCENT, at_cursor, marked)),
            Segment(sign, self._style(Tone.ACCENT, at_cursor, marked)),
        ]
        blank = Segment(" " * GAP, self._style(Tone.PLAIN, at_cursor, marked))
        for order, (position, cells_wide) in enumerate(spans):
            cell = cells[order] if header else cells[position]
            column = self.columns[position]
            if cell.pieces:
                segments += [
                    Segment(each.text, self._style(each.tone, at_cursor, marked, each.picked)) for each in cell.pieces
                ]
            else:
                text = fit(cell.text, cells_wide, right=column.right)
                segments.append(Segment(text, self._style(cell.tone, at_cursor, marked)))
            segments.append(blank)
        return Strip(segments).adjust_cell_length(width, self._style(Tone.PLAIN, at_cursor, marked))

    def _style(self, tone: Tone, at_cursor: bool = False, marked: bool = False, picked: bool = False) -> Style:
        key = (tone, at_cursor, marked, picked, self.has_focus)
        style = self._styles.get(key)
        if style is None:
            variables = self.app.theme_variables
            ground = self.background_colors[1]
            if at_cursor:
                ground = Color.parse(variables["cursor-row" if self.has_focus else "marked-row"])
            elif marked:
                ground = Color.parse(variables["marked-row"])
            name = {Tone.PLAIN: "foreground"}.get(tone, tone.value)
            # Without colour the cursor's line is reversed: its bar alone is easy to lose.
            style = Style(
                color=Color.parse(variables[name]).rich_color,
                bgcolor=ground.rich_color,
                bold=tone is Tone.BRIGHT,
                reverse=picked is not (at_cursor and self.app.no_color and self.has_focus),
            )
            self._styles[key] = style
        return style

    # Moving

    def validate_cursor(self, cursor: int) -> int:
        """Within the rows there are."""
        return max(0, min(cursor, self.row_count() - 1))

    def watch_cursor(self, before: int, after: int) -> None:
        """Keep the cursor in sight and tell who listens."""
        top, height = self.scroll_offset.y, max(self._rows_in_sight, 1)
        if after < top:
            self.scroll_to(y=after, animate=False, force=True, immediate=True)
        elif after >= top + height:
            self.scroll_to(y=after - height + 1, animate=False, force=True, immediate=True)
        self.refresh()
        self.post_message(self.Moved(self, after))

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self.cursor += by

    def action_move_page(self, by: int) -> None:
        """Move the cursor by what is in sight."""
        self.cursor += by * max(self._rows_in_sight - 1, 1)

    def action_move_to_end(self, direction: int) -> None:
        """To the first or the last row."""
        self.cursor = 0 if direction < 0 else self.row_count() - 1

    def action_open(self) -> None:
        """Choose the row under the cursor."""
        if self.row_count():
            self.post_message(self.Opened(self, self.cursor))

    def on_focus(self) -> None:
        """The cursor's line is brighter where keys go."""
        self.refresh()

    def on_blur(self) -> None:
        """And dimmer where they do not."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one opens, one on a title tells its column."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < self.header_lines():
            key = self._column_at(offset.x)
            if key is not None:
                self.post_message(self.HeaderClicked(self, key))
            return
        index = self.scroll_offset.y + offset.y - self.header_lines()
        if index >= self.row_count():
            return
        self.cursor = index
        if event.chain >= 2:
            self.action_open()

    def _column_at(self, x: int) -> str | None:
        left = 2
        for column, width in self._shown(self._width):
            if left <= x < left + width + GAP:
                return column.key
            left += width + GAP
        return None


class RowTable(Table):
    """A table over rows that are all at hand."""

    def __init__(self, columns: Sequence[Column], *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(columns, id=id, classes=classes)
        self._rows: list[Row] = []

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def row_at(self, index: int) -> Row | None:
        """The row to draw."""
        return self._rows[index]

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows; the cursor stays on the row it was on, where that is still there."""
        held = self.current()
        self._rows = list(rows)
        if held is not None:
            place = next((index for index, row in enumerate(self._rows) if row.id == held.id), None)
            if place is not None:
                self.set_reactive(Table.cursor, place)
        self.redraw()
        self.post_message(self.Moved(self, self.cursor))

    def go_to(self, id: str) -> None:  # noqa: A002
        """Put the cursor on the row with this id, where there is one."""
        self.cursor = next((index for index, row in enumerate(self._rows) if row.id == id), self.cursor)

    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None
