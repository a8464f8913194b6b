"""Consumers against scopes: rows and columns by the thousand, of which only what is in sight is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widgets import Static

from console.governing import Governed
from console.looks import Look, Tone
from console.text import clean, number, one_line, shorten
from console.widgets.gateway.pane import Pane
from console.widgets.many import ManyTable
from console.widgets.rule import Divider
from console.widgets.table import Cell, Column, Piece, Row, Table
from gateway_policies.model import Risk
from gateway_policies.overview.matrix import How, Mark
from gateway_policies.overview.words import about_mark

COLUMNS = (
    Column("consumer", "consumer", 22),
    Column("place", "system", 15, least=110),
    Column("owner", "owner", 18, least=160),
    Column("cells", "", 10, flex=True),
)
PITCH = (2, 16)
"""The fewest and the most cells of a scope."""
ABREAST = 6
"""From so many cells on, a scope's name is written from left to right, its parts below each other."""
PARTS = 3
LOOKS = {
    How.GRANTED: Look("●", "granted", Tone.FINE),
    How.INHERITED: Look("○", "by wildcard", Tone.ACCENT),
    How.EXPIRING: Look("▲", "ends soon", Tone.LATE),
    How.EXPIRED: Look("✕", "ended", Tone.FAILED),
}
NOTHING = ("·", Tone.QUIET)
RISKY = "!"
RISKS: dict[Risk | None, tuple[str, Tone]] = {
    Risk.FINANCIAL: ("F", Tone.FAILED),
    Risk.QUALITY: ("Q", Tone.LATE),
    Risk.OPERATIONAL: ("O", Tone.PLAIN),
    Risk.LOW: ("L", Tone.QUIET),
    None: ("?", Tone.DOUBT),
}
LEGEND = "● granted  ○ by wildcard  ▲ ends soon  ✕ ended  ! risky"
NAMES = (4, 16)
"""The fewest and the most lines for the names of scopes."""


