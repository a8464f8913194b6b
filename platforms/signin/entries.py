"""What is kept of a sign-in: the tokens, bound to the platform and the issuer that they are of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from platforms.signin.grants import Granted

EARLY_SECONDS = 30.0
"""How long before its end a token is renewed, at most; a fifth of its life where that is shorter."""


class Key(Struct, frozen=True, kw_only=True):
    """What stored tokens are bound to.

    Attributes:
        origin: scheme, host and port of the platform; tokens go nowhere else.
        issuer: who made them; None for a token that the platform made itself.
        client_id: of the machine that they are for; None for a person's.
    """

    origin: str
    issuer: str | None = None
    client_id: str | None = None

    @property
    def name(self) -> str:
        """How a store names it."""
        return " ".join((self.origin, self.issuer or "-", *([self.client_id] if self.client_id else [])))


class Entry(Struct, frozen=True, kw_only=True):
    """The tokens of one sign-in.

    Attributes:
        client_id: the client they were given to; None for one that somebody pasted.
        resource: what they are made out to; None where the issuer went by scopes alone.
        renew_at: when to renew the access token; None where it cannot be, or does not expire.
    """

    access_token: str
    refresh_token: str | None = None
    client_id: str | None = None
    resource: str | None = None
    scope: str | None = None
    expires_at: datetime | None = None
    renew_at: datetime | None = None

    def __repr__(self) -> str:
        """Without the tokens: this ends up in logs."""
        return f"Entry(client_id={self.client_id!r}, expires_at={self.expires_at!r})"

    def fresh(self, now: datetime) -> bool:
        """Whether the access token is good for a while."""
        return self.renew_at is None or now < self.renew_at


def entry_of(
    granted: Granted, *, client_id: str, resource: str | None, now: datetime, before: Entry | None = None
) -> Entry:
    """What to keep of an answer; ``before`` is what it renews, whose refresh token stays where no new one came."""
    kept = granted.refresh_token or (before.refresh_token if before else None)
    life = granted.expires_in
    return Entry(
        access_token=granted.access_token,
        refresh_token=kept,
        client_id=client_id,
        resource=resource,
        scope=granted.scope or (before.scope if before else None),
        expires_at=None if life is None else now + timedelta(seconds=life),
        renew_at=None if life is None else now + timedelta(seconds=life - min(EARLY_SECONDS, life / 5)),
    )


class Store(Protocol):
    """Keeps entries. Every method raises NoStorage where the store cannot be used."""

    @property
    def place(self) -> str:
        """Where that is, for people."""
        ...

    def load(self, key: Key) -> Entry | None:
        """The entry; None where there is none."""
        ...

    def save(self, key: Key, entry: Entry) -> None:
        """Keep it in place of the one before."""
        ...

    def delete(self, key: Key) -> None:
        """Forget it; nothing where there is none."""
        ...
