"""An action before it happens: why, what it would do item by item, and the word that lets it run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from rich.console import Group
from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from console.drafts import Draft
from console.screens.base import AndonScreen, FetchFailed
from console.text import clean, number, one_line, shorten_middle
from console.widgets.plan_preview import ITEMS, PLACED, acts, details, facts, room, rows, sentence, totals
from console.widgets.rule import Divider
from console.widgets.sentences import Line, labelled
from console.widgets.table import RowTable, Table
from transactions.approvals import REVIEW_WITHIN
from transactions.errors import AndonError, Stale, Unreachable
from transactions.people import Permission
from transactions.plans import Plan

GLASS = "break glass"
"""What is typed to run without the second person that is wanted."""


class PlanScreen(AndonScreen):
    """Reason, preview, run. Nothing is sent before the last of them."""

    CSS_PATH = "plan.tcss"
    AUTO_FOCUS = "#reason"
    follows = frozenset()
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.back", "back, nothing is sent", id="plan.back", priority=True),
        Binding("ctrl+g", "glass", "break glass", id="plan.break-glass"),
    ]

    class Arrived(Message):
        """The plan of a draft is stored."""

        def __init__(self, draft: Draft, plan: Plan) -> None:
            super().__init__()
            self.draft = draft
            self.plan = plan

    def __init__(self, draft: Draft) -> None:
        """``draft`` says what shall be done."""
        super().__init__()
        self.draft = draft
        self.plan: Plan | None = None
        self._underway = False

    @property
    def crumb(self) -> str:  # type: ignore[override]
        """What shall be done."""
        return self.draft.title

    def body(self) -> Iterable[Widget]:
        """Top to bottom in the order it is read."""
        yield Static(id="intent", markup=False)
        with Horizontal(classes="line"):
            yield Static("reason", classes="label")
            yield Input(placeholder="why: the cause, what was mended, a ticket", id="reason", max_length=500)
        yield Divider("plan", id="plan-title")
        yield Static(id="preview", markup=False)
        yield RowTable(ITEMS, id="items")
        yield Static(id="because", markup=False)
        with Horizontal(classes="line", id="confirm-line"):
            yield Static("confirm", classes="label")
            yield Input(id="confirm")
        with Horizontal(id="buttons"):
            yield Button("run", id="run", disabled=True)
            yield Button("break glass …", id="glass")
            yield Button("cancel", id="cancel")
        yield Static(id="equivalent", markup=False)

    def on_mount(self) -> None:
        """Begin with the reason."""
        self.query_one("#confirm-line").display = False
        self.query_one("#glass").display = False
        self.query_one("#items").display = False
        self._show_intent()
        self.query_one("#preview", Static).update(
            Text(
                "Write the reason and press enter: the plan is made and shown here. Nothing is sent by that.",
                self.app.theme_variables["quiet"],
            )
        )

    def _show_intent(self) -> None:
        tones = self.app.theme_variables
        text = Text()
        text.append(sentence(self.draft.action, self.draft.options, self._count), f"bold {tones['bright']}")
        if self.plan is not None and self.draft.count not in (None, len(self.plan.items)):
            text.append(f"   {number(self.draft.count or 0)} when this page was opened", tones["late"])
        if self.draft.filter is not None:
            text.append(f"\nall that match  {clean(self.draft.filter) or 'everything'}", tones["quiet"])
        self.query_one("#intent", Static).update(text)

    @property
    def _count(self) -> int:
        return (self.draft.count or 0) if self.plan is None else len(self.plan.items)

    def fetch(self) -> None:
        """Nothing to fetch: a plan is made when there is a reason."""

    # Making the plan

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The reason makes the plan; the confirmation runs it."""
        if event.input.id == "confirm":
            self._run()
        else:
            self._plan(self.draft.breaking_glass(False))

    def _plan(self, draft: Draft) -> None:
        reason = self.query_one("#reason", Input).value.strip()
        if not reason:
            self.notify("A reason is needed: it stays with every transaction this touches.", severity="warning")
            self.query_one("#reason", Input).focus()
            return
        self._say("making the plan …")
        self._make(draft, reason)

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _make(self, draft: Draft, reason: str) -> None:
        try:
            plan = await self.andon.source.make_plan(draft.request(reason))
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Arrived(draft, plan))

    def fetch_failed(self, error: AndonError) -> None:
        """No plan, or none other than the one that shows: nothing is about to happen."""
        super().fetch_failed(error)
        if self.plan is None:
            self._say("There is no plan. Nothing was sent. Press enter in the reason to try again.")
        else:
            self._show(self.plan, self.andon.clock.now())

    def on_plan_screen_arrived(self, message: Arrived) -> None:
        """Show what it would do."""
        self.draft, self.plan = message.draft, message.plan
        self.arrived()
        self._show_intent()
        self._show(message.plan, self.andon.clock.now())
        runs = acts(message.plan)
        run = self.query_one("#run", Button)
        run.disabled = not runs
        run.label = "break the glass, run now" if self._breaks else "ask for approval" if self._asks else "run"
        glass = self.query_one("#glass", Button)
        glass.display = self._may_break
        glass.label = "ask for approval instead" if self._breaks else "break glass …"
        for button in (run, glass):
            # A longer word does not make a button wider by itself.
            button.refresh(layout=True)
        typed = runs and bool(self._word)
        confirm = self.query_one("#confirm", Input)
        confirm.value, confirm.placeholder = "", self._placeholder()
        self.query_one("#confirm-line").display = typed
        self.refresh_bindings()
        if typed:
            confirm.focus()
        else:
            (run if runs else self.query_one("#cancel", Button)).focus()

    # Two people

    @property
    def _asks(self) -> bool:
        """Running it asks somebody else."""
        return self.plan is not None and bool(self.plan.second_person) and not self.plan.options.break_glass

    @property
    def _breaks(self) -> bool:
        """Running it goes without the second person that it wants."""
        return self.plan is not None and bool(self.plan.second_person) and self.plan.options.break_glass

    @property
    def _may_break(self) -> bool:
        return (self._asks or self._breaks) and self.andon.session.may(Permission.BREAK_GLASS)

    @property
    def _word(self) -> str:
        """What has to be typed before it runs; empty where nothing has."""
        words = [GLASS] if self._breaks else []
        return " ".join([*words, self.andon.context.name] if self.andon.context.production else words)

    def _placeholder(self) -> str:
        if self._breaks:
            return f"type {clean(self._word)} to run it without a second person"
        return f"type {clean(self._word)} to {'ask for this' if self._asks else 'run this'} on production"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Breaking glass shows where it can be done."""
        return self._may_break if action == "glass" else True

    def action_glass(self) -> None:
        """Make the plan again, to run without the second person; or back to asking."""
        if not self._underway:
            self._plan(self.draft.breaking_glass(not self._breaks))

    def _people(self, plan: Plan, now: datetime) -> list[Line]:
        tones = self.app.theme_variables
        if not plan.second_person or not acts(plan):
            return []
        why = " ".join(plan.second_person)
        if not plan.options.break_glass:
            said = f"◆ {why} Nothing runs until somebody else approves it."
            return [("why two", said, tones["held"])]
        by = f"{(now + REVIEW_WITHIN).astimezone():%Y-%m-%d %H:%M}"
        said = (
            f"■ Runs without the second person it wants. {why} It is on record, and somebody else reviews it by {by}. "
            "Until an overdue review is done, you cannot do this again."
        )
        return [("glass", said, tones["failed"])]

    def _show(self, plan: Plan, now: datetime) -> None:
        tones = dict(self.app.theme_variables)
        left = plan.expires_at - now
        self.query_one("#plan-title", Divider).show(
            f"plan {shorten_middle(clean(plan.hash), 13)}", f"valid {left.total_seconds() / 3600:.0f} h, runs once"
        )
        lines = [*self._people(plan, now), *facts(plan, tones, most=room(self.size.width))]
        if not acts(plan):
            lines.append(("but", "nothing here can run: every item has a reason against it", tones["late"]))
        parts = [labelled(lines, tones["quiet"], width=7)]
        self.query_one("#preview", Static).update(
            Group(*parts) if plan.action in PLACED else Group(totals(plan, tones), *parts)
        )
        table = self.query_one("#items", RowTable)
        table.display = bool(plan.items)
        table.show_rows(rows(plan))
        self.query_one("#equivalent", Static).update(
            Text(self._command(plan), tones["quiet"], no_wrap=True, overflow="ellipsis")
        )

    def _command(self, plan: Plan) -> str:
        return one_line(self.draft.equivalent(plan.reason))

    def on_table_moved(self, message: Table.Moved) -> None:
        """The row under the cursor, whole: its reason, and what differs in its document."""
        row = self.query_one("#items", RowTable).current()
        told = Text() if self.plan is None else details(self.plan, row, dict(self.app.theme_variables))
        line = self.query_one("#because", Static)
        line.update(told)
        line.display = bool(told)

    def on_table_opened(self, message: Table.Opened) -> None:
        """Look at one of them."""
        row = self.query_one("#items", RowTable).current()
        if row is not None:
            self.andon.obey(f"transaction {row.id}")

    # Running it

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Run, or go back."""
        if event.button.id == "run":
            self._run()
        elif event.button.id == "glass":
            self.action_glass()
        else:
            self.andon.back_to(len(self.app.screen_stack) - 2)

    def _run(self) -> None:
        plan = self.plan
        if plan is None or self._underway:
            return
        if self._word and self.query_one("#confirm", Input).value != self._word:
            self.notify(self._mismatch(), severity="warning")
            self.query_one("#confirm", Input).focus()
            return
        if self.query_one("#reason", Input).value.strip() != plan.reason:
            self.notify("The reason was changed after the plan was made. Press enter in it to make the plan again.")
            self.query_one("#reason", Input).focus()
            return
        self._underway = True
        self.query_one("#run", Button).disabled = True
        self._say("asking …" if self._asks else "running …")
        self.andon.log_command(self.draft.equivalent(plan.reason))
        self.andon.effects.run(plan)

    def _mismatch(self) -> str:
        if self._breaks:
            return f"Nothing was sent. Type exactly {clean(self._word)!r} to run it without a second person."
        return "The name does not match: nothing was sent. Type it exactly to run on production."

    def refused(self, error: AndonError) -> None:
        """The platform did not run it, or did not answer."""
        self._underway = False
        super().fetch_failed(error)
        if isinstance(error, Unreachable):
            self._say("No answer: it may have begun. A plan runs only once, so running it again is safe.")
            self.query_one("#run", Button).disabled = False
        elif isinstance(error, Stale):
            self._say("This plan cannot run any more. Press enter in the reason to make a new one.")
        else:
            self._say("It did not run. Nothing was sent.")

    def _say(self, sentence: str) -> None:
        self.query_one("#preview", Static).update(Text(sentence, self.app.theme_variables["late"]))
