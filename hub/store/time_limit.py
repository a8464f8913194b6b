"""Questions that may take so long and no longer."""

from __future__ import annotations

import heapq
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

_AGAIN = 0.05
"""Seconds until what goes on after its end is interrupted once more."""


class _Limit:
    """One limit: when it ends, and what is interrupted then."""

    def __init__(self, ends: float, database: sqlite3.Connection) -> None:
        self.ends, self.database, self.over = ends, database, False

    def __lt__(self, other: _Limit) -> bool:
        return self.ends < other.ends


class _Watchdog:
    """A thread for all limits of the process: starting one for each takes longer than most questions."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._limits: list[_Limit] = []
        self._thread: threading.Thread | None = None

    def watch(self, limit: _Limit) -> None:
        """Interrupt what ``limit`` is about when it ends."""
        with self._changed:
            heapq.heappush(self._limits, limit)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="andon-time-limits", daemon=True)
                self._thread.start()
            elif self._limits[0] is limit:
                self._changed.notify()

    def forget(self, limit: _Limit) -> None:
        """It is over; nothing is interrupted for it from now on."""
        with self._changed:
            limit.over = True

    def _run(self) -> None:
        with self._changed:
            while True:
                while self._limits and (self._limits[0].over or self._limits[0].ends <= time.monotonic()):
                    limit = heapq.heappop(self._limits)
                    if not limit.over:
                        limit.database.interrupt()
                        # Between two statements that does nothing, and the next one would run for ever.
                        limit.ends = time.monotonic() + _AGAIN
                        heapq.heappush(self._limits, limit)
                self._changed.wait(self._limits[0].ends - time.monotonic() if self._limits else None)


_watchdog = _Watchdog()


@contextmanager
def time_limit(connection: Connection, seconds: float) -> Iterator[None]:
    """Interrupt what runs on ``connection`` in the block after ``seconds``; :func:`interrupted` tells its error."""
    database = connection.connection.driver_connection
    assert isinstance(database, sqlite3.Connection)
    limit = _Limit(time.monotonic() + seconds, database)
    _watchdog.watch(limit)
    try:
        yield
    finally:
        _watchdog.forget(limit)


def interrupted(error: OperationalError) -> bool:
    """Whether a statement ended since it was interrupted."""
    return str(error.orig) == "interrupted"
