"""What a resolve claims, and what a compensation takes with it: asked over the page, before there is a plan."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Checkbox, Input, RadioButton, RadioSet, Static

from console.acting import Chosen
from console.text import number, one_line
from transactions.plans import PlanOptions, Resolution

_APPLIED, _NOT_APPLIED = "it was applied", "it was not applied"


class _Asking(ModalScreen[PlanOptions | None]):
    """Takes what an action wants to know; gives it back as options, or None."""

    CSS_PATH = "undoing.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", show=False)]

    def __init__(self, chosen: Chosen) -> None:
        """``chosen`` is what it is about."""
        super().__init__()
        self._chosen = chosen

    def say(self, title: str, sentences: str) -> None:
        """What it is about, and what happens next."""
        tones = self.app.theme_variables
        text = Text(f"{title}\n", f"bold {tones['bright']}")
        text.append(sentences, tones["quiet"])
        self.query_one("#about", Static).update(text)

    def action_cancel(self) -> None:
        """Nothing is planned."""
        self.dismiss(None)


class ResolveScreen(_Asking):
    """What became of it, and what shows that."""

    AUTO_FOCUS = "#outcome"

    def compose(self) -> ComposeResult:
        """The two outcomes, and the line for the evidence."""
        with Vertical():
            yield Static(id="about", markup=False)
            with RadioSet(id="outcome"):
                yield RadioButton(_APPLIED, value=True)
                yield RadioButton(_NOT_APPLIED)
            yield Input(placeholder="evidence: document 4900012345, who looked where", id="evidence", max_length=1000)

    def on_mount(self) -> None:
        """Say that the target has the last word."""
        chosen = self._chosen
        what = f"what is {chosen.some[0].status}" if chosen.count == 1 else f"{number(chosen.count)} transactions"
        self.say(
            f"Resolve {what} at {chosen.targets}",
            "What the target says counts, where it can be asked, and a claim against it is refused. "
            "Space chooses, tab goes to the evidence, enter there plans it. Nothing is changed by that.",
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Done, where there is evidence."""
        evidence = event.value.strip()
        if not evidence:
            self.notify("Evidence is needed: what shows that it is so.", severity="warning")
            return
        chosen = self.query_one("#outcome", RadioSet).pressed_index
        outcome = Resolution.NOT_APPLIED if chosen == 1 else Resolution.APPLIED
        self.dismiss(PlanOptions(resolve_as=outcome, evidence=evidence))


class CompensateScreen(_Asking):
    """This one or its whole process, and the day that it is posted on."""

    AUTO_FOCUS = "#process"

    def compose(self) -> ComposeResult:
        """How much, and when."""
        with Vertical():
            yield Static(id="about", markup=False)
            yield Checkbox("the whole process", id="process")
            yield Input(placeholder="posting day, like 2026-12-01; empty for today", id="day", max_length=10)

    def on_mount(self) -> None:
        """Say what a compensation is."""
        chosen = self._chosen
        what = "what was posted" if chosen.count == 1 else f"what {number(chosen.count)} transactions posted"
        process = (
            "their correlation ids"
            if chosen.count > 1
            else (f"the correlation id {one_line(chosen.some[0].correlation_id)}")
        )
        self.say(
            f"Take back {what} in {chosen.targets}",
            "By reversals, newest first; each target is asked what followed. The whole process is everything with "
            f"{process}. A day is wanted where the period is closed. Tab goes to it, enter there plans the steps. "
            "Nothing is reversed by that.",
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Done, where the day is one."""
        day = event.value.strip()
        try:
            posted = date.fromisoformat(day).isoformat() if day else None
        except ValueError:
            self.notify(f"{one_line(day)} is no day: write it like 2026-12-01.", severity="warning")
            return
        self.dismiss(PlanOptions(process=self.query_one("#process", Checkbox).value, date=posted))
