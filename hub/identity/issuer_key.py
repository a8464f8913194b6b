"""The key of the hub's own issuer: Ed25519, in a file that only the hub's user can read."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from hub.errors import SettingsError, StoreError

_REMEDY = (
    "If it may be in other hands, move it away: the hub makes a new one, and every token given before is void. Then "
    "give new ones with 'andon hub users token NAME'."
)


def read_key(path: Path) -> Ed25519PrivateKey | None:
    """The key in a file; None where there is no file.

    Raises:
        SettingsError: others can read it, or it cannot be used.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(
            f"The key {path} cannot be read: {error.strerror}. It signs the tokens of the hub's people. "
            "Let the user that runs the hub own it, as a file, with mode 600."
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if os.name == "posix" and stat.S_IMODE(facts.st_mode) & 0o077:
            raise SettingsError(
                f"The key {path} has mode {stat.S_IMODE(facts.st_mode):o}: others on this machine can read it, or "
                "write it, and whoever has it can make an admin's token. Nothing was started. If nobody has read "
                f"it: chmod 600 {path}. {_REMEDY}"
            )
        data = file.read(65_536)
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise SettingsError(
            f"The key {path} is damaged ({error}). Nothing was started. Restore it from a backup. {_REMEDY}"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"The key {path} is no Ed25519 key, so it is not one that the hub made. {_REMEDY}")
    return key


def make_key(path: Path) -> Ed25519PrivateKey:
    """A new key, on disk before anything is signed with it.

    Raises:
        StoreError: it cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            os.fsync(descriptor)
        fresh.rename(path)
    except OSError as error:
        raise StoreError(
            f"The key {path} cannot be written: {error.strerror}. No token was given. "
            "Check that the disk has room and that the hub may write to its data folder."
        ) from error
    return key


def public_jwk(key: Ed25519PublicKey) -> dict[str, Any]:
    """The public key as a JWK (RFC 8037); its id is its thumbprint (RFC 7638)."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    thumbprint = hashlib.sha256(msgspec.json.encode(members, order="sorted")).digest()
    return {**members, "kid": _base64url(thumbprint), "alg": "EdDSA", "use": "sig"}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
