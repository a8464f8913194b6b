"""What is wrong with a filter, told below the line it was written in."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from console.text import clean
from transactions.errors import BadFilter


def fault_text(error: BadFilter, tones: Mapping[str, str]) -> Text:
    """An arrow at the column, what was expected there, and what may have been meant."""
    column = error.extra.get("column")
    text = Text()
    if isinstance(column, int):
        text.append(" " * column + "▲\n", tones["late"])
    text.append(f" {clean(error.detail)}", tones["late"])
    suggestions = error.extra.get("suggestions")
    if isinstance(suggestions, list) and suggestions:
        text.append(f"\n did you mean  {clean('  '.join(str(one) for one in suggestions[:5]))}", tones["foreground"])
    return text
