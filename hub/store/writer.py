"""The one writer: jobs queue up, and what is queued is committed together.

A job is a function of a connection that only touches the database, so that it can be run again: when one job of a
group fails, the group is rolled back and its jobs are run one by one, and only the one at fault fails.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, IntegrityError, InterfaceError, ProgrammingError

from hub.errors import StoreError
from hub.store.journal import Journal, take_journal, write_journal
from transactions.errors import AndonError, Unavailable

T = TypeVar("T")
Job = Callable[[Connection], T]

_GROUP = 256
DEFECTS = (IntegrityError, ProgrammingError, DataError, InterfaceError)  # room on the disk would not help
log = structlog.get_logger("andon.store")


class _Queued(NamedTuple):
    job: Job[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class Writer:
    """A thread with the only connection that writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[_Queued | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="andon-writer", daemon=True)
        self._gate = threading.Lock()  # nothing is queued behind the end
        self._ended = False
        self._committed: list[Callable[[Journal], None]] = []
        self._refused: list[Callable[[str], None]] = []
        self._thread.start()

    def on_commit(self, callback: Callable[[Journal], None]) -> None:
        """Call ``callback`` in the writer's thread after each commit, with what the group told; it must be quick."""
        self._committed.append(callback)

    def on_refusal(self, callback: Callable[[str], None]) -> None:
        """Call ``callback`` in the writer's thread when the database takes no write, with what it says; it must be
        quick."""
        self._refused.append(callback)

    async def run(self, job: Job[T]) -> T:
        """Run ``job`` on the writer's connection; returns once it is durable.

        Raises:
            StoreError: the database refused (full, read-only, corrupt).
            Unavailable: the writer was closed.
            AndonError: what the job raised; nothing of it was written.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._gate:
            if self._ended:
                raise Unavailable("The hub is ending and takes nothing more. Nothing was done; ask again when it runs.")
            self._queue.put(_Queued(job, loop, future))
        return await future

    def close(self) -> None:
        """Finish what is queued, then end the thread."""
        with self._gate:
            if not self._ended:
                self._queue.put(None)
            self._ended = True
        self._thread.join(timeout=30)

    def _work(self) -> None:
        with self._engine.connect() as connection:
            ending = False
            while not ending:
                group, ending = self._take()
                if group:
                    self._write(connection, group)

    def _take(self) -> tuple[list[_Queued], bool]:
        first = self._queue.get()
        if first is None:
            return [], True
        group = [first]
        while len(group) < _GROUP:
            try:
                queued = self._queue.get_nowait()
            except queue.Empty:
                break
            if queued is None:
                return group, True
            group.append(queued)
        return group, False

    def _write(self, connection: Connection, group: list[_Queued]) -> None:
        try:
            with connection.begin():
                results: list[tuple[_Queued, Any]] = [(queued, queued.job(connection)) for queued in group]
                write_journal(connection)
        except Exception as error:  # noqa: BLE001 - whatever a job raises goes to its caller
            take_journal(connection)
            if len(group) > 1:
                for queued in group:
                    self._write(connection, [queued])
                return
            if isinstance(error, DatabaseError) and not is_defect(error):
                for refused in self._refused:
                    refused(str(error.orig))
            _answer([(group[0], _told(error))], failed=True)
            return
        told = take_journal(connection)
        for callback in self._committed:
            callback(told)
        _answer(results, failed=False)


def is_defect(error: BaseException | None) -> bool:
    """Whether the database refused what cannot be written, rather than to write: room on the disk would not help."""
    sqlite_code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return isinstance(error, DEFECTS) or sqlite_code == sqlite3.SQLITE_ERROR


def _told(error: Exception) -> Exception:
    if isinstance(error, DBAPIError):
        log.error("store.refused", error=str(error.orig))
        told = StoreError(
            f"The database refused to write: {error.orig}. Nothing of this request was done. "
            "Check that the disk has room and that the hub may write to its data folder."
        )
        told.__cause__ = error
        return told
    if not isinstance(error, AndonError):
        log.error("store.job-failed", exc_info=error)
    return error


def _answer(results: list[tuple[_Queued, Any]], *, failed: bool) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for queued, result in results:
        by_loop.setdefault(queued.loop, []).append((queued.future, result))
    for loop, answers in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, answers, failed)
        except RuntimeError:  # the loop has ended: nobody waits any more, and the write stands
            log.debug("store.nobody-waits", answers=len(answers))


def _settle(answers: list[tuple[asyncio.Future[Any], Any]], failed: bool) -> None:
    for future, result in answers:
        if future.done():
            continue
        if failed:
            future.set_exception(result)
        else:
            future.set_result(result)
