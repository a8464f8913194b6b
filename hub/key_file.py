"""The hub's signing keys: Ed25519, each in a file that only the hub's user can read."""

from __future__ import annotations

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
from msgspec import Struct

from hub.errors import SettingsError, StoreError
from transactions.audit_key import base64url


class Purpose(Struct, frozen=True, kw_only=True):
    """What a key is for, in the words of messages.

    Attributes:
        use: what it does: a sentence.
        danger: what somebody who has it can do, after "whoever has it".
        remedy: what to do where it may be in other hands, or is gone.
        undone: what was not done where it cannot be written: a sentence.
    """

    use: str
    danger: str
    remedy: str
    undone: str


def read_key_file(path: Path, purpose: Purpose) -> Ed25519PrivateKey | None:
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
            f"The key {path} cannot be read: {error.strerror}. {purpose.use} "
            "Let the user that runs the hub own it, as a file, with mode 600."
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if os.name == "posix" and stat.S_IMODE(facts.st_mode) & 0o077:
            raise SettingsError(
                f"The key {path} has mode {stat.S_IMODE(facts.st_mode):o}: others on this machine can read it, or "
                f"write it, and whoever has it {purpose.danger}. Nothing was started. If nobody has read "
                f"it: chmod 600 {path}. {purpose.remedy}"
            )
        data = file.read(65_536)
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise SettingsError(
            f"The key {path} is damaged ({error}). Nothing was started. Restore it from a backup. {purpose.remedy}"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"The key {path} is no Ed25519 key, so it is not one that the hub made. {purpose.remedy}")
    return key


def make_key_file(path: Path, purpose: Purpose) -> Ed25519PrivateKey:
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
            f"The key {path} cannot be written: {error.strerror}. {purpose.undone} "
            "Check that the disk has room and that the hub may write to its data folder."
        ) from error
    return key


def public_jwk(key: Ed25519PublicKey) -> dict[str, Any]:
    """The public key as a JWK (RFC 8037); its id is its thumbprint (RFC 7638)."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    members = {"crv": "Ed25519", "kty": "OKP", "x": base64url(raw)}
    thumbprint = hashlib.sha256(msgspec.json.encode(members, order="sorted")).digest()
    return {**members, "kid": base64url(thumbprint), "alg": "EdDSA", "use": "sig"}
