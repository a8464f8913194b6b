"""Canonical JSON (RFC 8785) and the hashes made over it."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

_LARGEST = 2**53 - 1  # RFC 8785 knows the integers that a double holds


def canonical(value: Any) -> bytes:
    """The one byte form of ``value`` (structs, dates and enums as the API writes them).

    Raises:
        ValueError: there is none: an integer beyond 53 bits, a number that is none, half a character.
    """
    plain = msgspec.to_builtins(value)
    if _alike(plain):
        try:
            return msgspec.json.encode(plain, order="sorted")
        except UnicodeEncodeError:
            pass  # half a character: the one below says so
    import rfc8785  # late: most of what is hashed has no use for it

    return rfc8785.dumps(plain)


def _alike(plain: Any) -> bool:
    """Whether msgspec, which is many times faster, writes the same bytes: it writes fractions in another way, and sorts
    names by code points, where RFC 8785 sorts them by UTF-16."""
    kind: type = type(plain)
    if kind is str or kind is bool or plain is None:
        return True
    if kind is int:
        return bool(-_LARGEST <= plain <= _LARGEST)
    if kind is dict:
        return all(type(name) is str and name.isascii() and _alike(inner) for name, inner in plain.items())
    return kind is list and all(map(_alike, plain))


def sha256_of(value: Any) -> str:
    """Hex SHA-256 over the canonical form of ``value``."""
    return hashlib.sha256(canonical(value)).hexdigest()


def sha256_bytes(content: bytes) -> str:
    """Hex SHA-256 of ``content`` as it is."""
    return hashlib.sha256(content).hexdigest()
