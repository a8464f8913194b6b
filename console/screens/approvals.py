"""What waits for a second person: plans to approve, and reviews of what ran without approval."""

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

from console.looks import Tone
from console.screens.base import AndonScreen, FetchFailed
from console.second_person import HASH_CELLS, SHOWN, YOURS, equivalent, left, look_of, open_at, overdue, urgency
from console.text import clean, number, one_line
from console.widgets.rule import Divider
from console.widgets.sentences import labelled
from console.widgets.table import Cell, Column, Row, RowTable, Table
from transactions.approvals import ApprovalItem, ApprovalKind
from transactions.durations import short
from transactions.errors import AndonError
from transactions.pages import Page
from transactions.plans import Decision

COLUMNS = (
    Column("kind", "wanted", 10),
    Column("age", "age", 4, right=True),
    Column("action", "action", 8),
    Column("count", "count", 6, right=True),
    Column("by", "asked by", 14),
    Column("left", "left", 8, right=True),
    Column("reason", "reason", 10, flex=True),
    Column("because", "why two people", 20, flex=True, least=110),
)


class ApprovalsScreen(AndonScreen):
    """The list; enter opens one, and what is decided is decided with its items in sight."""

    CSS_PATH = "approvals.tcss"
    crumb = "approvals"
    follows = frozenset({"approval", "plan"})
    wants_approve = frozenset({"decide"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "decide('approve')", "approve", id="approvals.approve"),
        Binding("x", "decide('reject')", "reject", id="approvals.reject"),
        Binding("y", "copy", "copy command", id="approvals.copy"),
    ]

    class Arrived(Message):
        """What is open."""

        def __init__(self, page: Page[ApprovalItem]) -> None:
            super().__init__()
            self.page = page

    def __init__(self) -> None:
        super().__init__()
        self._items: dict[str, ApprovalItem] = {}
        self._more = False

    def body(self) -> Iterable[Widget]:
        """The list, and the one under the cursor in words."""
        yield Divider("waiting for a second person", id="waiting-title")
        yield RowTable(COLUMNS, id="approvals")
        yield Static("loading …", id="empty", markup=False)
        yield Divider(id="detail-title")
        yield Static(id="detail", markup=False)

    def on_mount(self) -> None:
        """Until there is something, there is nothing to tell about."""
        self._show_list(False)

    def fetch(self) -> None:
        """Ask what is open."""
        self._fetch()

    @work(group="approvals", exclusive=True, exit_on_error=False)
    async def _fetch(self) -> None:
        try:
            page = await self.andon.source.approvals(SHOWN, None)
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Arrived(page))

    def fetch_failed(self, error: AndonError) -> None:
        """Nothing loads any more."""
        super().fetch_failed(error)
        if self.fetched_at is None:
            self.query_one("#empty", Static).update("")

    def on_approvals_screen_arrived(self, message: Arrived) -> None:
        """Show it."""
        self._items = {item.hash: item for item in message.page.items}
        self._more = message.page.next_cursor is not None
        self.andon.took_approvals(message.page.items)
        self.arrived()
        self.tick(self.andon.clock.now())

    def tick(self, now: datetime) -> None:
        """Ages move on, and what has expired goes."""
        if self.fetched_at is None:
            return
        items = sorted(self._items.values(), key=lambda item: urgency(item, now))
        kept = [item for item in items if open_at(item, now)]
        self.query_one("#approvals", RowTable).show_rows([_row(item, now) for item in kept])
        many = f"first {number(len(kept))}" if self._more else number(len(kept)) if kept else ""
        self.query_one("#waiting-title", Divider).show("waiting for a second person", many)
        self._show_list(bool(kept))
        text = Text("● nothing waits for a second person\n", self.app.theme_variables["fine"])
        text.append("What you ask for and cannot do alone shows here, too.", self.app.theme_variables["quiet"])
        self.query_one("#empty", Static).update(text)

    def _show_list(self, some: bool) -> None:
        self.query_one("#approvals").display = some
        self.query_one("#detail-title").display = some
        self.query_one("#detail").display = some
        self.query_one("#empty").display = not some
        if some and self.focused is None:
            self.query_one("#approvals").focus()

    def current(self) -> ApprovalItem | None:
        """The one under the cursor."""
        row = self.query_one("#approvals", RowTable).current()
        return None if row is None else self._items.get(row.id)

    def on_table_moved(self, message: Table.Moved) -> None:
        """The one under the cursor, whole: words are cut in the list."""
        item, now = self.current(), self.andon.clock.now()
        if item is None:
            return
        tones = dict(self.app.theme_variables)
        look = look_of(item, now)
        lines = [
            ("why two", " ".join(item.because), tones["bright"]),
            ("reason", item.reason, tones["foreground"]),
            ("wanted", _wanted(item, now), tones[Tone.QUIET if item.own else look.tone]),
        ]
        self.query_one("#detail", Static).update(labelled(lines, tones["quiet"], width=7))
        self.query_one("#detail-title", Divider).show(
            f"plan {clean(item.hash[:HASH_CELLS])}", YOURS if item.own else ""
        )

    def on_table_opened(self, message: Table.Opened) -> None:
        """Look at it."""
        self._open(None)

    def action_decide(self, name: str) -> None:
        """Decide it, with its items in sight."""
        item = self.current()
        if item is not None and self.andon.session.may_decide(own=item.own):
            self._open(Decision(name))

    def _open(self, decision: Decision | None) -> None:
        from console.screens.approval import ApprovalScreen

        item = self.current()
        if item is not None:
            self.andon.open(ApprovalScreen(item.hash, item=item, deciding=decision))

    def action_copy(self) -> None:
        """Copy the command that approves it, for whoever shall."""
        item = self.current()
        if item is not None:
            self.app.copy_to_clipboard(equivalent(item.hash, Decision.APPROVE, None))
            self.notify("command copied: it wants a reason in the place of TEXT")


def _wanted(item: ApprovalItem, now: datetime) -> str:
    by = one_line(item.requested_by)
    if overdue(item, now):
        who = "you ran it" if item.own else f"{by} ran it"
        return (
            f"A review that is overdue: {who} without the second person it wanted. Somebody else looks at it now; "
            f"until then {'you cannot' if item.own else f'{by} cannot'} break glass again."
        )
    if item.kind is ApprovalKind.REVIEW:
        who, within = "You ran it" if item.own else f"{by} ran it", short(item.expires_at - now)
        return f"{who} without the second person it wanted. Somebody else reviews it within {within}."
    if item.own:
        return "You asked for it, and four eyes are two people: somebody else decides. y copies the command for them."
    return f"Your approval starts it in the name of {by}. Open it first (enter), approve (a) or reject (x)."


def _row(item: ApprovalItem, now: datetime) -> Row:
    look = look_of(item, now)
    by = f"{one_line(item.requested_by)}" if not item.own else "you"
    age, remaining = short(now - item.asked_at), left(item, now)
    late = overdue(item, now)
    return Row(
        item.hash,
        (look, age, remaining, item.own),
        [
            Cell(f"{look.glyph} {look.word}", look.tone),
            Cell(age, Tone.QUIET),
            Cell(str(item.action), Tone.QUIET if item.own else Tone.BRIGHT),
            Cell(number(item.count) if item.count else "·"),
            Cell(by, Tone.QUIET if item.own else Tone.PLAIN),
            Cell(remaining, Tone.FAILED if late else Tone.QUIET),
            Cell(one_line(item.reason), Tone.QUIET if item.own else Tone.PLAIN),
            Cell(one_line(" ".join(item.because)), Tone.QUIET),
        ],
    )
