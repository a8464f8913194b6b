"""What sources owe and what targets have posted, held against each other in one pass over the books.

A document is recognised by what it is about (its flow and identity), never by its key or bytes: a posting made by
hand counts, an edited document that says the right thing agrees, and a reversed one is no posting.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from msgspec import Struct


class LedgerEntry(Struct, frozen=True, kw_only=True):
    """One owed posting that is not as it should be.

    Attributes:
        key: the flow and identity values of the document.
        transaction: the hub's id for it; None where the hub has not accepted it.
        outbox: whether it still waits in its source's outbox.
    """

    flow: str
    target: str
    plant: str
    key: str
    transaction: str | None
    outbox: bool


class LedgerFlow(Struct, frozen=True, kw_only=True):
    """One flow to one target, as counts. ``double`` counts surplus postings."""

    flow: str
    target: str
    owed: int
    agreed: int
    missing: int
    mismatched: int
    double: int


class Ledger(Struct, frozen=True, kw_only=True):
    """The books at one moment: counts, and the exceptions by name."""

    flows: list[LedgerFlow]
    missing: list[LedgerEntry]
    double: list[LedgerEntry]
    mismatched: list[LedgerEntry]


_NET = """
CREATE TEMP TABLE net AS
SELECT o.flow, o.target, o.plant, o.identity AS key, o.transaction_id, x.state = 'waiting' AS outbox,
       count(p.n) AS posted, coalesce(sum(p.essence = o.essence), 0) AS same
FROM owed o JOIN outbox x USING (seq)
LEFT JOIN posting p ON p.flow = o.flow AND p.identity = o.identity AND p.system = o.target
                    AND p.status = 'applied' AND p.reversal IS NULL
GROUP BY o.seq, o.target
"""

_FLOWS = """
SELECT flow, target, count(*) AS owed, sum(same > 0) AS agreed, sum(posted = 0) AS missing,
       sum(posted > 0 AND same = 0) AS mismatched, sum(max(posted - 1, 0)) AS double
FROM net GROUP BY flow, target ORDER BY flow, target
"""

_EXCEPTIONS = "SELECT * FROM net WHERE posted != 1 OR same != 1 ORDER BY flow, target, key"


def read_ledger(path: Path) -> Ledger:
    """Read the books on a connection of their own, so that a long read keeps nobody waiting.

    Args:
        path: the simulator's database.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(_NET)
        flows = [LedgerFlow(**dict(row)) for row in connection.execute(_FLOWS)]
        missing, double, mismatched = [], [], []
        for row in connection.execute(_EXCEPTIONS):
            entry = LedgerEntry(
                flow=row["flow"],
                target=row["target"],
                plant=row["plant"],
                key=row["key"],
                transaction=row["transaction_id"],
                outbox=bool(row["outbox"]),
            )
            if row["posted"] == 0:
                missing.append(entry)
            elif row["same"] == 0:
                mismatched.append(entry)
            if row["posted"] > 1:
                double.append(entry)
        return Ledger(flows=flows, missing=missing, double=double, mismatched=mismatched)
    finally:
        connection.close()
