"""What callers may do now and may not do afterwards: whom a change of policies would refuse."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from gateway_policies.routing.model import Caller, Routing


class Loss(Struct, frozen=True, kw_only=True):
    """A consumer that loses a scope, or everything.

    Attributes:
        address: of what is gone: the grant, or the consumer.
        scope: None for every call that it may make now.
        scopes: what it has now, of what it loses.
    """

    address: str
    consumer: str
    issuer: str
    client_id: str
    scope: str | None
    scopes: frozenset[str]


def losses(before: Routing, after: Routing) -> list[Loss]:
    """Who loses what between two moments of a gateway, in the order of the addresses. Whoever has something new, or may
    call nothing before, loses nothing."""
    issuers = {each.name for each in after.issuers}
    found = {(each.issuer, each.client_id): each for each in after.callers if each.issuer in issuers}
    lost = (loss for each in before.callers for loss in _of(each, found.get((each.issuer, each.client_id))))
    return sorted(lost, key=lambda each: each.address)


def _of(before: Caller, after: Caller | None) -> Iterator[Loss]:
    if before.expired:
        return
    if after is None or after.expired:
        yield _loss(before, before.address, None, before.scopes)
        return
    for scope in before.scopes - after.scopes:
        yield _loss(before, f"{before.address}.grant.{scope}", scope, frozenset({scope}))


def _loss(caller: Caller, address: str, scope: str | None, scopes: frozenset[str]) -> Loss:
    return Loss(
        address=address,
        consumer=caller.consumer,
        issuer=caller.issuer,
        client_id=caller.client_id,
        scope=scope,
        scopes=scopes,
    )
