"""The hub's own people: who there is, with which rights, and their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select
from starlette.responses import Response

from hub.api.routing import JSON, Call, Route
from hub.api.transactions import PageParams
from hub.identity.rights import read_lifetime
from hub.store.paging import Order, page
from hub.store.schema import people
from transactions.accounts import Departure, GivenToken, Person, PersonRequest, TokenRequest
from transactions.pages import Page
from transactions.people import Permission

if TYPE_CHECKING:
    from hub.app import Hub


async def list_people(hub: Hub, call: Call) -> Page[Person]:
    """Everybody, by name."""
    own = hub.identity.people
    order = Order("name", people.c.name, people.c.name, False, "users")

    def describe(row: Any) -> Person:
        return own.describe(row.name)

    return await hub.database.read(
        lambda c: page(
            c,
            select(people).where(people.c.name.in_(list(own.roster.people))),
            order,
            call.params.limit,
            call.params.cursor,
            describe,
        )
    )


async def add_person(hub: Hub, call: Call) -> Response:
    """Add somebody, or replace somebody's rights."""
    person = await hub.identity.people.add(call.body, hub.landscape.catalogue, call.principal.subject)
    return Response(
        msgspec.json.encode(person),
        status_code=200 if call.body.change else 201,
        media_type=JSON,
    )


async def remove_person(hub: Hub, call: Call) -> Departure:
    """Remove somebody, with every token."""
    return await hub.identity.people.remove(call.path["name"], call.principal.subject)


async def give_token(hub: Hub, call: Call) -> GivenToken:
    """A token for somebody, shown this once."""
    embedded = hub.identity.embedded
    lifetime = read_lifetime(call.body.expires_in)
    return await embedded.give(call.path["name"], lifetime, call.principal.subject)


async def revoke_tokens(hub: Hub, call: Call) -> Departure:
    """End every token of somebody's."""
    return await hub.identity.people.revoke(call.path["name"], call.principal.subject)


ROUTES = (
    Route(
        method="GET",
        path="users",
        summary="The hub's own people and source systems, by name",
        handler=list_people,
        permission=Permission.USERS,
        whole_hub=True,
        params=PageParams,
        answers=Page[Person],
        problems=("bad-cursor", "refused"),
    ),
    Route(
        method="POST",
        path="users",
        summary="Add somebody; with change, replace the rights of somebody who is there (answered 200)",
        handler=add_person,
        permission=Permission.USERS,
        whole_hub=True,
        body=PersonRequest,
        answers=Person,
        status=201,
        problems=("not-found", "refused"),
    ),
    Route(
        method="DELETE",
        path="users/{name}",
        summary="Remove somebody, with every token",
        handler=remove_person,
        permission=Permission.USERS,
        whole_hub=True,
        answers=Departure,
        problems=("not-found", "refused"),
    ),
    Route(
        method="POST",
        path="users/{name}/token",
        summary="Give somebody a token, which is shown this once",
        handler=give_token,
        permission=Permission.USERS,
        whole_hub=True,
        body=TokenRequest,
        answers=GivenToken,
        status=201,
        problems=("not-found", "refused"),
    ),
    Route(
        method="DELETE",
        path="users/{name}/token",
        summary="End every token of somebody's, who keeps the rights",
        handler=revoke_tokens,
        permission=Permission.USERS,
        whole_hub=True,
        answers=Departure,
        problems=("not-found", "refused"),
    ),
)
