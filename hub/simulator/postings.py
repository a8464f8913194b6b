"""Posting documents in the books of a system: once per key, parked or in part where a fault says so, reversible."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from typing import Any

import msgspec
from msgspec import Struct

from hub.simulator.account import Account
from hub.simulator.effects import Change, decode, effects_of, encode
from hub.simulator.following import Followed, followers
from hub.simulator.reading import Line, Reader, Reading
from hub.simulator.refusals import Refusal
from hub.simulator.rules import check
from hub.simulator.settings import instance_name
from transactions.landscape import Idempotent


class Instance(Struct, frozen=True, kw_only=True):
    """One system, or a plant's own instance of it."""

    system: str
    plant: str | None
    dialect: str
    idempotent: Idempotent

    @property
    def name(self) -> str:
        """``ERP`` or ``MES/P01``."""
        return instance_name(self.system, self.plant)


class Manner(Enum):
    """How a document is posted."""

    AT_ONCE = "at-once"
    LATER = "later"
    PARKED = "parked"
    QUIETLY_PARKED = "quietly-parked"
    PARTLY = "partly"


class Document(Struct, frozen=True, kw_only=True):
    """A document as it arrived; ``recorded_at`` says when its source recorded what it tells (seconds since 1970), None
    where it does not say."""

    flow: str
    plant: str
    key: str | None
    body: bytes
    reading: Reading
    recorded_at: float | None = None

    @property
    def sha256(self) -> str:
        """Of the bytes."""
        return hashlib.sha256(self.body).hexdigest()


class Answer(Struct, frozen=True, kw_only=True):
    """What the system says."""

    status: int
    body: dict[str, Any]


PARKED_CODE, PARKED_MESSAGE = "COGI", "Goods movement parked for postprocessing"
LINE_REJECTED = {"code": "M7021", "message": "Deficit of SL Unrestricted-use; the line was not posted"}
_EFFECTIVE = "applied"


