"""Calls about causes."""

from __future__ import annotations

from platforms.calls import Call, params
from transactions.causes.model import Causes


def find(
    filter: str | None = None,  # noqa: A002  # the API's own word
    *,
    reconcile: bool = False,
) -> Call[Causes]:
    """What lies behind trouble, what blocks most first.

    Args:
        filter: which transactions are looked at; None for all.
        reconcile: ask the systems what they hold as well.
    """
    asked = "true" if reconcile else None
    return Call(method="GET", path="causes", answers=Causes, params=params(filter=filter, reconcile=asked))
