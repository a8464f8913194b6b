"""Groups of failed transactions: pages, one, and why two are two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from sqlalchemy import Connection, and_, true

from gateway_policies.explaining.changes_before import ChangeBefore
from hub.api.leaving import ask_while_there
from hub.api.routing import Call, Route
from hub.api.transactions import Limit
from hub.gateway.before import changes_before
from hub.store.group_matching import TALLIED, Asked
from hub.store.groups import group_page, one_group
from hub.store.paging import DEFAULT_LIMIT
from hub.store.schema import transactions
from transactions.filters import parse
from transactions.filters.query import fields_of
from transactions.group_words import compare
from transactions.groups import Group, GroupDifference
from transactions.model import Status
from transactions.pages import Page
from transactions.people import Permission

if TYPE_CHECKING:
    from hub.app import Hub


class GroupParams(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of the groups of transactions that match ``filter`` and, where it asks for no status, are failed."""

    filter: str | None = None
    sort: str = "-count"
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None


class OtherParams(Struct, frozen=True, forbid_unknown_fields=True):
    """The group to compare with."""

    other: str


def asked_of(hub: Hub, call: Call, text: str | None) -> Asked:
    """What a caller asks with a filter: within reach, and failed unless the filter says which status.

    Raises:
        BadFilter: it cannot be read.
    """
    now = hub.clock.now()
    condition = hub.condition(text, now, call.reach, call.principal.subject)
    masked = hub.landscape.masks.keys
    fields = fields_of(parse(text or "", hub.business_keys(), masked))
    parts = [true() if condition is None else condition]
    if "status" not in fields:
        parts.append(transactions.c.status == Status.FAILED)
    return Asked(
        condition=and_(*parts),
        tallied=fields <= TALLIED,
        reach=call.reach,
        owners={name: flow.owner for name, flow in hub.landscape.catalogue.flow.items()},
        now=now,
    )


async def list_groups(hub: Hub, call: Call) -> Page[Group]:
    """One page."""
    params: GroupParams = call.params
    asked = asked_of(hub, call, params.filter)
    return await ask_while_there(
        hub.database,
        call.request,
        lambda c: group_page(c, asked, params.sort, params.limit, params.cursor, hub.landscape.masks),
    )


async def show_group(hub: Hub, call: Call) -> Group:
    """One group."""
    asked = asked_of(hub, call, None)
    return await hub.database.read(lambda c: one_group(c, asked, call.path["fingerprint"], hub.landscape.masks))


async def show_changes(hub: Hub, call: Call) -> Page[ChangeBefore]:
    """Changes of the gateway before its first failure; of the others than its own only for who sees the whole hub."""
    asked, now = asked_of(hub, call, None), hub.clock.now()

    def look(connection: Connection) -> list[ChangeBefore]:
        group = one_group(connection, asked, call.path["fingerprint"], hub.landscape.masks)
        found = changes_before(connection, group, now)
        return found if call.reach.everything else [each for each in found if each.concerns]

    return Page(items=await hub.database.read(look))


async def show_difference(hub: Hub, call: Call) -> GroupDifference:
    """Why two groups are two."""
    asked, masks = asked_of(hub, call, None), hub.landscape.masks
    return await hub.database.read(
        lambda c: compare(
            one_group(c, asked, call.path["fingerprint"], masks), one_group(c, asked, call.params.other, masks)
        )
    )


ROUTES = (
    Route(
        method="GET",
        path="groups",
        summary="Groups of failed transactions with the same cause, a page at a time",
        handler=list_groups,
        permission=Permission.READ,
        params=GroupParams,
        answers=Page[Group],
        problems=("bad-filter", "bad-cursor"),
    ),
    Route(
        method="GET",
        path="groups/{fingerprint}",
        summary="One group",
        handler=show_group,
        permission=Permission.READ,
        answers=Group,
        problems=("not-found",),
    ),
    Route(
        method="GET",
        path="groups/{fingerprint}/changes",
        summary="The changes of the gateway in the day before a group first failed, and how each is taken back",
        handler=show_changes,
        permission=Permission.READ,
        answers=Page[ChangeBefore],
        problems=("not-found",),
    ),
    Route(
        method="GET",
        path="groups/{fingerprint}/difference",
        summary="Why two groups are not one",
        handler=show_difference,
        permission=Permission.READ,
        params=OtherParams,
        answers=GroupDifference,
        problems=("not-found",),
    ),
)
