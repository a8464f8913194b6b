"""One batch, followed until it is done. The run belongs to the platform: leaving this page changes nothing about it."""

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
from console.looks import Tone, of_batch, of_item, of_status
from console.screens.base import AndonScreen, FetchFailed
from console.screens.batches import bar, batch_title, finished, undone
from console.text import clean, number, one_line, pretty_name, shorten_middle
from console.widgets.rule import Divider
from console.widgets.table import Cell, Column, Row, RowTable, Table
from transactions.batches import Batch, BatchItem, BatchState, ItemState
from transactions.durations import short
from transactions.errors import AndonError
from transactions.model import Status
from transactions.pages import Page
from transactions.plans import Action

COLUMNS = (
    Column("state", "state", 12),
    Column("id", "transaction", 14),
    Column("flow", "flow", 24, least=80),
    Column("plant", "plant", 5),
    Column("target", "target", 8),
    Column("status", "now", 18, least=90),
    Column("reason", "why", 10, flex=True),
)
ITEMS_SHOWN = 1000
POLL_SECONDS = 1.0
_ENDED = frozenset({BatchState.DONE, BatchState.CANCELLED, BatchState.STOPPED})


class BatchScreen(AndonScreen):
    """Progress, outcome, items."""

    CSS_PATH = "batch.tcss"
    follows = frozenset({"batch", "transaction"})
    wants_act = frozenset({"cancel", "rest", "again"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "cancel", "cancel the rest", id="batch.cancel"),
        Binding("space", "rest", "pause, go on", id="batch.rest"),
        Binding("r", "again", "retry failed", id="batch.again"),
        Binding("y", "copy", "copy id", id="batch.copy"),
    ]

    class Arrived(Message):
        """The batch and its items as they are."""

        def __init__(self, batch: Batch, items: Page[BatchItem]) -> None:
            super().__init__()
            self.batch = batch
            self.items = items

    def __init__(self, batch: Batch) -> None:
        """``batch`` as it was last seen."""
        super().__init__()
        self.followed = batch
        self._failed: list[BatchItem] = []

    @property
    def crumb(self) -> str:  # type: ignore[override]
        """What runs."""
        return batch_title(self.followed)

    def body(self) -> Iterable[Widget]:
        """Outcome first, items below."""
        yield Static(id="outcome", markup=False)
        yield Divider("items", id="items-title")
        yield RowTable(COLUMNS, id="items")
        yield Static(id="because", markup=False)

    def on_mount(self) -> None:
        """The stream tells of progress; asking now and then too does without it."""
        self._show(self.andon.clock.now())
        self.set_interval(POLL_SECONDS, self._poll)

    def _poll(self) -> None:
        if self.is_current and self.followed.state not in _ENDED:
            self.fetch()

    def fetch(self) -> None:
        """Ask how it is."""
        self._fetch()

    @work(group="batch", exclusive=True, exit_on_error=False)
    async def _fetch(self) -> None:
        source = self.andon.source
        try:
            batch = await source.batch(self.followed.id)
            items = await source.batch_items(self.followed.id, ITEMS_SHOWN, None)
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Arrived(batch, items))

    def on_batch_screen_arrived(self, message: Arrived) -> None:
        """Show it."""
        self.followed = message.batch
        self._failed = [item for item in message.items.items if item.state is ItemState.FAILED]
        self.arrived()
        self.refresh_bindings()
        self._show(self.andon.clock.now())
        places = {item.id: item.n for item in message.items.items}
        # What is posted instead of something stands behind it.
        shown = sorted(
            message.items.items, key=lambda item: (_ORDER[item.state], places.get(item.corrects or item.id, 0), item.n)
        )
        self.query_one("#items", RowTable).show_rows([_row(item) for item in shown])
        more = (
            "" if message.items.next_cursor is None else f"first {number(len(shown))} of {number(self.followed.total)}"
        )
        self.query_one("#items-title", Divider).show("items", more)

    def tick(self, now: datetime) -> None:
        """Times move on."""
        self._show(now)

    def _show(self, now: datetime) -> None:
        batch, tones = self.followed, self.app.theme_variables
        look, done = of_batch(batch.state), finished(batch)
        text = Text()
        text.append(f"{look.glyph} {look.word}", f"bold {tones[look.tone]}")
        text.append(f"   {bar(done, batch.total, 30)}  ", tones["accent"])
        text.append(f"{number(done)} of {number(batch.total)}", f"bold {tones['bright']}")
        took = (batch.finished_at or now) - batch.started_at
        text.append(f"   {short(took)}\n\n", tones["quiet"])
        for state in ItemState:
            count, item = batch.counts.get(state, 0), of_item(state)
            if count:
                text.append(f"{item.glyph} {number(count)} {item.word}   ", tones[item.tone])
        text.append(f"\n\n{self._sentence()}\n", tones["foreground"])
        text.append(f"reason  {one_line(batch.reason)}   by {one_line(batch.started_by)}", tones["quiet"])
        self.query_one("#outcome", Static).update(text)

    def _sentence(self) -> str:
        batch, bad = self.followed, undone(self.followed)
        if batch.because is not None:
            return clean(one_line(batch.because))
        if batch.state not in _ENDED:
            return "It runs on the platform and goes on if this page or the console is left."
        if bad == 0:
            return "All of them got where they were meant to."
        if bad == 1:
            return "One did not get where it was meant to: it comes first below, with its reason."
        return f"{number(bad)} did not get where they were meant to: they come first below, each with its reason."

    def on_table_moved(self, message: Table.Moved) -> None:
        """The reason of the row under the cursor, whole."""
        row = self.query_one("#items", RowTable).current()
        because = "" if row is None else row.cells[-1].text
        line = self.query_one("#because", Static)
        line.update(Text(because, self.app.theme_variables["foreground"]))
        line.display = bool(because)

    def on_table_opened(self, message: Table.Opened) -> None:
        """One of its transactions."""
        row = self.query_one("#items", RowTable).current()
        if row is not None:
            self.andon.obey(f"transaction {row.id}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that lead nowhere do not show, and say why (see :meth:`why_not`)."""
        return None if self.why_not(action) else super().check_action(action, parameters)

    def why_not(self, action: str) -> str:
        """What is in the way of one of the keys, in a sentence."""
        if action in ("cancel", "rest") and self.followed.state in _ENDED:
            return f"It has ended: there is nothing left to {'cancel' if action == 'cancel' else 'pause'}."
        if action == "again" and not self.followed.counts.get(ItemState.FAILED):
            return "Nothing failed in it: there is nothing to take again."
        return ""

    def action_copy(self) -> None:
        """Copy the batch's id."""
        self.andon.copy([self.followed.id])

    def action_cancel(self) -> None:
        """What was not sent goes back to where it was."""
        if self.andon.session.may_act("Cancelling"):
            self.andon.log_command(f"andon batches cancel {self.followed.id}")
            self.andon.effects.cancel(self.followed)

    def action_rest(self) -> None:
        """Take up nothing more, or go on."""
        batch, effects = self.followed, self.andon.effects
        paused = batch.state is BatchState.PAUSED
        if self.andon.session.may_act("Going on" if paused else "Pausing"):
            self.andon.log_command(f"andon batches {'resume' if paused else 'pause'} {batch.id}")
            (effects.resume if paused else effects.pause)(batch)

    def action_again(self) -> None:
        """A plan of what failed, which is run like any other."""
        batch = self.followed
        failed = batch.counts.get(ItemState.FAILED, 0)
        if self.andon.session.may_act("Taking again"):
            if len(self._failed) < failed:  # not all of them are on this page
                self.notify(
                    f"andon batches retry-failed {batch.id}", title="Too many for this page: on a command line,"
                )
            else:
                self.andon.draft(again(batch.action, self._failed))


_ORDER = {
    state: place
    for place, state in enumerate(
        (
            ItemState.FAILED,
            ItemState.IN_DOUBT,
            ItemState.SKIPPED,
            ItemState.SENT,
            ItemState.INTENDED,
            ItemState.PLANNED,
            ItemState.CANCELLED,
            ItemState.PROCESSED,
        )
    )
}


def again(action: Action, failed: list[BatchItem]) -> Draft:
    """What takes up again what failed: an edited document is in use by now, and what is posted instead of another is
    there and waits for the reversal."""
    if action is Action.CORRECT:
        standing = [item for item in failed if item.status is Status.COMPENSATION_FAILED]
        action, failed = (Action.COMPENSATE, standing) if standing else (Action.REPLAY, failed)
    elif action is Action.EDIT:
        action = Action.REPLAY
    return Draft(action=action, ids=[item.id for item in failed], count=len(failed))


def _why(item: BatchItem) -> str:
    """The reason, behind what the item is linked to."""
    linked = f"instead of {item.corrects}" if item.corrects else f"reversed by {item.reversal}" if item.reversal else ""
    return one_line(". ".join(part for part in (linked, item.reason) if part))


def _row(item: BatchItem) -> Row:
    look = of_item(item.state)
    now = None if item.status is None else of_status(item.status)
    return Row(
        item.id,
        (item.state, item.status, item.reason, item.reversal),
        [
            Cell(f"{look.glyph} {look.word}", look.tone),
            Cell(shorten_middle(clean(item.id), 14), Tone.QUIET),
            Cell(pretty_name(item.flow)),
            Cell(one_line(item.plant or "·")),
            Cell(one_line(item.target)),
            Cell("" if now is None else f"{now.glyph} {now.word}", Tone.QUIET if now is None else now.tone),
            Cell(_why(item), Tone.BRIGHT),
        ],
    )
