"""Canonical JSON (RFC 8785) of what is said about a gateway, and hashes over it.

The model has neither fractions nor names beyond ASCII, for which msgspec writes just the bytes that the RFC asks for.
"""

from __future__ import annotations

import hashlib

import msgspec

_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical(value: object) -> bytes:
    """The one byte form of ``value``: a struct, or what such are made of."""
    return _ENCODER.encode(value)


def sha256_of(value: object) -> str:
    """Hex SHA-256 over the canonical form of ``value``."""
    return hashlib.sha256(canonical(value)).hexdigest()
