"""Canonical JSON (RFC 8785) and the hashes made over it."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import rfc8785


def canonical(value: Any) -> bytes:
    """The one byte form of ``value`` (structs, dates and enums as the API writes them)."""
    return rfc8785.dumps(msgspec.to_builtins(value))


def sha256_of(value: Any) -> str:
    """Hex SHA-256 over the canonical form of ``value``."""
    return hashlib.sha256(canonical(value)).hexdigest()


def sha256_bytes(content: bytes) -> str:
    """Hex SHA-256 of ``content`` as it is."""
    return hashlib.sha256(content).hexdigest()
