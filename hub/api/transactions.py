"""Transactions: pages, one, its timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import ColumnElement, Connection
from starlette.responses import Response

from hub.api.leaving import ask_while_there
from hub.api.routing import Call, Route
from hub.store import questions
from hub.store.paging import DEFAULT_LIMIT, MAX_LIMIT
from hub.store.shown import shown
from hub.store.ways import Way
from transactions.filters import parse
from transactions.filters.meaning import fold
from transactions.filters.query import fields_of, required_words
from transactions.history import TimelineEntry
from transactions.model import Transaction
from transactions.pages import Count, Page
from transactions.people import Permission

if TYPE_CHECKING:
    from hub.app import Hub

_PATIENCE = 2.0  # seconds that one count may take

Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="items on a page")]


class PageParams(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a list."""

    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None


class ListParams(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of transactions: those that match ``filter``, in the order of ``sort``."""

    filter: str | None = None
    sort: str = "-created_at"
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None


class CountParams(Struct, frozen=True, forbid_unknown_fields=True):
    """What to count."""

    filter: str | None = None


async def list_transactions(hub: Hub, call: Call) -> Page[Transaction]:
    """One page."""
    params: ListParams = call.params
    now = hub.clock.now()
    order = questions.transaction_order(params.sort)
    words = [fold(text) for text in required_words(parse(params.filter or ""))]

    def question(connection: Connection) -> Page[Transaction]:
        search, who = hub.search.index.for_page(connection), call.principal.subject

        def condition(has_value: bool) -> ColumnElement[bool] | None:
            failed = has_value if order.name == "failed_at" else None
            return hub.condition(params.filter, now, call.reach, who, search, failed)

        ways = [Way.FETCH if rare else Way.WALK for word in words if (rare := search.is_rare(word)) is not None]
        way = Way.FETCH if Way.FETCH in ways else next(iter(ways), None)
        there, masks = msgspec.structs.replace(order, way=way), hub.landscape.masks
        return questions.transaction_page(connection, condition, there, params.limit, params.cursor, now, masks)

    return await ask_while_there(hub.database, call.request, question)


async def count_transactions(hub: Hub, call: Call) -> Count:
    """How many match."""
    asked, now = call.params.filter or "", hub.clock.now()
    tallied = hub.tallied(asked, now, call.reach)
    condition = None if tallied is not None else hub.condition(asked, now, call.reach, call.principal.subject)

    def question(connection: Connection) -> Count:
        if tallied is not None:
            found = questions.count_tallies(connection, *tallied)
            return Count(count=found.count)
        found = questions.count_transactions(connection, condition, _PATIENCE)
        behind = hub.search.index.behind(connection) if "" in fields_of(parse(asked)) else 0
        return Count(count=found.count, exact=found.exact, search_behind=behind)

    return await ask_while_there(hub.database, call.request, question)


async def show_transaction(hub: Hub, call: Call) -> Response:
    """One transaction, with its ETag."""

    def question(connection: Connection) -> Transaction:
        row = questions.one_row(connection, call.path["id"], call.reach)
        return shown(connection, row, hub.clock.now(), hub.landscape.masks)

    found = await hub.database.read(question)
    return Response(msgspec.json.encode(found), media_type="application/json", headers={"etag": f'"{found.etag}"'})


async def show_timeline(hub: Hub, call: Call) -> Page[TimelineEntry]:
    """Everything that happened."""
    return await hub.database.read(lambda c: questions.timeline_of(c, call.path["id"], call.reach, hub.landscape.masks))


ROUTES = (
    Route(
        method="GET",
        path="transactions",
        summary="Transactions that match a filter, a page at a time",
        handler=list_transactions,
        permission=Permission.READ,
        params=ListParams,
        answers=Page[Transaction],
        problems=("bad-filter", "bad-cursor"),
    ),
    Route(
        method="GET",
        path="transactions/count",
        summary="How many transactions match a filter",
        handler=count_transactions,
        permission=Permission.READ,
        params=CountParams,
        answers=Count,
        problems=("bad-filter",),
    ),
    Route(
        method="GET",
        path="transactions/{id}",
        summary="One transaction",
        handler=show_transaction,
        permission=Permission.READ,
        answers=Transaction,
        problems=("not-found",),
    ),
    Route(
        method="GET",
        path="transactions/{id}/timeline",
        summary="What happened to a transaction, oldest first",
        handler=show_timeline,
        permission=Permission.READ,
        answers=Page[TimelineEntry],
        problems=("not-found",),
    ),
)
