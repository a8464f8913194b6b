"""Signed tokens (JWS compact form, RFC 7515) and what they have to say (RFC 7519, RFC 8725, RFC 9068).

Reading is strict where parsers differ: no padding, no foreign characters, no member twice. The signature is PyJWT's
business; everything that is decided by a token's contents is decided here, with a clock that is handed in.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from datetime import UTC, datetime
from typing import Any, NoReturn

import jwt
from msgspec import Struct

from transactions.errors import Unauthenticated

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""All that may ever be allowed: nothing symmetric, and never ``none``."""

_FORM = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_SUBJECT_LENGTH = 255
_LATEST = 253_402_300_799  # the last second that a date can name

_jws = jwt.PyJWS()


class Token(Struct, frozen=True):
    """A token that was read, and not yet believed."""

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]

    @property
    def issuer(self) -> str | None:
        """Whom it says it is of."""
        found = self.claims.get("iss")
        return found if isinstance(found, str) else None


class Terms(Struct, frozen=True, kw_only=True):
    """What a token must say to be accepted.

    Attributes:
        issuer: exactly this ``iss``.
        audience: ``aud`` names one of these.
        algorithms: that may have signed it.
        typ: of the header, without ``application/``.
        leeway: seconds that clocks may differ by.
        max_age: seconds after ``iat`` at which it is too old, whatever ``exp`` says; None for no such limit.
    """

    issuer: str
    audience: frozenset[str]
    algorithms: frozenset[str]
    typ: str
    leeway: float
    max_age: float | None = None


def digest(text: str) -> bytes:
    """What a token is remembered by."""
    return hashlib.sha256(text.encode()).digest()


def read_token(text: str) -> Token | None:
    """Read a token; None where it is no JWS with JSON inside, and so of nobody's who signs tokens.

    Raises:
        Unauthenticated: it is one, and says something twice.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    try:
        header, claims = (_json(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in form.groups()[:2])
    # A RecursionError is what thousands of nested brackets come to; binascii.Error is a ValueError.
    except (ValueError, RecursionError):
        return None
    return Token(text, header, claims) if isinstance(header, dict) and isinstance(claims, dict) else None


def check_header(token: Token, terms: Terms) -> str:
    """Hold the header against the terms; returns the algorithm. Keys and addresses in a header are never used.

    Raises:
        Unauthenticated: another algorithm or type, or an extension that must be understood.
    """
    algorithm = token.header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in terms.algorithms:
        refuse(f"it is signed with {_shown(algorithm)}, and only {', '.join(sorted(terms.algorithms))} will do")
    if "crit" in token.header or "b64" in token.header:
        refuse("its header has extensions that this hub does not know (RFC 7515, 4.1.11)")
    typ = token.header.get("typ")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") != terms.typ.lower():
        refuse(f"it is of the type {_shown(typ)}, and an access token is of the type {terms.typ!r} (RFC 9068)")
    if not isinstance(token.header.get("kid", ""), str):
        refuse("the id of its key is no text")
    return algorithm


def check_signature(token: Token, key: Any, algorithm: str) -> bool:
    """Whether ``key`` made the token's signature by ``algorithm``."""
    try:
        _jws.decode(token.text, key=key, algorithms=[algorithm])
    except jwt.PyJWTError:
        return False
    return True


def check_claims(token: Token, terms: Terms, now: datetime) -> datetime:
    """Hold what a token says against the terms; returns when it ends.

    Raises:
        Unauthenticated: something is missing, of the wrong kind, for somebody else, or not for this moment.
    """
    claims, moment = token.claims, now.timestamp()
    if claims.get("iss") != terms.issuer:
        refuse(f"it is of another issuer than {terms.issuer}")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.strip() or len(subject) > _SUBJECT_LENGTH:
        refuse("it names no subject (sub)")
    if not subject.isprintable():
        refuse("its subject (sub) has characters that cannot be printed")
    if not _audience(claims.get("aud")) & terms.audience:
        refuse(f"it is for somebody else: its audience (aud) is not {' or '.join(sorted(terms.audience))}")
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    if moment >= expires + terms.leeway:
        refuse(f"it expired at {datetime.fromtimestamp(expires, UTC):%Y-%m-%d %H:%M:%S} UTC")
    if issued > moment + terms.leeway:
        refuse("it was issued in the future (iat). Check the clocks of the hub and of the issuer")
    if "nbf" in claims and _time(claims, "nbf") > moment + terms.leeway:
        refuse("it is not valid yet (nbf). Check the clocks of the hub and of the issuer")
    if terms.max_age is not None and moment > issued + terms.max_age + terms.leeway:
        refuse("it was issued too long ago (iat)")
    return datetime.fromtimestamp(expires, UTC)


def refuse(because: str) -> NoReturn:
    """Refuse a token.

    Raises:
        Unauthenticated: always.
    """
    raise Unauthenticated(f"The access token is refused: {because}. Sign in again with 'andon login'.")


def _json(data: bytes) -> Any:
    return json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two members of one name, one parser takes the first and another the last: none is believed."""
    found = dict(pairs)
    if len(found) != len(pairs):
        refuse("it says something twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _audience(value: Any) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset({value})
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return frozenset(value)
    refuse("it names no audience (aud)")


def _time(claims: dict[str, Any], name: str) -> float:
    """A NumericDate (RFC 7519, 2)."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(f"it does not say {name}, or not as a number")
    if (isinstance(value, float) and not math.isfinite(value)) or not 0 <= value <= _LATEST:
        refuse(f"its {name} is no time")
    return float(value)


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)[:40]
