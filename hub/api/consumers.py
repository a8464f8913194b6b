"""Consumers' tokens, for trying what the gateway lets through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from sqlalchemy import Connection

from gateway_policies.gateway import ConsumerToken
from gateway_policies.model import PolicySet
from hub.api.routing import Call, Route
from hub.identity.consumers import read_lifetime
from hub.store.journal import journal
from transactions.people import Permission

if TYPE_CHECKING:
    from hub.app import Hub


class ConsumerTokenRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``expires_in`` is a duration like ``10m``, from a second to an hour; five minutes unless told."""

    expires_in: str | None = None


async def give_consumer_token(hub: Hub, call: Call) -> ConsumerToken:
    """A token of a consumer's, shown this once. It is on record before it is given."""
    lifetime = read_lifetime(call.body.expires_in)
    name, by, now = call.path["name"], call.principal.subject, hub.clock.now()
    state = await hub.database.read(lambda c: hub.gateway.state(c, PolicySet.DEFAULT_NAME))
    given = hub.consumers.give(state, name, lifetime)

    def note(connection: Connection) -> None:
        told = {"client_id": given.client_id, "token": given.id, "expires_at": given.expires_at.isoformat()}
        journal(connection).effect(now, by, "gateway.token-given", f"consumer.{name}", None, None, told)

    await hub.database.write(note)
    return given


ROUTES = (
    Route(
        method="POST",
        path="gateway/consumers/{name}/token",
        summary="Give a token of a consumer's, to try the gateway with; it is shown this once",
        handler=give_consumer_token,
        permission=Permission.USERS,
        whole_hub=True,
        body=ConsumerTokenRequest,
        answers=ConsumerToken,
        status=201,
        problems=("not-found", "refused"),
    ),
)
