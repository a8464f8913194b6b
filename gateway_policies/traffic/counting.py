"""Calls counted by the minute: who called what, and what came of it; and by the second what came to the throttles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from gateway_policies.model import Consumer, Issuer, Resource
from gateway_policies.traffic.entries import Entry
from gateway_policies.traffic.outcomes import ARRIVED, Outcome, outcome_of

MINUTE = 60
LONGEST = 200
"""Characters of a name that are kept."""


class Kind(NamedTuple):
    """What calls have in common. A text is empty where nothing is known.

    Attributes:
        consumer: as the policies name it.
        client: as the token names it, where no consumer is known by it.
    """

    consumer: str
    client: str
    api: str
    version: str
    operation: str
    scope: str
    outcome: Outcome


class Seen(Struct):
    """How often, and when last, in seconds since 1970."""

    calls: int = 0
    last: float = 0.0


class Clients:
    """Consumers by what tokens say of them."""

    def __init__(self, live: Mapping[str, Resource] = {}) -> None:
        """
        Args:
            live: what is in force at the gateway, by address.
        """
        self._exact: dict[tuple[str, str], str] = {}
        self._unnamed: dict[str, set[str]] = {}
        self._all: dict[str, set[str]] = {}
        issuers = {each.name: each for each in live.values() if isinstance(each, Issuer)}
        for each in live.values():
            if isinstance(each, Consumer) and each.credential is not None:
                issuer, client = issuers.get(each.credential.issuer), each.credential.client_id
                self._exact[each.credential.issuer, client] = each.name
                self._all.setdefault(client, set()).add(each.name)
                if issuer is not None and issuer.url is not None and not issuer.by_hub:
                    self._exact.setdefault((issuer.url, client), each.name)
                else:  # what its tokens are signed as, the policies do not say
                    self._unnamed.setdefault(client, set()).add(each.name)

    def consumer(self, issuer: str | None, client: str) -> str | None:
        """The consumer that a client is; None for a stranger, and where it could be either of two.

        Args:
            issuer: its name in the policies, or what its tokens are signed as; None where a log does not say.
        """
        found = self._exact.get((issuer or "", client))
        if found is None:
            names = (self._all if not issuer else self._unnamed).get(client, ())
            found = next(iter(names)) if len(names) == 1 else None
        return found


class Tally:
    """Calls that are counted together.

    Attributes:
        counts: by minute (its first second since 1970) and kind.
        arrivals: what came as far as the throttles, by minute, consumer and API: sixty numbers, one for each second.
        spans: first and last second of each API.
        lines, unreadable: how many lines these are of, and how many could not be read.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._kinds: dict[tuple[object, ...], Kind] = {}
        self.counts: dict[tuple[int, Kind], Seen] = {}
        self.arrivals: dict[tuple[int, str, str], list[int]] = {}
        self.spans: dict[str, tuple[float, float]] = {}
        self.lines = 0
        self.unreadable = 0

    def add_all(self, entries: Iterable[Entry]) -> None:
        """Count calls."""
        for each in entries:
            self.add(each)

    def add(self, entry: Entry) -> None:
        """Count a call."""
        raw = (
            entry.issuer,
            entry.client,
            entry.api,
            entry.version,
            entry.operation,
            entry.scope,
            entry.status,
            entry.refused,
            entry.flags,
            entry.detail if entry.refused is None else None,
        )
        kind = self._kinds.get(raw)
        if kind is None:
            kind = self._kinds[raw] = self._kind(entry)
        self.count(kind, entry.at.timestamp())

    def count(self, kind: Kind, at: float) -> None:
        """Count a call of a kind.

        Args:
            at: seconds since 1970.
        """
        self.lines += 1
        second = int(at)
        minute = second - second % MINUTE
        seen = self.counts.get((minute, kind))
        if seen is None:
            seen = self.counts[minute, kind] = Seen()
        seen.calls += 1
        if at > seen.last:
            seen.last = at
        if kind.outcome in ARRIVED:
            key = (minute, kind.consumer, kind.api)
            seconds = self.arrivals.get(key)
            if seconds is None:
                seconds = self.arrivals[key] = [0] * MINUTE
            seconds[second - minute] += 1
        if kind.api:
            first, last = self.spans.get(kind.api, (at, at))
            self.spans[kind.api] = (min(first, at), max(last, at))

    def _kind(self, entry: Entry) -> Kind:
        consumer = client = ""
        if entry.client:
            consumer = self._clients.consumer(entry.issuer, entry.client) or ""
            client = "" if consumer else shown_name(entry.client)
        return Kind(
            consumer,
            client,
            shown_name(entry.api),
            shown_name(entry.version),
            shown_name(entry.operation),
            shown_name(entry.scope),
            outcome_of(entry.status, entry.refused, entry.flags or "", entry.detail or ""),
        )


def shown_name(text: str | None) -> str:
    """A name as it is kept: one line, not too long."""
    if not text or text == "-":
        return ""
    clipped = text[:LONGEST]
    if clipped.isprintable():
        return clipped
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in clipped)
