"""The key of the hub's own issuer."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.key_file import Purpose, make_key_file, read_key_file
from hub.key_file import public_jwk as public_jwk

_PURPOSE = Purpose(
    use="It signs the tokens of the hub's people.",
    danger="can make an admin's token",
    remedy="If it may be in other hands, move it away: the hub makes a new one, and every token given before is void. "
    "Then give new ones with 'andon hub users token NAME'.",
    undone="No token was given.",
)


def read_key(path: Path) -> Ed25519PrivateKey | None:
    """The key in a file; None where there is no file.

    Raises:
        SettingsError: others can read it, or it cannot be used.
    """
    return read_key_file(path, _PURPOSE)


def make_key(path: Path) -> Ed25519PrivateKey:
    """A new key, on disk before anything is signed with it.

    Raises:
        StoreError: it cannot be written.
    """
    return make_key_file(path, _PURPOSE)