class Postings:
    """Every posting of every instance.

    Args:
        connection: the simulator's database.
        reader: reads documents.
        plant_clock: the time that postings carry.
    """

    def __init__(self, connection: sqlite3.Connection, reader: Reader, plant_clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self.reader = reader
        self._plant_clock = self.plant_clock = plant_clock

    def known(self, instance: Instance, document: Document) -> Answer | None:
        """The answer for a key that was posted before; None where it is new, or the system does not look.

        Raises:
            Refusal: the key was used for other content.
        """
        if instance.idempotent is Idempotent.NONE or document.key is None:
            return None
        row = self._by_key(instance, document.key)
        if row is None or _open_in_part(row):
            return None
        if row["sha256"] != document.sha256:
            raise Refusal(
                409, "KEY_REUSED", f"Key {document.key} was used for other content: document {row['document']}"
            )
        if row["status"] == "in-progress":
            return Answer(status=202, body={"status": "accepted"})
        if row["status"] == "parked":
            return _parked(row["document"])
        return Answer(status=200, body={"status": "duplicate", "document": row["document"]})

    def post(self, instance: Instance, document: Document, manner: Manner, delay: float = 0.0) -> Answer:
        """Check a document and post it; all of it or, on a refusal, nothing.

        Args:
            delay: seconds until a posting made ``LATER`` is in the books.

        Raises:
            Refusal: a rule is broken.
        """
        account = Account(self._connection, instance.name)
        with self._transaction():
            begun = self._begun(instance, document)
            if begun is not None:
                return self._go_on(instance, document, begun, manner, account)
            check(instance.system, document.flow, document.plant, document.reading, account)
            lines = document.reading.lines
            if manner is Manner.PARTLY:
                return self._post_partly(instance, document, account)
            changes = effects_of(instance.system, document.flow, document.plant, document.reading, lines)
            if manner is Manner.LATER:
                self._insert(instance, document, "in-progress", None, changes, due_at=time.time() + delay)
                return Answer(status=202, body={"status": "accepted"})
            number = account.next_document(document.flow)
            if manner in (Manner.PARKED, Manner.QUIETLY_PARKED):
                self._insert(instance, document, "parked", number, changes)
                return _parked(number) if manner is Manner.PARKED else _applied(number)
            account.apply(changes)
            self._insert(instance, document, "applied", number, changes)
            return _applied(number)

    def post_by_hand(self, instance: Instance, document: Document, delay: float) -> None:
        """A person posts the document in ``delay`` seconds, without its key; once, however often it was refused.

        Raises:
            Refusal: a rule is broken, which holds for what people key in too.
        """
        identity = document.reading.identity
        with self._transaction():
            before = self._connection.execute(
                "SELECT 1 FROM posting WHERE instance = ? AND flow = ? AND identity IS ? AND hand = 1",
                (instance.name, document.flow, identity),
            ).fetchone()
            if before is None:
                reading = document.reading
                check(instance.system, document.flow, document.plant, reading, Account(self._connection, instance.name))
                changes = effects_of(instance.system, document.flow, document.plant, reading, reading.lines)
                due = time.time() + delay
                self._insert(instance, document, "in-progress", None, changes, due_at=due, hand=True)

    def settle(self, now: float) -> int:
        """Put into the books what is due; how many postings that were."""
        rows = self._connection.execute("SELECT * FROM posting WHERE due_at <= ? ORDER BY due_at, n", (now,)).fetchall()
        if rows:
            with self._transaction():
                for row in rows:
                    self._make_effective(row)
        return len(rows)

    def work_off(self, status: str, still: Callable[[str, str | None, str, str], bool]) -> int:
        """The target's people post what is ``parked``, or the open lines of what is ``partial``.

        Args:
            still: (system, plant, flow, message) → whether the fault still hits it, so that it stays.

        Returns:
            How many postings are in the books now.
        """
        rows = self._connection.execute(
            "SELECT * FROM posting WHERE status = ? AND reversal IS NULL ORDER BY n", (status,)
        ).fetchall()
        free = [row for row in rows if not still(row["system"], row["plant"] or None, row["flow"], _message(row))]
        with self._transaction():
            for row in free:
                if status == "partial":
                    self._complete(row)
                else:
                    self._make_effective(row)
        return len(free)

    def lookup(self, instance: Instance, key: str) -> dict[str, Any]:
        """What became of a key."""
        row = self._by_key(instance, key)
        if row is None:
            return self._lookup_reversal(instance, key)
        answer = {name: row[name] for name in ("status", "sha256", "document", "code", "message")}
        if row["status"] == "partial":
            # Neither applied nor rejected: the lines that were not taken say what is open.
            answer |= {"status": "unknown", **LINE_REJECTED, "rejected": msgspec.json.decode(row["rejected"])}
        if row["reversal"] is not None:
            answer["reversal"] = row["reversal"]
        return {name: value for name, value in answer.items() if value is not None}

    def _lookup_reversal(self, instance: Instance, key: str) -> dict[str, Any]:
        row = self._connection.execute(
            "SELECT reversal, reversal_sha256 FROM posting WHERE instance = ? AND reversal_key = ?",
            (instance.name, key),
        ).fetchone()
        if row is None:
            return {"status": "absent"}
        return {"status": "applied", "sha256": row["reversal_sha256"], "document": row["reversal"]}

    def posting(self, instance: Instance, key: str) -> sqlite3.Row:
        """The posting of a key.

        Raises:
            Refusal: there is none.
        """
        row = self._by_key(instance, key)
        if row is None:
            raise Refusal(404, "NOT_FOUND", f"There is no posting with key {key}")
        return row

    def followed(self, instance: Instance, key: str) -> list[Followed]:
        """What was built on a posting, so that it cannot be reversed before that is.

        Raises:
            Refusal: no such posting.
        """
        return followers(self._connection, self.posting(instance, key), Account(self._connection, instance.name))

    def reverse(
        self,
        instance: Instance,
        key: str,
        *,
        under: str | None = None,
        sha256: str | None = None,
        day: str | None = None,
    ) -> Answer:
        """Reverse a posting: its changes are taken back, under a document number of its own; once, however often.

        Args:
            under: the idempotency key of the reversal; it can be looked up.
            sha256: of the document that asks for it.
            day: on which it is posted; today where none is named.

        Raises:
            Refusal: no such posting, one that is not in the books, or something was built on it.
        """
        with self._transaction():
            row = self._by_key(instance, key)
            if row is None:
                raise Refusal(404, "NOT_FOUND", f"There is no posting with key {key}")
            if row["reversal"] is not None:
                if row["reversal_key"] is None:  # reversed by hand: from now on it is known under this key as well
                    self._connection.execute(
                        "UPDATE posting SET reversal_key = ?, reversal_sha256 = ? WHERE n = ?",
                        (under, sha256, row["n"]),
                    )
                return Answer(status=200, body={"status": "duplicate", "document": row["reversal"]})
            if row["status"] not in (_EFFECTIVE, "partial"):
                raise Refusal(409, "NOT_POSTED", f"Posting {key} is {row['status']}: there is nothing to reverse")
            account = Account(self._connection, instance.name)
            for one in followers(self._connection, row, account):
                also = f" (document {one.document})" if one.document else ""
                raise Refusal(409, one.code, f"{one.text}{also}: {row['document']} cannot be reversed")
            number = account.next_document(row["flow"])
            self._connection.execute(
                "UPDATE posting SET reversal = ?, reversal_key = ?, reversal_sha256 = ?, reversal_day = ? WHERE n = ?",
                (number, under, sha256, day or self._plant_clock().date().isoformat(), row["n"]),
            )
            for kind, name in {(change.kind, change.id) for change in decode(row["changes"])}:
                account.rewrite(kind, name, self._changes_of(instance, kind, name))
            return Answer(status=201, body={"status": "reversed", "document": number})

    def search(self, instance: Instance, wanted: dict[str, str], limit: int = 200) -> list[dict[str, Any]]:
        """Postings by ``order``, ``material``, ``lot``, ``quantity`` and ``day``; those made by hand have no key."""
        columns = {"order": "order_no", "material": "material", "lot": "lot", "quantity": "quantity", "day": "day"}
        clauses = [f"{columns[name]} = ?" for name in wanted]
        sql = " AND ".join(["instance = ?", "status != 'in-progress'", *clauses])
        rows = self._connection.execute(
            f"SELECT * FROM posting WHERE {sql} ORDER BY n DESC LIMIT ?",  # noqa: S608  names come from the table above
            (instance.name, *wanted.values(), limit),
        )
        shown = (
            "flow",
            "key",
            "document",
            "status",
            "sha256",
            "reversal",
            "material",
            "lot",
            "quantity",
            "day",
            "posted_at",
        )
        return [{"order": row["order_no"], **{name: row[name] for name in shown}} for row in rows]

    def _begun(self, instance: Instance, document: Document) -> sqlite3.Row | None:
        """The posting of the same key that waits for its open lines."""
        if instance.idempotent is Idempotent.NONE or document.key is None:
            return None
        row = self._by_key(instance, document.key)
        return row if row is not None and _open_in_part(row) else None

    def _changes_of(self, instance: Instance, kind: str, name: str) -> list[Change]:
        """What the postings that are in the books change in one entry, the oldest first."""
        rows = self._connection.execute(
            "SELECT changes FROM posting WHERE instance = ? AND status IN ('applied', 'partial') AND reversal IS NULL"
            " AND instr(changes, ?) ORDER BY n",
            (instance.name, encode([Change(kind=kind, id=name)])[2:-2]),
        )
        changes = (change for row in rows for change in decode(row["changes"]))
        return [change for change in changes if (change.kind, change.id) == (kind, name)]

    def _go_on(
        self, instance: Instance, document: Document, row: sqlite3.Row, manner: Manner, account: Account
    ) -> Answer:
        """The same key again after a part was posted: post the rest, unless the fault still bites."""
        if row["sha256"] != document.sha256:
            raise Refusal(
                409, "KEY_REUSED", f"Key {document.key} was used for other content: document {row['document']}"
            )
        rejected = msgspec.json.decode(row["rejected"], type=list[dict[str, str]])
        if manner is Manner.PARTLY:
            return Answer(status=207, body={"status": "partial", "document": row["document"], "rejected": rejected})
        _, rest = _split(document.reading.lines)
        open_ = msgspec.structs.replace(document.reading, lines=rest)
        check(instance.system, document.flow, document.plant, open_, account)
        self._complete(row)
        return _applied(row["document"])

    def _complete(self, row: sqlite3.Row) -> None:
        """Post the open lines of a partial posting."""
        rest = decode(row["rest"])
        Account(self._connection, row["instance"]).apply(rest)
        self._connection.execute(
            "UPDATE posting SET status = 'applied', changes = ?, rejected = '[]', rest = '[]', code = NULL,"
            " message = NULL WHERE n = ?",
            (encode([*decode(row["changes"]), *rest]), row["n"]),
        )

    def _post_partly(self, instance: Instance, document: Document, account: Account) -> Answer:
        reading = document.reading
        first, rest = _split(reading.lines)
        changes = effects_of(instance.system, document.flow, document.plant, reading, first) if first else []
        whole = effects_of(instance.system, document.flow, document.plant, reading, reading.lines)
        words = {(change.kind, change.id): change.put for change in whole}
        # Words about the whole document (a delivery's total) are said with its last line.
        open_ = [
            Change(kind=change.kind, id=change.id, add=change.add, put=words[change.kind, change.id])
            for change in effects_of(instance.system, document.flow, document.plant, reading, rest)
        ]
        rejected = [{"line": line.id or "1", **LINE_REJECTED} for line in rest] or [{"line": "1", **LINE_REJECTED}]
        number = account.next_document(document.flow)
        account.apply(changes)
        self._insert(instance, document, "partial", number, changes, rejected=rejected, rest=open_)
        return Answer(status=207, body={"status": "partial", "document": number, "rejected": rejected})

    def _make_effective(self, row: sqlite3.Row) -> None:
        account = Account(self._connection, row["instance"])
        account.apply(decode(row["changes"]))
        self._connection.execute(
            "UPDATE posting SET status = 'applied', document = ?, due_at = NULL, code = NULL, message = NULL"
            " WHERE n = ?",
            (row["document"] or account.next_document(row["flow"]), row["n"]),
        )

    def _insert(
        self,
        instance: Instance,
        document: Document,
        status: str,
        number: str | None,
        changes: list[Change],
        *,
        due_at: float | None = None,
        rejected: list[dict[str, str]] | None = None,
        rest: list[Change] | None = None,
        hand: bool = False,
    ) -> None:
        keys, now = document.reading.keys, self._plant_clock()
        code, message = (PARKED_CODE, PARKED_MESSAGE) if status == "parked" else (None, None)
        values = {
            "instance": instance.name,
            "system": instance.system,
            "flow": document.flow,
            "plant": document.plant,
            "key": None if hand else document.key,
            "sha256": document.sha256,
            "document": number,
            "status": status,
            "code": code,
            "message": message,
            "identity": document.reading.identity,
            "essence": document.reading.essence,
            "changes": encode(changes),
            "rejected": msgspec.json.encode(rejected or []).decode(),
            "rest": encode(rest or []),
            "hand": int(hand),
            "due_at": due_at,
            "posted_at": now.isoformat(),
            "order_no": keys.get("order"),
            "material": keys.get("material"),
            "lot": keys.get("lot"),
            "quantity": keys.get("quantity"),
            "day": now.date().isoformat(),
            "recorded_at": time.time() if document.recorded_at is None else document.recorded_at,
        }
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        self._connection.execute(
            f"INSERT INTO posting ({names}) VALUES ({marks})",  # noqa: S608  names are those above
            tuple(values.values()),
        )

    def _by_key(self, instance: Instance, key: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(
            "SELECT * FROM posting WHERE instance = ? AND key = ? ORDER BY n DESC LIMIT 1", (instance.name, key)
        ).fetchone()
        return row

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _applied(number: str) -> Answer:
    return Answer(status=201, body={"status": "applied", "document": number})


def _parked(number: str) -> Answer:
    body = {"status": "parked", "document": number, "code": PARKED_CODE, "message": PARKED_MESSAGE}
    return Answer(status=200, body=body)


def _split(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    """The lines that a partial posting takes, and the last one, which it rejects."""
    return lines[:-1], lines[-1:]


def _message(row: sqlite3.Row) -> str:
    return str(row["identity"] or row["key"] or row["sha256"])


def _open_in_part(row: sqlite3.Row) -> bool:
    """Whether a posting waits for its open lines; a reversed one does not."""
    return row["status"] == "partial" and row["reversal"] is None
