"""Following cursors through a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from transactions.pages import Page

if TYPE_CHECKING:
    from commands.session import Session
    from platforms.calls import Call

T = TypeVar("T")

LARGEST_PAGE = 1000


def every(session: Session, page_at: Callable[[str | None], Call[Page[T]]]) -> Page[T]:
    """All pages as one; ``page_at`` makes the call for a cursor."""
    items: list[T] = []
    cursor: str | None = None
    while True:
        page = session.send(page_at(cursor))
        items += page.items
        cursor = page.next_cursor
        if cursor is None:
            return Page(items=items)
