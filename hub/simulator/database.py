"""The simulator's own database: one file, one connection, one writer (the child process itself).

``synchronous = NORMAL`` under WAL: what was committed survives the end of the process, however it ends.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hub.errors import SimulatorError

SCHEMA_VERSION = 3

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE port (instance TEXT PRIMARY KEY, port INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE number (instance TEXT, range TEXT, last INTEGER NOT NULL, PRIMARY KEY (instance, range)) WITHOUT ROWID;
CREATE TABLE book (
    instance TEXT, kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (instance, kind, id)
) WITHOUT ROWID;
CREATE TABLE posting (
    n INTEGER PRIMARY KEY, instance TEXT NOT NULL, system TEXT NOT NULL, flow TEXT NOT NULL, plant TEXT NOT NULL,
    key TEXT, sha256 TEXT NOT NULL, document TEXT, status TEXT NOT NULL, code TEXT, message TEXT,
    identity TEXT, essence TEXT NOT NULL, changes TEXT NOT NULL,
    rejected TEXT NOT NULL DEFAULT '[]', rest TEXT NOT NULL DEFAULT '[]',
    hand INTEGER NOT NULL DEFAULT 0, due_at REAL, reversal TEXT, posted_at TEXT NOT NULL,
    order_no TEXT, material TEXT, lot TEXT, quantity TEXT, day TEXT NOT NULL,
    recorded_at REAL NOT NULL DEFAULT 0, reversal_key TEXT, reversal_sha256 TEXT, reversal_day TEXT
);
CREATE INDEX posting_key ON posting (instance, key);
CREATE INDEX posting_reversal ON posting (instance, reversal_key) WHERE reversal_key IS NOT NULL;
CREATE INDEX posting_search ON posting (instance, order_no, material, lot);
CREATE INDEX posting_identity ON posting (flow, identity, system, status, reversal, essence);
CREATE INDEX posting_due ON posting (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY, source TEXT NOT NULL, plant TEXT NOT NULL, flow TEXT NOT NULL, content_type TEXT NOT NULL,
    headers TEXT NOT NULL, payload BLOB, sha256 TEXT NOT NULL, state TEXT NOT NULL, not_before REAL NOT NULL DEFAULT 0,
    note TEXT, recorded_at REAL NOT NULL DEFAULT 0
);
CREATE INDEX outbox_waiting ON outbox (plant, seq) WHERE state = 'waiting';
CREATE TABLE owed (
    seq INTEGER NOT NULL, flow TEXT NOT NULL, target TEXT NOT NULL, plant TEXT NOT NULL, source TEXT NOT NULL,
    identity TEXT NOT NULL, essence TEXT NOT NULL, transaction_id TEXT, PRIMARY KEY (seq, target)
) WITHOUT ROWID;
CREATE INDEX owed_identity ON owed (flow, identity, target);
CREATE TABLE own (
    n INTEGER PRIMARY KEY, instance TEXT NOT NULL, flow TEXT NOT NULL, changes TEXT NOT NULL, recorded_at REAL NOT NULL
);
CREATE INDEX own_instance ON own (instance);
CREATE TABLE fault (
    name TEXT, system TEXT, plant TEXT, flow TEXT, probability REAL NOT NULL, for_seconds REAL, until REAL,
    PRIMARY KEY (name, system, plant, flow)
) WITHOUT ROWID;
"""

_UPGRADES = {
    1: """
ALTER TABLE posting ADD COLUMN recorded_at REAL NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN recorded_at REAL NOT NULL DEFAULT 0;
CREATE TABLE own (
    n INTEGER PRIMARY KEY, instance TEXT NOT NULL, flow TEXT NOT NULL, changes TEXT NOT NULL, recorded_at REAL NOT NULL
);
CREATE INDEX own_instance ON own (instance);
""",
    2: """
ALTER TABLE posting ADD COLUMN reversal_key TEXT;
ALTER TABLE posting ADD COLUMN reversal_sha256 TEXT;
ALTER TABLE posting ADD COLUMN reversal_day TEXT;
CREATE INDEX posting_reversal ON posting (instance, reversal_key) WHERE reversal_key IS NOT NULL;
""",
}
"""What makes the next version of a version, in one transaction."""


def open_database(path: Path) -> sqlite3.Connection:
    """Open the file, or make it.

    Raises:
        SimulatorError: the folder cannot be written, the file is no database, or a newer version made it.
    """
    connection = None
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.row_factory = sqlite3.Row
        # Before anything is set: a newer version's file stays as it is.
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version <= SCHEMA_VERSION:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        if version == 0:
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        for older in range(version, SCHEMA_VERSION) if version else ():
            connection.executescript(f"BEGIN; {_UPGRADES[older]} PRAGMA user_version = {older + 1}; COMMIT;")
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise SimulatorError(
            f"The simulated systems' books {path} cannot be opened: {error}. Nothing was started or changed. "
            "Check the folder's rights and free space, or move the file away to begin a new story."
        ) from error
    if version > SCHEMA_VERSION:
        connection.close()
        raise SimulatorError(
            f"The simulated systems' books {path} were written by a newer version (schema {version}, this one knows "
            f"{SCHEMA_VERSION}). Use that version, or another data folder."
        )
    return connection


class Meta:
    """Single remembered values: the seed, the cursor, whether emission runs."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> str | None:
        """The value, or None when it was never set."""
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set(self, name: str, value: str) -> None:
        """Remember a value (inside whatever transaction is open)."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
