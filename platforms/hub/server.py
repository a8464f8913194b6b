"""Calls about the hub itself: its state, the caller, documents sent in."""

from __future__ import annotations

from platforms.calls import Call, params
from transactions.landscape import HubStatus, WhoAmI
from transactions.model import Transaction
from transactions.pages import Page


def status() -> Call[HubStatus]:
    """What the hub is, and how many transactions are in which status."""
    return Call(method="GET", path="status", answers=HubStatus)


def whoami() -> Call[WhoAmI]:
    """Who the token belongs to, and what it allows."""
    return Call(method="GET", path="whoami", answers=WhoAmI)


def ingress(
    document: bytes, content_type: str, *, flow: str, plant: str | None = None, key: str | None = None
) -> Call[Page[Transaction]]:
    """Send a business document in as a source system would; ``key`` is its idempotency key."""
    return Call(
        method="POST",
        path="ingress",
        answers=Page[Transaction],
        params=params(flow=flow, plant=plant),
        body=document,
        content_type=content_type,
        headers={} if key is None else {"Idempotency-Key": key},
        changes=True,
    )
