"""Lines of the gateway's own access log: JSON, one object a line, as the data plane writes it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Struct

OWN = "/.well-known/andon-gateway"
"""By which the gateway is asked whether it takes calls: nobody's call."""
PROBE = "andon-probe"
"""What calls say for a transaction that see whether a change is in force. They have no token, and are refused."""


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """A call as the access log has it; fields that nobody counts are left out.

    Attributes:
        at: when it came.
        client: who the token is of: the claim ``client_id``, else ``azp``, else ``sub``; None without a valid token.
        issuer: who signed it.
        path: what was called, without a query.
        api, version, operation, scope: what was called and what that wants, as the policies name it.
        status: the HTTP status of the answer.
        flags, detail: Envoy's response flags and response code details.
        refused: why the gateway itself refused; None where it did not.
        tx: the transaction that it delivers, as whoever called says.
    """

    at: datetime
    client: str | None = None
    issuer: str | None = None
    path: str | None = None
    api: str | None = None
    version: str | None = None
    operation: str | None = None
    scope: str | None = None
    status: int = 0
    flags: str | None = None
    detail: str | None = None
    refused: str | None = None
    tx: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it is somebody's. Who has a token is counted, whatever else the call says."""
        probe = self.tx == PROBE and self.client is None and self.refused is not None
        return self.path != OWN and not probe


_ENTRY: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


def read_entries(lines: Iterable[bytes]) -> tuple[list[Entry], int]:
    """The calls that lines tell of, and how many lines cannot be read.

    A line may begin with what was left of one that a dead process did not finish: the rest of it counts.
    """
    found: list[Entry] = []
    unreadable = 0
    for line in lines:
        if not line.strip():
            continue
        entry = _read(line)
        if entry is None:
            unreadable += 1
            begin = line.rfind(b'{"', 1)
            entry = _read(line[begin:]) if begin > 0 else None
        if entry is not None and entry.counts:
            found.append(entry)
    return found, unreadable


def _read(line: bytes) -> Entry | None:
    try:
        entry = _ENTRY.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None if entry.at.tzinfo is None else entry
