"""The token bucket of Envoy's local rate limit, to the last digit.

It is full at the beginning and refills continuously, ``tokens_per_fill / fill_interval`` tokens a second, up to
``max_tokens``. Envoy (``AtomicTokenBucketImpl``) keeps no number of tokens but the moment at which the bucket would
have been empty; a call takes a whole token or none, and a refused call takes nothing.
"""

from __future__ import annotations


class Bucket:
    """One bucket.

    Args:
        size: tokens that it holds; more than 0.
        refill: tokens that come in ``seconds``.
        began: when it was made, full, in seconds.
    """

    __slots__ = ("_empty_at", "rate", "size")

    def __init__(self, size: int, refill: int, seconds: float, began: float) -> None:
        self.size = float(size)
        self.rate = refill / seconds
        self._empty_at = began - self.size / self.rate

    def level(self, at: float) -> float:
        """Tokens at a moment."""
        return min(self.size, (at - self._empty_at) * self.rate)

    def take(self, at: float) -> bool:
        """Take a token, if there is a whole one."""
        tokens = min(self.size, (at - self._empty_at) * self.rate)
        if tokens < 1.0:
            return False
        self._empty_at = at - (tokens - 1.0) / self.rate
        return True

    def take_even(self, begin: float, count: int) -> None:
        """Take tokens at even distances within the second from ``begin``, as :meth:`take` would one by one: at
        ``begin + (i + 1/2) / count``. Only where :meth:`level` at ``begin`` is ``count`` at least: none is refused
        then."""
        gap = 1.0 / count
        level = min(self.size, (begin + gap / 2 - self._empty_at) * self.rate) - 1.0
        drift = gap * self.rate - 1.0  # what is there more after each further call
        last = level + (count - 1) * drift
        if drift > 0 and count > 1:
            last = min(last, self.size - 1.0)
        self._empty_at = begin + 1.0 - gap / 2 - last / self.rate
