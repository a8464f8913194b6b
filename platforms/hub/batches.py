"""Calls about batches: the durable runs of plans."""

from __future__ import annotations

from platforms.calls import Call, json_body, params, segments
from transactions.batches import Batch, BatchItem, Because, Stopped
from transactions.pages import Page
from transactions.plans import Plan


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


def pause(id: str) -> Call[Batch]:  # noqa: A002
    """Take up nothing more until told to."""
    return Call(method="POST", path=segments("batches", id, "pause"), answers=Batch, changes=True)


def resume(id: str) -> Call[Batch]:  # noqa: A002
    """Go on with a paused batch."""
    return Call(method="POST", path=segments("batches", id, "resume"), answers=Batch, changes=True)


def retry_failed(id: str, reason: str) -> Call[Plan]:  # noqa: A002
    """Store a plan of what failed in a batch; nothing is sent until it is run."""
    return Call(
        method="POST",
        path=segments("batches", id, "retry-failed"),
        answers=Plan,
        body=json_body(Because(reason=reason)),
        changes=True,
    )


def stop(reason: str) -> Call[Stopped]:
    """Stop every batch within reach; what has not left goes back to where it was."""
    return Call(method="POST", path="stop", answers=Stopped, body=json_body(Because(reason=reason)), changes=True)
