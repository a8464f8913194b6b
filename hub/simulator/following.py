"""What was built on a posting, and whether it can be taken back: a system says it when asked, and refuses by it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct

from hub.simulator.account import Account
from hub.simulator.effects import decode

_LATER = (
    "SELECT * FROM posting WHERE instance = ? AND n > ? AND reversal IS NULL AND status IN ('applied', 'partial')"
    " AND flow = ?"
)
Rule = Callable[[sqlite3.Connection, sqlite3.Row, Account], Iterator["Followed"]]
_EXECUTION = ("material-consumption", "production-confirmation", "goods-receipt")


class Followed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that was built on a posting; ``code`` is the one that a reversal is refused with."""

    kind: str
    text: str
    code: str
    document: str | None = None
    key: str | None = None


def followers(connection: sqlite3.Connection, row: sqlite3.Row, account: Account) -> list[Followed]:
    """What followed a posting, so that it cannot be reversed before that is.

    Args:
        connection: the simulator's database.
        row: the posting.
        account: the books of its instance.
    """
    rule = _RULES.get(row["flow"])
    return [] if rule is None else list(rule(connection, row, account))


def open_from(now: datetime) -> date:
    """The first day of the period that is open while the current one is closed: the next month's."""
    return date(now.year + now.month // 12, now.month % 12 + 1, 1)


def closed_period(now: datetime, asked: str | None) -> Followed | None:
    """What stands against a posting on the day ``asked`` (today where none is) while this period is closed."""
    first = open_from(now)
    if asked is not None:
        try:
            if date.fromisoformat(asked) >= first:
                return None
        except ValueError:
            return Followed(kind="period-closed", text=f"{asked[:20]} is no day of the calendar", code="F5201")
    day = asked or now.date().isoformat()
    return Followed(
        kind="period-closed", text=f"The posting period of {day} is closed; open from {first.isoformat()}", code="M7053"
    )


def _later(connection: sqlite3.Connection, row: sqlite3.Row, flows: tuple[str, ...]) -> Iterator[sqlite3.Row]:
    for flow in flows:
        yield from connection.execute(_LATER, (row["instance"], row["n"], flow))


def _named(kind: str, text: str, code: str, other: sqlite3.Row) -> Followed:
    return Followed(kind=kind, text=text, code=code, document=other["document"], key=other["key"])


def _closed(row: sqlite3.Row, account: Account) -> Iterator[Followed]:
    order = row["order_no"]
    if order and account.order_closed(order):
        yield Followed(kind="closed", text=f"Order {order} is closed", code="BS013")


def _of_release(connection: sqlite3.Connection, row: sqlite3.Row, account: Account) -> Iterator[Followed]:
    for other in _later(connection, row, _EXECUTION):
        if other["order_no"] == row["order_no"]:
            yield _named("started", f"Order {row['order_no']} has started", "ORDER_STARTED", other)


def _of_consumption(connection: sqlite3.Connection, row: sqlite3.Row, account: Account) -> Iterator[Followed]:
    yield from _closed(row, account)


def _of_confirmation(connection: sqlite3.Connection, row: sqlite3.Row, account: Account) -> Iterator[Followed]:
    yield from _closed(row, account)
    for other in _later(connection, row, ("production-confirmation", "goods-receipt")):
        if other["order_no"] == row["order_no"]:
            text = f"Order {row['order_no']} was confirmed or received further"
            yield _named("confirmed", text, "CONFIRMED_LATER", other)


def _of_receipt(connection: sqlite3.Connection, row: sqlite3.Row, account: Account) -> Iterator[Followed]:
    yield from _closed(row, account)
    lots = {change.id.rpartition("|")[2] for change in decode(row["changes"]) if change.kind == "stock"}
    yield from _decided(connection, row, lots)
    yield from _taken(connection, row, account)


def _of_movement(connection: sqlite3.Connection, row: sqlite3.Row, account: Account) -> Iterator[Followed]:
    yield from _taken(connection, row, account)


def _of_disposition(connection: sqlite3.Connection, row: sqlite3.Row, account: Account) -> Iterator[Followed]:
    for other in _later(connection, row, ("shipment-release",)):
        if row["lot"] and other["lot"] == row["lot"]:
            yield _named("shipped", f"Lot {row['lot']} was shipped", "LOT_SHIPPED", other)


def _of_shipment(connection: sqlite3.Connection, row: sqlite3.Row, account: Account) -> Iterator[Followed]:
    shipments = {change.id for change in decode(row["changes"]) if change.kind == "shipments"}
    for other in _later(connection, row, ("shipment-status",)):
        if shipments & {change.id for change in decode(other["changes"]) if change.kind == "shipments"}:
            yield Followed(
                kind="departed", text="The shipment has departed", code="DEPARTED", document=other["document"]
            )


def _decided(connection: sqlite3.Connection, row: sqlite3.Row, lots: set[str]) -> Iterator[Followed]:
    for other in _later(connection, row, ("lot-disposition",)):
        if other["lot"] in lots:
            yield _named("decided", f"Lot {other['lot']} has a usage decision", "USAGE_DECISION", other)


def _taken(connection: sqlite3.Connection, row: sqlite3.Row, account: Account) -> Iterator[Followed]:
    """What took from the stock that the posting put there, where too little is left to take it back."""
    for change in decode(row["changes"]):
        amount = Decimal(change.add.get("quantity", "0")) if change.kind == "stock" else Decimal(0)
        if amount <= 0:
            continue
        plant, material, lot = change.id.split("|")
        left = account.stock(plant, material, lot) or Decimal(0)
        if left >= amount:
            continue
        words = f"Lot {lot} of {material} was used: {left} of {amount} left"
        taking = [
            other
            for other in _later(connection, row, ("material-consumption", "shipment-release", "inventory-movement"))
            if any(
                one.id == change.id and one.add.get("quantity", "").startswith("-") for one in decode(other["changes"])
            )
        ]
        yield from (_named("consumed", words, "M7021", other) for other in taking)
        if not taking:
            yield Followed(kind="consumed", text=words, code="M7021")


_RULES: dict[str, Rule] = {
    "production-order-release": _of_release,
    "material-consumption": _of_consumption,
    "production-confirmation": _of_confirmation,
    "goods-receipt": _of_receipt,
    "inventory-movement": _of_movement,
    "lot-disposition": _of_disposition,
    "shipment-release": _of_shipment,
}
