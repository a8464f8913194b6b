"""The board: where the line is in trouble, why, and who can help."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from console.looks import Tone, of_status
from console.screens.base import AndonScreen, FetchFailed
from console.text import number, one_line
from console.widgets.lamps import LampGrid
from console.widgets.rule import Divider
from console.widgets.table import Cell, Column, Row, RowTable
from transactions.durations import short
from transactions.errors import AndonError
from transactions.landscape import Board, CauseSummary
from transactions.model import Status

CAUSES = (
    Column("cause", "causes", 24, flex=True),
    Column("count", "blocks", 7, right=True),
    Column("age", "age", 4, right=True),
    Column("where", "plants", 11, least=76),
    Column("who", "who can help", 18, least=64),
)


class BoardScreen(AndonScreen):
    """Opens first; everything else is one key away."""

    AUTO_FOCUS = "LampGrid"
    crumb = "board"
    # The same ids as the app's: here they are shown, elsewhere they only run.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "app.failed", "failed", id="app.failed"),
        Binding("b", "app.batches", "batches", id="app.batches"),
        Binding("s", "app.systems", "systems", id="app.systems"),
        Binding("slash", "filter", "filter", key_display="/", id="board.filter"),
        Binding("q", "app.quit", "quit", id="app.quit"),
    ]

    class Arrived(Message):
        """The board as it is now."""

        def __init__(self, board: Board) -> None:
            super().__init__()
            self.board = board

    def __init__(self) -> None:
        super().__init__()
        self._board: Board | None = None

    def body(self) -> Iterable[Widget]:
        """Causes and what waits, then the lamps."""
        with Horizontal(id="top"):
            yield RowTable(CAUSES, id="causes")
            with Vertical(id="waiting-box"):
                yield Static(id="waiting", markup=False)
        yield Divider("plants and flows", id="lamps-title")
        yield LampGrid(id="lamps")

    def fetch(self) -> None:
        """Ask for the board."""
        self._fetch()

    @work(group="board", exclusive=True, exit_on_error=False)
    async def _fetch(self) -> None:
        try:
            board = await self.andon.source.board()
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Arrived(board))

    def on_mount(self) -> None:
        """Until data comes: say so."""
        self.query_one("#waiting", Static).update(Text("loading …", self.app.theme_variables["quiet"]))

    def on_board_screen_arrived(self, message: Arrived) -> None:
        """Show it."""
        self._board = message.board
        self.arrived()
        self._show(self.andon.clock.now())

    def tick(self, now: datetime) -> None:
        """Ages move on."""
        if self._board is not None:
            self._show(now)

    def on_resize(self) -> None:
        """What waits is one line where there is no room for a column."""
        if self._board is not None:
            self._show(self.andon.clock.now())

    def on_lamp_grid_opened(self, message: LampGrid.Opened) -> None:
        """What is behind a lamp."""
        status = "failed" if message.status is None else str(message.status)
        plant = f" plant:{message.plant}" if message.plant is not None else " plant:none"
        self.andon.obey(f"failed status:{status}{plant} flow:{message.flow}")

    def on_table_opened(self, message: RowTable.Opened) -> None:
        """What has this cause."""
        row = self.query_one("#causes", RowTable).current()
        if row is not None and row.id:
            self.andon.obey(f"failed status:failed group:{row.id}")

    def action_filter(self) -> None:
        """The failed ones, with the filter open."""
        from console.screens.failed import DEFAULT_FILTER, FailedScreen

        self.andon.open(FailedScreen(DEFAULT_FILTER, filtering=True))

    def _show(self, now: datetime) -> None:
        board = self._board
        if board is None:
            return
        causes = [_cause_row(cause, now) for cause in board.causes]
        if not causes:
            causes = [Row("", 0, [Cell("● nothing is failing", Tone.FINE), *[Cell("")] * 4])]
        self.query_one("#causes", RowTable).show_rows(causes)
        wide = self.size.width >= 100
        self.query_one("#waiting", Static).update(self._waiting(board, now, wide))
        self.query_one("#lamps", LampGrid).show(board.lamps, now)
        total = sum(board.counts.values())
        self.query_one("#lamps-title", Divider).show("plants and flows", f"{number(total)} transactions")

    def _waiting(self, board: Board, now: datetime, wide: bool) -> Text:
        tones = self.app.theme_variables
        text = Text(no_wrap=True)
        holds = ", ".join(one_line(hold.target or hold.flow or hold.plant or "everything") for hold in board.holds)
        failed_age = "" if board.oldest_failed_at is None else short(now - board.oldest_failed_at)
        held_age = "" if board.oldest_held_at is None else short(now - board.oldest_held_at)
        overdue = f"{number(board.overdue)} overdue" if board.overdue else ""
        lines = (
            (Status.FAILED, failed_age, overdue),
            (Status.IN_DOUBT, "", ""),
            (Status.PARKED, "", ""),
            (Status.HELD, held_age, holds),
            (Status.RETRYING, "", ""),
        )
        if wide:
            text.append(f"{'waiting':<14}{'count':>7}{'oldest':>8}\n", tones["quiet"])
        for status, age, note in lines:
            count, look = board.counts.get(status, 0), of_status(status)
            tone = tones[look.tone if count else Tone.QUIET]
            if wide:
                text.append(f"{look.glyph} {look.word:<12}", tone)
                text.append(f"{number(count):>7}", tone)
                text.append(f"{age:>8}  ", tones["quiet"])
                text.append(f"{note}\n", tones["late"])
            elif count:
                text.append(f"{look.glyph} {number(count)} {look.word}  ", tone)
        if not wide:
            text.append(overdue, tones["late"])
        text.rstrip()
        return text


def _cause_row(cause: CauseSummary, now: datetime) -> Row:
    look = of_status(Status.FAILED)
    age = short(now - cause.first_seen)
    what = f"{look.glyph} {one_line(cause.target)}  {one_line(cause.template)}"
    who = f"{cause.help} · {one_line(cause.owner)}" if cause.owner else cause.help
    where = " ".join(one_line(plant) for plant in cause.plants)
    version = (cause.count, age, cause.template, where, who)
    cells = [
        Cell(what, Tone.FAILED),
        Cell(number(cause.count), Tone.BRIGHT),
        Cell(age, Tone.QUIET),
        Cell(where),
        Cell(who, Tone.QUIET),
    ]
    return Row(cause.fingerprint, version, cells)
