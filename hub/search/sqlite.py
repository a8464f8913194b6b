"""The index of SQLite: FTS5 with its trigram tokenizer, in ``search.db`` beside the store.

A transaction's entry has its row's number, so that what is found needs no second table to become transactions. Entries
are only ever added to: words and documents that a transaction had before stay in its entry, where they lead to a look
at it that finds nothing, until the index is made anew. That happens when the masks change: the file with the old text
is deleted before anybody searches.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    case,
    column,
    func,
    or_,
    select,
    table,
    union_all,
)

from hub.masks import Masks
from hub.masks.in_sql import NAME as SHOWN
from hub.masks.in_sql import shown_text
from hub.search.protocol import NoIndex, PageSearch
from hub.search.trigrams import fts5_query
from hub.store.document_sql import plain
from hub.store.schema import search_changes, transactions

log = structlog.get_logger("andon.search")

ATTACHED = "search"
"""The name under which readers have it."""
_VERSION = 1
_PARTS = 16
"""Parts of the index that are asked for one by one where a text is frequent."""
_FEW = 2_000
"""Up to so many are fetched and put in order; more are met often enough on a walk in that order."""

_SCHEMA = f"""
CREATE TABLE progress (version INTEGER NOT NULL, masks TEXT NOT NULL, upto INTEGER NOT NULL, last_id TEXT,
                       changes INTEGER NOT NULL, last_changed INTEGER);
CREATE VIRTUAL TABLE trigrams
       USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1');
INSERT INTO progress VALUES ({_VERSION}, '{{masks}}', 0, NULL, 0, NULL);
"""  # noqa: S608 - a number

# What of a transaction is indexed: its words, then its document with the masks on. The separator is a character that no
# filter can have. Text that SQLite can read by itself is folded without asking Python, which nearly all is.
_ENTRY = f"""
INSERT INTO trigrams (rowid, text)
SELECT t.seq, lower(
  t.id || char(31) || t.idempotency_key || char(31) || t.correlation_id || char(31) ||
  CASE WHEN EXISTS (SELECT 1 FROM masked m WHERE m.flow = t.flow AND coalesce(t.failed_at, t.created_at) < m.since)
       THEN '' ELSE coalesce(t.failure_message, '') END || char(31) ||
  (SELECT coalesce(group_concat(k.value, char(31)), '') FROM json_each(t.business_keys) k
   WHERE NOT EXISTS (SELECT 1 FROM masked_keys m WHERE m.flow = t.flow AND m.name = k.key)) || char(31) ||
  CASE WHEN t.flow IN (SELECT flow FROM masked) OR instr(p.content, x'00') > 0
            OR NOT {plain("t.content_type", "p.content")}
       THEN {SHOWN}(t.flow, t.content_type, p.content) ELSE CAST(p.content AS TEXT) END)
