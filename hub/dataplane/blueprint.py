"""What Envoy's configuration is made from: the calls that there are, where they go, and whose tokens are good."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from gateway_policies.routing.losing import Loss
from gateway_policies.routing.model import Routing


class Target(Struct, frozen=True, kw_only=True):
    """Where calls of an API go on to.

    Attributes:
        url: the path in it comes before the rest of a call's own.
        plant: of which plant it is the instance; None for the only one.
        authorization: what it wants in the header of that name in place of the caller's token; None leaves that.
        fingerprint: SHA-256 of its certificate in hex, where nobody else vouches for that.
    """

    url: str
    plant: str | None = None
    authorization: str | None = None
    fingerprint: str | None = None


class TrustedIssuer(Struct, frozen=True, kw_only=True):
    """An issuer whose keys are at hand.

    Attributes:
        name: as the policies have it.
        issuer: what its tokens say in ``iss``.
        audience: what they must say in ``aud``; None takes any.
        keys: a JWK set (RFC 7517) of public keys.
    """

    name: str
    issuer: str
    audience: str | None
    keys: dict[str, Any]


class Blueprint(Struct, frozen=True, kw_only=True):
    """Everything that the configuration depends on.

    Attributes:
        losses: what callers would lose by policies that are tried; such calls are counted, and let through.
        targets: by what the policies say in ``upstream``; nothing where there is no address.
    """

    routing: Routing
    targets: dict[str, list[Target]]
    issuers: list[TrustedIssuer]
    losses: tuple[Loss, ...] = ()
