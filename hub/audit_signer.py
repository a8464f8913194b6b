"""Signs the ends of exported audit chains, with a key of its own: it vouches for the audit and opens nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.key_file import Purpose, make_key_file, public_jwk, read_key_file
from transactions.audit_export import End, end_line, signed_content
from transactions.audit_key import AuditKey, Jwk, base64url

_PURPOSE = Purpose(
    use="It signs what is exported of the audit chain.",
    danger="can sign an audit chain that never was",
    remedy="If it may be in other hands, move it away: the hub makes a new one, and whoever has pinned the old one is "
    "told so. Then tell them why, and have them pin the new one with 'andon audit key --pin --replace'.",
    undone="Nothing was exported.",
)


class AuditSigner:
    """The hub's key for its audit chain, made when it is first wanted.

    Args:
        platform: whose chain it is.
        key_file: where the key is kept; None keeps it in memory.

    Raises:
        SettingsError: there is a key, and it cannot be used.
    """

    def __init__(self, platform: str, key_file: Path | None) -> None:
        self._platform, self._key_file = platform, key_file
        self._key: Ed25519PrivateKey | None = None if key_file is None else read_key_file(key_file, _PURPOSE)

    def public(self) -> AuditKey:
        """The public key, with its fingerprint.

        Raises:
            StoreError: there was none, and a new one cannot be written.
        """
        jwk = msgspec.convert(public_jwk(self._signing_key().public_key()), Jwk)
        assert jwk.kid is not None
        return AuditKey(platform=self._platform, fingerprint=jwk.kid, jwk=jwk)

    def end_line(self, end: End) -> bytes:
        """The last line of an export, signed.

        Raises:
            StoreError: there was no key, and a new one cannot be written.
        """
        key = self.public().fingerprint
        return end_line(end, key, base64url(self._signing_key().sign(signed_content(end, key))))

    def _signing_key(self) -> Ed25519PrivateKey:
        if self._key is None:
            self._key = (
                Ed25519PrivateKey.generate() if self._key_file is None else make_key_file(self._key_file, _PURPOSE)
            )
        return self._key