FROM hub.transactions t JOIN hub.payloads p ON p.sha256 = t.payload_sha256
"""  # noqa: S608 - names


class Step(Struct, frozen=True):
    """What one step did: entries written, and how many are still to be written."""

    written: int
    left: int


class SqliteTextIndex:
    """The index of a store's folder. It is opened, stepped and closed in one thread; readers attach its file.

    Args:
        folder: where the store is.
        masks: those of now.
    """

    def __init__(self, folder: Path, masks: Masks) -> None:
        self.path = folder / "search.db"
        self._store = folder / "andon.db"
        self._masks = masks
        self._connection: sqlite3.Connection | None = None
        self.usable = False

    # writing

    def open(self) -> None:
        """Take the index up where it was left; one that is of other masks, of another store or damaged is made anew.

        Raises:
            sqlite3.Error: the file cannot be made.
        """
        try:
            connection = self._connect()
            because = self._unfit(connection)
        except sqlite3.DatabaseError as error:
            because, connection = str(error), None
        if because is not None:
            log.info("search.made-anew", because=because)
            if connection is not None:
                connection.close()
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            connection = self._connect()
        self._connection, self.usable = connection, True

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            _address(self.path, "rwc"), uri=True, isolation_level=None, check_same_thread=False
        )
        try:
            # Losing power may lose the newest entries with the note of how far it is, never one without the other.
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000", "secure_delete=OFF"):
                connection.execute(f"PRAGMA {pragma}")
            with closing(connection.execute("SELECT count(*) FROM sqlite_master")) as found:
                empty = found.fetchone()[0] == 0
            if empty:
                connection.executescript(f"BEGIN; {_SCHEMA.format(masks=self._digest())} COMMIT;")
            connection.execute("ATTACH DATABASE ? AS hub", (_address(self._store, "ro"),))
            self._prepare(connection)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        shown = shown_text(self._masks)

        def indexed(flow: str, content_type: str, content: bytes) -> str:
            # the tokenizer takes this character for the end
            return shown(flow, content_type, content).replace("\x00", " ")

        connection.create_function(SHOWN, 3, indexed, deterministic=True)
        connection.execute("CREATE TEMP TABLE masked (flow TEXT PRIMARY KEY, since INTEGER)")
        connection.execute("CREATE TEMP TABLE masked_keys (flow TEXT, name TEXT, PRIMARY KEY (flow, name))")
        flows = self._masks.flows.items()
        connection.executemany("INSERT INTO masked VALUES (?, ?)", [(name, flow.since) for name, flow in flows])
        connection.executemany(
            "INSERT INTO masked_keys VALUES (?, ?)", [(name, key) for name, flow in flows for key in flow.keys]
        )

    def _digest(self) -> str:
        flows = sorted((name, flow.digest, flow.since, sorted(flow.keys)) for name, flow in self._masks.flows.items())
        return hashlib.sha256(msgspec.json.encode(flows)).hexdigest()[:16]

    def _unfit(self, connection: sqlite3.Connection) -> str | None:
        """Why this index is not one of this store as it is now."""
        version, masks, upto, last_id, changes, changed = connection.execute("SELECT * FROM progress").fetchone()
        if version != _VERSION:
            return "it is of another version"
        if masks != self._digest():
            return "the masks changed"
        here = connection.execute("SELECT id FROM hub.transactions WHERE seq = ?", (upto,)).fetchone()
        if upto and (here is None or here[0] != last_id):
            return "it is of another store, or of a newer one"
        here = connection.execute("SELECT tx_seq FROM hub.search_changes WHERE n = ?", (changes,)).fetchone()
        if changes and (here is None or here[0] != changed):
            return "it is of another store, or of a newer one"
        return None

    def step(self, most: int) -> Step:
        """Write entries of what came in and of what changed, ``most`` of each at most, with the note of how far it is.

        Raises:
            sqlite3.Error: it could not be written; nothing of this step was.
        """
        assert self._connection is not None
        connection = self._connection
        connection.execute("BEGIN")
        try:
            step = self._step(connection, most)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return step

    def _step(self, connection: sqlite3.Connection, most: int) -> Step:
        upto, changes, changed = connection.execute("SELECT upto, changes, last_changed FROM progress").fetchone()
        newest = connection.execute("SELECT coalesce(max(seq), 0) FROM hub.transactions").fetchone()[0]
        top = min(upto + most, newest)
        rows = connection.execute(
            "SELECT n, tx_seq FROM hub.search_changes WHERE n > ? ORDER BY n LIMIT ?", (changes, most)
        ).fetchall()
        if rows:
            changes, changed = rows[-1]
        # what is beyond is written when its turn comes, as it is then
        again = sorted({seq for _, seq in rows if seq <= upto})
        if top > upto:
            self._write(connection, "WHERE t.seq > ? AND t.seq <= ? ORDER BY t.seq", (upto, top))
        for seq in again:
            self._write(connection, "WHERE t.seq = ?", (seq,))
        if top > upto or rows:
            connection.execute(
                "UPDATE progress SET upto = ?, changes = ?, last_changed = ?,"
                " last_id = (SELECT id FROM hub.transactions WHERE seq = ?)",
                (top, changes, changed, top),
            )
        left = connection.execute("SELECT count(*) FROM hub.search_changes WHERE n > ?", (changes,)).fetchone()[0]
        return Step(top - upto + len(again), newest - top + left)

    def _write(self, connection: sqlite3.Connection, which: str, values: Iterable[int]) -> None:
        connection.execute(_ENTRY + which, tuple(values))

    def done_changes(self) -> int:
        """The newest change that is in the index."""
        assert self._connection is not None
        found: int = self._connection.execute("SELECT changes FROM progress").fetchone()[0]
        return found

    def lost(self) -> None:
        """Readers cannot open it: everything is looked at from now on."""
        self.usable = False

    def close(self) -> None:
        """Let the file go."""
        self.usable = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # asking

    def may_contain(self, needle: str) -> ColumnElement[bool] | None:
        """See :class:`hub.search.protocol.Search`."""
        return transactions.c.seq.in_(_candidates(needle)) if self.usable else None

    def for_page(self, connection: Connection) -> PageSearch:
        """See :class:`hub.search.protocol.TextIndex`."""
        return _ForPage(self, connection) if self.usable else NoIndex()

    def behind(self, connection: Connection) -> int:
        """See :class:`hub.search.protocol.TextIndex`."""
        newest = select(func.coalesce(func.max(transactions.c.seq), 0)).scalar_subquery()
        if not self.usable:
            everything: int = connection.execute(select(newest)).scalar_one()
            return everything
        waiting = select(func.count()).select_from(_changed().subquery()).scalar_subquery()
        found: int = connection.execute(select(newest - _progress("upto") + waiting)).scalar_one()
        return found


class _ForPage:
    """Where a text may be, for one page."""

    def __init__(self, index: SqliteTextIndex, connection: Connection) -> None:
        self._index, self._connection = index, connection
        self._rare: dict[str, bool] = {}

    def is_rare(self, needle: str) -> bool | None:
        if not self._index.usable:
            return None
        if needle not in self._rare:
            some = _indexed(needle).limit(_FEW).subquery()
            found: int = self._connection.execute(select(func.count()).select_from(some)).scalar_one()
            self._rare[needle] = found < _FEW and found + self._index.behind(self._connection) < _FEW
        return self._rare[needle]

    def may_contain(self, needle: str) -> ColumnElement[bool] | None:
        rare = self.is_rare(needle)
        if rare is None:
            return None
        if rare:
            return transactions.c.seq.in_(_candidates(needle))
        upto: int = self._connection.execute(select(_progress("upto"))).scalar_one()
        return or_(_NUMBER.in_(union_all(_newer(), _changed())), _part_by_part(needle, upto))


def _candidates(needle: str) -> CompoundSelect[tuple[int]]:
    return union_all(_indexed(needle), _newer(), _changed())


_NUMBER = transactions.c.seq + 0
"""The sum hides the column from the planner, which would fetch every one of them by its number."""


def _part_by_part(needle: str, upto: int) -> ColumnElement[bool]:
    """The numbers of a frequent text, as a list for each part of the index. SQLite makes a list when the first row of
    its part is met: a page that is filled by the newest transactions needs one of them, and not the others.
    """
    size = upto // _PARTS + 1
    floors = range(size * (_PARTS - 1), 0, -size)
    ceilings = [None, *floors]  # what came in meanwhile belongs to the newest part
    parts = [
        (floor < _NUMBER, _NUMBER.in_(_indexed(needle, floor, ceiling)))
        for floor, ceiling in zip(floors, ceilings, strict=False)
    ]
    return case(*parts, else_=_NUMBER.in_(_indexed(needle, 0, size)))


_PROGRESS = table("progress", column("upto"), column("changes"), schema=ATTACHED)
_TRIGRAMS = table("trigrams", column("rowid"), column("trigrams"), schema=ATTACHED)


def _progress(name: str) -> ColumnElement[int]:
    return select(_PROGRESS.c[name]).scalar_subquery()


def _indexed(needle: str, above: int = 0, upto: int | None = None) -> Select[tuple[int]]:
    found = select(_TRIGRAMS.c.rowid).where(_TRIGRAMS.c.trigrams.op("MATCH")(fts5_query(needle)))
    if above:
        found = found.where(_TRIGRAMS.c.rowid > above)
    return found if upto is None else found.where(_TRIGRAMS.c.rowid <= upto)


def _newer() -> Select[tuple[int]]:
    newer = transactions.alias("newer")
    return select(newer.c.seq).where(newer.c.seq > _progress("upto"))


def _changed() -> Select[tuple[int]]:
    return select(search_changes.c.tx_seq).where(search_changes.c.n > _progress("changes"))


def _address(path: Path, mode: str) -> str:
    return f"file:{quote(str(path))}?mode={mode}"
