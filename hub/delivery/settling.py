"""How long ago a delivery left, by a clock that nobody sets: a late posting lands when it lands, whatever the time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable


class Settling:
    """Remembers when deliveries left, for as long as a late posting could still land.

    What left in an earlier run of the hub counts as if it had left when this one began: the clock may have been set in
    between, and waiting a little longer for an answer that is final harms nobody.

    Args:
        longest: seconds after which every target has settled.
        monotonic: seconds that only go forward.
    """

    def __init__(self, longest: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._longest, self._monotonic = longest, monotonic
        self._began = monotonic()
        self._left: OrderedDict[str, float] = OrderedDict()

    def leaves(self, tx_id: str) -> None:
        """A delivery leaves now."""
        now = self._monotonic()
        self._left[tx_id] = now
        self._left.move_to_end(tx_id)
        while now - next(iter(self._left.values())) > self._longest:
            self._left.popitem(last=False)

    def remaining(self, tx_id: str, settle: float) -> float:
        """Seconds for which a posting of the newest delivery could still land; none are left where that is 0 or less.

        Args:
            tx_id: whose delivery.
            settle: seconds that its target may take.
        """
        # One that is forgotten left longer ago than any target takes, or in an earlier run.
        return self._left.get(tx_id, self._began) + settle - self._monotonic()
