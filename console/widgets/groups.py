"""The table of groups: how many, what way it goes, how old, what helps; two of them can be marked to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from console.looks import Tone
from console.text import number, one_line, pretty_name
from console.widgets.table import Cell, Column, Row, RowTable, Table
from transactions.durations import short
from transactions.group_words import badge
from transactions.groups import Group
from transactions.kpis.sparkline import sparkline

COLUMNS = (
    Column("count", "count", 7, right=True),
    Column("trend", "last 4 h", 8),
    Column("age", "age", 4, right=True),
    Column("overdue", "overdue", 8, right=True, least=92),
    Column("blocked", "blocks", 7, right=True, least=92),
    Column("again", "again", 7, least=104),
    Column("flow", "flow", 21),
    Column("target", "target", 6),
    Column("failure", "failure", 14, flex=True),
    Column("plants", "plants", 20, least=132),
)
SORTS = {"count": "count", "age": "first_seen", "overdue": "overdue", "blocked": "blocked", "trend": "last_seen"}
"""What a click on a column orders by."""
MARKS = 2


class GroupTable(RowTable):
    """Groups, all of those that were fetched; :class:`Ending` tells that the cursor comes near the last of them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "mark", "mark", id="groups.mark")]

    class Ending(Message):
        """The last rows at hand are in sight."""

        def can_replace(self, message: Message) -> bool:
            """One is enough."""
            return isinstance(message, GroupTable.Ending)

    class MarksChanged(Message):
        """Other groups are marked."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(COLUMNS, id=id)
        self.sort = "-count"
        self.groups: dict[str, Group] = {}
        self.marks: list[str] = []

    def show(self, groups: Sequence[Group], now: datetime) -> None:
        """Show these; marks of what is not there any more are gone."""
        self.groups = {group.fingerprint: group for group in groups}
        self.marks = [mark for mark in self.marks if mark in self.groups]
        self.tick(now)

    def tick(self, now: datetime) -> None:
        """Ages move on."""
        self.show_rows([_row(group, now) for group in self.groups.values()])

    def row_at(self, index: int) -> Row | None:
        """The row to draw, with its mark."""
        row = super().row_at(index)
        if index >= self.row_count() - 1:
            self.post_message(self.Ending())
        return None if row is None else row._replace(marked=row.id in self.marks)

    def title_of(self, column: Column) -> str:
        """The sorted column carries an arrow."""
        if SORTS.get(column.key) == self.sort.removeprefix("-"):
            return f"{column.title}{'▾' if self.sort.startswith('-') else '▴'}"
        return column.title

    def chosen(self) -> Group | None:
        """The group under the cursor."""
        row = self.current()
        return None if row is None else self.groups.get(row.id)

    def to_top(self) -> None:
        """Another list is another question: begin at its top."""
        self.marks.clear()
        self.show_rows([])
        self.set_reactive(Table.cursor, 0)
        self.scroll_to(y=0, animate=False, force=True, immediate=True)

    def clear_marks(self) -> None:
        """Mark nothing."""
        self.marks.clear()
        self._marks_changed()

    def action_mark(self) -> None:
        """Mark or unmark the row, and go on to the next; the third mark takes the place of the first."""
        row = self.current()
        if row is None:
            return
        if row.id in self.marks:
            self.marks.remove(row.id)
        else:
            self.marks = [*self.marks, row.id][-MARKS:]
        self.action_move(1)
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.refresh()
        self.post_message(self.MarksChanged())


def _row(group: Group, now: datetime) -> Row:
    age = "" if group.oldest_failed_at is None else short(now - group.oldest_failed_at)
    plants = sorted(group.plants.items(), key=lambda place: (-place[1], place[0]))
    where = " ".join(f"{one_line(plant) or 'none'} {number(count)}" for plant, count in plants)
    cells = [
        Cell(number(group.count), Tone.BRIGHT),
        Cell(sparkline(group.trend), Tone.FAILED if group.trend and group.trend[-1] else Tone.QUIET),
        Cell(age),
        Cell(number(group.overdue) if group.overdue else "·", Tone.LATE if group.overdue else Tone.QUIET),
        Cell(number(group.blocked) if group.blocked else "·", Tone.HELD if group.blocked else Tone.QUIET),
        Cell(badge(group), Tone.LATE),
        Cell(pretty_name(group.flow)),
        Cell(one_line(group.target)),
        Cell(f"■ {group.help}  {one_line(group.code)}  {one_line(group.template)}", Tone.FAILED),
        Cell(where, Tone.QUIET),
    ]
    return Row(group.fingerprint, tuple(cells), cells)
