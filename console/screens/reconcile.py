"""Reconciliation: where the systems themselves disagree, and what explains it; a tab for each kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static, Tab, Tabs

from console.drafts import Draft
from console.looks import Look, Tone
from console.screens.base import AndonScreen, FetchFailed
from console.text import clean, number, one_line
from console.widgets.rule import Divider
from console.widgets.sentences import labelled
from console.widgets.table import Cell, Column, Row, RowTable, Table
from transactions.durations import short
from transactions.errors import AndonError
from transactions.plans import Action, PlanOptions
from transactions.reconciliation.model import Difference, Explained, Kind, Reconciliation, Said

DIFFERENCES = (
    Column("why", "why", 13),
    Column("plant", "plant", 5),
    Column("object", "object", 19),
    Column("field", "differs in", 11),
    Column("off", "off by", 14, right=True),
    Column("said", "said", 20, flex=True, least=84),
)
EXPLAINED = {
    Explained.NOT: Look("■", "unexplained", Tone.FAILED),
    Explained.IN_PART: Look("▲", "in part", Tone.LATE),
    Explained.WHOLLY: Look("●", "explained", Tone.FINE),
}
MOST_OPENED = 200
"""Transactions that one filter names."""


class ReconcileScreen(AndonScreen):
    """Asks the systems when a tab is gone to, and by hand; never because something else happened: it takes long."""

    CSS_PATH = "reconcile.tcss"
    crumb = "reconcile"
    follows = frozenset()
    wants_act = frozenset({"reopen"})
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(place), f"kind({kind.value!r})", kind, show=False) for place, kind in enumerate(Kind, 1)),
        Binding("left", "step(-1)", "kind before", show=False, id="reconcile.before"),
        Binding("right", "step(1)", "next kind", show=False, id="reconcile.next"),
        Binding("R", "reopen", "reopen lost", id="reconcile.reopen"),
    ]

    class Arrived(Message):
        """What the systems say."""

        def __init__(self, found: Reconciliation) -> None:
            super().__init__()
            self.found = found

    def __init__(self, kind: Kind = Kind.ORDERS) -> None:
        """``kind`` is the tab that shows first."""
        super().__init__()
        self.kind = kind
        self._found: dict[Kind, Reconciliation] = {}
        self._rows: dict[str, Difference] = {}
        self._asking: set[Kind] = set()

    def body(self) -> Iterable[Widget]:
        """Tabs, the verdict, the differences, and why the one under the cursor is."""
        tabs = Tabs(*(Tab(kind.value, id=kind.value) for kind in Kind), active=self.kind.value)
        tabs.can_focus = False
        yield tabs
        yield Static("", id="verdict", markup=False)
        yield RowTable(DIFFERENCES, id="differences")
        yield Divider("why", id="why-title")
        yield Static("", id="why", markup=False)

    def fetch(self) -> None:
        """Ask for the kind that shows."""
        self._asking.add(self.kind)
        self._show()
        self._fetch(self.kind)

    @work(group="reconcile", exclusive=True, exit_on_error=False)
    async def _fetch(self, kind: Kind) -> None:
        try:
            found = await self.andon.source.reconcile(kind)
        except AndonError as error:
            self._asking.discard(kind)
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Arrived(found))

    def fetch_failed(self, error: AndonError) -> None:
        """What was said before stays."""
        super().fetch_failed(error)
        self._show()

    def on_reconcile_screen_arrived(self, message: Arrived) -> None:
        """Show it, where its tab is still the one that shows."""
        self._asking.discard(message.found.kind)
        self._found[message.found.kind] = message.found
        if message.found.kind is self.kind:
            self.arrived()
        self._show()

    def on_tabs_tab_activated(self, message: Tabs.TabActivated) -> None:
        """Another kind; one that was asked for before shows what was said then."""
        kind = Kind(message.tab.id or Kind.ORDERS)
        if kind is self.kind:
            return
        self.kind = kind
        self._show()
        if kind not in self._found:
            self.again()

    def tick(self, now: datetime) -> None:
        """How long ago they were asked moves on."""
        self._show_verdict(now)

    def on_table_moved(self, message: Table.Moved) -> None:
        """Why this one differs."""
        self._show_why()

    def on_table_opened(self, message: Table.Opened) -> None:
        """The transactions that explain the difference; where none does, those that were processed about it."""
        item = self._current()
        if item is None:
            return
        ids = [cause.id for cause in item.causes] or item.related
        if not ids:
            self.notify("No transaction is about this difference: the hub never saw one.", severity="warning")
        elif len(ids) == 1:
            self.andon.obey(f"transaction {ids[0]}")
        else:
            self.andon.obey(f"failed id:{','.join(ids[:MOST_OPENED])}")

    def action_kind(self, kind: str) -> None:
        """The tab of that kind."""
        self.query_one(Tabs).active = kind

    def action_step(self, by: int) -> None:
        """The tab beside."""
        kinds = list(Kind)
        self.query_one(Tabs).active = kinds[(kinds.index(self.kind) + by) % len(kinds)].value

    def action_reopen(self) -> None:
        """Reopen everything of this kind that was acknowledged and not applied."""
        found = self._found.get(self.kind)
        if found is None or not found.reopenable:
            self.notify("Nothing here was acknowledged and not applied.", severity="warning")
            return
        said = f"{found.kind} as of {found.as_of:%Y-%m-%dT%H:%M:%SZ}: the target's own books do not have it"
        self.andon.draft(
            Draft(
                action=Action.REOPEN,
                ids=found.reopenable,
                count=len(found.reopenable),
                options=PlanOptions(evidence=said),
                command=["reconcile", found.kind.value, "--reopen"],
            )
        )

    def _show(self) -> None:
        found = self._found.get(self.kind)
        items = [] if found is None else found.items
        self._rows = {f"{place}": item for place, item in enumerate(items)}
        table = self.query_one("#differences", RowTable)
        table.show_rows([_row(key, item) for key, item in self._rows.items()])
        self._show_verdict(self.andon.clock.now())
        self._show_why()

    def _show_verdict(self, now: datetime) -> None:
        self.query_one("#verdict", Static).update(self._verdict(self._found.get(self.kind), now))

    def _verdict(self, found: Reconciliation | None, now: datetime) -> Text:
        tones = self.app.theme_variables
        text = Text()
        asking = self.kind in self._asking
        if found is None:
            said = f"○ asking the systems for their {self.kind} …" if asking else ""
            return Text(said, tones["quiet"])
        look = _verdict_look(found)
        text.append(f"{look.glyph} {look.word}  ", tones[look.tone])
        unexplained = f", {number(found.unexplained)} unexplained" if found.unexplained else ""
        differ = f"{number(found.differences)} of " if found.differences else ""
        text.append(f"{differ}{number(found.compared)} values{unexplained}", tones["foreground"])
        age = short(now - found.as_of)
        text.append(f"  as of {found.as_of.astimezone():%H:%M:%S}, {age} ago", tones["quiet"])
        text.append("  asking again …" if asking else "", tones["quiet"])
        for one in found.asked:
            if one.problem is not None:
                text.append(f"\n▲ {clean(one.system)} gave no answer: {one_line(one.problem)}", tones["late"])
        if found.reopenable:
            count = number(len(found.reopenable))
            text.append(f"\n■ {count} acknowledged and not applied: R reopens", tones["failed"])
        for note in found.left_out:
            text.append(f"\n· left out: {one_line(note)}", tones["quiet"])
        return text

    def _show_why(self) -> None:
        item, tones = self._current(), dict(self.app.theme_variables)
        panel = self.query_one("#why", Static)
        if item is None:
            panel.update("")
            return
        # Who says what first: two systems side by side are the difference.
        told = [(said.system, _value(said), tones["failed" if said.differs else "foreground"]) for said in item.said]
        because = [
            (f"{cause.flow} → {cause.target}", f"{cause.why} {cause.id}", tones["foreground"]) for cause in item.causes
        ]
        if not because:
            newest = f" The newest about it is {item.related[0]}, and was processed." if item.related else ""
            because = [("because", f"No transaction explains it.{newest}", tones["late"])]
        panel.update(labelled([*told, *because], tones["quiet"]))

    def _current(self) -> Difference | None:
        row = self.query_one("#differences", RowTable).current()
        return None if row is None else self._rows.get(row.id)


def _verdict_look(found: Reconciliation) -> Look:
    if found.agree:
        return Look("✓", "agree", Tone.DONE)
    if found.differences:
        return Look("■", "differ", Tone.FAILED)
    return Look("?", "not known", Tone.DOUBT)


def _row(key: str, item: Difference) -> Row:
    look = EXPLAINED[item.explained]
    off = "" if item.amount is None else f"{item.amount} {item.unit or ''}".rstrip()
    cells = [
        Cell(f"{look.glyph} {look.word}", look.tone),
        Cell(one_line(item.plant or "·"), Tone.QUIET),
        Cell(one_line(item.name), Tone.BRIGHT),
        Cell(one_line(item.field)),
        Cell(one_line(off), Tone.BRIGHT),
        Cell(one_line(" · ".join(f"{said.system} {_value(said)}" for said in item.said))),
    ]
    return Row(key, (key, *(cell.text for cell in cells)), cells)


def _value(said: Said) -> str:
    return "nothing" if said.value is None else f"{said.value} {said.unit or ''}".rstrip()
