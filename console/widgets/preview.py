"""The four answers about one transaction, under a list or as a summary."""

from __future__ import annotations

from rich.table import Table
from textual.widgets import Static

from console.widgets.sentences import labelled
from transactions.explanation import explain
from transactions.model import Transaction


class Preview(Static):
    """System says, means, helps, never."""

    def show(self, transaction: Transaction | None) -> None:
        """Explain this transaction; None leaves it empty."""
        self.update("" if transaction is None else explained(transaction, dict(self.app.theme_variables)))


def explained(transaction: Transaction, tones: dict[str, str]) -> Table:
    """The sentences, those without an answer left out."""
    answers = explain(transaction)
    system = transaction.target if transaction.failure is None else transaction.failure.system
    return labelled(
        (
            (f"{system} says", answers.said, tones["bright"]),
            ("means", answers.means, tones["foreground"]),
            ("helps", answers.helps, tones["foreground"]),
            ("never", answers.never, tones["late"]),
        ),
        tones["quiet"],
    )
