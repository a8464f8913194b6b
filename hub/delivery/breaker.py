"""A circuit breaker for one target: opens on failures in a row, probes with one delivery, closes on success."""

from __future__ import annotations

from enum import StrEnum

from hub.delivery.profile import Profile


class BreakerState(StrEnum):
    """Closed lets all through, open none, half-open one."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """Counts what one target answers. Times are seconds of a monotonic clock that the caller reads."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._failures = 0
        self._opened_at = 0.0
        self._probing = False
        self.state = BreakerState.CLOSED

    def lets_through(self, now: float) -> bool:
        """Whether a delivery may leave now; in half-open, asking takes the one place there is."""
        if self.state is BreakerState.OPEN and now >= self._opened_at + self._profile.breaker_pause:
            self.state, self._probing = BreakerState.HALF_OPEN, False
        if self.state is BreakerState.HALF_OPEN:
            if self._probing:
                return False
            self._probing = True
            return True
        return self.state is BreakerState.CLOSED

    def probe_at(self) -> float | None:
        """When an open breaker will let a probe through."""
        return self._opened_at + self._profile.breaker_pause if self.state is BreakerState.OPEN else None

    def succeeded(self) -> bool:
        """The target answered; True when that closed the breaker."""
        closed = self.state is not BreakerState.CLOSED
        self.state, self._failures, self._probing = BreakerState.CLOSED, 0, False
        return closed

    def failed(self, now: float) -> bool:
        """The target could not be reached or did not answer; True when that opened the breaker."""
        self._failures += 1
        if self.state is BreakerState.HALF_OPEN or (
            self.state is BreakerState.CLOSED and self._failures >= self._profile.breaker_failures
        ):
            self.state, self._opened_at, self._probing = BreakerState.OPEN, now, False
            return True
        return False

    def unused(self) -> None:
        """The place taken by :meth:`lets_through` was not needed after all."""
        self._probing = False
