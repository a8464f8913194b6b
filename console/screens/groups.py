"""Groups: failed transactions with the same cause, together; what helps, and the action on all of one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from console.drafts import Draft
from console.looks import Tone
from console.screens.base import AndonScreen, FetchFailed
from console.text import clean, number, one_line
from console.widgets.filter_fault import fault_text
from console.widgets.filter_input import FilterInput
from console.widgets.filter_suggester import FilterSuggester
from console.widgets.groups import SORTS, GroupTable
from console.widgets.rule import Divider
from console.widgets.sentences import labelled
from console.widgets.table import Table
from transactions.errors import AndonError, BadFilter
from transactions.filters.narrowing import only_of
from transactions.group_words import compare, describe
from transactions.groups import Group
from transactions.pages import Page
from transactions.plans import Action

if TYPE_CHECKING:
    from gateway_policies.explaining.changes_before import ChangeBefore
    from gateway_policies.overview.stopped import Call

PAGE = 200
MOST = 1000
"""Groups that one page of the platform has at most."""
_RESTS = 0.15
"""Seconds that the cursor is at a group before it is asked what changed at the gateway before it failed."""


class GroupsScreen(AndonScreen):
    """The largest first; the filter says of which transactions, failed ones unless it says otherwise."""

    CSS_PATH = "groups.tcss"
    AUTO_FOCUS = "GroupTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        # With priority, as on the page of the failed: what is typed right behind the slash is text.
        Binding("slash", "filter", "filter", key_display="/", id="groups.filter", priority=True),
        Binding("r", "act('replay')", "replay", id="groups.replay"),
        Binding("D", "act('discard')", "discard", id="groups.discard"),
        Binding("equals_sign", "compare", "compare", key_display="=", id="groups.compare"),
        Binding("o", "sort", "order", show=False, id="groups.sort"),
        Binding("y", "copy", "copy", show=False, id="groups.copy"),
        Binding("escape", "leave", "back", show=False, id="groups.leave"),
    ]

    class Arrived(Message):
        """Groups. ``asked`` tells answers to an older question apart; ``more`` adds to what is shown."""

        def __init__(self, asked: int, page: Page[Group], *, more: bool) -> None:
            super().__init__()
            self.asked = asked
            self.page = page
            self.more = more

    class Changed(Message):
        """What changed at the gateway before a group failed, and has to do with it."""

        def __init__(self, fingerprint: str, changes: list[ChangeBefore]) -> None:
            super().__init__()
            self.fingerprint = fingerprint
            self.changes = changes

    def __init__(self, filter: str = "") -> None:  # noqa: A002
        super().__init__()
        self.filter = filter
        self._asked = 0
        self._shown_for = -1
        self._groups: list[Group] = []
        self._next: str | None = None
        self._pair: tuple[Group, Group] | None = None
        self._changes: dict[str, list[ChangeBefore]] = {}

    @property
    def crumb(self) -> str:  # type: ignore[override]
        """The filter is where one is."""
        return f"groups  {clean(self.filter)}" if self.filter else "groups"

    def body(self) -> Iterable[Widget]:
        """Filter, table, and the group under the cursor in words."""
        yield FilterInput(
            self.filter,
            placeholder="plant:P02 help:data age>15m",
            id="filter",
            select_on_focus=False,
            suggester=FilterSuggester(self.andon.source),
        )
        yield Static(id="filter-fault", markup=False)
        yield Divider("loading …", id="counts")
        yield GroupTable(id="groups")
        yield Static(id="empty", markup=False)
        yield Divider(id="detail-title")
        yield Static(id="detail", markup=False)

    @property
    def table(self) -> GroupTable:
        """The table."""
        return self.query_one(GroupTable)

    def on_mount(self) -> None:
        """Only what has something to say shows."""
        self.query_one("#filter-fault").display = False
        self.query_one("#empty").display = False

    # Fetching

    def fetch(self) -> None:
        """As many groups as are shown, or the first ones where the question is another."""
        shown = len(self._groups) if self._shown_for == self._asked else 0
        self._fetch(self._asked, min(MOST, max(PAGE, shown)), None)

    @work(group="groups", exclusive=True, exit_on_error=False)
    async def _fetch(self, asked: int, limit: int, cursor: str | None) -> None:
        try:
            page = await self.andon.source.groups(self.filter, self.table.sort, limit, cursor)
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Arrived(asked, page, more=cursor is not None))

    def on_groups_screen_arrived(self, message: Arrived) -> None:
        """Show them."""
        if message.asked != self._asked:
            return
        if message.more:
            known = {group.fingerprint for group in self._groups}
            self._groups += [group for group in message.page.items if group.fingerprint not in known]
        else:
            self._groups = list(message.page.items)
        self._next = message.page.next_cursor
        if self._shown_for != self._asked:
            self._shown_for = self._asked
            self.table.to_top()
        self.query_one("#filter-fault").display = False
        self.arrived()
        self.table.show(self._groups, self.andon.clock.now())
        self._say()

    @work(group="changes", exclusive=True, exit_on_error=False)
    async def _ask_changes(self, fingerprint: str) -> None:
        await asyncio.sleep(_RESTS)
        with suppress(AndonError):  # the page is whole without; what is wrong with the platform is told by the list
            found = await self.andon.source.changes_before(fingerprint)
            self.post_message(self.Changed(fingerprint, [each for each in found if each.concerns]))

    def on_groups_screen_changed(self, message: Changed) -> None:
        """Tell it, where the cursor is still there."""
        self._changes[message.fingerprint] = message.changes
        if message.changes:
            self._say()

    def on_group_table_ending(self) -> None:
        """The last row at hand is in sight: there may be more."""
        if self._next is not None and self._shown_for == self._asked:
            cursor, self._next = self._next, None
            self._fetch(self._asked, PAGE, cursor)

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
        if self.fetched_at is not None:
            self.table.tick(now)

    def on_table_moved(self, message: Table.Moved) -> None:
        """The words follow the cursor."""
        self._pair = None
        self._say()

    def on_group_table_marks_changed(self) -> None:
        """Say how many."""
        self._say()

    def _say(self) -> None:
        arrived, table = self.fetched_at is not None, self.table
        empty = arrived and not self._groups
        self.query_one("#empty").display = empty
        for name in ("#groups", "#detail", "#detail-title"):
            self.query_one(name).display = not empty
        if empty:
            tones = self.app.theme_variables
            text = Text("● no group matches\n" if self.filter else "● nothing is failing\n", tones["fine"])
            text.append("/ changes the filter, esc goes back", tones["quiet"])
            self.query_one("#empty", Static).update(text)
        marked = f"{len(table.marks)} marked" if table.marks else ""
        more = "+" if self._next is not None else ""
        counts = f"{number(table.cursor + 1)} of {number(len(self._groups))}{more}" if self._groups else ""
        self.query_one("#counts", Divider).show(marked if arrived else "loading …", counts)
        if self._pair is None:
            self._tell(table.chosen())
        else:
            self._tell_apart(*self._pair)

    def _tell(self, group: Group | None) -> None:
        detail, title = self.query_one("#detail", Static), self.query_one("#detail-title", Divider)
        if group is None:
            detail.update("")
            title.show("")
            return
        if group.fingerprint not in self._changes:
            self._ask_changes(group.fingerprint)
        words, tones = describe(group, self.andon.clock.now()), dict(self.app.theme_variables)
        lines = [
            ("says", f"{group.code}  {group.template}", tones[Tone.FAILED]),
            ("helps", words.helps, tones["accent"]),
            ("never", words.never, tones[Tone.LATE]),
            ("replays", words.repeats, tones[Tone.LATE if group.repeated else Tone.QUIET]),
            ("where", words.where, tones["foreground"]),
            ("when", words.when, tones["foreground"]),
            *self._before(group, tones),
        ]
        detail.update(labelled(lines, tones["quiet"], width=7))
        title.show(f"group {clean(group.fingerprint)}", one_line(group.kind))

    def _before(self, group: Group, tones: dict[str, str]) -> list[tuple[str, str, str]]:
        """The change of the gateway that is nearest to its first failure, and how it is taken back."""
        found = self._changes.get(group.fingerprint)
        if not found:
            return []
        from gateway_policies.explaining.changes_before import in_words

        return [("before", in_words(found[0]), tones[Tone.LATE]), ("undo", found[0].undo, tones["accent"])]

    def _tell_apart(self, this: Group, other: Group) -> None:
        difference, tones = compare(this, other), dict(self.app.theme_variables)
        lines = [("why two", difference.because, tones["bright"])]
        for part in difference.parts:
            lines += [(part.name, part.this, tones["foreground"]), ("", part.other, tones["foreground"])]
        self.query_one("#detail", Static).update(labelled(lines, tones["quiet"], width=8))
        self.query_one("#detail-title", Divider).show(f"{clean(this.fingerprint)} and {clean(other.fingerprint)}")

    # Going on

    def refused_call(self) -> Call | None:
        """The group under the cursor, where a policy stopped what is in it; it does not say whose calls they were."""
        from console.stopped import call_of_group

        row = self.query_one(GroupTable).current()
        return None if row is None else call_of_group(self.query_one(GroupTable).groups[row.id])

    def action_filter(self) -> None:
        """Write the filter."""
        box = self.query_one("#filter", Input)
        if self.focused is box:
            box.post_message(events.Key("slash", "/"))
            return
        box.cursor_position = len(box.value)
        self.set_focus(box)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Another filter: another list."""
        self.filter = event.value.strip()
        self._ask_anew()
        self.table.focus()

    def action_leave(self) -> None:
        """From the filter to the table; from two groups to one; from marks to none; else back."""
        box, table = self.query_one("#filter", Input), self.table
        if box.has_focus:
            box.value = self.filter
            table.focus()
        elif self._pair is not None or table.marks:
            self._pair = None
            table.clear_marks()
        else:
            self.andon.back_to(len(self.app.screen_stack) - 2)

    def on_table_header_clicked(self, message: Table.HeaderClicked) -> None:
        """Order by a column, the other way round at the second click."""
        field = SORTS.get(message.key)
        if field is not None:
            self._sort_by(field)

    def action_sort(self) -> None:
        """The next order."""
        orders = list(SORTS.values())
        self._sort_by(orders[(orders.index(self.table.sort.removeprefix("-")) + 1) % len(orders)])

    def _sort_by(self, field: str) -> None:
        self.table.sort = field if self.table.sort == f"-{field}" else f"-{field}"
        self._ask_anew()

    def _ask_anew(self) -> None:
        self._asked += 1
        self._pair = None
        self.andon.show_place()
        self.again()

    def action_compare(self) -> None:
        """Why the two that are marked, or the one that is and the one under the cursor, are two."""
        table, current = self.table, self.table.chosen()
        pair = [table.groups[mark] for mark in table.marks]
        if len(pair) == 1 and current is not None and current.fingerprint != pair[0].fingerprint:
            pair.append(current)
        if len(pair) < 2:
            self.notify("Mark two groups with space, or one and go to another.", severity="warning")
            return
        self._pair = (pair[0], pair[1])
        self._say()

    def action_copy(self) -> None:
        """Copy the fingerprint."""
        group = self.table.chosen()
        if group is not None:
            self.andon.copy([group.fingerprint])

    def on_table_opened(self, message: Table.Opened) -> None:
        """The transactions of one group."""
        group = self.table.chosen()
        if group is not None:
            self.andon.obey(f"failed {only_of(self.filter, group.fingerprint)}")

    def action_act(self, name: str) -> None:
        """Plan an action on every transaction of the group that matches."""
        group = self.table.chosen()
        if group is None:
            self.notify("There is no group here to act on. Change the filter with /.", severity="warning")
            return
        of = only_of(self.filter, group.fingerprint)
        self.andon.draft(Draft(action=Action(name), filter=of, count=group.count))
