"""How often one may ask: a token bucket for everybody who is signed in (RateLimit fields as in
draft-ietf-httpapi-ratelimit-headers).

Only who has shown a token that is good is counted. So nobody can use up another's share, and a stranger with many
wrong tokens makes nothing here grow: those are 401 before anything is counted.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from transactions.errors import TooManyRequests

MOST_SUBJECTS = 10_000
"""Buckets that are kept; of more people at one moment, the ones that asked longest ago begin anew."""


class RateLimit(Struct, frozen=True, kw_only=True):
    """How often one may ask.

    Attributes:
        requests_per_second: what comes back into the bucket; 0 switches the limit off.
        burst: what a bucket holds: so many requests may come at once.
        under_way: requests of one that may be under way at one time, streams and documents too; 0 switches it off.
    """

    requests_per_second: float = 200.0
    burst: int = 1000
    under_way: int = 200

    @property
    def window(self) -> int:
        """Seconds in which an empty bucket is full again, rounded up."""
        return math.ceil(self.burst / self.requests_per_second)


class Standing(Struct, frozen=True, kw_only=True):
    """Where somebody stands after a request.

    Attributes:
        remaining: requests that may follow at once.
        reset: seconds until the bucket is full again.
    """

    remaining: int
    reset: int


class RateLimiter:
    """Counts the requests of each subject.

    Args:
        limit: how often each may ask.
        clock: seconds that only go forward.
        most: subjects that are remembered.
    """

    def __init__(
        self, limit: RateLimit, clock: Callable[[], float] = time.monotonic, most: int = MOST_SUBJECTS
    ) -> None:
        self.limit, self._clock, self._most = limit, clock, most
        # subject: what was in the bucket, and when; the one that asked longest ago first
        self._under_way: dict[tuple[str | None, str], int] = {}
        self._buckets: OrderedDict[tuple[str | None, str], tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """Subjects that are remembered now."""
        return len(self._buckets)

    def take(self, subject: str, issuer: str | None = None) -> Standing | None:
        """Count a request of ``subject``, as ``issuer`` knows it; None where nothing is limited.

        Raises:
            TooManyRequests: the bucket is empty; ``retry_after`` says in how many seconds it is not.
        """
        rate, burst = self.limit.requests_per_second, self.limit.burst
        if not rate:
            return None
        now = self._clock()
        left, at = self._buckets.pop((issuer, subject), (float(burst), now))
        left = min(burst, left + (now - at) * rate)
        allowed = left >= 1.0
        self._buckets[issuer, subject] = (left - 1.0 if allowed else left, now)
        self._forget(now)
        if not allowed:
            wait = max(1, math.ceil((1.0 - left) / rate))
            raise TooManyRequests(
                f"{subject} has asked more often than the {rate:g} requests a second, and {burst:,} at once, that this "
                f"hub answers one person or program. Nothing was done. Ask again in {wait} s, and less often.",
                retry_after=wait,
            )
        return Standing(remaining=int(left - 1.0), reset=math.ceil((burst - left + 1.0) / rate))

    def begin(self, subject: str, issuer: str | None = None) -> None:
        """A request of ``subject`` is under way; :meth:`end` says when it is not any more.

        Raises:
            TooManyRequests: so many are that one more would keep others out.
        """
        most, now = self.limit.under_way, self._under_way.get((issuer, subject), 0)
        if most and now >= most:
            raise TooManyRequests(
                f"{subject} has {now} requests under way, and this hub answers nobody more at a time. "
                "Nothing was done. Ask again when some have ended; a stream of events is one, too.",
                retry_after=1,
            )
        self._under_way[issuer, subject] = now + 1

    def end(self, subject: str, issuer: str | None = None) -> None:
        """A request that was begun has ended, in whatever way."""
        left = self._under_way.pop((issuer, subject)) - 1
        if left:
            self._under_way[issuer, subject] = left

    def fields(self, standing: Standing | None) -> list[tuple[bytes, bytes]]:
        """The header fields that tell a caller where it stands."""
        if standing is None:
            return []
        return [
            (b"ratelimit-policy", b'"admin";q=%d;w=%d' % (self.limit.burst, self.limit.window)),
            (b"ratelimit", b'"admin";r=%d;t=%d' % (standing.remaining, standing.reset)),
        ]

    def refusal(self, error: TooManyRequests, *, emptied: bool) -> list[tuple[bytes, bytes]]:
        """The header fields of a refusal: when to come back (RFC 9110, 10.2.3), and where the bucket is empty, that."""
        wait = error.extra["retry_after"]
        assert isinstance(wait, int)
        limited = emptied and self.limit.requests_per_second
        told = self.fields(Standing(remaining=0, reset=self.limit.window)) if limited else []
        return [(b"retry-after", b"%d" % wait), *told]

    def _forget(self, now: float) -> None:
        """Let go of buckets that are full again, which is the same as none, and of the oldest of too many."""
        full_before = now - self.limit.burst / self.limit.requests_per_second
        while self._buckets:
            oldest, (_, at) = next(iter(self._buckets.items()))
            if at >= full_before and len(self._buckets) <= self._most:
                return
            del self._buckets[oldest]
