"""Throttles, and whom they hold: a consumer at an API is held by two, and the lower one counts."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.widgets import Static

from console.looks import Tone
from console.text import clean, number, one_line
from console.widgets.gateway.pane import Pane
from console.widgets.many import ManyTable
from console.widgets.rule import Divider
from console.widgets.table import Cell, Column, Row, Table
from gateway_policies.overview.throttling import Held, Limit, Pair, Whose, bucket
from gateway_policies.overview.words import about_pair, about_throttle, quota, rate

THROTTLES = (
    Column("name", "throttle", 18, flex=True),
    Column("rate", "rate", 11, right=True),
    Column("burst", "burst", 7, right=True),
    Column("quota", "quota", 16, right=True),
    Column("apis", "APIs", 4, right=True),
    Column("consumers", "consumers", 9, right=True),
    Column("who", "whose it is", 20, flex=True, least=104),
)
PAIRS = (
    Column("consumer", "consumer", 16, flex=True),
    Column("api", "at API", 16, flex=True),
    Column("rate", "rate by", 16),
    Column("burst", "burst by", 16, least=92),
    Column("quota", "quota by", 16, least=110),
)
OWN, SHARED = "•", "◇"
NAMED = 12
"""So many of those who have a throttle are named in its row, at most."""
SEPARATOR = "\x00"


class ThrottlesPane(Pane):
    """Throttles above; below, for the one under the cursor, whom it can hold where and what counts there."""

    ORDERS = ("by name", "the tightest first")

    def __init__(self) -> None:
        super().__init__(id="throttles")
        self._pairs: dict[str, Pair] = {}
        self._of: str | None = None
        self._stale = True

    def compose(self) -> ComposeResult:
        """Two lists, and sentences about what the cursor is on."""
        yield ManyTable(THROTTLES, self._row, id="throttle-list")
        yield Static(id="pairs-title", classes="legend", markup=False)
        yield ManyTable(PAIRS, self._pair_row, id="pairs")
        yield Divider()
        yield Static(classes="about", markup=False)

    @property
    def table(self) -> ManyTable:
        """The throttles."""
        return self.query_one("#throttle-list", ManyTable)

    @property
    def pairs(self) -> ManyTable:
        """Whom the throttle under the cursor holds."""
        return self.query_one("#pairs", ManyTable)

    def fill(self) -> None:
        """The throttles that pass the filter, in order; one passes also by whom it holds."""
        governed = self.governed
        if governed is None:
            return
        held = governed.throttling.held
        kept = [name for name in governed.access.throttles if self.passes(name, _texts_of, name, held[name])]
        if self.order != self.ORDERS[0]:
            kept.sort(key=lambda name: governed.access.throttles[name].per_second)
        self._stale = True
        self.table.show_ids(kept)
        self._tell()

    def go_to(self, address: str) -> bool:
        """To a throttle."""
        kind, _, name = address.partition(".")
        return kind == "throttle" and self.table.go_to(name)

    @property
    def address(self) -> str | None:
        """The throttle's; in the list below, the consumer's."""
        if self.pairs.has_focus and (pair := self._pair()) is not None:
            return f"consumer.{pair.consumer}"
        name = self.table.current_id
        return None if name is None else f"throttle.{name}"

    def counted(self) -> str:
        """How many throttles."""
        total = 0 if self.governed is None else len(self.governed.access.throttles)
        shown = len(self.table.ids)
        return f"{number(shown)} throttles" if shown == total else f"{number(shown)} of {number(total)} throttles"

    def _pair(self) -> Pair | None:
        return self._pairs.get(self.pairs.current_id or "")

    def on_table_moved(self, message: Table.Moved) -> None:
        """Another throttle, or another pair."""
        message.stop()
        self._tell()

    def on_descendant_focus(self) -> None:
        """What is told is of the list that keys go to."""
        self._tell()

    def _tell(self) -> None:
        governed, name = self.governed, self.table.current_id
        if governed is None or name is None:
            self._show_pairs(None)
            self.say_empty("The gateway has no throttle." if not self.words else "No throttle is like that.")
            self.title("")
            return
        self._show_pairs(name)
        self.say((label, clean(text)) for label, text in self._lines(name))
        self.post_message(self.Picked(self))

    def _show_pairs(self, name: str | None) -> None:
        # Showing other pairs moves the cursor there, which tells again: only what differs is shown.
        if name == self._of and not self._stale:
            return
        self._of, self._stale = name, False
        found = [] if self.governed is None or name is None else self.governed.throttling.pairs(name)
        self._pairs = {f"{each.consumer}{SEPARATOR}{each.api}": each for each in found}
        self.pairs.show_ids(list(self._pairs))
        counts = sum(each.limits.by(name or "") for each in found)
        said = f"counts for {number(counts)} of {number(len(found))} that it can hold" if found else "holds nobody"
        signs = f"   {OWN} own  {SHARED} the API's" if found else ""
        self.query_one("#pairs-title", Static).update(f"{one_line(name or '')} {said}{signs}" if name else "")

    def _lines(self, name: str) -> Iterable[tuple[str, str]]:
        governed, pair = self.governed, self._pair()
        assert governed is not None
        if self.pairs.has_focus and pair is not None:
            yield "who", f"{pair.consumer} at {pair.api}"
            yield from about_pair(pair, len(governed.access.may_call(pair.api)))
            return
        throttle = governed.access.throttles[name]
        yield from about_throttle(throttle, governed.throttling.held[name], governed.seen)
        yield "kept", governed.owner(throttle.address)

    def _row(self, name: str) -> Row:
        assert self.governed is not None
        throttle, held = self.governed.access.throttles[name], self.governed.throttling.held[name]
        idle = not held.apis and not held.consumers
        cells = [
            Cell(one_line(name), Tone.QUIET if idle else Tone.BRIGHT),
            Cell(rate(throttle)),
            Cell(number(bucket(throttle)), Tone.PLAIN),
            Cell(quota(throttle) or "·", Tone.PLAIN if quota(throttle) else Tone.QUIET),
            Cell(number(len(held.apis)) if held.apis else "·", Tone.PLAIN if held.apis else Tone.QUIET),
            Cell(number(len(held.consumers)) if held.consumers else "·", Tone.PLAIN if held.consumers else Tone.QUIET),
            Cell(one_line(", ".join((held.apis + held.consumers)[:NAMED])), Tone.QUIET),
        ]
        return Row(name, tuple(cell.text for cell in cells), cells)

    def _pair_row(self, key: str) -> Row:
        pair, found = self._pairs[key], self._pairs[key].limits
        cells = [
            Cell(one_line(pair.consumer), Tone.BRIGHT if found.by(self._of or "") else Tone.PLAIN),
            Cell(one_line(pair.api)),
            *(self._limit(each) for each in (found.rate, found.burst, found.quota)),
        ]
        return Row(key, (self._of, tuple(cell.text for cell in cells)), cells)

    def _limit(self, limit: Limit | None) -> Cell:
        if limit is None:
            return Cell("·", Tone.QUIET)
        sign = SHARED if limit.whose is Whose.API else OWN
        mine = limit.throttle.name == self._of
        return Cell(f"{sign} {one_line(limit.throttle.name)}", Tone.LATE if mine else Tone.QUIET)


def _texts_of(name: str, held: Held) -> Iterable[str]:
    return (name, *held.apis, *held.consumers)
