"""Time as something that is handed in, so that every story can be told again."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


class Step(NamedTuple):
    """A clock was set: by how many seconds (negative: back), and within how many seconds before this look."""

    by: float
    within: float


class StepWatch:
    """Notices when a clock is set, by people or by NTP, while this process runs.

    Args:
        clock: the one that may be set.
        monotonic: seconds that nobody sets.
    """

    LEAST = 1.0
    """Seconds below which it is no step: adjusting, and a process that had to wait between two readings."""

    def __init__(self, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._monotonic = clock, monotonic
        self._last = monotonic()
        self._ahead = self._wall() - self._last

    def _wall(self) -> float:
        return to_micros(self._clock.now()) / 1_000_000

    def look(self) -> Step | None:
        """Whether it was set since the last look."""
        now = self._monotonic()
        ahead = self._wall() - now
        step = Step(by=ahead - self._ahead, within=now - self._last)
        self._ahead, self._last = ahead, now
        return step if abs(step.by) >= self.LEAST else None


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC."""
    span = moment - EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def from_micros(micros: int) -> datetime:
    """The moment ``micros`` microseconds after 1970-01-01 UTC."""
    return datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
