"""A window over a list of any length that can only be paged by keyset cursors.

Rows are fetched in pages of ``PAGE``; a few pages are kept (least recently used go first), and so is every cursor
met on the way, which is small. A jump walks from the nearest known cursor in strides as long as the platform allows;
the end is reached from the other side, with the order reversed. Fetching is the caller's: this only says what to ask
next (:meth:`Window.need`) and takes the answer (:meth:`Window.take`), so it can be told in a test without a platform.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from typing import Literal

from msgspec import Struct

from transactions.model import Transaction
from transactions.pages import Page

PAGE = 200
STRIDE = 1000
KEPT = 24


class Ask(Struct, frozen=True, kw_only=True):
    """What to fetch next.

    Attributes:
        end: which end the position counts from.
        position: rows between that end and the first row asked for.
        limit: how many rows.
        cursor: the cursor that leads there, None at the end itself.
    """

    end: Literal["head", "tail"]
    position: int
    limit: int
    cursor: str | None


class Window:
    """The rows at hand of a list with ``total`` rows."""

    def __init__(self) -> None:
        self.total = 0
        self.exact = True
        """Whether there are ``total``, or that many at least."""
        self._pages: OrderedDict[tuple[str, int], list[Transaction]] = OrderedDict()
        self._cursors: dict[str, dict[int, str | None]] = {"head": {0: None}, "tail": {0: None}}

    def clear(self) -> None:
        """Forget rows and cursors: another filter or another order."""
        self.total, self.exact = 0, True
        self._pages.clear()
        self._cursors = {"head": {0: None}, "tail": {0: None}}

    def forget_order(self, beyond: int) -> None:
        """Rows moved: keep what is drawn until it is replaced, but trust cursors up to row ``beyond`` only."""
        head = self._cursors["head"]
        self._cursors["head"] = {place: cursor for place, cursor in head.items() if place <= beyond}
        # From the end the same row is at another distance now, if anything came or went.
        self._cursors["tail"] = {0: None}
        for key in [key for key in self._pages if key[0] == "tail" or key[1] > beyond]:
            del self._pages[key]

    def recount(self, total: int, *, exact: bool = True) -> None:
        """There are ``total`` rows, or that many at least; more were seen already, maybe."""
        self.total = total if exact else max(total, self.total)
        self.exact = exact

    def row(self, index: int) -> Transaction | None:
        """The row, or None where it is not at hand."""
        if not 0 <= index < self.total:
            return None
        place = index // PAGE * PAGE
        page = self._pages.get(("head", place))
        if page is not None and index - place < len(page):
            return page[index - place]
        back = self.total - 1 - index
        place = back // PAGE * PAGE
        page = self._pages.get(("tail", place))
        if page is not None and back - place < len(page):
            return page[back - place]
        return None

    def need(self, first: int, last: int, *, again: bool = False) -> Ask | None:
        """What to ask so that rows ``first`` to ``last`` come to hand; None when they all are.

        Args:
            first: index of the first row wanted.
            last: index of the last one.
            again: ask for the first row's page even if it is at hand.
        """
        first, last = max(first, 0), min(last, self.total - 1)
        for index in range(first, last + 1):
            if again or self.row(index) is None:
                return self._way_to(index)
        return None

    def take(self, ask: Ask, page: Page[Transaction]) -> None:
        """The answer to ``ask``."""
        position = ask.position
        cursors = self._cursors[ask.end]
        if page.next_cursor is not None:
            cursors[position + len(page.items)] = page.next_cursor
            if ask.end == "head" and not self.exact:
                self.total = max(self.total, position + len(page.items) + 1)
        elif ask.end == "head":
            # The list has an end and this is it; the count may have been of another moment.
            self.total, self.exact = position + len(page.items), True
        if position % PAGE:
            return
        if ask.limit == PAGE or page.next_cursor is None:
            self._keep(ask.end, position, page.items[:PAGE])

    def find(self, id: str) -> int | None:  # noqa: A002
        """Index of the row with this id among those at hand."""
        for (end, place), page in self._pages.items():
            for offset, row in enumerate(page):
                if row.id == id:
                    return place + offset if end == "head" else self.total - 1 - place - offset
        return None

    def patch(self, row: Transaction) -> bool:
        """Put a newer state of a row in its place; False when it is not at hand."""
        for page in self._pages.values():
            for offset, old in enumerate(page):
                if old.id == row.id:
                    page[offset] = row
                    return True
        return False

    def _keep(self, end: str, place: int, rows: list[Transaction]) -> None:
        self._pages[end, place] = list(rows)
        self._pages.move_to_end((end, place))
        while len(self._pages) > KEPT:
            self._pages.popitem(last=False)

    def _way_to(self, index: int) -> Ask:
        head = index // PAGE * PAGE
        tail = (self.total - 1 - index) // PAGE * PAGE
        end: Literal["head", "tail"]
        if head - self._nearest("head", head) <= tail - self._nearest("tail", tail):
            end, wanted = "head", head
        else:
            end, wanted = "tail", tail
        start = self._nearest(end, wanted)
        limit = PAGE if start == wanted else min(STRIDE, wanted - start)
        return Ask(end=end, position=start, limit=limit, cursor=self._cursors[end][start])

    def _nearest(self, end: str, place: int) -> int:
        known = sorted(self._cursors[end])
        return known[bisect_right(known, place) - 1]
