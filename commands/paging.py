"""Following cursors through a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from commands.exits import Usage
from commands.output import Form
from transactions.pages import Page

if TYPE_CHECKING:
    from commands.session import Session
    from platforms.calls import Call

T = TypeVar("T")

TELL_CURSOR = frozenset({Form.JSON, Form.YAML})
"""Forms that have next_cursor in them, so that nobody has to be told beside."""

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


def chosen(
    session: Session,
    page_at: Callable[[int | None, str | None], Call[Page[T]]],
    *,
    limit: int | None,
    cursor: str | None,
    all: bool,
) -> Page[T]:
    """The page, or all of them, that ``--limit``, ``--cursor`` and ``--all`` ask for.

    Raises:
        Usage: --all and --cursor together.
    """
    if not all:
        return session.send(page_at(limit, cursor))
    if cursor is not None:
        raise Usage("--all and --cursor cannot be together. All pages begin at the first one. Leave one of them out.")
    return every(session, lambda at: page_at(limit or LARGEST_PAGE, at))


def tell_more(session: Session, page: Page[T]) -> None:
    """Say that there is more, where the form of output does not say so itself."""
    if page.next_cursor is not None and session.form not in TELL_CURSOR:
        session.note(f"More: --cursor {page.next_cursor}, or --all")
