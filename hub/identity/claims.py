"""What the claims of an external token come to: roles, permissions, limits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from hub.api.access import Principal
from hub.identity.issuer_settings import IssuerSettings
from hub.identity.tokens import refuse
from transactions.accounts import RESERVED
from transactions.people import GRANTABLE, Limits, Permission, Role

INGRESS_SCOPE = "ingress."
# Marks of tokens that a provider makes for other purposes, in case their type says no more than "JWT".
_OF_ID_TOKENS = ("at_hash", "c_hash", "s_hash", "nonce", "events")
_ACCESS = frozenset({"bearer", "dpop", "access", "at+jwt"})


def principal_of(claims: dict[str, Any], settings: IssuerSettings, expires_at: datetime) -> Principal:
    """Who a verified token speaks for.

    Args:
        claims: of a token whose signature, issuer, audience and times hold.
        settings: of its issuer.
        expires_at: when it ends.

    Raises:
        Unauthenticated: it is no access token, or says rights in a form that could mean more than it should.
    """
    if settings.typ == "JWT":
        _must_be_access(claims)
    subject = str(claims["sub"])
    if subject in RESERVED:
        refuse(f"its subject {subject!r} is a name that the hub keeps for itself")
    names = _words(claims, settings.roles_claim)
    known = settings.role_map
    roles = tuple(sorted({role for name in names for role in known.get(name, ())}))
    granted = frozenset(
        Permission(name) for name in _words(claims, settings.permissions_claim) if name in {str(g) for g in GRANTABLE}
    )
    limits = Limits(
        plants=_limit(claims, "andon_plants"), flows=_limit(claims, "andon_flows"), risks=_limit(claims, "andon_risks")
    )
    sends = _ingress(claims)
    if sends and not roles:
        # A source's token. Somebody with roles keeps to these: as limits hold for all rights of a principal, what it
        # may send would cut down what it may see, or the other way round.
        roles = (Role.SOURCE,)
        allowed = sends if limits.flows is None else sends & set(limits.flows)
        limits = Limits(plants=limits.plants, flows=sorted(allowed), risks=limits.risks)
    return Principal(
        subject=subject,
        kind="system" if roles == (Role.SOURCE,) else "federated",
        roles=roles,
        granted=granted,
        limits=limits,
        name=_name(claims),
        issuer=settings.url,
        expires_at=expires_at,
    )


def _must_be_access(claims: dict[str, Any]) -> None:
    """Keycloak's ``typ`` and Cognito's ``token_use`` tell; an ID token's hashes and nonce tell too."""
    for name in ("typ", "token_use"):
        said = claims.get(name)
        if said is not None and str(said).lower() not in _ACCESS:
            refuse(f"it is no access token: its {name} is {str(said)[:40]!r}")
    for name in _OF_ID_TOKENS:
        if name in claims:
            refuse(f"it is no access token: it has {name}, as ID tokens do")


def _find(claims: dict[str, Any], path: str) -> Any:
    """A claim by its whole name, which may have dots (names that are addresses do), else level by level."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return found


def _words(claims: dict[str, Any], path: str) -> list[str]:
    found = _find(claims, path)
    if found is None:
        return []
    if isinstance(found, str):
        return found.split()
    return _texts(found, path)


def _limit(claims: dict[str, Any], name: str) -> list[str] | None:
    """A limit that is there and cannot be read is never taken for none."""
    return _texts(claims[name], name) if name in claims else None


def _texts(found: Any, name: str) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        refuse(f"{name} is no list of texts, so it cannot be told what it allows. Correct it at the issuer")
    return list(found)


def _ingress(claims: dict[str, Any]) -> set[str]:
    """Flows that a token may send, of the scopes ``ingress.FLOW``."""
    scopes: Iterable[Any] = claims.get("scope", claims.get("scp", ""))
    if isinstance(scopes, str):
        scopes = scopes.split(" ")
    return {
        scope.removeprefix(INGRESS_SCOPE)
        for scope in (scopes if isinstance(scopes, list) else ())
        if isinstance(scope, str) and scope.startswith(INGRESS_SCOPE) and scope != INGRESS_SCOPE
    }


def _name(claims: dict[str, Any]) -> str | None:
    for claim in ("preferred_username", "name", "client_id", "azp"):
        found = claims.get(claim)
        if isinstance(found, str) and found.strip():
            return "".join(char for char in found[:100] if char.isprintable())
    return None
