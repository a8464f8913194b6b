"""Holds that people place on targets, plants and flows, and their ordered release."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from hub.declarations import Catalogue
from hub.delivery.guards import active_holds, held_by_people, sets_right
from hub.ids import new_id
from hub.store.journal import journal
from hub.store.schema import holds, transactions
from hub.store.transitions import change, release
from transactions.clock import to_micros
from transactions.plans import PlanOptions

# What stops harm goes before everything, then what everything else needs.
_FIRST = ("quality-hold", "master-data")


def release_order(catalogue: Catalogue) -> dict[str, int]:
    """The turn of every declared flow after a release: holds of lots, then master data, then the rest by what it
    requires, so that nothing leaves before what it builds on. Within a turn it goes as it came."""
    turns = {name: turn for turn, name in enumerate(_FIRST)}

    def depth(name: str, above: frozenset[str]) -> int:
        flow = catalogue.flow.get(name)
        if name in _FIRST or flow is None or name in above:  # a circle of flows has no first one
            return 0
        return 1 + max((depth(need.flow, above | {name}) for need in flow.requires), default=0)

    for name in catalogue.flow:
        turns.setdefault(name, len(_FIRST) + depth(name, frozenset()))
    return turns


def place_hold(connection: Connection, place: PlanOptions, reason: str, actor: str, now: datetime) -> str:
    """Hold everything that goes to a target, plant or flow; returns the hold's id."""
    hold_id = new_id(now)
    connection.execute(
        holds.insert(),
        {
            "id": hold_id,
            "target": place.target,
            "plant": place.plant,
            "flow": place.flow,
            "reason": reason,
            "placed_by": actor,
            "placed_at": to_micros(now),
        },
    )
    book = journal(connection)
    where = _where(place)
    book.effect(now, actor, "hold.placed", hold_id, reason, None, where)
    book.event(now, "hold", hold_id, {"placed": True, **where})
    return hold_id


def release_holds(
    connection: Connection,
    placed: list[Any],
    place: PlanOptions,
    reason: str,
    actor: str,
    now: datetime,
    catalogue: Catalogue,
) -> int:
    """Release holds, and let go what no other hold covers, in the order of :func:`release_order`, at ``drain_rate`` a
    second.

    Returns:
        How many transactions go on.
    """
    book = journal(connection)
    for hold in placed:
        connection.execute(
            update(holds).where(holds.c.id == hold.id).values(released_by=actor, released_at=to_micros(now))
        )
        book.effect(now, actor, "hold.released", hold.id, reason, {**_where(place), "reason": hold.reason}, None)
        book.event(now, "hold", hold.id, {"placed": False, **_where(place)})
    still = active_holds(connection)
    waiting = connection.execute(
        select(transactions).where(transactions.c.hold_kind == "people").order_by(transactions.c.seq)
    ).all()
    turns = release_order(catalogue)
    waiting = sorted(waiting, key=lambda row: turns.get(row.flow, len(_FIRST)))
    free = []
    for row in waiting:
        other = held_by_people(row, still, sets_right=bool(still) and sets_right(connection, row))
        if other is None:
            free.append(row)
        elif row.waiting_on != other.text:  # it was the lifted hold that it named
            change(connection, row, waiting_on=other.text)
    for position, row in enumerate(free):
        after = position / place.drain_rate if place.drain_rate else 0.0
        release(connection, row, now=now, by=actor, text="Released: the hold was lifted", after=after)
        if after:
            book.timer(to_micros(now) + int(after * 1_000_000))
    return len(free)


def _where(place: PlanOptions) -> dict[str, str | None]:
    return {"target": place.target, "plant": place.plant, "flow": place.flow}
