"""The board's numbers, from tallies that every change keeps."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, func, select

from hub.store.journal import HALF_HOUR
from hub.store.questions import status_counts
from hub.store.reach import within
from hub.store.rows import moment
from hub.store.schema import failures_by_half_hour, holds, tallies, transactions
from transactions.causes.model import Cause
from transactions.clock import from_micros, to_micros
from transactions.landscape import Board, Hold, Lamp
from transactions.model import Status
from transactions.people import Reach
from transactions.states import CLOSED

_HALF_HOURS = 8
_OPEN_OR_MOVING = sorted(set(Status) - CLOSED)


def board(connection: Connection, platform: str, causes: list[Cause], now: datetime, reach: Reach) -> Board:
    """Everything the board shows within ``reach``; ``causes`` are those to show."""
    overdue = _overdue(connection, to_micros(now), reach)
    lamps = _lamps(connection, overdue, now, reach)
    return Board(
        at=now,
        platform=platform,
        counts=status_counts(connection, reach),
        overdue=sum(overdue.values()),
        oldest_failed_at=min((lamp.oldest_failed_at for lamp in lamps if lamp.oldest_failed_at), default=None),
        oldest_held_at=moment(
            connection.execute(
                select(func.min(transactions.c.created_at)).where(
                    transactions.c.status == Status.HELD, *within(reach, transactions)
                )
            ).scalar()
        ),
        lamps=lamps,
        holds=active_holds(connection, reach),
        causes=causes,
    )


def active_holds(connection: Connection, reach: Reach) -> list[Hold]:
    """Holds that people placed on what is within reach, with how much of that waits behind each."""
    found = []
    for row in connection.execute(select(holds).where(holds.c.released_at.is_(None)).order_by(holds.c.placed_at)):
        if not reach.touches(row.plant, row.flow):
            continue
        query = select(func.coalesce(func.sum(tallies.c.count), 0)).where(
            tallies.c.status == Status.HELD, *within(reach, tallies)
        )
        for name in ("target", "plant", "flow"):
            if getattr(row, name) is not None:
                query = query.where(tallies.c[name] == getattr(row, name))
        found.append(
            Hold(
                id=row.id,
                target=row.target,
                plant=row.plant,
                flow=row.flow,
                reason=row.reason,
                placed_by=row.placed_by,
                placed_at=from_micros(row.placed_at),
                held=int(connection.execute(query).scalar_one()),
            )
        )
    return found


def _overdue(connection: Connection, now: int, reach: Reach) -> dict[tuple[str, str], int]:
    rows = connection.execute(
        select(transactions.c.plant, transactions.c.flow, func.count())
        .where(transactions.c.status.in_(_OPEN_OR_MOVING), transactions.c.due_at < now, *within(reach, transactions))
        .group_by(transactions.c.plant, transactions.c.flow)
    )
    return {(plant or "", flow): count for plant, flow, count in rows}


def _lamps(connection: Connection, overdue: dict[tuple[str, str], int], now: datetime, reach: Reach) -> list[Lamp]:
    counts: dict[tuple[str, str], dict[Status, int]] = defaultdict(dict)
    rows = connection.execute(
        select(tallies.c.plant, tallies.c.flow, tallies.c.status, func.sum(tallies.c.count))
        .where(*within(reach, tallies))
        .group_by(tallies.c.plant, tallies.c.flow, tallies.c.status)
    )
    for plant, flow, status, count in rows:
        counts[plant, flow][Status(status)] = int(count)
    trends = _trends(connection, now)
    return [
        Lamp(
            plant=plant or None,
            flow=flow,
            counts=found,
            oldest_failed_at=_oldest(connection, plant, flow) if found.get(Status.FAILED) else None,
            overdue=overdue.get((plant, flow), 0),
            trend=trends.get((plant, flow), [0] * _HALF_HOURS),
        )
        for (plant, flow), found in sorted(counts.items())
    ]


def _oldest(connection: Connection, plant: str, flow: str) -> datetime | None:
    lamp = (
        transactions.c.flow == flow,
        transactions.c.plant == plant if plant else transactions.c.plant.is_(None),
        transactions.c.status == Status.FAILED,
    )
    return moment(connection.execute(select(func.min(transactions.c.failed_at)).where(*lamp)).scalar())


def _trends(connection: Connection, now: datetime) -> dict[tuple[str, str], list[int]]:
    first = to_micros(now) // HALF_HOUR - _HALF_HOURS + 1
    found: dict[tuple[str, str], list[int]] = {}
    rows = connection.execute(select(failures_by_half_hour).where(failures_by_half_hour.c.half_hour >= first))
    for row in rows:
        trend = found.setdefault((row.plant, row.flow), [0] * _HALF_HOURS)
        index = row.half_hour - first
        if index < _HALF_HOURS:
            trend[index] += row.count
    return found
