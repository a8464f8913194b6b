"""An exported audit chain, line by line; ``transactions.audit_check`` checks it without the platform.

Each line is one entry in canonical JSON (RFC 8785), ended by a line feed. The last one is the signed end::

    {"end":{"at":…,"count":…,"first":…,"head":…,"last":…,"platform":…,"previous":…},"key":FINGERPRINT,"signature":…}

The hash of an entry is over its line without the member ``hash``, the signature over the last line without the member
``signature``. So a reader checks the bytes themselves: nothing has to be written anew to be compared, and what means
the same in other bytes is no export.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from transactions.canonical import canonical
from transactions.history import AuditEntry

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes; no entry comes near it, and no line is read further."""
END = b'{"end":'


class End(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an export ends with.

    Attributes:
        first: ``seq`` of its first entry.
        last: of its last entry; ``first - 1`` where it has none.
        count: how many it has.
        head: hash of the last one.
        previous: what the first one links to.
        at: when it was exported.
    """

    platform: str
    first: int
    last: int
    count: int
    head: str
    previous: str
    at: datetime


class SignedEnd(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last line; ``key`` is the fingerprint of the key that made ``signature``."""

    end: End
    key: str
    signature: str


def entry_line(entry: AuditEntry) -> bytes:
    """The line of an entry."""
    return canonical(entry) + b"\n"


def signed_content(end: End, key: str) -> bytes:
    """What the signature of an end is made over; ``key`` is the fingerprint of the signing key."""
    return canonical({"end": end, "key": key})


def end_line(end: End, key: str, signature: str) -> bytes:
    """The last line of an export."""
    return canonical(SignedEnd(end=end, key=key, signature=signature)) + b"\n"
