"""Calls about what belongs to a transaction."""

from __future__ import annotations

from platforms.calls import Call, params, segments
from transactions.lineage import Lineage
from transactions.related import Related


def lineage(id: str, limit: int | None = None, cursor: str | None = None) -> Call[Lineage]:  # noqa: A002
    """A page of the process that a transaction belongs to."""
    return Call(
        method="GET",
        path=segments("transactions", id, "lineage"),
        answers=Lineage,
        params=params(limit=limit, cursor=cursor),
    )


def related(
    id: str,  # noqa: A002
    by: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Related]:
    """What shares a business key with a transaction; without ``by``, the newest few of every key."""
    return Call(
        method="GET",
        path=segments("transactions", id, "related"),
        answers=Related,
        params=params(by=by, limit=limit, cursor=cursor),
    )
