"""Failed transactions: a filter, a table of any length, and what helps the one under the cursor."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from console import acting, owning
from console.acting import Chosen
from console.drafts import Draft
from console.screens.base import AndonScreen, FetchFailed
from console.text import clean, number, one_line
from console.widgets.filter_fault import fault_text
from console.widgets.filter_input import FilterInput
from console.widgets.filter_suggester import FilterSuggester
from console.widgets.preview import Preview
from console.widgets.rule import Divider
from console.widgets.table import Table
from console.widgets.transactions import ORDERS, SORTS, TransactionTable
from console.window import PAGE, Ask
from transactions.errors import AndonError, BadFilter
from transactions.model import Status, Transaction
from transactions.ownership import owned
from transactions.pages import Count, Page
from transactions.plans import Action

if TYPE_CHECKING:
    from gateway_policies.overview.stopped import Call

DEFAULT_FILTER = "status:failed"
_NOTHING_HERE = "There is no transaction here to act on. Change the filter with /."


class FailedScreen(AndonScreen):
    """Opens on what failed; the filter decides what it is about."""

    CSS_PATH = "failed.tcss"
    AUTO_FOCUS = "TransactionTable"
    wants_act = frozenset({"act", "change", "compensate", "resolve", "take", "note"})
    BINDINGS: ClassVar[list[BindingType]] = [
        # With priority, so that it takes effect before the next key: what is typed right behind the slash is text, and
        # must not run as keys of the table.
        Binding("slash", "filter", "filter", key_display="/", id="failed.filter", priority=True),
        Binding("A", "mark_all", "all", id="failed.mark-all"),
        Binding("r", "act('replay')", "replay", id="failed.replay"),
        Binding("e", "change('edit')", "edit", show=False, id="failed.edit"),
        Binding("D", "act('discard')", "discard", id="failed.discard"),
        Binding("c", "compensate", "compensate", show=False, id="failed.compensate"),
        Binding("C", "change('correct')", "correct", show=False, id="failed.correct"),
        Binding("V", "resolve", "resolve", show=False, id="failed.resolve"),
        Binding("u", "act('restore')", "restore", show=False, id="failed.restore"),
        Binding("o", "sort", "order", show=False, id="failed.sort"),
        Binding("a", "take", "take", show=False, id="failed.take"),
        Binding("n", "note", "note", show=False, id="failed.note"),
        Binding("y", "copy", "copy", show=False, id="failed.copy"),
        Binding("escape", "leave", "back", show=False, id="failed.leave"),
    ]

    class Counted(Message):
        """How many match."""

        def __init__(self, asked: int, count: Count) -> None:
            super().__init__()
            self.asked = asked
            self.count = count

    class PageArrived(Message):
        """Rows. ``asked`` tells answers to an older question apart."""

        def __init__(self, asked: int, ask: Ask, page: Page[Transaction], *, first: bool, keep: str | None) -> None:
            super().__init__()
            self.asked = asked
            self.ask = ask
            self.page = page
            self.first = first
            self.keep = keep

    def __init__(self, filter: str = DEFAULT_FILTER, *, filtering: bool = False) -> None:  # noqa: A002
        """``filtering`` opens with the filter line under the keys."""
        super().__init__()
        self.filter = filter
        self._asked = 0
        self._shown_for = -1
        self._counted: Count | None = None
        self._filtering = filtering

    @property
    def crumb(self) -> str:  # type: ignore[override]
        """The filter is where one is."""
        return "failed" if self.filter == DEFAULT_FILTER else f"failed  {clean(self.filter)}"

    def body(self) -> Iterable[Widget]:
        """Filter, table, preview."""
        yield FilterInput(
            self.filter,
            placeholder="status:failed plant:P02 flow:goods-receipt age>15m",
            id="filter",
            select_on_focus=False,
            suggester=FilterSuggester(self.andon.source, self._keys_at_hand),
        )
        yield Static(id="filter-fault", markup=False)
        yield Divider(id="counts")
        yield TransactionTable(id="transactions")
        yield Static(id="empty", markup=False)
        yield Divider(id="preview-title")
        yield Preview(id="preview", markup=False)

    def _keys_at_hand(self) -> set[str]:
        """Names of the business keys of what shows."""
        first, last = self.table.visible_rows()
        rows = [self.table.window.row(index) for index in range(first, last + 1)]
        return {name for row in rows if row is not None for name in row.business_keys}

    @property
    def table(self) -> TransactionTable:
        """The table."""
        return self.query_one(TransactionTable)

    def on_mount(self) -> None:
        """Only what has something to say shows."""
        self.query_one("#filter-fault").display = False
        self.query_one("#empty").display = False
        self.query_one("#counts", Divider).show("loading …")
        if self._filtering:
            self.query_one("#filter", Input).focus()

    # Fetching

    def fetch(self) -> None:
        """The rows in sight and the count; from the top when the question is another one."""
        if self._shown_for == self._asked:
            current = self.table.current()
            self._look_again(self._asked, current.id if current is not None else None)
        else:
            self._first_page(self._asked)
        self._count(self._asked)

    @work(group="rows", exclusive=True, exit_on_error=False)
    async def _first_page(self, asked: int) -> None:
        await self._ask(asked, Ask(end="head", position=0, limit=PAGE, cursor=None), first=True)

    @work(group="rows", exclusive=True, exit_on_error=False)
    async def _look_again(self, asked: int, keep: str | None) -> None:
        table = self.table
        first, last = table.visible_rows()
        table.window.forget_order(first // PAGE * PAGE)
        ask = table.window.need(first, last, again=True)
        if ask is None:
            ask = Ask(end="head", position=0, limit=PAGE, cursor=None)
        await self._ask(asked, ask, keep=keep)

    @work(group="rows-in-sight", exclusive=True, exit_on_error=False)
    async def _in_sight(self, asked: int) -> None:
        # Strides of a long jump change nothing that shows, so they are taken here and not as messages.
        window = self.table.window
        while (ask := window.need(*self.table.visible_rows())) is not None:
            try:
                page = await self.andon.source.page(self.filter, self._order(ask), ask.limit, ask.cursor)
            except AndonError as error:
                self.post_message(FetchFailed(error))
                return
            if asked != self._asked:
                return
            known = window.total
            self.table.take(ask, page, self.andon.clock.now())
            if not page.items or (window.total != known and page.next_cursor is None):
                return

    @work(group="count", exclusive=True, exit_on_error=False)
    async def _count(self, asked: int) -> None:
        try:
            count = await self.andon.source.count(self.filter)
        except AndonError as error:
            if not isinstance(error, BadFilter):
                self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Counted(asked, count))

    async def _ask(self, asked: int, ask: Ask, *, first: bool = False, keep: str | None = None) -> None:
        try:
            page = await self.andon.source.page(self.filter, self._order(ask), ask.limit, ask.cursor)
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.PageArrived(asked, ask, page, first=first, keep=keep))

    def _order(self, ask: Ask) -> str:
        sort = self.table.sort
        if ask.end == "head":
            return sort
        return sort[1:] if sort.startswith("-") else f"-{sort}"

    def on_failed_screen_page_arrived(self, message: PageArrived) -> None:
        """Rows came."""
        if message.asked != self._asked:
            return
        now = self.andon.clock.now()
        if message.first:
            total = self.table.window.total if self._counted is not None else len(message.page.items)
            self._shown_for = self._asked
            self.table.start(max(total, len(message.page.items)), message.ask, message.page, now)
        else:
            self.table.take(message.ask, message.page, now, keep=message.keep)
        self.query_one("#filter-fault").display = False
        self.arrived()
        self._say()

    def on_failed_screen_counted(self, message: Counted) -> None:
        """The count came."""
        if message.asked == self._asked:
            self._counted = message.count
            self.table.recount(message.count.count, exact=message.count.exact)
            self._say()

    def on_transaction_table_wanted(self) -> None:
        """Rows came in sight that are not at hand."""
        if self._shown_for == self._asked:
            self._in_sight(self._asked)

    def fetch_failed(self, error: AndonError) -> None:
        """A bad filter is told at the filter; the rest as everywhere."""
        if not isinstance(error, BadFilter):
            super().fetch_failed(error)
            if self.fetched_at is None:
                self.query_one("#counts", Divider).show("nothing to show")
            return
        fault = self.query_one("#filter-fault", Static)
        fault.update(fault_text(error, dict(self.app.theme_variables)))
        fault.display = True
        self.query_one("#counts", Divider).show("the filter cannot be read")
        self.query_one("#filter", Input).focus()

    # What shows

    def tick(self, now: datetime) -> None:
        """Ages move on."""
        self.table.tick(now)

    def on_table_moved(self, message: Table.Moved) -> None:
        """The preview follows the cursor."""
        self._say()
        current = self.table.current()
        self.query_one("#preview", Preview).show(current)
        title, whose = ("", "") if current is None else (clean(current.id), one_line(owned(current)))
        self.query_one("#preview-title", Divider).show(title, whose)

    def on_transaction_table_marks_changed(self) -> None:
        """Say how many."""
        self._say()

    def _say(self) -> None:
        table, total = self.table, self.table.window.total
        arrived = self.fetched_at is not None
        empty = arrived and total == 0
        self.query_one("#empty").display = empty
        table.display = not empty
        if empty:
            tones = self.app.theme_variables
            text = Text("● nothing matches this filter\n", tones["fine"])
            text.append("/ changes the filter, esc goes back", tones["quiet"])
            self.query_one("#empty", Static).update(text)
        marked = total if table.all_marked else len(table.marks)
        more = "" if table.window.exact else "+"
        counts = f"{number(min(table.cursor + 1, total))} of {number(total)}{more}" if total else ""
        behind = 0 if self._counted is None else self._counted.search_behind
        first = "what comes first" if table.sort.removeprefix("-") == "priority" and total else ""
        title = f"search catches up: {number(behind)} to go" if behind else first
        if marked:
            title = f"{number(marked)}{more if table.all_marked else ''} marked"
        self.query_one("#counts", Divider).show(title if arrived else "loading …", counts)

    def refused_call(self) -> Call | None:
        """The one under the cursor, where a policy stopped it."""
        from console.stopped import call_of

        return call_of(self.table.current())

    # Acting

    def action_filter(self) -> None:
        """Write the filter: what is there is narrowed more often than replaced."""
        box = self.query_one("#filter", Input)
        if self.focused is box:
            # In the filter line a slash is a slash, and takes its turn behind what was typed before it.
            box.post_message(events.Key("slash", "/"))
            return
        box.cursor_position = len(box.value)
        self.set_focus(box)

    def action_leave(self) -> None:
        """From the filter to the table; from marks to none; else back."""
        box = self.query_one("#filter", Input)
        if box.has_focus:
            box.value = self.filter
            self.table.focus()
        elif self.table.marks or self.table.all_marked:
            self.table.clear_marks()
        else:
            self.andon.back_to(len(self.app.screen_stack) - 2)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Another filter: another list, and marks of the old one are gone."""
        self.filter = event.value.strip()
        self.table.clear_marks()
        self._ask_anew()
        self.table.focus()

    def on_table_header_clicked(self, message: Table.HeaderClicked) -> None:
        """Order by a column, the other way round at the second click."""
        field = SORTS.get(message.key)
        if field is not None:
            self._sort_by(field)

    def action_sort(self) -> None:
        """The next order."""
        fields = [order.removeprefix("-") for order in ORDERS]
        current = self.table.sort.removeprefix("-")
        self.table.sort = ORDERS[(fields.index(current) + 1) % len(ORDERS)]
        self._ask_anew()

    def _sort_by(self, field: str) -> None:
        self.table.sort = field if self.table.sort == f"-{field}" else f"-{field}"
        self._ask_anew()

    def _ask_anew(self) -> None:
        self._asked += 1
        self._counted = None
        self.andon.show_place()
        self.fetch()

    def action_mark_all(self) -> None:
        """Mark all that match."""
        self.table.action_mark_all()

    def action_copy(self) -> None:
        """Copy the ids."""
        self.andon.copy([transaction.id for transaction in self.table.selected()])

    def action_take(self) -> None:
        """Make what is marked, or the one under the cursor, mine; or give it back."""
        chosen = self._by_name("taken")
        if chosen:
            owning.take(self.andon, chosen)

    def action_note(self) -> None:
        """Add a note to what is marked, or to the one under the cursor."""
        owning.note(self.andon, [one.id for one in self._by_name("noted")])

    def _by_name(self, done: str) -> list[Transaction]:
        if self.table.all_marked:
            self.notify(f"All that match are {done} from the command line: andon transactions assign|note --filter.")
            return []
        return self.table.selected()

    def on_table_opened(self, message: Table.Opened) -> None:
        """One transaction."""
        current = self.table.current()
        if current is not None:
            self.andon.obey(f"transaction {current.id}")

    def action_change(self, name: str) -> None:
        """Set fields in the documents of what is marked, or of the one under the cursor."""
        if (chosen := self._chosen()) is not None:
            acting.change(self.andon, chosen, Action(name))

    def action_compensate(self) -> None:
        """Take back what these posted."""
        if (chosen := self._chosen()) is not None:
            acting.compensate(self.andon, chosen)

    def action_resolve(self) -> None:
        """Say what became of these."""
        if (chosen := self._chosen()) is not None:
            acting.resolve(self.andon, chosen)

    def _chosen(self) -> Chosen | None:
        table = self.table
        if table.all_marked:
            current = table.current()
            return Chosen([] if current is None else [current], self.filter, table.window.total)
        some = table.selected()
        if not some:
            self.notify(_NOTHING_HERE, severity="warning")
            return None
        return Chosen(some, None, len(some))

    def action_act(self, name: str) -> None:
        """Plan an action on what is marked, or on the one under the cursor."""
        action, table = Action(name), self.table
        if table.all_marked:
            self.andon.draft(Draft(action=action, filter=self.filter, count=table.window.total))
            return
        chosen = table.selected()
        if not chosen:
            self.notify(_NOTHING_HERE, severity="warning")
        elif action is Action.RESTORE and all(one.status is not Status.DISCARDED for one in chosen):
            self.notify("Only discarded ones can be restored. Filter with status:discarded.", severity="warning")
        else:
            self.andon.draft(Draft(action=action, ids=[one.id for one in chosen], count=len(chosen)))
