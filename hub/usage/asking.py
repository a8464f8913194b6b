"""Questions about what was counted; none reads more than the window's days, and minutes and hours at its edges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, and_, func, or_, select

from gateway_policies.planning.usage import Calls, Peak, Usage
from gateway_policies.traffic.outcomes import LET_THROUGH, Outcome
from gateway_policies.traffic.report import By, UsageReport, UsageRow
from hub.kpis.asking import pieces
from hub.kpis.counting import GRAINS
from hub.store.usage_schema import (
    usage_counts,
    usage_coverage,
    usage_imports,
    usage_kinds,
    usage_peaks,
    usage_positions,
)
from transactions.clock import from_micros
from transactions.kpis.windows import DAY, Window

_THROUGH = sorted(LET_THROUGH)
_FAILED = frozenset({Outcome.SERVER_ERROR, Outcome.UPSTREAM_UNAVAILABLE})
_NAMES = ("consumer", "client", "api", "version", "operation", "scope", "outcome")
LET_THROUGH_WORD, REFUSED_WORD = "let-through", "refused"


class Wanted(Struct, frozen=True, kw_only=True):
    """What a report is asked of: names that calls have; None for any."""

    consumer: str | None = None
    api: str | None = None
    version: str | None = None
    scope: str | None = None
    outcome: str | None = None

    def conditions(self) -> list[Any]:
        """On the kinds."""
        columns = usage_kinds.c
        found = []
        if self.consumer is not None:
            found.append(or_(columns.consumer == self.consumer, columns.client == self.consumer))
        for name in ("api", "version", "scope"):
            value = getattr(self, name)
            if value is not None:
                found.append(columns[name] == value)
        if self.outcome == LET_THROUGH_WORD:
            found.append(columns.outcome.in_(_THROUGH))
        elif self.outcome == REFUSED_WORD:
            found.append(columns.outcome.not_in(_THROUGH))
        elif self.outcome is not None:
            found.append(columns.outcome == self.outcome)
        return found


def report(
    connection: Connection, window: Window, now: datetime, by: Sequence[By], wanted: Wanted, limit: int
) -> UsageReport:
    """Calls of a window, added up."""
    window = window.aligned(now)
    names = _grouped(by)
    step, begin = window.step(now), int(window.begin.timestamp())
    slices = len(window.slices(now))
    sums: dict[tuple[str, ...], _Sum] = {}
    for row in _rows(connection, window, now, names, wanted):
        key = tuple(getattr(row, name) for name in names)
        found = sums.setdefault(key, _Sum([0] * slices))
        calls, outcome = int(row.calls), row.kind_outcome
        found.calls += calls
        found.refused += 0 if outcome in LET_THROUGH else calls
        found.failed += calls if outcome in _FAILED else 0
        found.last = max(found.last, int(row.last))
        place = int(row.slice) - begin // step
        if 0 <= place < slices:
            found.trend[place] += calls
    ordered = sorted(sums.items(), key=lambda item: (-item[1].calls, item[0]))
    return UsageReport(
        since=window.begin,
        until=window.until,
        counted_since=counted_since(connection),
        by=list(by),
        step=step,
        items=[_row(dict(zip(names, key, strict=True)), found) for key, found in ordered[:limit]],
        left_off=max(0, len(ordered) - limit),
        calls=sum(each.calls for each in sums.values()),
        refused=sum(each.refused for each in sums.values()),
        failed=sum(each.failed for each in sums.values()),
        unreadable=_unreadable(connection),
    )


def counted_since(connection: Connection) -> datetime | None:
    """From when on calls were counted; None where none ever were."""
    first: int | None = connection.execute(select(func.min(usage_coverage.c.since))).scalar()
    if first is None:
        first = connection.execute(select(func.min(usage_counts.c.at)).where(usage_counts.c.grain == DAY)).scalar()
    return None if first is None else from_micros(first * 1_000_000)


def usage_of(connection: Connection, window: Window, now: datetime) -> Usage | None:
    """What was seen in a window, as plans take it; None where nothing is known of it."""
    window = window.aligned(now)
    begin, until = int(window.begin.timestamp()), int(window.until.timestamp())
    covered = connection.execute(
        select(usage_coverage).where(usage_coverage.c.until >= begin, usage_coverage.c.since < until)
    ).all()
    if not covered:
        return None
    names = ("consumer", "api", "version", "operation", "scope")
    calls: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
    for row in _rows(connection, window, now, names, Wanted(outcome=LET_THROUGH_WORD)):
        found = calls[tuple(getattr(row, name) for name in names)]
        found[0] += int(row.calls)
        found[1] = max(found[1], int(row.last))
    return Usage(
        since=max(window.begin, from_micros(min(row.since for row in covered) * 1_000_000)),
        until=now,
        calls=tuple(
            Calls(
                consumer=consumer,
                api=api,
                version=version,
                operation=operation,
                scope=scope or None,
                calls=number,
                last_seen=from_micros(last),
            )
            for (consumer, api, version, operation, scope), (number, last) in sorted(calls.items())
            if consumer and api
        ),
        peaks=tuple(_peaks(connection, begin)),
        measured=tuple(sorted(row.api for row in covered)),
    )


def _peaks(connection: Connection, begin: int) -> Iterator[Peak]:
    """The busiest minutes since a moment; of its whole day, since days are what they are kept by."""
    found: dict[str, tuple[int, int]] = {}
    for row in connection.execute(select(usage_peaks).where(usage_peaks.c.day >= begin - begin % DAY)):
        found[row.address] = max(found.get(row.address, (0, 0)), (int(row.per_minute), int(row.at)))
    for address, (number, at) in sorted(found.items()):
        yield Peak(address=address, per_minute=number, at=from_micros(at * 1_000_000))


class _Sum(Struct):
    trend: list[int]
    calls: int = 0
    refused: int = 0
    failed: int = 0
    last: int = 0


def _grouped(by: Sequence[By]) -> tuple[str, ...]:
    return tuple(name for name in _NAMES if name in by or (name == "client" and By.CONSUMER in by))


def _rows(connection: Connection, window: Window, now: datetime, names: Iterable[str], wanted: Wanted) -> Iterable[Any]:
    step = window.step(now)
    coarsest = max(grain for grain in GRAINS if step % grain == 0)
    edges = or_(
        *(
            and_(usage_counts.c.grain == grain, usage_counts.c.at >= first, usage_counts.c.at < last)
            for grain, first, last in pieces(window, coarsest)
        )
    )
    part = usage_counts.c.at // step
    columns = [usage_kinds.c[name] for name in names]
    return connection.execute(
        select(
            *columns,
            usage_kinds.c.outcome.label("kind_outcome"),
            part.label("slice"),
            func.sum(usage_counts.c.calls).label("calls"),
            func.max(usage_counts.c.last).label("last"),
        )
        .join(usage_kinds, usage_kinds.c.id == usage_counts.c.kind)
        .where(edges, *wanted.conditions())
        .group_by(*columns, usage_kinds.c.outcome, part)
    )


def _row(names: dict[str, str], found: _Sum) -> UsageRow:
    return UsageRow(
        **{name: names.get(name) or None for name in _NAMES},
        calls=found.calls,
        refused=found.refused,
        failed=found.failed,
        last_seen=from_micros(found.last),
        trend=found.trend,
    )


def _unreadable(connection: Connection) -> int:
    own = connection.execute(select(func.coalesce(func.sum(usage_positions.c.unreadable), 0))).scalar_one()
    imported = connection.execute(select(func.coalesce(func.sum(usage_imports.c.unreadable), 0))).scalar_one()
    return int(own) + int(imported)
