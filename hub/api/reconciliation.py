"""Reconciliation: where the systems disagree, and what explains it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from hub.api.routing import Call, Route
from hub.reconciliation.reconciling import Wanted
from transactions.errors import Invalid, NotFound
from transactions.people import Permission
from transactions.reconciliation.model import Kind, Reconciliation
from transactions.reconciliation.tolerance import parse_tolerance

if TYPE_CHECKING:
    from hub.app import Hub

MOST_SHOWN = 10_000


class ReconciliationParams(Struct, frozen=True, forbid_unknown_fields=True):
    """As of when (RFC 3339; without it: now, less the time in which late postings land), how exactly
    (``0.5,1%,KG=0.25``), for which plant, and how many differences are shown."""

    as_of: datetime | None = None
    tolerance: Annotated[str, Meta(max_length=200)] = "0"
    plant: str | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST_SHOWN)] = 1_000


async def reconcile(hub: Hub, call: Call) -> Reconciliation:
    """Ask the systems, and say where they disagree."""
    params: ReconciliationParams = call.params
    try:
        kind = Kind(call.path["kind"])
    except ValueError as error:
        raise NotFound(
            f"There is nothing to reconcile by the name {call.path['kind']!r}. There is: {_KINDS}."
        ) from error
    try:
        tolerance = parse_tolerance(params.tolerance)
    except ValueError as error:
        raise Invalid(f"The tolerance cannot be used: {error}.") from error
    as_of = params.as_of
    if as_of is not None and as_of.tzinfo is None:
        raise Invalid(f"as_of has no time zone. Write it like {as_of.replace(tzinfo=UTC):%Y-%m-%dT%H:%M:%SZ}.")
    wanted = Wanted(kind=kind, as_of=as_of, tolerance=tolerance, plant=params.plant, limit=params.limit)
    return await hub.reconciler.reconcile(wanted, call.reach)


_KINDS = ", ".join(Kind)

ROUTES = (
    Route(
        method="GET",
        path="reconciliation/{kind}",
        summary="Where the systems themselves disagree, and the transactions that explain it",
        handler=reconcile,
        permission=Permission.READ,
        params=ReconciliationParams,
        answers=Reconciliation,
        problems=("not-found", "refused"),
    ),
)
