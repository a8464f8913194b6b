"""The tokens of an external issuer: people of an identity provider, and its clients."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import NamedTuple

from hub.api.access import Principal
from hub.identity.claims import principal_of
from hub.identity.issuer_settings import IssuerSettings
from hub.identity.key_cache import KeyCache
from hub.identity.tokens import (
    Terms,
    check_claims,
    check_header,
    check_signature,
    digest,
    read_token,
    refuse,
)
from transactions.clock import Clock
from transactions.durations import parse_duration

REMEMBERED = 1000
"""Tokens whose signature need not be checked again."""


class _Known(NamedTuple):
    principal: Principal
    generation: int
    until: datetime


class ExternalIssuer:
    """Verifies what an external issuer signed.

    Args:
        settings: of the issuer; ``audiences`` must not be empty.
        keys: its keys.
        clock: where the time comes from.
    """

    def __init__(self, settings: IssuerSettings, keys: KeyCache, clock: Clock) -> None:
        self.settings, self._keys, self._clock = settings, keys, clock
        self.issuer = settings.url
        age = parse_duration(settings.max_age).total_seconds()
        self._terms = Terms(
            issuer=settings.url,
            audience=settings.audiences,
            algorithms=frozenset(settings.algorithms),
            typ=settings.typ,
            leeway=settings.leeway_seconds,
            max_age=age,
        )
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    def __len__(self) -> int:
        """Tokens that are remembered."""
        return len(self._known)

    def current(self, principal: Principal) -> Principal | None:
        """Somebody who was here before, with what the token said then: only the issuer knows what holds now."""
        return principal

    async def principal(self, token: str) -> Principal | None:
        """Who ``token`` speaks for; None where it is no signed token.

        Raises:
            Unauthenticated: it is one, and cannot be used.
            Unavailable: the issuer's keys cannot be had.
        """
        name = digest(token)
        found = self._known.get(name)
        if found is not None:
            await self._keys.current()
            if found.generation == self._keys.generation and self._clock.now() < found.until:
                self._known.move_to_end(name)
                return found.principal
            self._known.pop(name, None)
        return await self._verify(token, name)

    async def _verify(self, text: str, name: bytes) -> Principal | None:
        token = read_token(text)
        if token is None:
            return None
        if token.issuer != self._terms.issuer:
            refuse(f"it is of another issuer. This hub accepts those of {self._terms.issuer}")
        algorithm = check_header(token, self._terms)
        keys = await self._keys.candidates(token.header.get("kid"), algorithm)
        generation = self._keys.generation
        if not keys:
            refuse(
                "the issuer has no key of the id it names, or it names none. Where the issuer has changed its keys "
                "this very moment, the same token may be good half a minute later"
            )
        if not any(check_signature(token, key.key, algorithm) for key in keys):
            refuse("its signature is not of the issuer's key")
        expires = check_claims(token, self._terms, self._clock.now())
        principal = principal_of(token.claims, self.settings, expires)
        self._remember(name, _Known(principal, generation, self._end(token.claims, expires)))
        return principal

    def _end(self, claims: dict[str, object], expires: datetime) -> datetime:
        """Until when nothing that depends on the time can turn out otherwise."""
        leeway = timedelta(seconds=self._terms.leeway)
        issued = claims["iat"]
        assert isinstance(issued, int | float)
        oldest = datetime.fromtimestamp(issued, expires.tzinfo) + timedelta(seconds=self._terms.max_age or 0)
        return min(expires, oldest) + leeway

    def _remember(self, name: bytes, known: _Known) -> None:
        self._known[name] = known
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
