"""Text from elsewhere, made safe and short for a terminal.

Whatever comes from a document, a system or a person may hold escape sequences, other control characters or
characters that change the direction of what follows. Everything the console draws goes through :func:`clean` first.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

from transactions.steering import STEERING

_PICTURES = 0x2400


def clean(text: str) -> str:
    """``text`` with everything a terminal might obey made visible: ESC becomes ``␛``, other controls their picture."""
    return STEERING.sub(_visible, text)


def one_line(text: str) -> str:
    """``text`` clean and on one line, runs of white space as one blank."""
    return " ".join(clean(text).split())


def pretty_name(name: str) -> str:
    """``material-consumption`` as people say it."""
    return one_line(name.replace("-", " "))


def shorten(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, with an ellipsis at the end where something was left out."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def shorten_middle(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, shortened in the middle: ids differ at both ends."""
    if cell_len(text) <= width:
        return text
    if width < 3:
        return shorten(text, width)
    head = (width - 1) // 2
    tail = width - 1 - head
    return f"{text[:head]}…{text[-tail:]}"


def fit(text: str, width: int, *, right: bool = False) -> str:
    """``text`` in exactly ``width`` cells."""
    text = shorten(text, width)
    blank = " " * (width - cell_len(text))
    return blank + text if right else text + blank


def number(value: int) -> str:
    """A count in groups of three, as the command line and the reports write it: ``1,000,000``."""
    return f"{value:,}"


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return "␡"
    return "\ufffd"
