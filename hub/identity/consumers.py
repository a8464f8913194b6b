"""The hub as the issuer of consumers' access tokens (RFC 9068), for gateways whose policies name it as ``hub:``.

Its key and its name are not those that people's tokens are signed with: what a consumer has opens no admin API, and
what a person has opens no gateway. A token says who calls and which grants were in force; the gateway asks its policies
besides, so that what was taken away since is refused at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from gateway_policies.gateway import ConsumerToken
from gateway_policies.model import Consumer, Issuer
from gateway_policies.nearest import did_you_mean
from gateway_policies.overview.access import Access
from gateway_policies.state import GatewayState
from hub.identity.embedded import PREFIX
from hub.ids import new_id
from hub.key_file import Purpose, make_key_file, public_jwk, read_key_file
from transactions.clock import Clock
from transactions.durations import parse_duration
from transactions.errors import Invalid, NotFound, Refused

LIFETIME = timedelta(minutes=5)
"""Of a token, unless told."""
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(hours=1)

_PURPOSE = Purpose(
    use="It signs the tokens that consumers call the gateway with.",
    danger="can call the gateway as any consumer",
    remedy="If it may be in other hands, move it away and start the hub again: it makes a new one, and every token of "
    "before is void.",
    undone="No token was given.",
)


class Signed(Struct, frozen=True, kw_only=True):
    """A token, its id, and its time."""

    token: str
    id: str
    issued_at: datetime
    expires_at: datetime


class ConsumerIssuer:
    """Signs consumers' tokens.

    Args:
        platform: the hub's name, which the issuer is named after.
        clock: where the time comes from.
        key_file: where the key is kept; None keeps it in memory, and every token ends with the process.

    Attributes:
        issuer: who signs, as ``iss`` says it.

    Raises:
        SettingsError: there is a key, and it cannot be used.
    """

    def __init__(self, platform: str, clock: Clock, key_file: Path | None) -> None:
        self.issuer = f"{PREFIX}{platform}:gateway"
        self._clock, self._key_file = clock, key_file
        self._key: Ed25519PrivateKey | None = None if key_file is None else read_key_file(key_file, _PURPOSE)

    def key_set(self) -> dict[str, Any]:
        """The public key (RFC 7517), for whatever checks the tokens. It is made where there is none yet.

        Raises:
            StoreError: it cannot be written.
        """
        return {"keys": [public_jwk(self._signing_key().public_key())]}

    def sign(self, client_id: str, audience: str, scopes: list[str], lifetime: timedelta = LIFETIME) -> Signed:
        """A token that says so, whatever the policies say.

        Raises:
            StoreError: the key cannot be written.
        """
        key, now = self._signing_key(), self._clock.now().replace(microsecond=0)
        name = new_id(now)
        ends = now + lifetime
        claims = {
            "iss": self.issuer,
            "sub": client_id,
            "aud": audience,
            "client_id": client_id,
            "scope": " ".join(scopes),
            "iat": int(now.timestamp()),
            "exp": int(ends.timestamp()),
            "jti": name,
        }
        headers = {"typ": "at+jwt", "kid": public_jwk(key.public_key())["kid"]}
        token = jwt.encode(claims, key, algorithm="EdDSA", headers=headers)
        return Signed(token=token, id=name, issued_at=now, expires_at=ends)

    def give(self, state: GatewayState, name: str, lifetime: timedelta = LIFETIME) -> ConsumerToken:
        """A token for a consumer of the policies, with the scopes of its grants that are in force today.

        Args:
            state: the gateway, with what is live there.
            name: the consumer's, without ``consumer.``.

        Raises:
            NotFound: there is no such consumer.
            Refused: it has no credential, or one of an issuer that is not the hub.
            StoreError: the key cannot be written.
        """
        access = Access(state.live, self._clock.now().date())
        consumer = access.consumers.get(name)
        if consumer is None:
            raise NotFound(
                f"The gateway {state.gateway} has no consumer {name[:80]!r}.{did_you_mean(name, access.consumers)} "
                "No token was given. 'andon gateway consumers' lists them."
            )
        issuer = _issuer_of(consumer, access)
        assert consumer.credential is not None
        scopes = sorted(scope for scope, given in access.given(name).items() if not access.ended(given.grant))
        audience = issuer.audience_at(state.gateway)
        assert audience is not None, "the hub's own tokens are always for somebody"
        signed = self.sign(consumer.credential.client_id, audience, scopes, lifetime)
        return ConsumerToken(
            consumer=name,
            client_id=consumer.credential.client_id,
            audience=audience,
            scopes=scopes,
            id=signed.id,
            token=signed.token,
            issued_at=signed.issued_at,
            expires_at=signed.expires_at,
            notes=_notes(consumer, scopes, access),
        )

    def _signing_key(self) -> Ed25519PrivateKey:
        if self._key is None:
            made = Ed25519PrivateKey.generate() if self._key_file is None else make_key_file(self._key_file, _PURPOSE)
            self._key = made
        return self._key


def read_lifetime(text: str | None) -> timedelta:
    """How long a consumer's token lives: five minutes unless told.

    Raises:
        Invalid: it is no duration, or not from a second to an hour.
    """
    if text is None:
        return LIFETIME
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise Invalid(
            f"The token's life: {error}. No token was given. It lives from 1s to 1h, like 10m.", parameter="expires_in"
        ) from error
    if not SHORTEST <= found <= LONGEST:
        raise Invalid(
            f"A consumer's token cannot live {text}. No token was given. It lives from 1s to 1h: it is for trying a "
            "call, and systems get theirs anew by themselves.",
            parameter="expires_in",
        )
    return found


def _issuer_of(consumer: Consumer, access: Access) -> Issuer:
    address, credential = consumer.address, consumer.credential
    if credential is None:
        raise Refused(
            f"{address} has no credential, so the gateway knows it by nothing. No token was given. Give it one in its "
            "policy file, with issuer and client_id."
        )
    found = access.find(f"issuer.{credential.issuer}")
    if not isinstance(found, Issuer) or not found.by_hub:
        raise Refused(
            f"{address} is known by the tokens of issuer.{credential.issuer}, and the hub does not sign those. No "
            f"token was given. Ask that issuer for one, as the client {credential.client_id}."
        )
    return found


def _notes(consumer: Consumer, scopes: list[str], access: Access) -> list[str]:
    assert consumer.credential is not None
    ends = consumer.credential.expires_on
    notes = []
    if ends is not None and ends < access.today:
        notes.append(f"Its credential ended on {ends}: the gateway refuses the token.")
    if not scopes:
        notes.append(f"{consumer.address} has no grant in force: it can call what wants no scope.")
    return notes
