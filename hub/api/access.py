"""Who may call: tokens, principals, and the one check before a request is looked at."""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

from msgspec import Struct

from transactions.errors import Forbidden, Unauthenticated


class Permission(StrEnum):
    """What a route wants of its caller."""

    ADMIN = "admin"
    INGRESS = "ingress"


class Principal(Struct, frozen=True, kw_only=True):
    """Who a token belongs to.

    Attributes:
        kind: ``bootstrap`` for the token of the hub's machine, ``system`` for a source.
        permissions: what it allows; admin allows everything.
    """

    subject: str
    kind: str
    permissions: frozenset[Permission]

    def allows(self, permission: Permission) -> bool:
        """Whether the principal may do what wants ``permission``."""
        return Permission.ADMIN in self.permissions or permission in self.permissions


class Access:
    """The tokens this hub accepts, by their hash; compared in constant time."""

    def __init__(self) -> None:
        self._principals: list[tuple[bytes, Principal]] = []

    def accept(self, token: str, principal: Principal) -> None:
        """Let ``token`` speak for ``principal``."""
        self._principals.append((_digest(token), principal))

    def who(self, authorization: str | None) -> Principal:
        """The principal of an ``Authorization`` header.

        Raises:
            Unauthenticated: there is none, or its token is not known.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated(
                "The request has no access token. Send 'Authorization: Bearer TOKEN'; "
                "on the hub's machine the token is in bootstrap.token in its data folder."
            )
        digest = _digest(token.strip())
        found = None
        for known, principal in self._principals:
            if hmac.compare_digest(known, digest):
                found = principal
        if found is None:
            raise Unauthenticated(
                "The access token is not valid here. The bootstrap token changes whenever the hub starts: read it anew."
            )
        return found


def demand(principal: Principal, permission: Permission) -> None:
    """Refuse a principal that lacks a permission.

    Raises:
        Forbidden: it does.
    """
    if not principal.allows(permission):
        raise Forbidden(
            f"{principal.subject} is signed in and may not do this: it wants the permission {permission!r}."
        )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
