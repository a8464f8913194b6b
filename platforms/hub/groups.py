"""Calls about groups of failed transactions with the same cause."""

from __future__ import annotations

from platforms.calls import Call, params, segments
from transactions.groups import Group, GroupDifference
from transactions.pages import Page


def list_page(
    filter: str | None = None,  # noqa: A002  # the API's own word
    sort: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Page[Group]]:
    """One page of groups; ``sort`` is count, last_seen, first_seen, overdue or blocked, with ``-`` for descending."""
    return Call(
        method="GET",
        path="groups",
        answers=Page[Group],
        params=params(filter=filter, sort=sort, limit=limit, cursor=cursor),
    )


def show(fingerprint: str) -> Call[Group]:
    """One group by its fingerprint, or by the beginning of it."""
    return Call(method="GET", path=segments("groups", fingerprint), answers=Group)


def difference(fingerprint: str, other: str) -> Call[GroupDifference]:
    """Why two groups are two."""
    return Call(
        method="GET",
        path=segments("groups", fingerprint, "difference"),
        answers=GroupDifference,
        params=params(other=other),
    )
