"""The books of one system's instance: orders, stock by material and lot, lots and their holds, shipments and so on."""

from __future__ import annotations

import re
import sqlite3
from decimal import Decimal
from typing import Any

import msgspec

from hub.simulator.effects import Change, stock_id

_RAW_LOT = re.compile(r"R\d\d-\d{6}")
_OPENING = Decimal(5000)
"""What a raw material lot of the simulated plants holds before its first posting, in its base unit."""

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

    def apply(self, changes: list[Change]) -> list[Change]:
        """Make the changes; what comes back remembers the words that were replaced."""
        return [self._apply(change) for change in changes]

    def take_back(self, changes: list[Change]) -> None:
        """Undo changes, newest first."""
        for change in reversed(changes):
            body = self._entry(change.kind, change.id) or {}
            _add(body, {name: str(-Decimal(amount)) for name, amount in change.add.items()})
            # A stock's words only say which stock it is.
            for name, before in change.was.items() if change.kind != "stock" else ():
                # A word that a later posting has set again is that posting's.
                if body.get(name) == change.put.get(name):
                    if before is None:
                        body.pop(name, None)
                    else:
                        body[name] = before
            self._store(change.kind, change.id, body)

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

    def _apply(self, change: Change) -> Change:
        body = self._entry(change.kind, change.id)
        if body is None:
            body = {"quantity": str(_OPENING)} if change.kind == "stock" and _RAW_LOT.search(change.id) else {}
        put = {} if _outdated(body, change.put) else change.put
        was: dict[str, str | None] = {name: body.get(name) for name in put if body.get(name) != put[name]}
        _add(body, change.add)
        body.update(put)
        self._store(change.kind, change.id, body)
        return Change(kind=change.kind, id=change.id, add=change.add, put=put, was=was)

    def _entry(self, kind: str, name: str) -> dict[str, str] | None:
        row = self._connection.execute(
            "SELECT body FROM book WHERE instance = ? AND kind = ? AND id = ?", (self._instance, kind, name)
        ).fetchone()
        return None if row is None else msgspec.json.decode(row["body"], type=dict[str, str])

    def _store(self, kind: str, name: str, body: dict[str, Any]) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO book VALUES (?, ?, ?, ?)",
            (self._instance, kind, name, msgspec.json.encode(body).decode()),
        )


def _add(body: dict[str, str], amounts: dict[str, str]) -> None:
    for name, amount in amounts.items():
        body[name] = str(Decimal(body.get(name, "0")) + Decimal(amount))


def _outdated(body: dict[str, str], put: dict[str, str]) -> bool:
    """Whether the books already have a newer version: a late one changes nothing."""
    here, there = body.get("version", ""), put.get("version", "")
    return here.isdecimal() and there.isdecimal() and int(there) < int(here)
