"""Runs of plans, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual import work
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from console.looks import Tone, of_batch
from console.screens.base import AndonScreen, FetchFailed
from console.text import clean, number, one_line, shorten_middle
from console.widgets.table import Cell, Column, Row, RowTable
from transactions.batches import ITEM_DONE, Batch, BatchState, ItemState
from transactions.durations import short
from transactions.errors import AndonError
from transactions.pages import Page

COLUMNS = (
    Column("state", "state", 11),
    Column("progress", "progress", 16),
    Column("action", "action", 8),
    Column("total", "items", 7, right=True),
    Column("failed", "not done", 8, right=True),
    Column("age", "begun", 5, right=True),
    Column("by", "by", 10, least=90),
    Column("reason", "reason", 10, flex=True),
)
SHOWN = 200
_BAR = 10


class BatchesScreen(AndonScreen):
    """The list; enter follows one."""

    CSS_PATH = "batches.tcss"
    crumb = "batches"
    follows = frozenset({"batch", "plan"})

    class Arrived(Message):
        """The newest ones."""

        def __init__(self, page: Page[Batch]) -> None:
            super().__init__()
            self.page = page

    def __init__(self) -> None:
        super().__init__()
        self._batches: dict[str, Batch] = {}

    def body(self) -> Iterable[Widget]:
        """The list, or a word about its emptiness."""
        yield RowTable(COLUMNS, id="batches")
        yield Static("loading …", id="empty", markup=False)

    def fetch(self) -> None:
        """Ask for the newest."""
        self._fetch()

    @work(group="batches", exclusive=True, exit_on_error=False)
    async def _fetch(self) -> None:
        try:
            page = await self.andon.source.batches(SHOWN, None)
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Arrived(page))

    def on_batches_screen_arrived(self, message: Arrived) -> None:
        """Show them."""
        self._batches = {batch.id: batch for batch in message.page.items}
        self.arrived()
        self.tick(self.andon.clock.now())
        empty = self.query_one("#empty", Static)
        empty.update("Nothing was run yet. Mark failed transactions (f, space) and replay them (r).")
        empty.display = not self._batches

    def fetch_failed(self, error: AndonError) -> None:
        """Nothing loads any more."""
        super().fetch_failed(error)
        if self.fetched_at is None:
            self.query_one("#empty", Static).update("")

    def tick(self, now: datetime) -> None:
        """Ages move on."""
        self.query_one("#batches", RowTable).show_rows([batch_row(batch, now) for batch in self._batches.values()])

    def on_table_opened(self, message: RowTable.Opened) -> None:
        """Follow one."""
        from console.screens.batch import BatchScreen

        row = self.query_one("#batches", RowTable).current()
        if row is not None:
            self.andon.open(BatchScreen(self._batches[row.id]))


def finished(batch: Batch) -> int:
    """Items that nothing more happens to in this run."""
    return sum(batch.counts.get(state, 0) for state in ITEM_DONE) + batch.counts.get(ItemState.IN_DOUBT, 0)


def undone(batch: Batch) -> int:
    """Items that did not get where they were meant to."""
    states = (ItemState.FAILED, ItemState.SKIPPED, ItemState.IN_DOUBT, ItemState.CANCELLED)
    return sum(batch.counts.get(state, 0) for state in states)


def bar(done: int, total: int, width: int) -> str:
    """How far it is, as a bar."""
    filled = width if total == 0 else int(done / total * width)
    return "█" * filled + "░" * (width - filled)


def batch_row(batch: Batch, now: datetime) -> Row:
    """A batch in the list."""
    look, done, bad = of_batch(batch.state), finished(batch), undone(batch)
    running = batch.state is BatchState.RUNNING
    share = 100 if batch.total == 0 else int(done / batch.total * 100)
    age = short(now - batch.started_at)
    return Row(
        batch.id,
        (batch.state, done, bad, age),
        [
            Cell(f"{look.glyph} {look.word}", look.tone),
            Cell(f"{bar(done, batch.total, _BAR)} {share:>3}%", Tone.ACCENT if running else Tone.QUIET),
            Cell(str(batch.action), Tone.BRIGHT),
            Cell(number(batch.total)),
            Cell(number(bad) if bad else "", Tone.FAILED),
            Cell(age, Tone.QUIET),
            Cell(one_line(batch.started_by), Tone.QUIET),
            Cell(one_line(batch.because or batch.reason)),
        ],
    )


def batch_title(batch: Batch) -> str:
    """A batch in a breadcrumb."""
    return f"{batch.action} {shorten_middle(clean(batch.id), 12)}"
