"""An action before it happens: why, what it would do item by item, and the word that lets it run."""

from __future__ import annotations

from collections import Counter
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
from console.looks import Tone, of_verdict
from console.screens.base import AndonScreen, FetchFailed
from console.text import clean, number, one_line, pretty_name, shorten_middle
from console.widgets.rule import Divider
from console.widgets.sentences import labelled
from console.widgets.table import Cell, Column, Row, RowTable, Table
from transactions.errors import AndonError, Stale, Unreachable
from transactions.plans import Action, Plan, PlanItem, Verdict

ITEMS = (
    Column("verdict", "verdict", 15),
    Column("id", "id", 14),
    Column("flow", "flow", 24, least=90),
    Column("plant", "plant", 5),
    Column("target", "target", 8),
    Column("because", "because", 16, flex=True),
)
ITEMS_SHOWN = 2000


class PlanScreen(AndonScreen):
    """Reason, preview, run. Nothing is sent before the last of them."""

    CSS_PATH = "plan.tcss"
    AUTO_FOCUS = "#reason"
    follows = frozenset()
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.back", "back, nothing is sent", id="plan.back", priority=True),
    ]

    class Arrived(Message):
        """The plan is stored."""

        def __init__(self, plan: Plan) -> None:
            super().__init__()
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
            yield Button("cancel", id="cancel")
        yield Static(id="equivalent", markup=False)

    def on_mount(self) -> None:
        """Begin with the reason."""
        confirm = self.query_one("#confirm", Input)
        confirm.placeholder = f"type {clean(self.andon.context.name)} to run this on production"
        self.query_one("#confirm-line").display = False
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
        text.append(self._sentence(), f"bold {tones['bright']}")
        if self.plan is not None and self.draft.count not in (None, len(self.plan.items)):
            text.append(f"   {number(self.draft.count or 0)} when this page was opened", tones["late"])
        if self.draft.filter is not None:
            text.append(f"\nall that match  {clean(self.draft.filter) or 'everything'}", tones["quiet"])
        self.query_one("#intent", Static).update(text)

    def _sentence(self) -> str:
        if self.draft.action in (Action.HOLD, Action.RELEASE):
            verb = "Hold back deliveries to" if self.draft.action is Action.HOLD else "Release what is held for"
            return f"{verb} {clean(self.draft.place)}"
        count = (self.draft.count or 0) if self.plan is None else len(self.plan.items)
        many = "1 transaction" if count == 1 else f"{number(count)} transactions"
        return f"{str(self.draft.action).capitalize()} {many}"

    def fetch(self) -> None:
        """Nothing to fetch: a plan is made when there is a reason."""

    # Making the plan

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The reason makes the plan; the confirmation runs it."""
        if event.input.id == "confirm":
            self._run()
            return
        reason = event.value.strip()
        if not reason:
            self.notify("A reason is needed: it stays with every transaction this touches.", severity="warning")
            return
        self._say("making the plan …")
        self._make(reason)

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _make(self, reason: str) -> None:
        try:
            plan = await self.andon.source.make_plan(self.draft.request(reason))
        except AndonError as error:
            self.post_message(FetchFailed(error))
        else:
            self.post_message(self.Arrived(plan))

    def fetch_failed(self, error: AndonError) -> None:
        """No plan: nothing is about to happen."""
        super().fetch_failed(error)
        self._say("There is no plan. Nothing was sent. Press enter in the reason to try again.")

    def on_plan_screen_arrived(self, message: Arrived) -> None:
        """Show what it would do."""
        self.plan = message.plan
        self.arrived()
        self._show_intent()
        self._show(message.plan, self.andon.clock.now())
        acts = self._acts(message.plan)
        run = self.query_one("#run", Button)
        run.disabled = not acts
        production = self.andon.context.production and acts
        self.query_one("#confirm-line").display = production
        if production:
            self.query_one("#confirm", Input).focus()
        else:
            (run if acts else self.query_one("#cancel", Button)).focus()

    def _acts(self, plan: Plan) -> bool:
        if plan.action in (Action.HOLD, Action.RELEASE):
            return True
        return any(item.verdict is Verdict.SEND for item in plan.items)

    def _show(self, plan: Plan, now: datetime) -> None:
        tones = self.app.theme_variables
        left = plan.expires_at - now
        self.query_one("#plan-title", Divider).show(
            f"plan {shorten_middle(clean(plan.hash), 13)}", f"valid {left.total_seconds() / 3600:.0f} h, runs once"
        )
        text = Text()
        for verdict in Verdict:
            count, look = plan.verdicts.get(verdict, 0), of_verdict(verdict)
            if not count and verdict is not Verdict.SEND:
                continue
            word = "do it" if verdict is Verdict.SEND and plan.action is not Action.REPLAY else look.word
            text.append(f"{look.glyph} {word} {number(count)}   ", tones[look.tone if count else Tone.QUIET])
        lines = [
            (label, _most(values), tones["foreground"])
            for label, values in (
                ("plants", Counter(item.plant or "none" for item in plan.items)),
                ("targets", Counter(item.target for item in plan.items)),
                ("flows", Counter(pretty_name(item.flow) for item in plan.items)),
                ("risk", Counter(str(item.risk) for item in plan.items)),
            )
        ]
        if not self._acts(plan):
            lines.append(("but", "nothing here can run: every item has a reason against it", tones["late"]))
        self.query_one("#preview", Static).update(Group(text, labelled(lines, tones["quiet"], width=7)))
        # What will not simply go is what a person has to look at, so it comes first.
        items = sorted(plan.items, key=lambda item: item.verdict is Verdict.SEND)[:ITEMS_SHOWN]
        table = self.query_one("#items", RowTable)
        table.display = bool(items)
        table.show_rows([_item_row(item, plan.action) for item in items])
        self.query_one("#equivalent", Static).update(
            Text(self._command(plan), tones["quiet"], no_wrap=True, overflow="ellipsis")
        )

    def _command(self, plan: Plan) -> str:
        return one_line(self.draft.equivalent(plan.reason))

    def on_table_moved(self, message: Table.Moved) -> None:
        """The reason of the row under the cursor, whole."""
        row = self.query_one("#items", RowTable).current()
        because = "" if row is None else row.cells[-1].text
        line = self.query_one("#because", Static)
        line.update(Text(because, self.app.theme_variables["foreground"]))
        line.display = bool(because)

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
        else:
            self.andon.back_to(len(self.app.screen_stack) - 2)

    def _run(self) -> None:
        plan = self.plan
        if plan is None or self._underway:
            return
        if self.andon.context.production and self.query_one("#confirm", Input).value != self.andon.context.name:
            self.notify(
                "The name does not match: nothing was sent. Type it exactly to run on production.", severity="warning"
            )
            self.query_one("#confirm", Input).focus()
            return
        if self.query_one("#reason", Input).value.strip() != plan.reason:
            self.notify("The reason was changed after the plan was made. Press enter in it to make the plan again.")
            self.query_one("#reason", Input).focus()
            return
        self._underway = True
        self.query_one("#run", Button).disabled = True
        self._say("running …")
        self.andon.log_command(self.draft.equivalent(plan.reason))
        self.andon.run_plan(plan)

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


def _most(values: Counter[str]) -> str:
    most = ", ".join(f"{name} {number(count)}" for name, count in values.most_common(6))
    return f"{most} …" if len(values) > 6 else most


def _item_row(item: PlanItem, action: Action) -> Row:
    look = of_verdict(item.verdict)
    word = str(action) if item.verdict is Verdict.SEND and action is not Action.REPLAY else look.word
    return Row(
        item.id,
        item.etag,
        [
            Cell(f"{look.glyph} {word}", look.tone),
            Cell(shorten_middle(clean(item.id), 14), Tone.QUIET),
            Cell(pretty_name(item.flow)),
            Cell(one_line(item.plant or "·")),
            Cell(one_line(item.target)),
            Cell(one_line(item.because or ""), Tone.PLAIN if item.verdict is Verdict.SEND else Tone.BRIGHT),
        ],
    )
