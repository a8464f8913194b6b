"""The hub's own certificate."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

from hub.errors import SettingsError


def server_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What to serve TLS with; None where no certificate was named.

    Args:
        certificate: PEM file with the hub's certificate, then those between it and its root.
        key: PEM file with its key; None where that is in the same file.

    Raises:
        SettingsError: a file cannot be read, or they do not fit.
    """
    if certificate is None:
        if key is not None:
            raise SettingsError(
                "--tls-key names a key, and no certificate was named. Nothing was started. Name it with --tls-cert."
            )
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    for path in (certificate, key):
        if path is not None:
            _readable(path)
    try:
        # An encrypted key would ask for its passphrase at a terminal that a service does not have.
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except ssl.SSLError as error:
        said = error.reason or str(error)
        raise SettingsError(
            f"TLS cannot be served with {certificate}{'' if key is None else f' and {key}'} ({said}). "
            "Nothing was started. Name PEM files: the certificate with its chain, and the key that belongs to it, "
            "without a passphrase."
        ) from error
    except ValueError as error:
        raise SettingsError(f"The key {key or certificate} {error}. Nothing was started.") from error
    return context


def fingerprint(certificate: Path) -> str:
    """SHA-256 of the first certificate in a PEM file, hexadecimal."""
    text = certificate.read_text(encoding="ascii", errors="replace")
    start, end = text.index("-----BEGIN CERTIFICATE-----"), text.index("-----END CERTIFICATE-----")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(text[start:end] + "-----END CERTIFICATE-----")).hexdigest()


def _readable(path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}. Nothing was started. "
            "Name a PEM file that the user who runs the hub may read."
        ) from error


def _no_passphrase() -> str:
    raise ValueError("has a passphrase, which a service cannot be asked for. Write it without one, with mode 600")
