"""Systems: how they are, what waits for them, and the holds that people placed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from console.drafts import Draft
from console.looks import Tone, of_health
from console.screens.base import AndonScreen, FetchFailed
from console.text import clean, number, one_line
from console.widgets.rule import Divider
from console.widgets.table import Cell, Column, Row, RowTable, Table
from transactions.durations import short
from transactions.errors import AndonError
from transactions.landscape import Health, Hold, System
from transactions.plans import Action, PlanOptions

SYSTEMS = (
    Column("health", "health", 9),
    Column("name", "system", 15),
    Column("plant", "plant", 5),
    Column("breaker", "breaker", 9),
    Column("open", "open", 6, right=True),
    Column("held", "held", 6, right=True),
    Column("moving", "moving", 6, right=True, least=96),
    Column("success", "last ok", 7, right=True, least=100),
    Column("last", "last failure", 12, flex=True),
)
HOLDS = (
    Column("what", "held back by people", 30),
    Column("held", "held", 6, right=True),
    Column("age", "since", 5, right=True),
    Column("by", "by", 12),
    Column("reason", "reason", 10, flex=True),
)


class SystemsScreen(AndonScreen):
    """Two lists: systems, and holds."""

    CSS_PATH = "systems.tcss"
    AUTO_FOCUS = "#systems"
    crumb = "systems"
    wants_act = frozenset({"hold", "release"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h", "hold", "hold", id="systems.hold"),
        Binding("u", "release", "release", id="systems.release"),
    ]

    class Arrived(Message):
        """Both lists."""

        def __init__(self, systems: list[System], holds: list[Hold]) -> None:
            super().__init__()
            self.systems = systems
            self.holds = holds

    def __init__(self) -> None:
        super().__init__()
        self._systems: dict[str, System] = {}
        self._holds: dict[str, Hold] = {}

    def body(self) -> Iterable[Widget]:
        """Systems above, holds below."""
        yield RowTable(SYSTEMS, id="systems")
        yield Divider("holds", id="holds-title")
        yield RowTable(HOLDS, id="holds")
        yield Static("loading …", id="empty", markup=False)

    def fetch(self) -> None:
        """Ask for both."""
        self._fetch()

    @work(group="systems", exclusive=True, exit_on_error=False)
    async def _fetch(self) -> None:
        source = self.andon.source
        try:
            systems = await source.systems()
            holds = await source.holds()
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Arrived(systems, holds))

    def fetch_failed(self, error: AndonError) -> None:
        """Nothing loads any more."""
        super().fetch_failed(error)
        if self.fetched_at is None:
            self.query_one("#empty", Static).update("")

    def on_systems_screen_arrived(self, message: Arrived) -> None:
        """Show them: what needs a hand first."""
        order = (Health.DOWN, Health.WARNING, Health.HELD, Health.OK, Health.IDLE)
        ordered = sorted(message.systems, key=lambda one: (order.index(one.health), one.name, one.plant or ""))
        self._systems = {f"{one.name}/{one.plant or ''}": one for one in ordered}
        self._holds = {hold.id: hold for hold in message.holds}
        self.arrived()
        self.tick(self.andon.clock.now())
        empty = self.query_one("#empty", Static)
        empty.update(Text("No holds. h on a system holds back what goes to it.", self.app.theme_variables["quiet"]))
        empty.display = not self._holds
        self.query_one("#holds").display = bool(self._holds)

    def tick(self, now: datetime) -> None:
        """Ages move on."""
        self.query_one("#systems", RowTable).show_rows(
            [_system_row(key, one, now) for key, one in self._systems.items()]
        )
        self.query_one("#holds", RowTable).show_rows([_hold_row(hold, now) for hold in self._holds.values()])

    def on_table_opened(self, message: Table.Opened) -> None:
        """What is not done for this system, or is held."""
        row = message.table.row_at(message.index)
        if row is None:
            return
        if message.table.id == "holds":
            hold = self._holds[row.id]
            place = (("target", hold.target), ("plant", hold.plant), ("flow", hold.flow))
            self.andon.obey(" ".join(["failed status:held", *(f"{name}:{value}" for name, value in place if value)]))
            return
        system = self._systems[row.id]
        plant = f" plant:{system.plant}" if system.plant else ""
        self.andon.obey(f"failed status:failed,in-doubt,parked,held target:{system.name}{plant}")

    def action_hold(self) -> None:
        """Hold back what goes to the system under the cursor."""
        row = self.query_one("#systems", RowTable).current()
        if row is not None:
            system = self._systems[row.id]
            options = PlanOptions(target=system.name, plant=system.plant)
            self.andon.draft(Draft(action=Action.HOLD, options=options))

    def action_release(self) -> None:
        """Release the hold under the cursor; from the systems' list, the one on this system."""
        holds = self.query_one("#holds", RowTable)
        row = self.query_one("#systems", RowTable).current()
        hold: Hold | None = None
        if holds.has_focus:
            chosen = holds.current()
            hold = self._holds[chosen.id] if chosen is not None else None
        elif row is not None:
            system = self._systems[row.id]
            hold = next((one for one in self._holds.values() if _is_on(one, system)), None)
        if hold is None:
            self.notify("There is no hold here to release. Tab goes to the holds.", severity="warning")
            return
        options = PlanOptions(target=hold.target, plant=hold.plant, flow=hold.flow)
        self.andon.draft(Draft(action=Action.RELEASE, options=options))


def _is_on(hold: Hold, system: System) -> bool:
    return hold.target == system.name and hold.plant in (None, system.plant)


def _system_row(key: str, system: System, now: datetime) -> Row:
    look = of_health(system.health)
    calm = system.health in (Health.OK, Health.IDLE)
    breaker = Tone.QUIET if system.breaker == "closed" else Tone.FAILED
    failure = ""
    if system.last_failure is not None and system.last_failure_at is not None:
        failure = f"{short(now - system.last_failure_at)}  {one_line(system.last_failure)}"
    success = "" if system.last_success_at is None else short(now - system.last_success_at)
    cells = [
        Cell(f"{look.glyph} {look.word}", look.tone),
        Cell(one_line(system.name), Tone.PLAIN if calm else Tone.BRIGHT),
        Cell(one_line(system.plant or "·"), Tone.QUIET),
        Cell(one_line(system.breaker), breaker),
        Cell(number(system.open) if system.open else "·", Tone.FAILED if system.open else Tone.QUIET),
        Cell(number(system.held) if system.held else "·", Tone.HELD if system.held else Tone.QUIET),
        Cell(number(system.moving) if system.moving else "·", Tone.MOVING if system.moving else Tone.QUIET),
        Cell(success, Tone.QUIET),
        Cell(failure, Tone.QUIET if calm else Tone.PLAIN),
    ]
    return Row(key, tuple(cell.text for cell in cells), cells)


def _hold_row(hold: Hold, now: datetime) -> Row:
    what = "  ".join(value for value in (hold.target, hold.plant, hold.flow) if value) or "everything"
    cells = [
        Cell(f"◆ {clean(what)}", Tone.HELD),
        Cell(number(hold.held), Tone.BRIGHT),
        Cell(short(now - hold.placed_at), Tone.QUIET),
        Cell(one_line(hold.placed_by), Tone.QUIET),
        Cell(one_line(hold.reason)),
    ]
    return Row(hold.id, tuple(cell.text for cell in cells), cells)
