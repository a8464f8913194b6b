"""Questions that may take so long and no longer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError


@contextmanager
def time_limit(connection: Connection, seconds: float) -> Iterator[None]:
    """Interrupt what runs on ``connection`` in the block after ``seconds``; :func:`interrupted` tells its error."""
    timer = threading.Timer(seconds, connection.connection.driver_connection.interrupt)  # type: ignore[union-attr]
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # it does not hit what comes next


def interrupted(error: OperationalError) -> bool:
    """Whether a statement ended since it was interrupted."""
    return str(error.orig) == "interrupted"
