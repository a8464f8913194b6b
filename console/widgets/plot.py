"""A plot of one line of numbers: bars of eighths, an axis with its largest value, and when it begins and ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text
from textual.widget import Widget

from console.text import fit, one_line

EIGHTHS = " ▁▂▃▄▅▆▇█"
_GAP = "·"
_AXIS = 9  # cells for the numbers on the left, and the rule beside them


def columns(values: Sequence[float | None], width: int) -> list[float | None]:
    """One number for each cell: every number over as many cells as fit. Where there are more numbers than cells, the
    largest of those that share one, so that no peak is lost."""
    if not values or width <= 0:
        return []
    found: list[float | None] = []
    wide = min(width, max(1, width // len(values)) * len(values)) if len(values) <= width else width
    for cell in range(wide):
        first = cell * len(values) // wide
        last = max(first + 1, (cell + 1) * len(values) // wide)
        known = [value for value in values[first:last] if value is not None]
        found.append(max(known) if known else None)
    return found


def bars(values: Sequence[float | None], width: int, height: int) -> list[str]:
    """The bars, ``height`` lines of text, the top first. What is not zero never looks like zero; what is not known is a
    dot on the ground."""
    found = columns(values, width)
    top = max((value for value in found if value is not None), default=0.0)
    lines = []
    for row in range(height, 0, -1):
        ground, line = row == 1, []
        for value in found:
            if value is None:
                line.append(_GAP if ground else " ")
                continue
            full = 0 if top <= 0 or value <= 0 else max(1, round(value / top * height * 8))
            line.append(EIGHTHS[min(8, max(0, full - (row - 1) * 8))])
        lines.append("".join(line))
    return lines


class Plot(Widget):
    """Shows a line of numbers as large as there is room for."""

    DEFAULT_CSS = "Plot { height: 1fr; min-height: 4; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._values: list[float | None] = []
        self._word: Callable[[float], str] = str
        self._ends = ("", "")
        self._nothing = ""

    def show(
        self,
        values: Sequence[float | None],
        word: Callable[[float], str],
        ends: tuple[str, str],
        nothing: str = "nothing to plot",
    ) -> None:
        """Plot these.

        Args:
            values: oldest first; None where a number is not known.
            word: a number with its unit.
            ends: what stands under the first and the last.
            nothing: what is said where no number is known.
        """
        self._values, self._word, self._ends, self._nothing = list(values), word, ends, one_line(nothing)
        self.refresh()

    def render(self) -> Text:
        """The plot."""
        tones = self.app.theme_variables
        height, width = max(1, self.size.height - 1), self.size.width - _AXIS - 2
        known = [value for value in self._values if value is not None]
        if not known or width < 8:
            return Text(f"  {self._nothing}", tones["quiet"])
        text = Text(no_wrap=True)
        top = max(known)
        lines = bars(self._values, width, height)
        for place, line in enumerate(lines):
            label = self._word(top) if place == 0 else (self._word(0.0) if place == len(lines) - 1 else "")
            text.append(f"{fit(label, _AXIS - 1, right=True)} ", tones["quiet"])
            text.append("│", tones["rule"])
            text.append(f"{line}\n", tones["accent"])
        first, last = self._ends
        gap = max(1, len(lines[0]) - len(first) - len(last))
        text.append(f"{' ' * _AXIS}└{first}{' ' * gap}{last}", tones["quiet"])
        return text
