"""The key that signs exports of the audit chain, as those know it who check them: public, pinned, compared.

Ed25519 as a JWK (RFC 8037); its fingerprint is its thumbprint (RFC 7638).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Literal

import msgspec
from msgspec import Struct

from transactions.untrusted import parse_json

ALGORITHM = "ed25519"
_KEY_BYTES = 32


class Jwk(Struct, frozen=True, kw_only=True):
    """A public Ed25519 key (RFC 8037); ``x`` is the key itself, base64url without padding."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str | None = None
    alg: str | None = None
    use: str | None = None


class AuditKey(Struct, frozen=True, kw_only=True):
    """The key of a platform, as the platform says it.

    Attributes:
        platform: the platform whose audit chain it signs.
        fingerprint: the thumbprint of ``jwk``.
    """

    platform: str
    fingerprint: str
    jwk: Jwk


class TrustedKey(Struct, frozen=True):
    """A key that somebody decided to trust.

    Attributes:
        x: the key, base64url without padding.
        platform: whose it is; None where nobody said.
    """

    x: str
    platform: str | None = None

    @property
    def fingerprint(self) -> str:
        """What people compare, and what a signed end names."""
        return thumbprint(self.x)

    @property
    def pin(self) -> str:
        """The key in one line, as a context keeps it: ``PLATFORM ed25519 KEY``."""
        return f"{self.platform or '-'} {ALGORITHM} {self.x}"

    def signed(self, content: bytes, signature: str) -> bool:
        """Whether ``signature`` (base64url) is this key's, over ``content``."""
        # Imported late: it loads a library that only this wants.
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(from_base64url(self.x)).verify(from_base64url(signature), content)
        except (InvalidSignature, ValueError):
            return False
        return True


def thumbprint(x: str) -> str:
    """The thumbprint (RFC 7638) of the Ed25519 key ``x``."""
    members = msgspec.json.encode({"crv": "Ed25519", "kty": "OKP", "x": x}, order="sorted")
    return base64url(hashlib.sha256(members).digest())


def trusted(key: AuditKey) -> TrustedKey:
    """A platform's key, checked: it is one, and its fingerprint is its own.

    Raises:
        ValueError: it is not.
    """
    if key.fingerprint != thumbprint(_checked(key.jwk.x)):
        raise ValueError("its fingerprint is that of another key")
    return TrustedKey(key.jwk.x, key.platform)


def read_pin(text: str) -> TrustedKey:
    """A key in one line, as :attr:`TrustedKey.pin` writes it.

    Raises:
        ValueError: it is none.
    """
    platform, _, rest = text.strip().rpartition(f" {ALGORITHM} ")
    if not platform or not rest:
        raise ValueError(f"it is not written as 'PLATFORM {ALGORITHM} KEY'")
    return TrustedKey(_checked(rest), None if platform == "-" else platform)


def read_key(content: bytes) -> TrustedKey:
    """A key as a file keeps it: what ``andon audit key -o json`` prints, a JWK, or the line of a context.

    Raises:
        ValueError: it is none of these.
    """
    if not content.lstrip().startswith(b"{"):
        try:
            return read_pin(content.decode())
        except UnicodeDecodeError as error:
            raise ValueError("it is no text") from error
    try:
        return trusted(parse_json(content, AuditKey))
    except msgspec.ValidationError:
        # Not the platform's own words: a key by itself then.
        pass
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"it is not JSON ({error})") from error
    try:
        return TrustedKey(_checked(parse_json(content, Jwk).x))
    except msgspec.ValidationError as error:
        raise ValueError(f"it is no Ed25519 key as JSON ({error})") from error


def base64url(data: bytes) -> str:
    """Bytes in base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes that :func:`base64url` wrote.

    Raises:
        ValueError: it did not write this: every other spelling of the same bytes is refused.
    """
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("it is not base64url") from error
    if base64url(data) != text:
        raise ValueError("it is not base64url as it should be written")
    return data


def _checked(x: str) -> str:
    if len(from_base64url(x)) != _KEY_BYTES:
        raise ValueError(f"it does not have the {_KEY_BYTES} bytes of an Ed25519 key")
    return x
