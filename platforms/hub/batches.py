"""Calls about batches: the durable runs of plans."""

from __future__ import annotations

from platforms.calls import Call, params, segments
from transactions.batches import Batch, BatchItem
from transactions.pages import Page


def list_page(limit: int | None = None, cursor: str | None = None) -> Call[Page[Batch]]:
    """Batches, newest first."""
    return Call(method="GET", path="batches", answers=Page[Batch], params=params(limit=limit, cursor=cursor))


def show(id: str) -> Call[Batch]:  # noqa: A002
    """One batch."""
    return Call(method="GET", path=segments("batches", id), answers=Batch)


def items(id: str, limit: int | None = None, cursor: str | None = None) -> Call[Page[BatchItem]]:  # noqa: A002
    """The items of a batch, in the plan's order."""
    return Call(
        method="GET",
        path=segments("batches", id, "items"),
        answers=Page[BatchItem],
        params=params(limit=limit, cursor=cursor),
    )


def cancel(id: str) -> Call[Batch]:  # noqa: A002
    """Stop a batch: what was not sent goes back to where it was, what was sent stays sent."""
    return Call(method="POST", path=segments("batches", id, "cancel"), answers=Batch, changes=True)
