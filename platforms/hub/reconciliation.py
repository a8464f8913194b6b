"""Calls about what the systems themselves say, and where they disagree."""

from __future__ import annotations

from platforms.calls import Call, params, segments
from transactions.reconciliation.model import Kind, Reconciliation


def reconcile(
    kind: Kind,
    *,
    as_of: str | None = None,
    tolerance: str | None = None,
    plant: str | None = None,
    limit: int | None = None,
) -> Call[Reconciliation]:
    """Ask the systems, and say where they disagree.

    Args:
        as_of: the cut-off, RFC 3339; without it now, less the time in which late postings still land.
        tolerance: how far amounts may lie apart: ``0.5,1%,KG=0.25``.
        plant: one plant only.
        limit: differences that are shown.
    """
    # Systems answer slowly, and are asked for the time that each of them is given.
    return Call(
        method="GET",
        path=segments("reconciliation", kind),
        answers=Reconciliation,
        params=params(as_of=as_of, tolerance=tolerance, plant=plant, limit=limit),
        patience=60.0,
    )
