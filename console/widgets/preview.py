"""The four answers about one transaction, under a list or as a summary."""

from __future__ import annotations

from rich.table import Table
from textual.widgets import Static

from console.widgets.sentences import labelled
from transactions.explanation import explain
from transactions.model import Transaction

ROOM_FOR_ALL = 6
"""Lines that all four answers need, as a rule."""


class Preview(Static):
    """System says, means, helps, never."""

    _explained: Transaction | None = None

    def on_resize(self) -> None:
        """Another height may want another order."""
        self.show(self._explained)

    def show(self, transaction: Transaction | None) -> None:
        """Explain this transaction; None leaves it empty."""
        self._explained = transaction
        if transaction is None:
            self.update("")
            return
        # Where there is no room for all, what must not be done is kept, and the document's keys are cut off.
        means_last = self.size.height < ROOM_FOR_ALL
        self.update(explained(transaction, dict(self.app.theme_variables), means_last=means_last))


def explained(transaction: Transaction, tones: dict[str, str], *, means_last: bool = False) -> Table:
    """The sentences, those without an answer left out."""
    answers = explain(transaction)
    system = transaction.target if transaction.failure is None else transaction.failure.system
    means = ("means", answers.means, tones["foreground"])
    rest = [
        ("helps", answers.helps, tones["foreground"]),
        ("never", answers.never, tones["late"]),
    ]
    rest.insert(len(rest) if means_last else 0, means)
    return labelled([(f"{system} says", answers.said, tones["bright"]), *rest], tones["quiet"])
