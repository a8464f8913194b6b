"""What belongs to a transaction: its process as a tree, and what shares a business key with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from hub.api.routing import Call, Route
from hub.api.transactions import Limit
from hub.store.lineage import lineage_of
from hub.store.paging import MAX_LIMIT
from hub.store.related import related_to
from transactions.lineage import Lineage
from transactions.people import Permission
from transactions.related import Related

if TYPE_CHECKING:
    from hub.app import Hub


class LineageParams(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a process."""

    limit: Limit = MAX_LIMIT
    cursor: str | None = None


class RelatedParams(Struct, frozen=True, forbid_unknown_fields=True):
    """What is related by a key, or a few of every key."""

    by: Annotated[str, Meta(description="a business key: order, lot, shipment …")] | None = None
    limit: Limit = 50
    cursor: str | None = None


async def show_lineage(hub: Hub, call: Call) -> Lineage:
    """Its process."""
    limit, cursor, now, masks = call.params.limit, call.params.cursor, hub.clock.now(), hub.landscape.masks
    return await hub.database.read(lambda c: lineage_of(c, call.path["id"], limit, cursor, now, call.reach, masks))


async def show_related(hub: Hub, call: Call) -> Related:
    """What shares a key."""
    params, now, masks = call.params, hub.clock.now(), hub.landscape.masks
    return await hub.database.read(
        lambda c: related_to(c, call.path["id"], params.by, params.limit, params.cursor, now, call.reach, masks)
    )


ROUTES = (
    Route(
        method="GET",
        path="transactions/{id}/lineage",
        summary="The process of a transaction: what caused what, and what each waits for",
        handler=show_lineage,
        permission=Permission.READ,
        params=LineageParams,
        answers=Lineage,
        problems=("not-found", "bad-cursor"),
    ),
    Route(
        method="GET",
        path="transactions/{id}/related",
        summary="What shares an order, a lot or another business key with a transaction",
        handler=show_related,
        permission=Permission.READ,
        params=RelatedParams,
        answers=Related,
        problems=("not-found", "invalid-request", "bad-cursor"),
    ),
)
