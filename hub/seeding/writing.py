"""Writing seeded transactions: rows by the thousand, indexes at the end."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter, defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
from sqlalchemy import Table

from hub.deadlines import Deadlines
from hub.kpis.counting import KpiCounts
from hub.seeding.casting import CastDelivery, CastDocument
from hub.seeding.moulds import FailedDelivery
from hub.store import schema
from hub.store.dating import due_columns
from hub.store.group_counts import GroupCounts
from hub.store.journal import HALF_HOUR, TallyKey
from transactions.kpis.counts import Measure
from transactions.model import Priority, Status
from transactions.priority import rank_of

_SHEET = 4_000  # transactions that are written together

# plain text: the database driver looks twice at a subclass of it
_PENDING, _DELIVERING, _RETRYING, _FAILED = (
    status.value for status in (Status.PENDING, Status.DELIVERING, Status.RETRYING, Status.FAILED)
)

Rows = dict[Table, list[tuple[Any, ...]]]


class Sheets:
    """Everything a failed transaction has in the store, into a database file that nobody else has open.

    Attributes:
        tallies, trend, counts, kpis: what was written, counted for the journal.
    """

    def __init__(self, path: Path, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self.tallies: Counter[TallyKey] = Counter()
        self.trend: Counter[tuple[int, str, str]] = Counter()
        self.counts = GroupCounts()
        self.kpis = KpiCounts()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._scribe = ThreadPoolExecutor(1, thread_name_prefix="andon-seed")  # SQLite works while the next are cast
        self._writing: Future[None] | None = None
        self._rows: Rows = defaultdict(list)
        self._groups: dict[str, tuple[FailedDelivery, str, int, int]] = {}
        self._seq = 0

    def __enter__(self) -> Sheets:
        # The file is thrown away unless it becomes whole, so nothing has to survive a crash half-way.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-262144"):
            self._connection.execute(f"PRAGMA {pragma}")
        made = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        self._indexes = self._connection.execute(made).fetchall()
        self._connection.execute("BEGIN")
        for name, _ in self._indexes:
            self._connection.execute(f'DROP INDEX "{name}"')
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._write_groups()
            self._flush()
            self._wait()
            for _, made in self._indexes:
                self._connection.execute(made)
            self._connection.execute("COMMIT")
            self._connection.execute("PRAGMA optimize")
            self._connection.execute("PRAGMA locking_mode=NORMAL")
            self._connection.execute("PRAGMA journal_mode=WAL")
        self._scribe.shutdown(wait=True)
        self._connection.close()

    def add(self, document: CastDocument) -> None:
        """Note a document and its transactions; they are written when there are enough of them."""
        mould = document.mould
        payload, keys, headers, intake_key, process, version, *values = document.own
        content = payload.encode()
        sha256 = hashlib.sha256(content).hexdigest()
        rows = self._rows
        rows[schema.payloads].append((sha256, content))
        created = document.deliveries[0].created_at
        ids = [delivery.id for delivery in document.deliveries]
        rows[schema.intake].append((mould.flow, intake_key, sha256, msgspec.json.encode(ids).decode(), created))
        by_name = dict(zip(mould.key_names, values, strict=True))
        due = due_columns(self._deadlines, mould.flow, mould.plant, by_name, created)
        self.kpis.document(mould.flow, mould.plant, created)
        for delivery in document.deliveries:
            self._seq += 1
            rows[schema.transactions].append(
                _transaction(self._seq, document, delivery, sha256, keys, process, version or None, due)
            )
            rows[schema.business_keys].extend(
                [(name, value, self._seq) for name, value in zip(mould.key_names, values, strict=True)]
            )
            rows[schema.revisions].append(
                (
                    delivery.id, 1, sha256, len(content), mould.content_type, headers,
                    delivery.created_at, mould.source, None,
                )
            )  # fmt: skip
            self._told(document, delivery, sha256)
            group, mined = delivery.mould.group, self._groups.get(delivery.mould.group)
            seen = delivery.failed_at
            first, last = (seen, seen) if mined is None else (min(mined[2], seen), max(mined[3], seen))
            self._groups[group] = (delivery.mould, mould.flow, first, last)
            self.tallies[Status.FAILED, mould.plant, mould.flow, delivery.mould.target, group] += 1
            self.trend[seen // HALF_HOUR, mould.plant, mould.flow] += 1
            self.counts.saw(group, mould.plant, seen)
            self.counts.failed(group, mould.plant, seen)
            self.counts.count_due(Status.FAILED, group, mould.plant, due["due_at"], 1)
            self._figures(document, delivery, due["due_at"])
        if len(rows[schema.transactions]) >= _SHEET:
            self._flush()

    def _told(self, document: CastDocument, delivery: CastDelivery, sha256: str) -> None:
        """Attempts, timeline and ledger, as the delivery engine writes them."""
        mould, failed = document.mould, delivery.mould
        key, _, _, message, url, headers, body, told = delivery.own
        answered = (*failed.answered, body, "failed", told) if failed.answered else (None, None, None, "not sent", told)
        story = self._rows[schema.timeline]
        received = f"Received from {mould.source} for {failed.target}"
        story.append((delivery.id, delivery.created_at, "status", mould.source, received, _PENDING, None, None))
        took = (delivery.failed_at - delivery.created_at - (failed.tries - 1) * 900_000) // 2
        for n in range(failed.tries):
            started = delivery.created_at + took + n * 900_000
            ended = started + took
            self._rows[schema.attempts].append(
                (delivery.id, n + 1, "delivery", started, ended, "hub", None, 1, "POST", url, headers, *answered)
            )
            if n + 1 < failed.tries:
                text = f"{failed.system}: {message}. Next try in {0.9 - took / 1_000_000:.1f} s"
                story.append((delivery.id, ended, "status", failed.label, text, _RETRYING, _DELIVERING, None))
        text = f"Failed: {failed.kind} {failed.code}. {failed.system} says: {message}"
        story.append((delivery.id, delivery.failed_at, "status", failed.label, text, _FAILED, _DELIVERING, None))
        self._rows[schema.ledger].append((failed.target, key, 1, sha256, delivery.failed_at - took, None, None))

    def _figures(self, document: CastDocument, delivery: CastDelivery, due_at: int | None) -> None:
        """What came in, failed with its first delivery, and is open."""
        mould, failed = document.mould, delivery.mould
        place = (mould.plant, mould.flow, failed.target)
        self.kpis.received(mould.flow, mould.plant, failed.target, delivery.created_at, due_at)
        took = (delivery.failed_at - delivery.created_at - (failed.tries - 1) * 900_000) // 2
        first = delivery.failed_at if failed.tries == 1 else delivery.created_at + took + took
        self.kpis.count(Measure.FIRST_TRIED, place, first)
        self.kpis.count(Measure.FAILED, place, delivery.failed_at)
        self.kpis.count(Measure.OPEN, place, delivery.failed_at)

    def _write_groups(self) -> None:
        for group, (failed, flow, first, last) in self._groups.items():
            self._rows[schema.groups].append(
                (group, flow, failed.target, failed.kind, failed.code, failed.shape, first, last)
            )

    def _flush(self) -> None:
        self._wait()
        self._writing = self._scribe.submit(self._write, self._rows)
        self._rows = defaultdict(list)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()

    def _write(self, sheet: Rows) -> None:
        for table, rows in sheet.items():
            names = _COLUMNS.get(table) or table.c.keys()
            places = ", ".join("?" * len(names))
            columns = ", ".join(f'"{name}"' for name in names)
            self._connection.executemany(f'INSERT INTO "{table.name}" ({columns}) VALUES ({places})', rows)  # noqa: S608


_COLUMNS: dict[Table, list[str]] = {
    schema.timeline: ["tx_id", "at", "kind", "by", "text", "status", "before", "attempt"]
}
"""Where not every column is given; everywhere else the order is the schema's."""


