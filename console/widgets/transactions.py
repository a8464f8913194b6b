"""The table of transactions over a window of pages."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from console.looks import Tone, of_status
from console.text import one_line, pretty_name
from console.widgets.table import Cell, Column, Row, Table
from console.window import Ask, Window
from transactions.durations import short
from transactions.model import Priority, Status, Transaction
from transactions.pages import Page

COLUMNS = (
    Column("due_at", "due", 5, right=True),
    Column("failed_at", "age", 4, right=True),
    Column("flow", "flow", 21),
    Column("plant", "plant", 5),
    Column("reference", "reference", 11),
    Column("material", "material", 9, least=100),
    Column("lot", "lot", 10, least=132),
    Column("target", "target", 6, least=90),
    Column("status", "failure", 14, flex=True),
    Column("attempts", "try", 3, right=True, least=90),
)
SORTS = {"due_at": "due_at", "failed_at": "failed_at", "flow": "flow", "plant": "plant", "status": "status"}
ORDERS = ("priority", "-failed_at", "due_at", "flow", "plant", "status")
"""Each as it is asked for first; by priority what comes first is on top, by age the newest."""
_FIRST: dict[Priority | None, str] = {Priority.LINE_DOWN: "line down  ", Priority.LINE_WAITS: "line waits  "}
_OTHER_COLUMNS = frozenset({"material", "lot", "plant", "partner"})


class TransactionTable(Table):
    """Transactions, as many as there are; asks for rows by message and never fetches."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", id="transactions.mark"),
        Binding("v", "mark_range", "mark range", show=False, id="transactions.mark-range"),
        Binding("shift+down", "mark_on(1)", "mark down", show=False, id="transactions.mark-down"),
        Binding("shift+up", "mark_on(-1)", "mark up", show=False, id="transactions.mark-up"),
    ]

    class Wanted(Message):
        """Rows in sight are not at hand."""

        def __init__(self, table: TransactionTable) -> None:
            super().__init__()
            self.table = table

        def can_replace(self, message: Message) -> bool:
            """One is enough: what is in sight is looked at when it is handled."""
            return isinstance(message, TransactionTable.Wanted)

    class MarksChanged(Message):
        """Other rows are marked."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(COLUMNS, id=id)
        self.window = Window()
        self.marks: dict[str, Transaction] = {}
        self.all_marked = False
        self.sort = ORDERS[0]
        self.now: datetime | None = None
        self._last_mark: int | None = None

    def row_count(self) -> int:
        """How many transactions match."""
        return self.window.total

    def row_at(self, index: int) -> Row | None:
        """The row to draw; asks for it where it is not at hand."""
        transaction = self.window.row(index)
        if transaction is None:
            self.post_message(self.Wanted(self))
            return None
        return Row(
            transaction.id,
            transaction.etag,
            cells_of(transaction, self.now) if self.now is not None else [],
            self.all_marked or transaction.id in self.marks,
        )

    def title_of(self, column: Column) -> str:
        """The sorted column carries an arrow."""
        if SORTS.get(column.key) == self.sort.removeprefix("-"):
            return f"{column.title}{'▾' if self.sort.startswith('-') else '▴'}"
        return column.title

    def current(self) -> Transaction | None:
        """The transaction under the cursor, where it is at hand."""
        return self.window.row(self.cursor)

    def start(self, total: int, ask: Ask, page: Page[Transaction], now: datetime) -> None:
        """Show a new list from its top."""
        self.window.clear()
        self.window.total = total
        self.window.take(ask, page)
        self.now = now
        self.set_reactive(Table.cursor, 0)
        self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self.redraw()
        self.post_message(self.Moved(self, 0))

    def take(self, ask: Ask, page: Page[Transaction], now: datetime, *, keep: str | None = None) -> None:
        """Rows came; ``keep`` is the id of the row the cursor shall stay on, wherever it is now."""
        self.window.take(ask, page)
        self.now = now
        if keep is not None:
            self._stay_on(keep)
        self.redraw()
        self.post_message(self.Moved(self, self.cursor))

    def recount(self, total: int, *, exact: bool = True) -> None:
        """There are more or fewer; where the count is not ``exact``, there are that many at least."""
        self.window.recount(total, exact=exact)
        self.redraw()

    def patch(self, transaction: Transaction) -> None:
        """One row changed."""
        if self.window.patch(transaction):
            self.refresh()

    def tick(self, now: datetime) -> None:
        """Ages move on."""
        self.now = now
        self.redraw()

    def selected(self) -> list[Transaction]:
        """The marked ones, else the one under the cursor."""
        if self.marks:
            return list(self.marks.values())
        current = self.current()
        return [current] if current is not None else []

    def clear_marks(self) -> None:
        """Mark nothing."""
        self.marks.clear()
        self.all_marked = False
        self._last_mark = None
        self._marks_changed()

    def action_mark(self) -> None:
        """Mark or unmark the row, and go on to the next."""
        self._toggle(self.cursor)
        self.action_move(1)

    def action_mark_on(self, by: int) -> None:
        """Mark while moving."""
        self._mark(self.cursor)
        self.action_move(by)
        self._mark(self.cursor)
        self._marks_changed()

    def action_mark_range(self) -> None:
        """Mark from the last mark to here; only rows that were in sight are at hand, and the rest is told."""
        start = self.cursor if self._last_mark is None else self._last_mark
        first, last = sorted((start, self.cursor))
        missing = sum(not self._mark(index) for index in range(first, last + 1))
        if missing:
            self.notify(
                f"{missing} rows between were never in sight and are not marked. "
                "Scroll through them, or filter and mark all with A.",
                title="Range is not complete",
                severity="warning",
            )
        self._last_mark = self.cursor
        self._marks_changed()

    def action_mark_all(self) -> None:
        """Mark all that match the filter, in sight or not."""
        self.marks.clear()
        self.all_marked = not self.all_marked
        self._marks_changed()

    def _toggle(self, index: int) -> None:
        transaction = self.window.row(index)
        if transaction is None:
            return
        self.all_marked = False
        if self.marks.pop(transaction.id, None) is None:
            self.marks[transaction.id] = transaction
        self._last_mark = index
        self._marks_changed()

    def _mark(self, index: int) -> bool:
        transaction = self.window.row(index)
        if transaction is None:
            return False
        self.all_marked = False
        self.marks[transaction.id] = transaction
        return True

    def _marks_changed(self) -> None:
        self.refresh()
        self.post_message(self.MarksChanged())

    def _stay_on(self, id: str) -> None:  # noqa: A002
        place = self.window.find(id)
        if place is None or place == self.cursor:
            return
        moved = place - self.cursor
        self.set_reactive(Table.cursor, place)
        self.scroll_to(y=max(0, self.scroll_offset.y + moved), animate=False, force=True, immediate=True)


def cells_of(transaction: Transaction, now: datetime) -> list[Cell]:
    """The cells of a transaction's row, in the order of :data:`COLUMNS`."""
    keys = transaction.business_keys
    look = of_status(transaction.status)
    reference = next((value for name, value in keys.items() if name not in _OTHER_COLUMNS), "")
    since = transaction.failed_at or transaction.created_at
    due = "" if transaction.due_at is None else short(transaction.due_at - now)
    open_tone = Tone.QUIET if look.tone in (Tone.QUIET, Tone.DONE) else Tone.PLAIN
    return [
        Cell(due, Tone.LATE if transaction.overdue else Tone.QUIET),
        Cell(short(now - since), open_tone),
        Cell(pretty_name(transaction.flow), open_tone),
        Cell(one_line(transaction.plant or "·"), open_tone),
        Cell(one_line(reference), open_tone),
        Cell(one_line(keys.get("material", "")), open_tone),
        Cell(one_line(keys.get("lot", "")), open_tone),
        Cell(one_line(transaction.target), open_tone),
        Cell(f"{look.glyph} {_why(transaction)}", look.tone),
        Cell(str(transaction.attempts), Tone.QUIET),
    ]


def _why(transaction: Transaction) -> str:
    failure = transaction.failure
    if transaction.status is Status.HELD and transaction.waiting_on:
        return f"held  waits for {one_line(transaction.waiting_on)}"
    if failure is None or transaction.status in (Status.PROCESSED, Status.DISCARDED, Status.RESOLVED):
        return of_status(transaction.status).word
    word = failure.help if transaction.status is Status.FAILED else of_status(transaction.status).word
    return f"{_FIRST.get(transaction.priority, '')}{word}  {one_line(failure.message)}"
