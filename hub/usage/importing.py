"""Logs of other gateways, counted by whoever sends them: each piece once, whoever sends it again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from gateway_policies.traffic.counting import MINUTE, Clients, Kind, Seen, Tally
from gateway_policies.traffic.report import Imported, ImportedCalls
from hub.store.journal import journal
from hub.store.usage_schema import usage_imports
from hub.usage.keeping import DAYS_KEPT, add
from transactions.clock import from_micros, to_micros
from transactions.errors import Invalid, Stale

MOST = 10_000
"""Pieces that are told."""
_AHEAD = timedelta(days=1)


def take(connection: Connection, piece: ImportedCalls, by: str, now: datetime) -> Imported:
    """Count a piece of a log, unless it was counted before; gives what is kept of it.

    Raises:
        Stale: the piece before it was not counted.
        Invalid: it makes no sense.
    """
    there = _find(connection, piece.sha256)
    if there is not None:
        return there
    if piece.after is not None and _find(connection, piece.after) is None:
        raise Stale("The piece of the log before this one was not counted. Nothing was counted. Begin with the first.")
    add(connection, tally_of(piece, now))
    row = {
        "sha256": piece.sha256,
        "name": piece.name,
        "bytes": piece.size,
        "lines": piece.lines,
        "unreadable": piece.unreadable,
        "at": to_micros(now),
        "by": by,
    }
    connection.execute(usage_imports.insert(), row)
    told = {"lines": piece.lines, "unreadable": piece.unreadable, "bytes": piece.size, "sha256": piece.sha256}
    journal(connection).effect(now, by, "gateway.usage-imported", piece.name, None, None, told)
    return Imported(
        sha256=piece.sha256,
        size=piece.size,
        name=piece.name,
        lines=piece.lines,
        unreadable=piece.unreadable,
        at=now,
        by=by,
    )


def imports(connection: Connection) -> list[Imported]:
    """The pieces that were counted, the newest first."""
    return list(_rows(connection, select(usage_imports).order_by(usage_imports.c.at.desc()).limit(MOST)))


def tally_of(piece: ImportedCalls, now: datetime) -> Tally:
    """A piece as it is counted.

    Raises:
        Invalid: a number is out of its range.
    """
    first, last = (now - DAYS_KEPT).timestamp(), (now + _AHEAD).timestamp()
    kinds = [
        Kind(each.consumer, each.client, each.api, each.version, each.operation, each.scope, each.outcome)
        for each in piece.kinds
    ]
    found = Tally(Clients())
    found.unreadable = piece.unreadable
    for each in piece.counts:
        if not 0 <= each.kind < len(kinds) or each.at % MINUTE or not first <= each.at <= last:
            raise Invalid(f"A count of the minute {each.at} makes no sense. Nothing was counted.")
        if not each.at <= each.last < each.at + MINUTE:
            raise Invalid(f"The last call of the minute {each.at} is not in it. Nothing was counted.")
        found.counts[each.at, kinds[each.kind]] = Seen(each.calls, each.last)
        if api := kinds[each.kind].api:
            begin, end = found.spans.get(api, (each.at, each.last))
            found.spans[api] = (min(begin, each.at), max(end, each.last))
    for minute in piece.arrivals:
        seconds = found.arrivals.setdefault((minute.at, minute.consumer, minute.api), [0] * MINUTE)
        if minute.at % MINUTE or not first <= minute.at <= last:
            raise Invalid(f"The minute {minute.at} makes no sense. Nothing was counted.")
        for second, calls in minute.seconds:
            if not 0 <= second < MINUTE or calls < 1:
                raise Invalid(f"The second {second} of the minute {minute.at} makes no sense. Nothing was counted.")
            seconds[second] += calls
    return found


def _find(connection: Connection, sha256: str) -> Imported | None:
    return next(_rows(connection, select(usage_imports).where(usage_imports.c.sha256 == sha256)), None)


def _rows(connection: Connection, query: object) -> Iterator[Imported]:
    for row in connection.execute(query):  # type: ignore[call-overload]
        yield Imported(
            sha256=row.sha256,
            size=row.bytes,
            name=row.name,
            lines=row.lines,
            unreadable=row.unreadable,
            at=from_micros(row.at),
            by=row.by,
        )
