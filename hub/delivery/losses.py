"""What was lost on the way to a target lately: which code said that no answer came, and how often."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime, timedelta

REMEMBERED = 200
WITHIN = timedelta(hours=1)
"""How long a loss is spoken of: what silences a target now is told by what silenced it last."""


class Losses:
    """The newest losses of one target, in memory: after a restart they are found again, or they are over."""

    def __init__(self) -> None:
        self._newest: deque[tuple[datetime, str]] = deque(maxlen=REMEMBERED)

    def note(self, code: str, now: datetime) -> None:
        """Something was lost, with ``code`` (``read-timeout``, ``connection-lost``)."""
        self._newest.append((now, code))

    def lately(self, now: datetime) -> dict[str, int]:
        """How often each code was noted within the last hour."""
        return dict(Counter(code for at, code in list(self._newest) if now - at <= WITHIN))
