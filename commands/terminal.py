"""What the terminal can show: its width, colours, states as glyph and word, and text made harmless."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import IO

from msgspec import Struct

from transactions.durations import short
from transactions.model import Status
from transactions.steering import escaped

_CODES = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "dim": "2",
    "bold": "1",
}

_GLYPHS: dict[str, tuple[str, str]] = {
    Status.FAILED: ("■", "red"),
    Status.COMPENSATION_FAILED: ("■", "red"),
    Status.IN_DOUBT: ("?", "magenta"),
    Status.PARKED: ("▲", "yellow"),
    Status.PARTLY_PROCESSED: ("▲", "yellow"),
    Status.RETRYING: ("▲", "yellow"),
    Status.HELD: ("◆", "cyan"),
    Status.PROCESSED: ("✓", "green"),
    Status.DUPLICATE: ("✓", "green"),
    Status.RESOLVED: ("✓", "green"),
    Status.COMPENSATED: ("✓", "green"),
    Status.DISCARDED: ("✓", "dim"),
    "ok": ("●", "green"),
    "idle": ("●", "dim"),
    "warning": ("▲", "yellow"),
    "warn": ("▲", "yellow"),
    "down": ("■", "red"),
    "fail": ("■", "red"),
    "done": ("✓", "green"),
    "cancelled": ("◆", "yellow"),
    "stopped": ("■", "red"),
    "skipped": ("◆", "yellow"),
    "send": ("●", "green"),
    "held-behind": ("◆", "cyan"),
    "superseded": ("◆", "dim"),
    "maybe-posted": ("?", "magenta"),
    "refused": ("■", "red"),
}


class Look(Struct, frozen=True, kw_only=True):
    """How to write for people.

    Attributes:
        width: columns of the terminal; None where it is none, and nothing is cut then.
        colour: whether colours may be used.
        now: the moment that ages are counted from.
    """

    width: int | None
    colour: bool
    now: datetime

    def paint(self, text: str, *styles: str) -> str:
        """``text`` in colours, where there may be any."""
        if not self.colour or not text or not styles:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"

    def age(self, moment: datetime | None) -> str:
        """How long ago: ``38m``; empty for None."""
        return "" if moment is None else short(self.now - moment)


def look_at(stream: IO[str], environ: Mapping[str, str], now: datetime, *, no_colour: bool) -> Look:
    """What ``stream`` can show."""
    terminal = stream.isatty()
    colour = terminal and not no_colour and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return Look(width=shutil.get_terminal_size().columns if terminal else None, colour=colour, now=now)


def plain(text: str) -> str:
    """``text`` with what would steer a terminal made visible: ``ESC [31m`` comes out as ``\\x1b[31m``."""
    return escaped(text)


def one_line(text: str) -> str:
    """``text`` harmless and on one line."""
    return plain(" ".join(text.split()))


def width_of(text: str) -> int:
    """Columns that ``text`` takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def state(word: str) -> tuple[str, str]:
    """A state as glyph and word, and its style."""
    glyph, style = _GLYPHS.get(word, ("●", "blue"))
    return f"{glyph} {word}", style


def cut(text: str, width: int) -> str:
    """``text`` cut at its end to ``width`` columns."""
    if width_of(text) <= width:
        return text
    while text and width_of(text) > width - 1:
        text = text[:-1]
    return text + "…"


def cut_middle(text: str, width: int) -> str:
    """An id shortened in the middle: both ends are what people compare."""
    if len(text) <= width or width < 5:
        return cut(text, width)
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[-tail:]}"


def due(look: Look, moment: datetime | None) -> str:
    """Time left until ``moment``; negative when it has passed."""
    return "" if moment is None else short(moment - look.now)


def spoken(span: timedelta) -> str:
    """An age in a sentence: ``38m ago``."""
    return "just now" if span < timedelta(seconds=1) else f"{short(span)} ago"


def size_of(environ: Mapping[str, str]) -> str:
    """The terminal's size and kind, for ``andon doctor``."""
    size = shutil.get_terminal_size()
    return f"{environ.get('TERM', 'unknown')}, {size.columns}x{size.lines}{'' if os.name != 'nt' else ', Windows'}"
