"""The audit chain: each entry carries the hash of the one before it, so that an edited, removed or reordered entry
is found. Hashes are SHA-256 over canonical JSON (RFC 8785)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from transactions.canonical import sha256_of
from transactions.history import AuditEntry

GENESIS = "0" * 64
"""What the first entry links to."""


class Broken(Struct, frozen=True):
    """The first entry that does not hold, and why."""

    seq: int
    because: str


def entry_hash(entry: AuditEntry) -> str:
    """The hash of an entry: over every field but ``hash`` itself."""
    fields = {name: getattr(entry, name) for name in AuditEntry.__struct_fields__ if name != "hash"}
    return sha256_of(fields)


def link(entry: AuditEntry) -> AuditEntry:
    """The entry with its hash filled in."""
    return msgspec.structs.replace(entry, hash=entry_hash(entry))


def verify(
    entries: Iterable[AuditEntry], previous: str = GENESIS, first: int = 1, head: tuple[int, str] | None = None
) -> Broken | None:
    """Walk a chain; None when every entry holds.

    Args:
        entries: in order of ``seq``.
        previous: the hash that the first of them must link to.
        first: the ``seq`` of the first of them.
        head: ``seq`` and hash of the newest entry, as somebody else remembers them. Without it a chain that was cut at
            its end, or written anew from its start, cannot be told from a whole one.
    """
    expected = first
    for entry in entries:
        if entry.seq != expected:
            return Broken(expected, f"entry {expected} is missing: the next one found is {entry.seq}")
        if entry.previous != previous:
            return Broken(entry.seq, "it does not link to the entry before it")
        if entry_hash(entry) != entry.hash:
            return Broken(entry.seq, "its content does not match its hash")
        previous, expected = entry.hash, entry.seq + 1
        if head is not None and entry.seq == head[0] and entry.hash != head[1]:
            return Broken(entry.seq, "it is not the entry that was the newest: the chain was written anew")
    if head is not None and expected <= head[0]:
        return Broken(expected, f"the chain was cut: entries {expected} to {head[0]} are missing")
    return None
