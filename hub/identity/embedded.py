"""The hub's own issuer: access tokens (RFC 9068) for people whom no identity provider names.

A token says who, and nothing of rights: those are what the hub knows of the person at the moment of the request. One
whose id the hub does not know any more is refused, whatever its signature says.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.api.access import Principal
from hub.identity.issuer_key import make_key, public_jwk, read_key
from hub.identity.people import Account, People
from hub.identity.tokens import Terms, check_claims, check_header, check_signature, digest, read_token, refuse
from transactions.accounts import GivenToken
from transactions.clock import Clock
from transactions.people import Role

PREFIX = "urn:andon:hub:"
CLIENT = "andon"
_LEEWAY = 30.0
_REMEMBERED = 1000


class _Read(NamedTuple):
    """What a token whose signature held says."""

    subject: str
    id: str


class EmbeddedIssuer:
    """Gives tokens to the hub's own people, and knows them again.

    Args:
        platform: the hub's name, which its issuer is named after.
        people: whose tokens they are.
        clock: where the time comes from.
        key_file: where the key is kept; None keeps it in memory, and every token ends with the process.

    Raises:
        SettingsError: there is a key, and it cannot be used.
    """

    def __init__(self, platform: str, people: People, clock: Clock, key_file: Path | None) -> None:
        self.issuer = f"{PREFIX}{platform}"
        self._people, self._clock, self._key_file = people, clock, key_file
        self._key: Ed25519PrivateKey | None = None if key_file is None else read_key(key_file)
        self._terms = Terms(
            issuer=self.issuer,
            audience=frozenset({self.issuer}),
            algorithms=frozenset({"EdDSA"}),
            typ="at+jwt",
            leeway=_LEEWAY,
        )
        self._known: OrderedDict[bytes, _Read] = OrderedDict()

    def key_set(self) -> dict[str, Any]:
        """The public keys (RFC 7517); none before the first token."""
        return {"keys": [] if self._key is None else [public_jwk(self._key.public_key())]}

    async def give(self, name: str, lifetime: timedelta, by: str) -> GivenToken:
        """Give somebody a token.

        Args:
            name: of somebody the hub knows.
            lifetime: until it ends.
            by: who gives it, for the audit chain.

        Raises:
            NotFound: there is nobody of that name.
            StoreError: the key, or the note of the token, cannot be written.
        """
        self._people.describe(name)
        key = self._signing_key()
        issued = await self._people.give(name, lifetime, by)
        token = jwt.encode(
            {
                "iss": self.issuer,
                "sub": name,
                "aud": self.issuer,
                "client_id": CLIENT,
                "iat": int(issued.issued_at.timestamp()),
                "exp": int(issued.expires_at.timestamp()),
                "jti": issued.id,
            },
            key,
            algorithm="EdDSA",
            headers={"typ": "at+jwt", "kid": public_jwk(key.public_key())["kid"]},
        )
        return GivenToken(
            name=name, id=issued.id, token=token, issued_at=issued.issued_at, expires_at=issued.expires_at
        )

    async def principal(self, token: str) -> Principal | None:
        """Who ``token`` speaks for, with the rights of this moment; None where it is no signed token.

        Raises:
            Unauthenticated: it is one, and cannot be used.
        """
        name = digest(token)
        said = self._known.get(name)
        if said is None:
            said = self._verify(token)
            if said is None:
                return None
            self._known[name] = said
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        roster = self._people.roster
        issued = roster.tokens.get(said.id)
        account = roster.people.get(said.subject)
        if issued is None or account is None or issued.name != said.subject:
            refuse("it was taken back, or its person was removed. Ask an admin of the hub for a new one")
        if self._clock.now() >= issued.expires_at:
            refuse(
                f"it expired at {issued.expires_at:%Y-%m-%d %H:%M:%S} UTC. A new one is given by an admin of the hub, "
                f"with 'andon hub users token {said.subject}'"
            )
        return self._principal(account, issued.expires_at)

    def current(self, principal: Principal) -> Principal | None:
        """Somebody who was here before, with the rights of this moment; None who was removed."""
        account = self._people.roster.people.get(principal.subject)
        return None if account is None else self._principal(account, principal.expires_at)

    def _principal(self, account: Account, expires_at: datetime | None) -> Principal:
        return Principal(
            subject=account.name,
            kind="system" if account.roles == (Role.SOURCE,) else "user",
            roles=account.roles,
            granted=account.granted,
            limits=account.limits,
            issuer=self.issuer,
            expires_at=expires_at,
        )

    def _verify(self, text: str) -> _Read | None:
        token = read_token(text)
        if token is None:
            return None
        if token.issuer != self.issuer:
            if token.issuer == f"{self.issuer}:gateway":
                refuse("it is a consumer's, for the gateway and not for this API")
            if (token.issuer or "").startswith(PREFIX):
                refuse("it is of another hub. Check the address, and which hub gave you the token")
            refuse("it is of another issuer, and this hub accepts its own tokens only")
        check_header(token, self._terms)
        if self._key is None or token.header.get("kid") != public_jwk(self._key.public_key())["kid"]:
            refuse("it is signed with a key that this hub does not have, or has no more")
        if not check_signature(token, self._key.public_key(), "EdDSA"):
            refuse("its signature is not of the hub's key")
        check_claims(token, self._terms, self._clock.now())
        id_ = token.claims.get("jti")
        if not isinstance(id_, str):
            refuse("it has no id (jti)")
        return _Read(str(token.claims["sub"]), id_)

    def _signing_key(self) -> Ed25519PrivateKey:
        if self._key is None:
            self._key = Ed25519PrivateKey.generate() if self._key_file is None else make_key(self._key_file)
        return self._key
