"""Drift: what was changed at the gateway by hand since the policies were applied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.widgets import Static

from console.looks import Look, Tone
from console.text import clean, number, one_line
from console.widgets.gateway.pane import Pane
from console.widgets.many import ManyTable
from console.widgets.rule import Divider
from console.widgets.table import Cell, Column, Row, Table
from gateway_policies.overview.drifting import DriftLine, How, drift_lines, told
from gateway_policies.planning.drift import Drift

COLUMNS = (
    Column("how", "", 10),
    Column("address", "resource", 30, flex=True),
    Column("what", "applied → live", 24, flex=True),
    Column("set", "policy set", 14, least=120),
)
LOOKS = {
    How.CHANGED: Look("▲", "changed", Tone.LATE),
    How.DELETED: Look("■", "deleted", Tone.FAILED),
    How.MADE: Look("○", "by hand", Tone.QUIET),
}


class DriftPane(Pane):
    """Live against what was last applied, fact by fact."""

    def __init__(self) -> None:
        super().__init__(id="drift")
        self._found: Sequence[Drift] | None = None
        self._facts: list[DriftLine] = []
        self._lines: dict[str, DriftLine] = {}

    def compose(self) -> ComposeResult:
        """What it comes to, the facts, and sentences about one."""
        yield Static("comparing …", classes="verdict", markup=False)
        yield ManyTable(COLUMNS, self._row, id="drift-table")
        yield Divider()
        yield Static(classes="about", markup=False)

    @property
    def table(self) -> ManyTable:
        """The facts."""
        return self.query_one(ManyTable)

    def show_drift(self, found: Sequence[Drift]) -> None:
        """Show what was found."""
        self._found, self._facts = found, drift_lines(found)
        self.forget_texts()
        self.fill()

    def fill(self) -> None:
        """The facts that pass the filter."""
        found, governed = self._found, self.governed
        if found is None or governed is None:
            return
        self._lines = {
            place: each
            for place, each in ((str(number), each) for number, each in enumerate(self._facts))
            if self.passes(place, _texts_of, each)
        }
        known = bool(governed.state.owners or governed.state.applied)
        self.query_one(".verdict", Static).update(clean(told(found, known)))
        self.table.show_ids(list(self._lines))
        self._tell()

    def go_to(self, address: str) -> bool:
        """To the first fact of a resource."""
        return any(self.table.go_to(place) for place, each in self._lines.items() if each.address == address)

    @property
    def address(self) -> str | None:
        """The resource's."""
        line = self._line()
        return None if line is None else line.address

    def _line(self) -> DriftLine | None:
        return self._lines.get(self.table.current_id or "")

    def counted(self) -> str:
        """How many facts, and how much was made by hand."""
        made = sum(each.how is How.MADE for each in self._lines.values())
        parts = [f"{number(len(self._lines) - made)} drifted"]
        parts += [f"{number(made)} made by hand"] if made else []
        return ", ".join(parts)

    def on_table_moved(self, message: Table.Moved) -> None:
        """Another fact."""
        message.stop()
        self._tell()

    def _tell(self) -> None:
        line = self._line()
        if line is None:
            self.title("")
            self.say_empty("")
        else:
            self.say((label, clean(text)) for label, text in _said(line))
        self.post_message(self.Picked(self))

    def _row(self, place: str) -> Row:
        line = self._lines[place]
        look = LOOKS[line.how]
        quiet = line.how is How.MADE
        cells = [
            Cell(f"{look.glyph} {look.word}", look.tone),
            Cell(one_line(line.address), Tone.QUIET if quiet else Tone.BRIGHT),
            Cell(one_line(line.what), Tone.PLAIN),
            Cell(one_line(line.policy_set or ""), Tone.QUIET),
        ]
        return Row(place, line, cells)


def _said(line: DriftLine) -> Iterable[tuple[str, str]]:
    match line.how:
        case How.MADE:
            yield "now", "it was made by hand and no policy set owns it; policies that name it adopt it"
            return
        case How.DELETED:
            yield "drift", "it was applied, and was deleted at the gateway by hand"
        case How.CHANGED:
            yield "drift", line.what
            yield "applied", line.applied
            yield "live", line.live
    yield "set", line.policy_set or ""
    yield (
        "helps",
        "the plan (5) puts back what the files still say; 'andon policy drift --patch' takes it into the files",
    )


def _texts_of(line: DriftLine) -> Iterable[str | None]:
    return line.address, line.what, line.policy_set, line.how