def _transaction(
    seq: int,
    document: CastDocument,
    delivery: CastDelivery,
    sha256: str,
    keys: str,
    process: str,
    version: str | None,
    due: dict[str, Any],
) -> tuple[Any, ...]:
    mould, failed = document.mould, delivery.mould
    priority = Priority.LINE_DOWN if due["line_down"] else Priority.DUE
    key, lane, object_key, message, *_ = delivery.own
    return (
        seq, delivery.id, mould.flow, mould.plant, mould.source, failed.target, _FAILED,
        mould.risk, delivery.created_at, delivery.failed_at, due["due_at"],
        failed.tries, failed.kind, failed.help, failed.code, message, failed.system, None,
        failed.group, keys, process, None, key, mould.origin, mould.content_type, sha256, 1,
        None, mould.owner, None, None, None,  # assignee, owner, waiting_on, superseded_by, document
        1 + 2 * failed.tries, lane or None, object_key or None, version,
        None, None, None,  # blocked_by, hold_kind, due_next
        delivery.failed_at, 1, None, None, 0, failed.tries, None, 0, None,
        delivery.failed_at,  # troubled_at
        None if due["due_because"] is None else due["due_because"].value, due["line_down"],
        rank_of(priority, mould.risk, due["due_at"], delivery.created_at),
    )  # fmt: skip
