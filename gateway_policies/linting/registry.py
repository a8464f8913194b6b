"""All rules, by matter."""

from __future__ import annotations

from functools import cache

from gateway_policies.linting import (
    consumers,
    grants,
    lifecycle,
    naming,
    ownership,
    privilege,
    routes,
    scopes,
    secrets,
    settings,
    successors,
    throttles,
)
from gateway_policies.linting.rule import Book, Rule

BOOKS: tuple[Book, ...] = (
    scopes.BOOK,
    grants.BOOK,
    privilege.BOOK,
    consumers.BOOK,
    lifecycle.BOOK,
    successors.BOOK,
    throttles.BOOK,
    routes.BOOK,
    naming.BOOK,
    ownership.BOOK,
    secrets.BOOK,
    settings.BOOK,
)


def rules() -> list[Rule]:
    """Every rule, matter by matter."""
    return [each for book in BOOKS for each in book.rules]


@cache
def by_id() -> dict[str, Rule]:
    """The rules by their ids."""
    return {each.id: each for each in rules()}
