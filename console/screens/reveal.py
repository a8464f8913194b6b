"""Why masked fields are to be revealed: asked over the page that will show them."""

from __future__ import annotations

import shlex
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from console.text import clean, one_line
from transactions.history import Payload


def equivalent(id: str, revision: int, reason: str) -> str:  # noqa: A002
    """The command that reveals the same."""
    words = ["andon", "transactions", "payload", id, "--revision", str(revision), "--reveal", "--reason", reason]
    return shlex.join(words)


class RevealScreen(ModalScreen[str | None]):
    """Takes a reason; gives it back, or None."""

    CSS_PATH = "reveal.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", show=False)]

    def __init__(self, payload: Payload) -> None:
        """``payload`` is what is masked."""
        super().__init__()
        self._payload = payload

    def compose(self) -> ComposeResult:
        """What is masked, what revealing does, and the line for the reason."""
        with Vertical():
            yield Static(id="about", markup=False)
            yield Input(placeholder="why you have to see it: a ticket, who asked", id="reason", max_length=500)

    def on_mount(self) -> None:
        """Say what it is about."""
        tones = self.app.theme_variables
        payload = self._payload
        text = Text()
        text.append(f"Reveal revision {payload.revision}\n", f"bold {tones['bright']}")
        what = clean(payload.withheld) if payload.withheld else ", ".join(one_line(path) for path in payload.masked)
        text.append(f"masked   {what}\n", tones["foreground"])
        text.append(
            "The platform keeps in its audit that you asked, and why. It is shown on this page only, until you leave "
            "it.\nWrite the reason and press enter; escape reveals nothing.",
            tones["quiet"],
        )
        self.query_one("#about", Static).update(text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Done, where there is a reason."""
        reason = event.value.strip()
        if reason:
            self.dismiss(reason)
        else:
            self.notify("A reason is needed: it is kept in the audit.", severity="warning")

    def action_cancel(self) -> None:
        """Nothing is revealed."""
        self.dismiss(None)
