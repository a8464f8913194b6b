"""A table over very many things that are all at hand: a row is made when its line is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.widgets.table import Column, Row, Table


class ManyTable(Table):
    """Ids, and what makes a row of one."""

    def __init__(
        self,
        columns: Sequence[Column],
        make: Callable[[str], Row],
        *,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """``make`` gives the row of an id."""
        super().__init__(columns, id=id, classes=classes)
        self._make = make
        self._ids: Sequence[str] = ()

    @property
    def ids(self) -> Sequence[str]:
        """What there is a row for, in order."""
        return self._ids

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._ids)

    def row_at(self, index: int) -> Row | None:
        """The row to draw."""
        return self._make(self._ids[index])

    def show_ids(self, ids: Sequence[str]) -> None:
        """Show these; the cursor stays on the one it was on, where that is still there, and else comes to the top."""
        held = self.current_id
        self._ids = ids
        if held is not None:
            self.set_reactive(Table.cursor, self._place(held) or 0)
        self.redraw()
        self.watch_cursor(self.cursor, self.cursor)

    def go_to(self, id: str) -> bool:  # noqa: A002
        """Put the cursor on the row with this id; False where there is none."""
        place = self._place(id)
        if place is not None:
            self.cursor = place
        return place is not None

    def _place(self, id: str) -> int | None:  # noqa: A002
        try:
            return self._ids.index(id)
        except ValueError:
            return None

    @property
    def current_id(self) -> str | None:
        """The id under the cursor."""
        return self._ids[self.cursor] if self.cursor < len(self._ids) else None
