"""The board: where the line is in trouble, why, and who can help."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from console.looks import Tone, of_status
from console.screens.base import AndonScreen, FetchFailed
from console.text import fit, number, one_line
from console.widgets.lamps import LampGrid
from console.widgets.rule import Divider
from console.widgets.table import Cell, Column, Row, RowTable
from transactions.causes.model import Cause, Doing
from transactions.durations import short
from transactions.errors import AndonError
from transactions.model import Help, Status

if TYPE_CHECKING:
    from transactions.landscape import Board

CAUSES = (
    Column("cause", "causes", 24, flex=True),
    Column("blocks", "blocks", 6, right=True),
    Column("age", "age", 4, right=True),
    Column("who", "who can help", 16),
)


_WAITING = (Status.FAILED, Status.IN_DOUBT, Status.PARKED, Status.HELD, Status.RETRYING)
WIDE = 120
"""Cells from which what waits has a column of its own beside the causes."""


class BoardScreen(AndonScreen):
    """Opens first; everything else is one key away."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
    AUTO_FOCUS = "LampGrid"
    crumb = "board"
    # The same ids as the app's: here they are shown, elsewhere they only run.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "app.failed", "failed", id="app.failed"),
        Binding("g", "app.groups", "groups", id="app.groups"),
        Binding("b", "app.batches", "batches", id="app.batches"),
        Binding("p", "app.approvals", "approvals", id="app.approvals"),
        Binding("s", "app.systems", "systems", show=False, id="app.systems"),
        Binding("slash", "filter", "filter", key_display="/", id="board.filter"),
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
            with Vertical(id="causes-box"):
                yield RowTable(CAUSES, id="causes")
                yield Static(id="cause", markup=False)
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

    def fetch_failed(self, error: AndonError) -> None:
        """Nothing loads any more where nothing came."""
        super().fetch_failed(error)
        if self._board is None:
            self.query_one("#waiting", Static).update("")

    def tick(self, now: datetime) -> None:
        """Ages move on."""
        if self._board is not None:
            self._show(now)

    def approvals_changed(self) -> None:
        """What waits for a second person waits, too."""
        if self._board is not None:
            self._show(self.andon.clock.now())

    def on_resize(self) -> None:
        """What waits is one line where there is no room for a column."""
        if self._board is not None:
            self._show(self.andon.clock.now())

    def on_lamp_grid_opened(self, message: LampGrid.Opened) -> None:
        """What is behind a lamp."""
        status = "failed" if message.status is None else str(message.status)
        plant = f" plant:{message.plant}" if message.plant is not None else " plant:none"
        self.andon.obey(f"failed status:{status}{plant} flow:{message.flow}")

    def on_table_moved(self, message: RowTable.Moved) -> None:
        """Of the cause under the cursor: what to do first."""
        row = self.query_one("#causes", RowTable).current()
        causes = [] if self._board is None or row is None else self._board.causes
        cause = next((cause for cause in causes if cause.id == row.id), None) if row is not None else None
        text = Text(no_wrap=True)
        if cause is not None and cause.first:
            tones = self.app.theme_variables
            step = cause.first[0]
            who = f"{one_line(step.who)}: " if step.do is Doing.MEND and step.who else ""
            text.append("first  ", tones["quiet"])
            text.append(f"{who}{one_line(step.text)}", tones["accent"])
        self.query_one("#cause", Static).update(text)

    def on_table_opened(self, message: RowTable.Opened) -> None:
        """The cause, whole."""
        from console.screens.cause import CauseScreen

        row = self.query_one("#causes", RowTable).current()
        if row is not None and row.id:
            self.andon.open(CauseScreen(row.id))

    def action_filter(self) -> None:
        """The failed ones, with the filter open."""
        from console.screens.failed import DEFAULT_FILTER, FailedScreen

        self.andon.open(FailedScreen(DEFAULT_FILTER, filtering=True))

    def _show(self, now: datetime) -> None:
        board = self._board
        if board is None:
            return
        causes = [_cause_row(rank, cause, now) for rank, cause in enumerate(board.causes, 1)]
        if not causes:
            causes = [Row("", 0, [Cell("● nothing is failing", Tone.FINE), *[Cell("")] * 3])]
        self.query_one("#causes", RowTable).show_rows(causes)
        wide = self.size.width >= WIDE
        self.query_one("#waiting", Static).update(self._waiting(board, now, wide))
        self.query_one("#lamps", LampGrid).show(board.lamps, now)
        total = sum(board.counts.values())
        self.query_one("#lamps-title", Divider).show("plants and flows", f"{number(total)} transactions")

    def _waiting(self, board: Board, now: datetime, wide: bool) -> Text:
        tones = self.app.theme_variables
        text = Text(no_wrap=True)
        holds = ", ".join(one_line(hold.target or hold.flow or hold.plant or "everything") for hold in board.holds)
        lines = self._waiting_lines(board, now)
        if wide:
            text.append(f"{'waiting':<14}{'count':>7}{'oldest':>8}\n", tones["quiet"])
            for line in self._fitting(lines, 1 + bool(holds)):
                tone = tones[line.tone if line.many else Tone.QUIET]
                text.append(f"{line.glyph} {line.word:<12}{number(line.many):>7}", tone)
                text.append(f"{line.age:>8}\n", tones["quiet"])
        else:
            # What waits for a second person is in the bar already.
            for line in lines:
                if line.many and line.status:
                    text.append(f"{line.glyph} {number(line.many)} {line.word}", tones[line.tone])
                    text.append(f" {line.age}  " if line.age else "  ", tones["quiet"])
            if board.overdue:
                text.append(f"▲ {number(board.overdue)} overdue  ", tones["late"])
        if holds:
            text.append(f"◆ held by hand: {holds}", tones["held"])
        text.rstrip()
        return text

    def _waiting_lines(self, board: Board, now: datetime) -> list[_Line]:
        ages = {Status.FAILED: board.oldest_failed_at, Status.HELD: board.oldest_held_at}
        lines = []
        for status in _WAITING:
            look, moment = of_status(status), ages.get(status)
            age = "" if moment is None else short(now - moment)
            lines.append(_Line(look.glyph, look.word, board.counts.get(status, 0), age, look.tone, status=True))
        if board.overdue:
            # Of all that is open: what is held or retried is late as well.
            lines.append(_Line("▲", "overdue", board.overdue, "", Tone.LATE))
        session = self.andon.session
        waiting, mine = session.waiting(now), session.to_decide(now)
        since = "" if mine.oldest is None else short(now - mine.oldest)
        if mine.approve:
            lines.append(_Line("◆", "to approve", mine.approve, since, Tone.ACCENT))
        if mine.overdue:
            lines.append(_Line("■", "late review", mine.overdue, "", Tone.FAILED))
        if mine.review > mine.overdue:
            lines.append(_Line("▲", "to review", mine.review - mine.overdue, "", Tone.LATE))
        if waiting.own:
            lines.append(_Line("○", "yours wait", waiting.own, "", Tone.MOVING))
        return lines

    def _fitting(self, lines: list[_Line], others: int) -> list[_Line]:
        """The lines that there is room for: those of which there is none go first."""
        spare = len(lines) + others - self.query_one("#waiting-box").size.height
        kept = []
        for line in reversed(lines):
            if spare > 0 and not line.many:
                spare -= 1
            else:
                kept.append(line)
        return kept[::-1]


class _Line(NamedTuple):
    glyph: str
    word: str
    many: int
    age: str
    tone: Tone
    status: bool = False


def _cause_row(rank: int, cause: Cause, now: datetime) -> Row:
    harmless = not cause.blocks.transactions
    glyph = "○" if harmless else "▲" if cause.help == Help.CARE else "■"
    tone = Tone.QUIET if harmless else Tone.LATE if cause.help == Help.CARE else Tone.FAILED
    age = "" if cause.since is None else short(now - cause.since)
    what = f"{glyph} {rank} {one_line(cause.title)}"
    version = (what, cause.blocks, age, cause.owner, cause.help)
    cells = [
        Cell(what, tone),
        Cell(number(cause.blocks.transactions), Tone.BRIGHT),
        Cell(age, Tone.QUIET),
        Cell(fit(one_line(cause.owner or str(cause.help)), 16), Tone.QUIET),
    ]
    return Row(cause.id, version, cells)
