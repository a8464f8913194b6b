"""What a search wants of an index, whatever makes it: SQLite's FTS5 here, a trigram index of another database there."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import ColumnElement, Connection


class Search(Protocol):
    """Knows where a text may be."""

    def may_contain(self, needle: str) -> ColumnElement[bool] | None:
        """A condition that holds for every transaction with ``needle`` in its words (ids, business keys, message) or in
        its payload as it is shown, and for few others; None where nothing can be ruled out.

        Args:
            needle: three characters or more, folded as :func:`transactions.filters.meaning.fold` does it.
        """
        ...


class PageSearch(Search, Protocol):
    """Knows where a text may be, for one page."""

    def is_rare(self, needle: str) -> bool | None:
        """Whether few transactions may contain a text, so that they are fetched; None where that is not known."""
        ...


class TextIndex(Search, Protocol):
    """An index of the store."""

    def for_page(self, connection: Connection) -> PageSearch:
        """The same for one page of an order: what is rare is fetched and put in order, what is frequent is met on the
        way along that order. ``connection`` is a reader's, and is asked which of both it is."""
        ...

    def behind(self, connection: Connection) -> int:
        """How many transactions are looked at directly, since the index does not know them, or not as they are now."""
        ...


class NoIndex:
    """Rules nothing out, so that everything is looked at."""

    def is_rare(self, needle: str) -> bool | None:
        """Nobody knows."""
        return None

    def may_contain(self, needle: str) -> ColumnElement[bool] | None:
        """Nothing is known."""
        return None
