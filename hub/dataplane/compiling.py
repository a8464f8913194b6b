"""From a blueprint to the resources that Envoy reads."""

from __future__ import annotations

from msgspec import Struct

from hub.dataplane.access_filters import caller_filter, clients_of, scope_filter, token_filter, with_clients
from hub.dataplane.blueprint import Blueprint
from hub.dataplane.bootstrap import APIS, CALLERS, CONSUMERS, GRANTED, TOKENS
from hub.dataplane.clusters import clusters
from hub.dataplane.routes import PROBE, generation_of, prefixes, route_configuration, telling_generation, with_prefixes
from hub.dataplane.throttle_filters import api_filter, consumer_filter
from hub.dataplane.vocabulary import Message


class Compiled(Struct, frozen=True, kw_only=True):
    """What Envoy reads.

    Attributes:
        filters: by their names.
        generation: which routes they are, as the gateway tells it.
    """

    clusters: list[Message]
    routes: Message
    filters: dict[str, Message]
    generation: str


def compiled(blueprint: Blueprint) -> Compiled:
    """The resources of a blueprint: the same for the same blueprint, in the same order."""
    routing = blueprint.routing
    issuers = {each.name: each.issuer for each in blueprint.issuers}
    wanted = sorted(
        {entry.scope for surface in routing.surfaces for entry in surface.entries if entry.scope is not None}
    )
    routes = route_configuration(blueprint)
    return Compiled(
        clusters=clusters(target for targets in blueprint.targets.values() for target in targets),
        routes=telling_generation(routes),
        filters={
            TOKENS: token_filter(blueprint.issuers),
            CALLERS: caller_filter(routing.callers, issuers, blueprint.losses),
            GRANTED: scope_filter(wanted),
            CONSUMERS: consumer_filter(routing.callers, issuers, routing.throttles),
            APIS: api_filter(routing.surfaces, routing.throttles),
        },
        generation=generation_of(routes),
    )


def differing(before: Compiled | None, after: Compiled) -> Compiled:
    """What of resources is another than before, whole in itself: to be checked in a fraction of the time. Prefixes of
    paths have nothing to do with each other, nor have filters."""
    if before is None:
        return after
    known = prefixes(before.routes)
    changed = {
        prefix: each
        for prefix, each in prefixes(after.routes).items()
        if prefix == PROBE or known.get(prefix) != each  # a tree of nothing is none
    }
    nothing = {
        TOKENS: token_filter([]),
        CALLERS: caller_filter([], {}),
        GRANTED: scope_filter([]),
        CONSUMERS: consumer_filter([], {}, {}),
        APIS: api_filter([], {}),
    }
    return Compiled(
        clusters=after.clusters,
        routes=with_prefixes(after.routes, changed),
        filters={
            name: nothing[name] if before.filters.get(name) == each else _smaller(name, before.filters[name], each)
            for name, each in after.filters.items()
        },
        generation=after.generation,
    )


def _smaller(name: str, before: Message, after: Message) -> Message:
    """A filter with less in it: of the callers those that differ, which are nothing to each other. Others are whole."""
    known, found = (clients_of(each) if name == CALLERS else {} for each in (before, after))
    changed = {
        issuer: {client: each for client, each in clients.items() if known.get(issuer, {}).get(client) != each}
        for issuer, clients in found.items()
    }
    if name != CALLERS or not all(changed.values()) or not changed:
        return after
    return with_clients(after, changed)