class MatrixTable(ManyTable):
    """Consumers below each other, scopes beside each other; the cursor is on one of each."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move_scope(-1)", "scope before", show=False, id="consumers.before"),
        Binding("right", "move_scope(1)", "next scope", show=False, id="consumers.next"),
        Binding("n", "next_held", "next it has", id="consumers.next-held"),
    ]

    scope: reactive[int] = reactive(0)

    class ScopeMoved(Message):
        """The cursor is on another scope."""

    def __init__(self) -> None:
        super().__init__(COLUMNS, self._row, id="consumers-table")
        self.governed: Governed | None = None
        self.scopes: tuple[str, ...] = ()
        self._first, self._wanted = 0, 0

    def show(self, governed: Governed, ids: list[str]) -> None:
        """Show these consumers."""
        held = self.scopes[self.scope] if self.scope < len(self.scopes) else None
        self.governed, self.scopes = governed, governed.matrix.scopes
        self._wanted = max((len(part) for each in self.scopes for part in each.split(".")), default=0) + 1
        if held in self.scopes:
            self.set_reactive(MatrixTable.scope, self.scopes.index(held))
        self.show_ids(ids)

    @property
    def scope_name(self) -> str | None:
        """The scope that the cursor is on."""
        return self.scopes[self.scope] if self.scope < len(self.scopes) else None

    # Where scopes are

    @property
    def _pitch(self) -> int:
        least, most = PITCH
        return max(least, min(self.width_of("cells") // max(1, len(self.scopes)), self._wanted, most))

    @property
    def _room(self) -> int:
        return max(1, self.width_of("cells") // self._pitch)

    @property
    def _shown_scopes(self) -> tuple[str, ...]:
        return self.scopes[self._first : self._first + self._room]

    def header_lines(self) -> int:
        """A line of risks, and names from above to below."""
        return 1 + self._name_lines()

    def _name_lines(self) -> int:
        if self._pitch >= ABREAST:
            return max((len(_parts(each)) for each in self._shown_scopes), default=1)
        least, most = NAMES
        longest = max((len(each) for each in self._shown_scopes), default=least)
        return max(least, min(longest, most, self.size.height // 2 - 1))

    def header_line(self, y: int, width: int) -> Strip:
        """One line of the names."""
        lines, pitch, style = self._name_lines(), self._pitch, self._style(Tone.QUIET)
        left = self._left_of_cells(width)
        last = y == self.header_lines() - 1
        titles = super().header_line(y, width).crop(0, left) if last else Strip.blank(left, style)
        segments = [Segment("  risk".ljust(left), style)] if y == 0 else list(titles)
        for place, scope in enumerate(self._shown_scopes, self._first):
            sign, tone = RISKS[None if self.governed is None else self.governed.matrix.risk(scope)]
            if y:
                sign = _name_line(scope, y - 1, lines, pitch)
                tone = Tone.BRIGHT if place == self.scope else Tone.QUIET
            picked = place == self.scope and y > 0 and bool(sign)
            segments.append(Segment(sign, self._style(tone, picked=picked)))
            segments.append(Segment(" " * (pitch - cell_len(sign)), style))
        return Strip(segments).adjust_cell_length(width, style)

    def _left_of_cells(self, width: int) -> int:
        return 2 + sum(cells + 2 for column, cells in self._shown(width) if column.key != "cells")

    def _row(self, consumer: str) -> Row:
        assert self.governed is not None
        who, held = self.governed.access.consumers[consumer], self.governed.matrix.row(consumer)
        shown = self._shown_scopes
        marks = [held.get(each) for each in shown]
        at_cursor = consumer == self.current_id
        picked = self.scope - self._first if at_cursor else -1
        pitch = self._pitch
        pieces = [piece for place, mark in enumerate(marks) for piece in _pieces(mark, place == picked, pitch)]
        blank = self.width_of("cells") - pitch * len(shown)
        cells = [
            Cell(one_line(consumer), Tone.BRIGHT if held else Tone.QUIET),
            Cell(one_line(" ".join(each for each in (who.system, who.plant) if each)), Tone.QUIET),
            Cell(one_line(who.owner), Tone.QUIET),
            Cell("", pieces=[*pieces, Piece(" " * max(0, blank), Tone.PLAIN)]),
        ]
        return Row(consumer, (who, tuple(marks), shown, picked, pitch), cells)

    # Moving

    def validate_scope(self, scope: int) -> int:
        """Within the scopes there are."""
        return max(0, min(scope, len(self.scopes) - 1))

    def watch_scope(self) -> None:
        """Keep it in sight, and tell who listens."""
        self._follow()
        self.post_message(self.ScopeMoved())

    def _follow(self) -> None:
        room = self._room
        self._first = max(0, min(self._first, len(self.scopes) - room))
        if self.scope < self._first:
            self._first = self.scope
        elif self.scope >= self._first + room:
            self._first = self.scope - room + 1
        self.redraw()

    def on_resize(self, event: events.Resize) -> None:
        """More or fewer scopes have room."""
        self._follow()

    def action_move_scope(self, by: int) -> None:
        """Another scope."""
        self.scope += by

    def action_next_held(self) -> None:
        """The next scope that this consumer has."""
        consumer = self.current_id
        if self.governed is None or consumer is None:
            return
        held = self.governed.matrix.row(consumer)
        places = [place for place, scope in enumerate(self.scopes) if scope in held]
        if places:
            self.scope = next((each for each in places if each > self.scope), places[0])

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor to a scope, too."""
        offset = event.get_content_offset(self)
        if offset is not None:
            place = (offset.x - self._left_of_cells(self._width)) // self._pitch
            if 0 <= place < len(self._shown_scopes):
                self.scope = self._first + place
        super().on_click(event)


@lru_cache(maxsize=4096)
def _parts(scope: str) -> tuple[str, ...]:
    parts = one_line(scope).split(".")
    return (*parts[: PARTS - 1], ".".join(parts[PARTS - 1 :])) if len(parts) > PARTS else tuple(parts)


@lru_cache(maxsize=4096)
def _downwards(scope: str, lines: int) -> str:
    name = one_line(scope)
    # What scopes are about tells them apart more than what they allow of it.
    return name.rjust(lines) if len(name) <= lines else f"{name[: lines - 3]}…{name[-2:]}"


def _name_line(scope: str, y: int, lines: int, pitch: int) -> str:
    """A line of a scope's name: one of its parts, or where there is no room for these, one of its letters."""
    if pitch >= ABREAST:
        parts = _parts(scope)
        place = y - (lines - len(parts))
        return shorten(parts[place], pitch - 1) if place >= 0 else ""
    return _downwards(scope, lines)[y : y + 1].strip()


