"""Who is next at a target: live traffic before what is sent again, and of what is sent again no more than its share.

Where the line sends more than the target takes, a batch still has one turn in ten.
"""

from __future__ import annotations

import math
from collections import deque

_IN_TEN = 10
"""While live traffic always waits, so many turns are one of a batch: its end must not depend on a quiet hour."""


class Turns:
    """Transactions that wait for one target.

    Args:
        share: of what the target takes in a second, how much may be what batches send again. The rest is left to the
            line, whether it needs it now or not: it must not have to wait for a batch.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._live: deque[str] = deque()
        self._again: deque[str] = deque()
        self._known: set[str] = set()
        self._next = 0.0
        self._live_ahead = 0
        """Live ones that went since a batch's last one, while one of a batch waited."""

    def __len__(self) -> int:
        """How many wait."""
        return len(self._known)

    def add(self, tx_id: str, *, again: bool = False) -> bool:
        """Queue a transaction; ``again`` is what a batch sends. One that is queued already stays where it is, and False
        is answered."""
        if tx_id in self._known:
            return False
        self._known.add(tx_id)
        (self._again if again else self._live).append(tx_id)
        return True

    def wait(self, now: float, limit: float | None) -> float:
        """Seconds until somebody's turn comes; infinite where nobody waits.

        Args:
            now: seconds that only go forward.
            limit: what the target takes in a second; None for no limit.
        """
        if self._live:
            return 0.0
        if not self._again:
            return math.inf
        return 0.0 if limit is None else max(0.0, self._next - now)

    def take(self, count: int, now: float, limit: float | None) -> list[str]:
        """Those whose turn it is, ``count`` at most."""
        taken: list[str] = []
        while len(taken) < count:
            may = bool(self._again) and (limit is None or self._next <= now)
            if self._live and not (may and self._live_ahead >= _IN_TEN - 1):
                taken.append(self._live.popleft())
                self._live_ahead += 1 if self._again else 0
            elif may:
                taken.append(self._again.popleft())
                self._live_ahead = 0
                self._use(now, limit)
            else:
                break
        self._known.difference_update(taken)
        return taken

    def _use(self, now: float, limit: float | None) -> None:
        if limit is not None:
            pace = limit * self._share
            # as much of a second's worth as is its share may go at once
            self._next = max(self._next, now - self._share) + 1.0 / pace
