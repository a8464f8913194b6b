"""Wall-clock settings of delivery: one profile for production, a quick one for simulation."""

from __future__ import annotations

import random

from msgspec import Struct


class Profile(Struct, frozen=True, kw_only=True):
    """How patient the hub is; every time is in seconds.

    Attributes:
        connect_timeout: for a connection to be made; over it nothing has left.
        read_timeout: for an answer; over it the outcome is unknown.
        attempts: deliveries before a failure that might pass is final.
        backoff: before the second delivery; doubles each time, with jitter.
        backoff_limit: the longest wait between two deliveries.
        breaker_failures: failures in a row that open a target's breaker.
        breaker_pause: how long it stays open before one delivery is let through to probe.
        breaker_wait: how long a transaction waits for an open breaker before it fails.
        lookup_pause: before a question is asked again; doubles each time.
        lookups: questions before an unclear outcome is left to people.
        parked_every: how often a parked transaction is asked for.
        reply_within: how long a reply or confirmation is waited for.
        concurrency: deliveries to one target at one time.
        recovery_share: how much of what a target takes in a second batches may use; the rest is the line's.
    """

    name: str
    connect_timeout: float
    read_timeout: float
    attempts: int
    backoff: float
    backoff_limit: float
    breaker_failures: int
    breaker_pause: float
    breaker_wait: float
    lookup_pause: float
    lookups: int
    parked_every: float
    reply_within: float
    concurrency: int = 16
    recovery_share: float = 0.5

    def backoff_after(self, tries: int, chance: random.Random) -> float:
        """Seconds to wait after ``tries`` deliveries, with a jitter of a fifth either way."""
        base = min(self.backoff_limit, self.backoff * 2.0 ** max(0, tries - 1))
        return base * (0.8 + 0.4 * chance.random())

    def lookup_after(self, lookups: int) -> float:
        """Seconds to wait after ``lookups`` questions without a clear answer."""
        return min(self.backoff_limit, self.lookup_pause * 2.0 ** min(lookups, 20))


PRODUCTION = Profile(
    name="production",
    connect_timeout=10.0,
    read_timeout=30.0,
    attempts=6,
    backoff=2.0,
    backoff_limit=300.0,
    breaker_failures=8,
    breaker_pause=15.0,
    breaker_wait=3600.0,
    lookup_pause=1.0,
    lookups=24,
    parked_every=300.0,
    reply_within=900.0,
)
QUICK = Profile(
    name="quick",
    connect_timeout=1.0,
    read_timeout=2.0,
    attempts=3,
    backoff=0.4,
    backoff_limit=0.8,
    breaker_failures=5,
    breaker_pause=1.0,
    breaker_wait=3.0,
    lookup_pause=0.1,
    lookups=8,
    parked_every=5.0,
    reply_within=5.0,
)
PROFILES = {profile.name: profile for profile in (PRODUCTION, QUICK)}
