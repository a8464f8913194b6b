"""The books of one system's instance: orders, stock by material and lot, lots and their holds, shipments and so on."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from hub.simulator.effects import Change, stock_id

_RAW_LOT = re.compile(r"R\d\d-\d{6}")
_OPENING = Decimal(5000)
"""What a raw material lot of the simulated plants holds before its first posting, in its base unit."""
_STOCK_WORDS = ("plant", "material", "lot", "unit")

_RANGES = {
    "material-consumption": 49_0000_0000,
    "goods-receipt": 49_0000_0000,
    "inventory-movement": 49_0000_0000,
    "production-confirmation": 50_0000_0000,
    "labor-time": 51_0000_0000,
    "shipment-release": 80_0000_0000,
    "shipment-status": 81_0000_0000,
    "inspection-result": 30_0000_0000,
    "quality-hold": 31_0000_0000,
    "lot-disposition": 32_0000_0000,
}
_OTHER_RANGE = 10_0000_0000


class Account:
    """The books of one instance (``ERP``, ``WMS/P01``)."""

    def __init__(self, connection: sqlite3.Connection, instance: str) -> None:
        self._connection = connection
        self._instance = instance

    def entries(self, kind: str, limit: int = 1000) -> list[dict[str, str]]:
        """One book: its entries by id, at most ``limit``."""
        rows = self._connection.execute(
            "SELECT id, body FROM book WHERE instance = ? AND kind = ? ORDER BY id LIMIT ?",
            (self._instance, kind, limit),
        )
        return [{"id": row["id"], **msgspec.json.decode(row["body"], type=dict[str, str])} for row in rows]

    def next_document(self, flow: str) -> str:
        """The next document number of the flow's range."""
        start = _RANGES.get(flow, _OTHER_RANGE)
        row = self._connection.execute(
            "INSERT INTO number VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
            (self._instance, str(start), start + 1),
        ).fetchone()
        return str(row[0])

    def apply(self, changes: list[Change]) -> None:
        """Make the changes."""
        for change in changes:
            body = self._entry(change.kind, change.id)
            self._store(change.kind, change.id, changed(opened(change.kind, change.id, body), change))

    def rewrite(self, kind: str, name: str, left: Iterable[Change]) -> None:
        """Make an entry what the changes that are ``left`` make of it, the oldest first.

        A word may have been set by several postings, so what it is without one of them follows from the others.
        """
        before = self._entry(kind, name) or {}
        # The entry of a lot's stock stays, and says which one it is.
        words = {word: before[word] for word in _STOCK_WORDS if word in before} if kind == "stock" else {}
        body = {"quantity": "0", **opened(kind, name, None), **words} if kind == "stock" else {}
        for change in left:
            body = changed(body, change)
        self._store(kind, name, body)

    def stock(self, plant: str, material: str, lot: str) -> Decimal | None:
        """See :class:`hub.simulator.rules.StockView`."""
        body = self._entry("stock", stock_id(plant, material, lot))
        if body is not None and "quantity" in body:
            return Decimal(body["quantity"])
        return _OPENING if _RAW_LOT.fullmatch(lot) else None

    def restricted(self, lot: str) -> bool:
        """See :class:`hub.simulator.rules.StockView`."""
        row = self._connection.execute(
            "SELECT 1 FROM book WHERE instance = ? AND kind = 'holds' AND body ->> '$.lot' = ?"
            " AND body ->> '$.state' = 'active' LIMIT 1",
            (self._instance, lot),
        ).fetchone()
        return row is not None

    def order_closed(self, order: str) -> bool:
        """See :class:`hub.simulator.rules.StockView`."""
        body = self._entry("orders", order)
        return body is not None and body.get("status") == "CLSD"

    def _entry(self, kind: str, name: str) -> dict[str, str] | None:
        row = self._connection.execute(
            "SELECT body FROM book WHERE instance = ? AND kind = ? AND id = ?", (self._instance, kind, name)
        ).fetchone()
        return None if row is None else msgspec.json.decode(row["body"], type=dict[str, str])

    def _store(self, kind: str, name: str, body: dict[str, str]) -> None:
        if not body:
            self._connection.execute(
                "DELETE FROM book WHERE instance = ? AND kind = ? AND id = ?", (self._instance, kind, name)
            )
            return
        self._connection.execute(
            "INSERT OR REPLACE INTO book VALUES (?, ?, ?, ?)",
            (self._instance, kind, name, msgspec.json.encode(body).decode()),
        )


def opened(kind: str, name: str, body: dict[str, str] | None) -> dict[str, str]:
    """An entry, or what it is before its first posting."""
    if body is not None:
        return body
    raw = kind == "stock" and _RAW_LOT.fullmatch(name.rpartition("|")[2])
    return {"quantity": str(_OPENING)} if raw else {}


def changed(body: dict[str, str], change: Change) -> dict[str, str]:
    """An entry after a change."""
    sums = {name: str(Decimal(body.get(name, "0")) + Decimal(amount)) for name, amount in change.add.items()}
    return {**body, **sums, **({} if _outdated(body, change.put) else change.put)}


def _outdated(body: dict[str, str], put: dict[str, str]) -> bool:
    """Whether the books already have a newer version: a late one changes nothing."""
    here, there = body.get("version", ""), put.get("version", "")
    return here.isdecimal() and there.isdecimal() and int(there) < int(here)
