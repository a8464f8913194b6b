"""What the pages of a gateway have in common: they show a state, follow a filter, and tell what the cursor is on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, ParamSpec

from rich.cells import cell_len
from rich.text import Text
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from console.governing import Governed
from console.widgets.rule import Divider
from console.widgets.sentences import labelled

P = ParamSpec("P")
LEAST_PLACE = 8
"""Cells of a place below which it is left out."""


class Pane(Vertical):
    """One page of a gateway.

    Attributes:
        ORDERS: the orders that its rows can have, the first one to begin with.
    """

    ORDERS: ClassVar[tuple[str, ...]] = ()

    class Picked(Message):
        """The cursor is on something else."""

        def __init__(self, pane: Pane) -> None:
            super().__init__()
            self.pane = pane

        def can_replace(self, message: Message) -> bool:
            """Only where it came to rest matters."""
            return isinstance(message, Pane.Picked) and message.pane is self.pane

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.governed: Governed | None = None
        self.words: tuple[str, ...] = ()
        self.order = self.ORDERS[0] if self.ORDERS else ""
        self._texts: dict[str, str] = {}

    # What the screen asks

    def show(self, governed: Governed) -> None:
        """Show a state of the gateway."""
        self.governed = governed
        self.forget_texts()
        self.fill()

    def forget_texts(self) -> None:
        """What rows say is not what they said."""
        self._texts.clear()

    def narrow(self, words: Sequence[str]) -> None:
        """Show only what has all of these words in it."""
        self.words = tuple(word.casefold() for word in words)
        self.fill()

    def next_order(self) -> str:
        """Another order; gives its name, empty where there is only one."""
        if len(self.ORDERS) < 2:
            return ""
        self.order = self.ORDERS[(self.ORDERS.index(self.order) + 1) % len(self.ORDERS)]
        self.fill()
        return self.order

    def fill(self) -> None:
        """Show the rows that there are now."""
        raise NotImplementedError

    def go_to(self, address: str) -> bool:
        """Put the cursor on what shows a resource; False where nothing does."""
        raise NotImplementedError

    @property
    def address(self) -> str | None:
        """The address of what the cursor is on."""
        raise NotImplementedError

    @property
    def place(self) -> str:
        """Where it is written, as an editor opens it, where the page itself knows; else empty."""
        return ""

    def counted(self) -> str:
        """How many rows there are, and of what, in words."""
        raise NotImplementedError

    # What pages do

    def passes(self, id: str, texts: Callable[P, Iterable[str | None]], *args: P.args, **kwargs: P.kwargs) -> bool:  # noqa: A002
        """Whether all words of the filter are in what a row says.

        Args:
            id: of the row.
            texts: gives what it says, of the rest; asked once for each state of the gateway.
        """
        if not self.words:
            return True
        whole = self._texts.get(id)
        if whole is None:
            whole = self._texts[id] = "\n".join(each for each in texts(*args, **kwargs) if each).casefold()
        return all(word in whole for word in self.words)

    def say(self, lines: Iterable[tuple[str, str]]) -> None:
        """Sentences about what the cursor is on."""
        tones = self.app.theme_variables
        coloured = {"risky": "late", "drift": "late", "blocked": "failed"}
        self.query_one(".about", Static).update(
            labelled(
                [(label, text, tones[coloured.get(label, "foreground")]) for label, text in lines],
                tones["quiet"],
                width=9,
            )
        )

    def say_empty(self, text: str, tone: str = "quiet") -> None:
        """There is nothing to be on."""
        self.query_one(".about", Static).update(Text(text, self.app.theme_variables[tone]))

    def title(self, text: str, note: str = "") -> None:
        """What the sentences are about, and where it is written."""
        line = self.query_one(Divider)
        # Of a place, its end says more than its beginning.
        room = line.size.width - cell_len(text) - 8
        short = note if cell_len(note) <= room else f"…{note[-(room - 1) :]}" if room >= LEAST_PLACE else ""
        line.show(text, short)
