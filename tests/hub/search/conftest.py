"""A store with documents in it, and an index beside it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, select

from hub.declarations import read_catalogue
from hub.masks import Masks
from hub.masks.in_sql import shown_text
from hub.search.protocol import Search
from hub.search.sqlite import ATTACHED, SqliteTextIndex
from hub.store.database import open_database
from hub.store.filter_sql import condition_of
from hub.store.journal import write_journal
from hub.store.schema import payloads, revisions, transactions
from hub.store.shown import shown
from hub.store.transitions import change, fetch
from transactions.clock import to_micros
from transactions.filters import matches, parse
from transactions.filters.query import Query

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FLOW: dict[str, Any] = {
    "title": "T",
    "sources": ["A"],
    "targets": ["B"],
    "document": "D",
    "identity": ["order"],
    "semantics": "event",
    "slo": "1h",
    "risk": "low",
    "owner": "o",
    "keys": {"json": {"order": "$.order", "name": "$.name"}},
}


def masks_of(*paths: str) -> Masks:
    """Masks of a landscape in which ``masked`` masks these, and ``open`` nothing."""
    flows = {"masked": {**FLOW, "masked": {"json": list(paths)}}, "open": FLOW}
    return Masks(read_catalogue({"system": {name: {"title": name} for name in "AB"}, "flow": flows}, "test"))


MASKS = masks_of("$.name", "$.lines[*].price")


class Shelf:
    """A store and its index."""

    def __init__(self, folder: Path, masks: Masks = MASKS) -> None:
        self.masks = masks
        self.database = open_database(folder)
        self.index = SqliteTextIndex(folder, masks)
        self.shown = shown_text(masks)
        self._numbers = itertools.count(1)

    def open(self) -> None:
        """Take the index up; readers see it."""
        self.database.search_with(self.shown)
        self.index.open()
        self.database.attach(ATTACHED, self.index.path, self.index.lost)

    def add(
        self,
        content: bytes = b"{}",
        *,
        flow: str = "open",
        message: str | None = None,
        keys: dict[str, str] | None = None,
        content_type: str = "application/json",
        **more: Any,
    ) -> str:
        """Store a transaction; returns its id."""
        n = next(self._numbers)
        sha256 = self._keep(content)
        values = {
            "id": f"tx-{n}", "flow": flow, "source": "A", "target": "B", "status": "failed", "risk": "low",
            "created_at": to_micros(NOW) + n, "failed_at": to_micros(NOW) + n, "attempts": 1,
            "failure_kind": "schema" if message is not None else None,
            "failure_help": "data" if message is not None else None,
            "failure_code": "c" if message is not None else None, "failure_message": message,
            "failure_system": "B" if message is not None else None,
            "business_keys": msgspec.json.encode(keys or {}).decode(), "correlation_id": f"corr-{n}",
            "idempotency_key": f"key/{n}", "key_origin": "recipe", "content_type": content_type,
            "payload_sha256": sha256, "revision": 1, "version": 1, "definitive": 1, "lookups": 0, "tries": 1, **more,
        }  # fmt: skip
        with self.database.engine.begin() as connection:
            connection.execute(transactions.insert(), values)
            connection.execute(
                revisions.insert(),
                {
                    "tx_id": values["id"], "revision": 1, "sha256": sha256, "size": len(content),
                    "content_type": content_type, "headers": "{}", "created_at": 1, "created_by": "x",
                },
            )  # fmt: skip
        return str(values["id"])

    def change(self, tx_id: str, **values: Any) -> None:
        """Change a transaction as the hub does."""
        if (content := values.pop("content", None)) is not None:
            values["payload_sha256"] = self._keep(content)
        with self.database.engine.begin() as connection:
            row = fetch(connection, tx_id)
            assert row is not None
            change(connection, row, touch=True, **values)
            write_journal(connection)
            connection.info.pop("journal")

    def _keep(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        with self.database.engine.begin() as connection:
            if connection.execute(select(payloads).where(payloads.c.sha256 == sha256)).first() is None:
                connection.execute(payloads.insert(), {"sha256": sha256, "content": content})
        return sha256

    async def find(self, text: str, *, page: bool = False) -> set[str]:
        """The ids of what matches a filter."""
        query = parse(text)
        return await self.database.read(lambda c: self._find(c, query, self.index.for_page(c) if page else self.index))

    def _find(self, connection: Connection, query: Query, search: Search) -> set[str]:
        condition = condition_of(query, NOW, self.masks, search)
        asked = select(transactions.c.id)
        return set(connection.execute(asked if condition is None else asked.where(condition)).scalars())

    async def recall(self, text: str) -> set[str]:
        """The same, answered in memory."""
        query = parse(text)

        def question(connection: Connection) -> set[str]:
            found = set()
            joined = select(transactions, payloads.c.content).join(
                payloads, payloads.c.sha256 == transactions.c.payload_sha256
            )
            for row in connection.execute(joined).all():
                one = shown(connection, row, NOW, self.masks)
                text_shown = self.shown(row.flow, row.content_type, row.content)
                if matches(query, one, text_shown, NOW):
                    found.add(one.id)
            return found

        return await self.database.read(question)

    async def behind(self) -> int:
        """What the index does not know yet."""
        return await self.database.read(self.index.behind)

    def catch_up(self) -> None:
        """Write everything into the index."""
        while self.index.step(2).left:
            pass

    def close(self) -> None:
        """Let go of everything."""
        self.index.close()
        self.database.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    one = Shelf(tmp_path)
    one.open()
    yield one
    one.close()
