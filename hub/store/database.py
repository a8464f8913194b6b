"""Opening the database: engine, pragmas, migrations, readers and the writer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

from hub.errors import StoreError
from hub.masks import NO_MASKS
from hub.masks.in_sql import NAME, Shown, shown_text
from hub.store.ways import HintingCompiler
from hub.store.writer import Job, Writer, is_defect

T = TypeVar("T")
log = structlog.get_logger("andon.store")
_READERS = 4
_BUSY_MILLISECONDS = 10_000
TRY_AGAIN = 1.0  # seconds after a refusal by the database


class Database:
    """One database, many readers, one writer."""

    def __init__(self, engine: Engine, read_engine: Engine, description: str, revision: str, folder: Path) -> None:
        self.engine = engine
        self.description = description
        self.revision = revision
        self.folder = folder
        self.read_engine = read_engine
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="andon-reader")
        self._shown: Shown = shown_text(NO_MASKS)
        self._attached: dict[str, tuple[Path, Callable[[], None]]] = {}
        event.listen(read_engine, "checkout", self._teach)
        self.writer = Writer(engine)

    def search_with(self, shown: Shown) -> None:
        """Let readers' searches see documents as ``shown`` shows them."""
        self._shown = shown

    def attach(self, name: str, path: Path, lost: Callable[[], None]) -> None:
        """Let readers see a second database under ``name``; ``lost`` is called where it cannot be opened any more."""
        self._attached[name] = (path, lost)

    def _teach(self, connection: Any, record: Any, _proxy: Any) -> None:
        """A connection that is taken up knows the function that searches use, and sees what is attached."""
        if record.info.get(NAME) is not self._shown:
            connection.create_function(NAME, 3, self._shown, deterministic=True)
            record.info[NAME] = self._shown
        for name, (path, lost) in list(self._attached.items()):
            if name not in record.info:
                try:
                    connection.execute(f"ATTACH DATABASE ? AS {name}", (f"file:{quote(str(path))}?mode=ro",))
                except sqlite3.Error as error:
                    log.warning("store.not-attached", name=name, because=str(error))
                    lost()
                    continue
                record.info[name] = path

    async def write(self, job: Job[T]) -> T:
        """Run ``job`` on the writer; returns once it is durable."""
        return await self.writer.run(job)

    async def insist(self, job: Job[T]) -> T:
        """Run ``job`` as :meth:`write` does, again and again while the database refuses (a full disk, say): for
        what must not be lost and nobody waits to be told of."""
        while True:
            try:
                return await self.write(job)
            except StoreError as error:  # the writer has logged it
                if is_defect(error.__cause__):
                    raise
                await asyncio.sleep(TRY_AGAIN)

    async def read(self, question: Callable[[Connection], T]) -> T:
        """Run ``question`` on a reader's connection, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._ask, question)

    def _ask(self, question: Callable[[Connection], T]) -> T:
        try:
            with self.read_engine.connect() as connection:
                return question(connection)
        except DatabaseError as error:
            raise StoreError(
                f"The database cannot be read: {error.orig}. The hub's data folder may be damaged or gone; "
                "stop the hub and restore the newest backup."
            ) from error

    def close(self) -> None:
        """Finish queued writes and close every connection."""
        self.writer.close()
        self._readers.shutdown(wait=True)
        self.read_engine.dispose()
        self.engine.dispose()


def open_database(data: Path) -> Database:
    """Open (or make) ``DIR/andon.db`` and bring its schema to this version.

    Raises:
        StoreError: corrupt, read-only, or made by a newer version; nothing is changed then.
    """
    path = data / "andon.db"
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=1,
        connect_args={"check_same_thread": False},
        hide_parameters=True,  # errors are logged, and parameters are payloads
    )
    read_engine = create_engine(
        URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"}),
        poolclass=QueuePool,
        pool_size=_READERS,
        connect_args={"check_same_thread": False},
        hide_parameters=True,  # errors are logged, and parameters are payloads
    )
    read_engine.dialect.statement_compiler = HintingCompiler
    event.listen(engine, "connect", _writer_pragmas)
    event.listen(engine, "begin", _begin_immediate)
    event.listen(read_engine, "connect", _reader_pragmas)
    try:
        revision = migrate(engine)
    except DatabaseError as error:
        engine.dispose()
        raise StoreError(_explain(path, error)) from error
    except StoreError:
        engine.dispose()
        raise
    return Database(engine, read_engine, f"sqlite {path.name}", revision, data)


def migrate(engine: Engine) -> str:
    """Bring the schema to this version; returns its revision.

    Raises:
        StoreError: the database is of a version this one does not know, or of another program.
    """
    config = Config()
    config.set_main_option("script_location", "hub.store:migrations")
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head() or ""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        foreign = [] if current is not None else inspect(connection).get_table_names()
    known = {revision.revision for revision in script.walk_revisions()}
    if current is not None and current not in known:
        raise StoreError(
            f"The database has schema {current!r}, which this version of Andon (schema {head!r}) does not know: "
            "it was last served by a newer one. Nothing was changed. Install that version, or serve another folder."
        )
    if foreign:
        raise StoreError(
            f"The database was made by another program: it has tables ({', '.join(foreign[:5])}) "
            "and no schema of Andon. Nothing was changed. Serve another folder with --data."
        )
    if current != head:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    return head


def _writer_pragmas(connection: Any, _record: Any) -> None:
    _pragmas(connection, "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=4000")


def _reader_pragmas(connection: Any, _record: Any) -> None:
    _pragmas(connection, "query_only=ON")


def _pragmas(connection: Any, *settings: str) -> None:
    # SQLAlchemy opens transactions itself (see _begin_immediate), so that a write never meets a lock half-way.
    connection.isolation_level = None
    cursor = connection.cursor()
    for setting in (
        f"busy_timeout={_BUSY_MILLISECONDS}",
        "foreign_keys=ON",
        "cache_size=-65536",
        "temp_store=MEMORY",
        *settings,
    ):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _explain(path: Path, error: DatabaseError) -> str:
    cause = str(error.orig)
    if isinstance(error.orig, sqlite3.OperationalError) and ("readonly" in cause or "unable to open" in cause):
        return (
            f"The database {path} cannot be written ({cause}). The hub needs to write there to keep its promises. "
            "Give the user that runs the hub write access to the folder, or name another with --data."
        )
    if "malformed" in cause or "not a database" in cause:
        return (
            f"The database {path} is damaged ({cause}). Nothing was changed. Restore the newest backup into the "
            "folder (andon hub restore), or serve an empty folder with --data."
        )
    if "locked" in cause:
        return (
            f"The database {path} is locked: another program writes to it ({cause}). Nothing was changed. "
            "End that program (a backup, a database browser), or serve another folder with --data."
        )
    if "full" in cause or "I/O" in cause:
        return (
            f"The database {path} cannot be written: {cause}. Nothing was changed. Make room on the disk of the data "
            "folder (or look why it does not take more), then start the hub again; nothing is lost."
        )
    return f"The database {path} cannot be used: {cause}. Nothing was changed."
