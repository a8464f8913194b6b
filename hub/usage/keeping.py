"""Counts in the store: added together with how far the log was read, folded into hours and days, kept small.

Minutes are kept for two days, hours for a hundred, days for four hundred; what came to the throttles, second by second,
for eight days; and no table grows past a number of rows, whatever calls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, delete, func, select, tuple_

from gateway_policies.traffic.counting import MINUTE as SECONDS
from gateway_policies.traffic.counting import Kind, Tally
from gateway_policies.traffic.outcomes import LET_THROUGH, Outcome
from hub.kpis.counting import GRAINS
from hub.store.counting import upsert
from hub.store.usage_schema import (
    usage_arrivals,
    usage_counts,
    usage_coverage,
    usage_kinds,
    usage_peaks,
    usage_positions,
)
from hub.usage.log import Position
from transactions.errors import Stale
from transactions.kpis.windows import DAY, HOUR, MINUTE, hours_from, minutes_from

T = TypeVar("T")
LOG = "gateway"
"""The name of the gateway's own log among the positions."""
ARRIVALS_KEPT = timedelta(days=8)
DAYS_KEPT = timedelta(days=400)
MOST_ROWS = 2_000_000
"""Of counts and of arrivals each; past it the oldest are dropped before their time, arrivals and minutes first."""
MOST_STRANGERS = 1_000
"""Clients that no consumer is known by that are told apart; the rest are counted together."""
OTHERS = "(others)"
NONE: Mapping[Kind, int] = MappingProxyType({})
_AT_ONCE = 500
_MICROS = 1_000_000
_THROUGH = sorted(LET_THROUGH)
_STRANGERS = select(func.count(func.distinct(usage_kinds.c.client))).where(usage_kinds.c.client.not_in(["", OTHERS]))


def position(connection: Connection) -> tuple[Position, int, int]:
    """How far the log was counted, how many lines that were, and how many of them could not be read."""
    row = connection.execute(select(usage_positions).where(usage_positions.c.log == LOG)).first()
    if row is None:
        return Position(), 0, 0
    return Position(generation=row.generation, head=row.head, offset=row.offset), row.lines, row.unreadable


def advance(
    connection: Connection, before: Position, after: Position, tally: Tally, known: Mapping[Kind, int] = NONE
) -> dict[Kind, int]:
    """Add counts, and say how far the log was counted: both or neither.

    Args:
        known: numbers of kinds, as an earlier transaction gave them; see :func:`add`.

    Returns:
        the numbers of the kinds that were added to, good once this is committed.

    Raises:
        Stale: it is not where it was when the counts were made.
    """
    there, lines, unreadable = position(connection)
    if there != before:
        raise Stale("The access log was counted further by another process. Nothing was counted twice.")
    ids = add(connection, tally, known)
    row = {
        "log": LOG,
        "generation": after.generation,
        "head": after.head,
        "offset": after.offset,
        "lines": lines + tally.lines,
        "unreadable": unreadable + tally.unreadable,
    }
    statement = upsert(connection.dialect.name, usage_positions)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["log"], set_={name: statement.excluded[name] for name in row if name != "log"}
        ),
        row,
    )
    return ids


def add(connection: Connection, tally: Tally, known: Mapping[Kind, int] = NONE) -> dict[Kind, int]:
    """Add counts to what is there.

    Args:
        known: numbers of kinds that stand in the store; nobody may have deleted kinds since, as :func:`forget` does.
    """
    if not tally.counts:
        return {}
    kinds = {kind for _, kind in tally.counts}
    ids = {kind: known[kind] for kind in kinds if kind in known}
    ids |= _ids(connection, kinds - ids.keys())
    rows: dict[tuple[int, int, int], list[int]] = {}
    for (minute, kind), seen in tally.counts.items():
        for grain in GRAINS:
            row = rows.setdefault((grain, minute - minute % grain, ids[kind]), [0, 0])
            row[0] += seen.calls
            row[1] = max(row[1], int(seen.last * _MICROS))
    connection.execute(
        _adding(connection.dialect.name),
        [{"grain": g, "at": at, "kind": kind, "calls": n, "last": last} for (g, at, kind), (n, last) in rows.items()],
    )
    _add_arrivals(connection, tally)
    _add_peaks(connection, sorted({minute for minute, _ in tally.counts}))
    cover(connection, {api: (int(first), int(last)) for api, (first, last) in tally.spans.items()})
    return ids


def cover(connection: Connection, spans: dict[str, tuple[int, int]]) -> None:
    """Say that the calls of APIs were counted, from and to which second."""
    if not spans:
        return
    statement = upsert(connection.dialect.name, usage_coverage)
    new = statement.excluded
    first = _lesser(connection, usage_coverage.c.since, new.since)
    last = _greater(connection, usage_coverage.c.until, new.until)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["api"], set_={"since": first, "until": last}),
        [{"api": api, "since": since, "until": until} for api, (since, until) in spans.items()],
    )


