"""Who calls: tokens, and the principals they speak for."""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol

from hub.loopback import is_loopback
from transactions.errors import Forbidden, Unauthenticated
from transactions.people import Permission
from transactions.people import Principal as Principal

LONGEST_TOKEN = 16_384


class Verifier(Protocol):
    """Knows the tokens of one issuer."""

    issuer: str
    """Whom its tokens are of."""

    def current(self, principal: Principal) -> Principal | None:
        """Somebody it vouched for before, with the rights of now, as far as it knows them; None who is not known any
        more."""
        ...

    async def principal(self, token: str) -> Principal | None:
        """Who ``token`` speaks for; None where it is not of this issuer.

        Raises:
            Unauthenticated: it is of this issuer, and cannot be used.
        """
        ...


class Access:
    """The tokens this hub accepts: a few of its own by their hash, compared in constant time, and those of issuers."""

    def __init__(self) -> None:
        self._principals: list[tuple[bytes, Principal]] = []
        self._verifiers: list[Verifier] = []
        self.bootstrap_off: str | None = None
        """Why the bootstrap token is refused; None while it is accepted."""
        self.metadata_url: str | None = None
        """Where a client reads how to sign in (RFC 9728)."""

    def accept(self, token: str, principal: Principal) -> None:
        """Let ``token`` speak for ``principal``."""
        self._principals.append((_digest(token), principal))

    def trust(self, verifier: Verifier) -> None:
        """Accept the tokens of an issuer."""
        self._verifiers.append(verifier)

    def current(self, principal: Principal) -> Principal | None:
        """Somebody who was here before, with the rights of now; None who is not known any more: removed, of an issuer
        that is not trusted any more, or the bootstrap token when it is off. Of people of an identity provider the hub
        knows what their token said then."""
        if principal.kind == "bootstrap":
            return None if self.bootstrap_off is not None else principal
        if principal.issuer is None:  # let in by this process itself
            return principal
        found = next((each for each in self._verifiers if each.issuer == principal.issuer), None)
        return None if found is None else found.current(principal)

    async def who(self, authorization: str | None, host: str | None = None) -> Principal:
        """The principal of an ``Authorization`` header.

        Args:
            authorization: its value.
            host: the address that the request came from, where it is known.

        Raises:
            Unauthenticated: there is none, or its token cannot be used.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(
                "The request has no access token. Sign in with 'andon login', or send 'Authorization: Bearer TOKEN'; "
                "on the hub's machine a token may be in bootstrap.token in its data folder."
            )
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise Unauthenticated("The access token is none: it is too long, or has characters that no token has.")
        found = self._known(token)
        if found is not None:
            if found.kind == "bootstrap" and host is not None and not is_loopback(host):
                raise Unauthenticated(
                    "The bootstrap token is good on the hub's own machine only. There, give yourself a token: "
                    "'andon hub users add NAME --role admin', then 'andon hub users token NAME'."
                )
            return found
        for verifier in self._verifiers:
            found = await verifier.principal(token)
            if found is not None:
                return found
        raise Unauthenticated(
            "The access token is not valid here. A bootstrap token changes whenever the hub starts: read it anew. "
            "Any other: sign in again with 'andon login'."
        )

    def _known(self, token: str) -> Principal | None:
        digest = _digest(token)
        found = None
        for known, principal in self._principals:
            if hmac.compare_digest(known, digest):
                found = principal
        if found is not None and found.kind == "bootstrap" and self.bootstrap_off is not None:
            raise Unauthenticated(self.bootstrap_off)
        return found


def demand(principal: Principal, wanted: frozenset[Permission], *, whole_hub: bool = False) -> None:
    """Refuse a principal that has none of the permissions, or whose rights do not reach over the whole hub.

    Raises:
        Forbidden: so it is.
    """
    if not principal.permissions & wanted:
        one = min(wanted, key=str)
        raise Forbidden(
            f"{principal.subject} is signed in and may not do this: it wants the permission {str(one)!r} "
            f"(to {one.meaning}). Ask an admin of the hub for a role that has it.",
            permission=str(one),
        )
    if whole_hub and not principal.limits.unlimited:
        raise Forbidden(
            f"{principal.subject} is signed in and may not do this: it is about the whole hub, and these rights reach "
            f"{principal.limits.describe()} only.",
            permission=str(min(wanted, key=str)),
        )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