def _pieces(mark: Mark | None, picked: bool, pitch: int) -> tuple[Piece, Piece]:
    blank = " " * (pitch - 2)
    if mark is None:
        return Piece(NOTHING[0], NOTHING[1], picked), Piece(f" {blank}", Tone.PLAIN)
    look = LOOKS[mark.how]
    tone = Tone.LATE if mark.risky and mark.how in (How.GRANTED, How.INHERITED) else look.tone
    return Piece(look.glyph, tone, picked), Piece(f"{RISKY if mark.risky else ' '}{blank}", Tone.LATE)


class ConsumersPane(Pane):
    """Every consumer against every scope."""

    ORDERS = ("by name", "what wants a look")

    def __init__(self) -> None:
        super().__init__(id="consumers")

    def compose(self) -> ComposeResult:
        """The matrix, what its signs mean, and sentences about one cell."""
        yield MatrixTable()
        yield Static(LEGEND, classes="legend", markup=False)
        yield Divider()
        yield Static(classes="about", markup=False)

    @property
    def table(self) -> MatrixTable:
        """The matrix."""
        return self.query_one(MatrixTable)

    def fill(self) -> None:
        """The consumers that pass the filter, in order."""
        governed = self.governed
        if governed is None:
            return
        kept = [each for each in governed.matrix.consumers if self.passes(each, _texts_of, each, governed)]
        if self.order != self.ORDERS[0]:
            kept.sort(key=governed.matrix.urgency)
        self.table.show(governed, kept)
        self._tell()

    def go_to(self, address: str) -> bool:
        """To a consumer, a grant, the first consumer that has a scope, or the first that an issuer speaks for."""
        kind, _, name = address.partition(".")
        table, governed = self.table, self.governed
        if governed is None:
            return False
        if kind == "scope":
            if name not in table.scopes:
                return False
            table.scope = table.scopes.index(name)
            has = (each for each in table.ids if governed.matrix.cell(each, name) is not None)
            first = next(has, None)
            return first is None or table.go_to(first)
        if kind == "issuer":
            known = (each for each in table.ids if governed.access.known_by(each) == name)
            first = next(known, None)
            return first is not None and table.go_to(first)
        consumer, _, rest = name.partition(".")
        scope = rest.partition(".")[2]
        if scope in table.scopes:
            table.scope = table.scopes.index(scope)
        found = kind == "consumer" and table.go_to(consumer)
        if found and not scope:
            table.action_next_held()
        return found

    @property
    def address(self) -> str | None:
        """The grant's, or the consumer's where it has none."""
        consumer, mark = self.table.current_id, self._mark()
        if consumer is None:
            return None
        return f"consumer.{consumer}" if mark is None else mark.given.grant.address

    def _mark(self) -> Mark | None:
        consumer, scope = self.table.current_id, self.table.scope_name
        if self.governed is None or consumer is None or scope is None:
            return None
        return self.governed.matrix.cell(consumer, scope)

    def counted(self) -> str:
        """How many of each."""
        total = 0 if self.governed is None else len(self.governed.matrix.consumers)
        shown, scopes = len(self.table.ids), len(self.table.scopes)
        consumers = number(shown) if shown == total else f"{number(shown)} of {number(total)}"
        return f"{consumers} consumers by {number(scopes)} scopes"

    def on_table_moved(self, message: Table.Moved) -> None:
        """Another consumer."""
        message.stop()
        self._tell()

    def on_matrix_table_scope_moved(self, message: MatrixTable.ScopeMoved) -> None:
        """Another scope."""
        message.stop()
        self._tell()

    def _tell(self) -> None:
        consumer, scope = self.table.current_id, self.table.scope_name
        if self.governed is None or consumer is None:
            self.title("")
            self.say_empty("The gateway has no consumer." if not self.words else "No consumer is like that.")
        else:
            self.say(self._lines(consumer, scope, self.governed))
        self.post_message(self.Picked(self))

    def _lines(self, consumer: str, scope: str | None, governed: Governed) -> Iterable[tuple[str, str]]:
        if scope is not None:
            found = about_mark(consumer, scope, self._mark(), governed.matrix, governed.access, governed.seen)
            yield from ((label, clean(text)) for label, text in found)
        yield "kept", governed.owner(self.address or "")


def _texts_of(consumer: str, governed: Governed) -> Iterable[str | None]:
    who, held = governed.access.consumers[consumer], governed.matrix.row(consumer)
    yield from (consumer, who.system, who.plant, who.owner)
    for scope, mark in held.items():
        yield from (scope, LOOKS[mark.how].word, governed.matrix.risk(scope), "risky" if mark.risky else None)