def forget(connection: Connection, now: datetime, most: int = MOST_ROWS) -> None:
    """Drop what is kept no longer.

    Args:
        most: rows that counts and arrivals may have each.
    """
    days = int((now - DAYS_KEPT).timestamp())
    for grain, before in (
        (MINUTE, int(minutes_from(now).timestamp())),
        (HOUR, int(hours_from(now).timestamp())),
        (DAY, days),
    ):
        connection.execute(delete(usage_counts).where(usage_counts.c.grain == grain, usage_counts.c.at < before))
    connection.execute(delete(usage_peaks).where(usage_peaks.c.day < days))
    kept = int((now - ARRIVALS_KEPT).timestamp())
    connection.execute(delete(usage_arrivals).where(usage_arrivals.c.at < kept))
    _cut(connection, usage_arrivals, most)
    for grain in GRAINS:
        _cut(connection, usage_counts, most // len(GRAINS), usage_counts.c.grain == grain)
    connection.execute(delete(usage_kinds).where(usage_kinds.c.id.not_in(select(usage_counts.c.kind))))


def _cut(connection: Connection, table: Any, most: int, *of: Any) -> None:
    """Drop the oldest rows of a table, by whole moments, until it has no more than so many."""
    if connection.execute(select(func.count()).select_from(table).where(*of)).scalar_one() <= most:
        return
    oldest = connection.execute(
        select(table.c.at).where(*of).order_by(table.c.at.desc()).offset(most).limit(1)
    ).scalar_one()
    connection.execute(delete(table).where(*of, table.c.at <= oldest))


def _ids(connection: Connection, kinds: Iterable[Kind]) -> dict[Kind, int]:
    """The numbers that kinds have in the store; new ones are given one."""
    wanted = sorted(kinds)
    found = _find(connection, wanted)
    named: dict[Kind, Kind] = {kind: kind for kind in wanted if kind not in found}
    strangers = sorted({kind.client for kind in named if kind.client})
    if strangers:
        room = max(0, MOST_STRANGERS - connection.execute(_STRANGERS).scalar_one())
        new = [each for each in strangers if not _known(connection, each)]
        others = set(new[room:])
        named = {kind: kind._replace(client=OTHERS) if kind.client in others else kind for kind in named}
        found |= _find(connection, sorted(set(named.values())))
    missing = sorted({kind for kind in named.values() if kind not in found})
    if missing:
        connection.execute(usage_kinds.insert(), [kind._asdict() for kind in missing])
        found |= _find(connection, missing)
    return {kind: found[named.get(kind, kind)] for kind in wanted}


def _find(connection: Connection, kinds: list[Kind]) -> dict[Kind, int]:
    columns = [usage_kinds.c[name] for name in Kind._fields]
    found: dict[Kind, int] = {}
    for some in _parts(kinds):
        for row in connection.execute(select(usage_kinds.c.id, *columns).where(tuple_(*columns).in_(some))):
            found[Kind._make([*row[1:-1], Outcome(row[-1])])] = row[0]
    return found


def _known(connection: Connection, client: str) -> bool:
    return (
        connection.execute(select(usage_kinds.c.id).where(usage_kinds.c.client == client).limit(1)).first() is not None
    )


def _adding(dialect: str) -> Any:
    statement = upsert(dialect, usage_counts)
    new, old = statement.excluded, usage_counts.c
    last = func.max(old.last, new.last) if dialect == "sqlite" else func.greatest(old.last, new.last)
    return statement.on_conflict_do_update(
        index_elements=["grain", "at", "kind"], set_={"calls": old.calls + new.calls, "last": last}
    )


def _add_arrivals(connection: Connection, tally: Tally) -> None:
    minutes = sorted({minute for minute, _, _ in tally.arrivals})
    there: dict[tuple[int, str, str], list[int]] = {}
    for some in _parts(minutes):
        for row in connection.execute(select(usage_arrivals).where(usage_arrivals.c.at.in_(some))):
            there[row.at, row.consumer, row.api] = msgspec.msgpack.decode(row.seconds, type=list[int])
    rows = []
    for key, seconds in tally.arrivals.items():
        old = there.get(key, [0] * SECONDS)
        summed = [a + b for a, b in zip(old, seconds, strict=True)]
        rows.append({"at": key[0], "consumer": key[1], "api": key[2], "seconds": msgspec.msgpack.encode(summed)})
    if rows:
        statement = upsert(connection.dialect.name, usage_arrivals)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["at", "consumer", "api"], set_={"seconds": statement.excluded.seconds}
            ),
            rows,
        )


def _add_peaks(connection: Connection, minutes: list[int]) -> None:
    """The busiest minutes of the days that these minutes are of."""
    peaks: dict[tuple[int, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for some in _parts(minutes):
        for name, column in (("consumer", usage_kinds.c.consumer), ("api", usage_kinds.c.api)):
            summed = (
                select(usage_counts.c.at, column.label("name"), func.sum(usage_counts.c.calls).label("calls"))
                .join(usage_kinds, usage_kinds.c.id == usage_counts.c.kind)
                .where(
                    usage_counts.c.grain == MINUTE,
                    usage_counts.c.at.in_(some),
                    usage_kinds.c.outcome.in_(_THROUGH),
                    column != "",
                )
                .group_by(usage_counts.c.at, column)
            )
            for row in connection.execute(summed):
                key = (row.at - row.at % DAY, f"{name}.{row.name}")
                peaks[key] = max(peaks[key], (int(row.calls), row.at))
    if not peaks:
        return
    statement = upsert(connection.dialect.name, usage_peaks)
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["day", "address"],
            set_={"per_minute": new.per_minute, "at": new.at},
            where=new.per_minute > usage_peaks.c.per_minute,
        ),
        [{"day": day, "address": address, "per_minute": n, "at": at} for (day, address), (n, at) in peaks.items()],
    )


def _parts(values: list[T]) -> Iterable[list[T]]:
    for begin in range(0, len(values), _AT_ONCE):
        yield values[begin : begin + _AT_ONCE]


def _lesser(connection: Connection, a: Any, b: Any) -> Any:
    return func.min(a, b) if connection.dialect.name == "sqlite" else func.least(a, b)


def _greater(connection: Connection, a: Any, b: Any) -> Any:
    return func.max(a, b) if connection.dialect.name == "sqlite" else func.greatest(a, b)
