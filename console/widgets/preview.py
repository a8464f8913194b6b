"""The four answers about one transaction, under a list or as a summary."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from console.text import clean, one_line
from transactions.explanation import explain
from transactions.model import Transaction


class Preview(Static):
    """System says, means, helps, not."""

    def show(self, transaction: Transaction | None) -> None:
        """Explain this transaction; None leaves it empty."""
        self.update(Text() if transaction is None else explained(transaction, dict(self.app.theme_variables)))


def explained(transaction: Transaction, tones: dict[str, str]) -> Text:
    """The sentences, one a line, those without an answer left out."""
    answers = explain(transaction)
    system = transaction.target if transaction.failure is None else transaction.failure.system
    lines = [
        (f"{one_line(system)} says", answers.said, tones["bright"]),
        ("means", answers.means, tones["foreground"]),
        ("helps", answers.helps, tones["foreground"]),
        ("but", answers.never, tones["late"]),
    ]
    text = Text()
    width = max(8, len(lines[0][0]))
    for label, sentence, tone in lines:
        if sentence:
            text.append(f"{label:<{width}}  ", tones["quiet"])
            text.append(one_line(clean(sentence)) + "\n", tone)
    text.rstrip()
    return text
