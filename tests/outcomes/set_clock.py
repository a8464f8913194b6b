"""Runs ``andon`` with a machine's clock that a test sets: the file that is named first says by how many seconds it is
ahead. Only the wall clock is; what the process measures by seconds that nobody sets goes on as it does."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from transactions.clock import SystemClock

AHEAD = Path(sys.argv.pop(1))


def _now(_clock: SystemClock) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=float(AHEAD.read_text(encoding="utf-8") or 0))


SystemClock.now = _now  # type: ignore[method-assign]

if __name__ == "__main__":
    from commands.main import run

    sys.exit(run())
