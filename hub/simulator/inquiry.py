"""What a system answers when it is asked for its orders, stock, holds, lots or shipments as they were at a moment.

The answer is made of what the system posted and, where it is a source, of what it knows by itself; never of what
somebody else believes. A posting counts by the time at which its source recorded what it tells, so that two systems
that are asked as of the same moment leave out the same documents.
"""

from __future__ import annotations

import heapq
import re
import sqlite3
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from hub.simulator.account import changed, opened
from hub.simulator.effects import Change, decode
from hub.simulator.refusals import Refusal

INQUIRIES = ("orders", "stock", "holds", "lots", "shipments")
LARGEST_PAGE = 1000

_POSTED = """
SELECT changes FROM posting
WHERE instance = ? AND status IN ('applied', 'partial') AND reversal IS NULL AND recorded_at <= ?
  AND instr(changes, ?) ORDER BY n
"""
_OWN = "SELECT changes FROM own WHERE instance = ? AND recorded_at <= ? AND instr(changes, ?) ORDER BY n"
_STOCK_OF_ALL = (
    'SELECT changes FROM own WHERE instr(changes, \'"kind":"stock"\')',
    'SELECT changes || rest AS changes FROM posting WHERE instr(changes || rest, \'"kind":"stock"\')',
)
_RAW_ENTRY = re.compile(r'"id":"([^"|]*\|[^"|]*\|R\d\d-\d{6})"')


class Asked(Struct, frozen=True, kw_only=True):
    """One inquiry.

    Attributes:
        as_of: seconds since 1970; None for now.
        plant: entries of this plant only.
        after: the id after which the page begins.
        limit: length of the page.
    """

    as_of: float | None = None
    plant: str | None = None
    after: str = ""
    limit: int = LARGEST_PAGE


class Answered(Struct, frozen=True, kw_only=True):
    """A page of entries, and whether there is more."""

    entries: list[dict[str, str]]
    more: bool


def read_asked(parameters: dict[str, str]) -> Asked:
    """Read the parameters of an inquiry.

    Raises:
        Refusal: one that there is none of, or that cannot be read.
    """
    unknown = sorted(set(parameters) - {"as_of", "plant", "after", "limit"})
    if unknown:
        raise Refusal(400, "UNKNOWN_PARAMETER", f"No such parameter: {', '.join(unknown)}")
    limit = parameters.get("limit") or str(LARGEST_PAGE)
    if not limit.isdecimal() or not 1 <= int(limit) <= LARGEST_PAGE:
        raise Refusal(400, "BAD_PARAMETER", f"limit is a number from 1 to {LARGEST_PAGE}")
    try:
        text = parameters.get("as_of")
        as_of = datetime.fromisoformat(text).timestamp() if text else None
    except ValueError as error:
        raise Refusal(400, "BAD_PARAMETER", "as_of is a time like 2026-03-02T05:00:00Z") from error
    return Asked(
        as_of=as_of, plant=parameters.get("plant") or None, after=parameters.get("after", ""), limit=int(limit)
    )


def answer(path: Path, instance: str, kind: str, asked: Asked) -> Answered:
    """Read the books of an instance on a connection of its own, so that a long read keeps nobody waiting.

    Args:
        path: the simulator's database.
        instance: ``ERP``, ``WMS/P01``.
        kind: one of :data:`INQUIRIES`.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        entries = _opening(connection, instance) if kind == "stock" else {}
        for change in _changes(connection, instance, kind, asked.as_of):
            body = entries.get(change.id)
            entries[change.id] = changed(opened(kind, change.id, body), change)
    finally:
        connection.close()
    wanted = (
        name
        for name, body in entries.items()
        if name > asked.after and (asked.plant is None or body.get("plant") == asked.plant)
    )
    page = heapq.nsmallest(asked.limit + 1, wanted)
    shown = [{"id": name, **entries[name]} for name in page[: asked.limit]]
    if kind == "stock":
        shown = [_in_warehouse(entry) for entry in shown]
    return Answered(entries=[_readable(entry) for entry in shown], more=len(page) > asked.limit)


def _changes(connection: sqlite3.Connection, instance: str, kind: str, as_of: float | None) -> list[Change]:
    until = float("inf") if as_of is None else as_of
    found = []
    for query in (_OWN, _POSTED):
        for row in connection.execute(query, (instance, until, f'"kind":"{kind}"')):
            found += [change for change in decode(row["changes"]) if change.kind == kind]
    return found


def _opening(connection: sqlite3.Connection, instance: str) -> dict[str, dict[str, str]]:
    """Stock of the raw material lots: each was delivered to every system that keeps stock before the story begins,
    also to one that has posted nothing of it yet."""
    site = instance.rpartition("/")[2] if "/" in instance else None
    found: dict[str, dict[str, str]] = {}
    for query in _STOCK_OF_ALL:
        for row in connection.execute(query):
            for name in _RAW_ENTRY.findall(row["changes"]):
                plant, material, lot = name.split("|")
                if site in (None, plant):
                    words = {"plant": plant, "material": material, "lot": lot, "unit": "KG"}
                    found[name] = {**opened("stock", name, None), **words}
    return found


def _in_warehouse(entry: dict[str, str]) -> dict[str, str]:
    """What was produced and not put away yet is at the line, and is no stock of the warehouse."""
    if "production_line" not in entry or "put_away" in entry:
        return entry
    return {**entry, "quantity": "0", "at_line": entry.get("quantity", "0")}


def _readable(entry: dict[str, str]) -> dict[str, str]:
    """Numbers without exponents, as systems write them."""
    return {name: _plain(value) if name == "quantity" else value for name, value in entry.items()}


def _plain(text: str) -> str:
    return format(Decimal(text), "f")
