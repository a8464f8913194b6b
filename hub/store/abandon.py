"""Questions that end when nobody waits for their answer any more."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

_STEPS = 20_000  # of the database's engine between two looks: a millisecond or less


class Abandoned(Exception):
    """The question was ended, since whoever asked it has left."""


@contextmanager
def while_wanted(connection: Connection, gone: threading.Event) -> Iterator[None]:
    """Let what is asked of ``connection`` inside end as soon as ``gone`` is set.

    Raises:
        Abandoned: it was.
    """
    database = connection.connection.driver_connection
    assert isinstance(database, sqlite3.Connection)
    database.set_progress_handler(gone.is_set, _STEPS)
    try:
        if gone.is_set():
            raise Abandoned
        yield
    except OperationalError as error:
        if gone.is_set():
            raise Abandoned from error
        raise
    finally:
        database.set_progress_handler(None, 0)
