"""``andon hub seed``: a store of failed transactions, written in bulk, to measure and to practise with.

The documents are those of the simulator's story and the failures are those of its faults, so that lists, groups,
board and filters have what they would have after a bad night. A new database is written beside the folder's own and
takes its place when it is whole: however the writing ends, the folder has a store that can be served.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from hub.deadlines import Deadlines
from hub.declarations import shipped_catalogue
from hub.errors import StoreError
from hub.folder import Folder
from hub.masks import Masks
from hub.masks.memory import remember
from hub.search.sqlite import SqliteTextIndex
from hub.seeding.casting import cast
from hub.seeding.moulds import Foundry
from hub.seeding.writing import Sheets
from hub.store.database import migrate, open_database
from hub.store.dating import remember_dating
from hub.store.journal import journal, write_journal
from hub.store.schema import transactions as transactions_table
from transactions.clock import Clock, SystemClock
from transactions.errors import Refused

LIMIT = 10_000_000
"""So many at most: order numbers have seven digits."""
_STEP = 4_000  # transactions that are indexed together


class SeedRefused(Refused):
    """The folder cannot be seeded as it is, or not with so many."""

    problem, status, title = "seed-refused", 409, "Nothing was seeded"


def seed(data: Path, transactions: int, seed: int, clock: Clock | None = None) -> None:
    """Write failed transactions into a hub's folder.

    Args:
        data: the folder; it is made where there is none.
        transactions: how many, spread over the last eight hours.
        seed: the same seed writes the same, but for the times, which count back from now.
        clock: where now comes from.

    Raises:
        SeedRefused: the store has transactions already, or the number is out of bounds.
        AlreadyRunning: a hub is serving the folder.
        StoreError: the folder or its database cannot be used.
    """
    if not 0 <= transactions <= LIMIT:
        raise SeedRefused(
            f"{transactions} transactions cannot be seeded: 0 to {LIMIT} can. Nothing was written. Ask for fewer."
        )
    folder = Folder(data)
    try:
        _check_empty(data)
        with tempfile.TemporaryDirectory(prefix=".seeding-", dir=data) as fresh:
            path = Path(fresh) / "andon.db"
            shutil.copyfile(data / "andon.db", path)
            masks = Masks(shipped_catalogue())
            _write(path, transactions, seed, clock or SystemClock(), masks)
            search = _index(Path(fresh), masks)
            path.replace(data / "andon.db")
            search.replace(data / search.name)
    except (sqlite3.Error, DatabaseError, OSError) as error:
        raise StoreError(
            f"The transactions could not be written to {data}: {error}. The folder is as it was before. "
            "Check that the disk has room (about 6 KB for each) and that you may write there."
        ) from error
    finally:
        folder.close()


def _check_empty(data: Path) -> None:
    database = open_database(data)
    try:
        with database.engine.connect() as connection:
            count = connection.execute(select(func.count()).select_from(transactions_table)).scalar_one()
    finally:
        database.close()
    if count:
        raise SeedRefused(
            f"The store in {data} has {count} transactions already. Seeded ones would mix with them, so nothing was "
            "written. Name another folder with --data, or an empty one."
        )


def _index(folder: Path, masks: Masks) -> Path:
    """Index what was written, so that nobody who looks for words has to wait for that; returns the file."""
    index = SqliteTextIndex(folder, masks)
    index.open()
    try:
        while index.step(_STEP).left:
            pass
    finally:
        index.close()
    return index.path


def _write(path: Path, count: int, seed: int, clock: Clock, masks: Masks) -> None:
    now = clock.now()
    deadlines = Deadlines(shipped_catalogue())
    with Sheets(path, deadlines) as sheets:
        for document in cast(Foundry(seed, shipped_catalogue()), seed, count, now):
            sheets.add(document)
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    migrate(engine)
    with engine.begin() as connection:
        remember(connection, masks, now)
        remember_dating(connection, deadlines)
        book = journal(connection)
        book.tallies.update(sheets.tallies)
        book.trend.update(sheets.trend)
        book.kpis = sheets.kpis
        book.groups = sheets.counts
        book.effect(now, "hub seed", "hub.seeded", path.name, None, None, {"transactions": count, "seed": seed})
        write_journal(connection)
    engine.dispose()
