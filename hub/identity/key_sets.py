"""Sets of public keys (JWKS, RFC 7517), reduced to the keys that may check a signature here."""

from __future__ import annotations

from typing import Any

import jwt
import msgspec
import structlog
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from msgspec import Struct

log = structlog.get_logger("andon.identity")

SHORTEST_RSA, LONGEST_RSA = 2048, 16_384
_MOST_KEYS = 100

# By (kty, crv): the algorithms it can check, who reads it, and the members that are public.
_KINDS: dict[tuple[str, str | None], tuple[frozenset[str], Any, tuple[str, ...]]] = {
    ("RSA", None): (frozenset({"RS256", "PS256"}), RSAAlgorithm, ("kty", "n", "e")),
    ("EC", "P-256"): (frozenset({"ES256"}), ECAlgorithm, ("kty", "crv", "x", "y")),
    ("OKP", "Ed25519"): (frozenset({"EdDSA"}), OKPAlgorithm, ("kty", "crv", "x")),
}


class PublicKey(Struct, frozen=True):
    """A key, and what it may check."""

    id: str | None
    algorithms: frozenset[str]
    key: Any


class KeySet(Struct, frozen=True):
    """The keys of an issuer that are of use here."""

    keys: tuple[PublicKey, ...]

    def candidates(self, key_id: str | None, algorithm: str) -> tuple[PublicKey, ...]:
        """The keys that may have signed. A token that names no key is checked only where there is one choice: to try
        every key would let the weakest of them speak for all."""
        fit = tuple(key for key in self.keys if algorithm in key.algorithms)
        if key_id is None:
            return fit if len(fit) == 1 else ()
        return tuple(key for key in fit if key.id == key_id)


def read_key_set(data: bytes) -> KeySet:
    """Read a JWK set. Keys that cannot be used are left out, and the log says why.

    Raises:
        ValueError: it is none, or has no key of use.
    """
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"it is not JSON ({error})") from error
    members = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(members, list):
        raise ValueError("it is no set of keys: it has no list 'keys'")  # noqa: TRY004 - what came is at fault
    keys = []
    for member in members[:_MOST_KEYS]:
        try:
            keys.append(_read_key(member))
        except ValueError as error:
            log.info("issuer.key-left-out", because=str(error))
    if not keys:
        raise ValueError("it has no key that can check signatures here")
    return KeySet(tuple(keys))


def _read_key(member: Any) -> PublicKey:
    if not isinstance(member, dict):
        raise ValueError("no object")  # noqa: TRY004 - what came is at fault
    named = member.get("kid")
    if named is not None and not isinstance(named, str):
        raise ValueError("its kid is no text")
    if "d" in member or "k" in member:
        raise ValueError(f"{named}: it is a secret, and everybody can read it here; replace it at the issuer")
    kty = str(member.get("kty"))
    curve = None if kty == "RSA" else str(member.get("crv"))
    kind = _KINDS.get((kty, curve))
    if kind is None:
        raise ValueError(f"{named}: keys of the kind {kty} {curve or ''} are not used here")
    if member.get("use", "sig") != "sig" or "verify" not in _operations(member):
        raise ValueError(f"{named}: it is not for signatures")
    algorithms, reader, public = kind
    if "alg" in member:
        algorithms &= frozenset({member["alg"]}) if isinstance(member["alg"], str) else frozenset()
    if not algorithms:
        raise ValueError(f"{named}: alg {member['alg']!r} is not used here, or not with such a key")
    try:
        key = reader.from_jwk({name: member[name] for name in public if name in member})
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise ValueError(f"{named}: it cannot be read ({error})") from error
    if public[1] == "n" and not SHORTEST_RSA <= key.key_size <= LONGEST_RSA:
        raise ValueError(f"{named}: {key.key_size} bits; RSA keys have {SHORTEST_RSA} to {LONGEST_RSA} here")
    return PublicKey(named, algorithms, key)


def _operations(member: dict[str, Any]) -> list[Any]:
    found = member.get("key_ops", ["verify"])
    return found if isinstance(found, list) else []
