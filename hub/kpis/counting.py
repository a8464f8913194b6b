"""What every change adds to the key figures; written with the group of jobs that made the change.

Numbers are kept by the minute, by the hour and by the day at once: a window is summed of whole days, and at its edges
of hours and minutes, so that no question reads more than some thousand rows.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from hub.store.counting import adding, upsert
from hub.store.schema import corrections, kpi_counts, kpi_spans, reversals, timeline, transactions
from transactions.kpis.counts import Measure, Span
from transactions.kpis.definitions import FOLLOWED
from transactions.kpis.spans import slot_of
from transactions.kpis.windows import DAY, HOUR, MINUTE
from transactions.model import Status
from transactions.states import CLOSED, OPEN, Event

SECOND = 1_000_000
GRAINS = (MINUTE, HOUR, DAY)
OURS = ("reverse:", "correct:")
"""How the keys of the hub's own transactions begin; those of others may as well, so that the tables decide."""

HAS = frozenset({Status.PROCESSED, Status.DUPLICATE, Status.RESOLVED})
"""The target has it."""

WRITTEN_OFF = frozenset({Status.DISCARDED, Status.COMPENSATED})
_BY_PEOPLE = frozenset(
    {
        Event.RUN,
        Event.DISCARD,
        Event.RESTORE,
        Event.RESOLVE_APPLIED,
        Event.RESOLVE_NOT_APPLIED,
        Event.REOPEN,
        Event.COMPENSATE,
    }
)
_OUTCOMES = {
    Event.PROCESSED: Measure.POSTED,
    Event.DUPLICATE: Measure.DUPLICATES,
    Event.PARKED: Measure.STUCK,
    Event.PARTLY_PROCESSED: Measure.STUCK,
    Event.FAIL: Measure.FAILED,
    Event.WAIT_EXCEEDED: Measure.FAILED,
}
_GOOD = frozenset({Event.PROCESSED, Event.DUPLICATE})
_FIRST_OUTCOMES = frozenset(
    {Event.PROCESSED, Event.PARKED, Event.PARTLY_PROCESSED, Event.FAIL, Event.RETRY, Event.LOST}
)
_UNDER_WAY = frozenset({Status.DELIVERING, Status.SENT})
_NEVER_COUNTS = frozenset({Event.DISPATCH, Event.HOLD, Event.RELEASE, Event.ACCEPTED})

_POSTED_AT = select(func.max(timeline.c.at)).where(
    timeline.c.tx_id == bindparam("id"), timeline.c.status.in_(sorted(HAS))
)
_REVERSAL = select(reversals.c.tx_id).where(reversals.c.tx_id == bindparam("id"))
_CORRECTION = select(corrections.c.tx_id).where(corrections.c.tx_id == bindparam("id"))
_OTHERS = select(transactions.c.status).where(
    transactions.c.correlation_id == bindparam("process"),
    transactions.c.flow == bindparam("of_flow"),
    transactions.c.source == bindparam("of_source"),
    transactions.c.created_at == bindparam("at"),
    transactions.c.id != bindparam("but"),
)

Place = tuple[str, str, str]
CountKey = tuple[int, str, str, str, Measure]
SpanKey = tuple[int, str, str, str, Span, int]


class KpiCounts:
    """What is still to be counted with the running group of jobs; ``''`` is the plant of what has none."""

    def __init__(self) -> None:
        self.counts: Counter[CountKey] = Counter()  # by the second that a minute begins
        self.spans: Counter[SpanKey] = Counter()
        self._posted_at: dict[str, int] = {}  # of this group, whose timeline is not written yet

    def count(self, measure: Measure, place: Place, micros: int, number: int = 1) -> None:
        """Count at a moment (microseconds)."""
        self.counts[(micros // SECOND // MINUTE * MINUTE, *place, measure)] += number

    def span(self, span: Span, place: Place, micros: int, length: int, times: int = 1) -> None:
        """Note a span of ``length`` microseconds at a moment, or take it back with ``times`` -1."""
        length = max(0, length)
        self.spans[(micros // SECOND // MINUTE * MINUTE, *place, span, slot_of(length / SECOND))] += times
        self.count(SUMS[span], place, micros, times * (length // 1_000))

    def received(self, flow: str, plant: str | None, target: str, created_at: int, due_at: int | None) -> None:
        """A transaction came in."""
        place = (plant or "", flow, target)
        self.count(Measure.RECEIVED, place, created_at)
        if due_at is not None:
            self.count(Measure.OWED, place, due_at)

    def document(self, flow: str, plant: str | None, created_at: int) -> None:
        """A document came in, with all its transactions."""
        if flow in FOLLOWED:
            self.count(Measure.DOCUMENTS, (plant or "", flow, ""), created_at)

    def repeated(self, flow: str, plant: str | None, targets: list[str], micros: int) -> None:
        """A source sent a document again under its key."""
        for target in targets:
            self.count(Measure.REPEATED, (plant or "", flow, target), micros)

    def redated(self, connection: Connection, row: Any, due_at: int) -> None:
        """A transaction that is still owed is due at another moment than it was."""
        if row.due_at == due_at or (row.idempotency_key.startswith(OURS) and _is_ours(connection, row.id)):
            return
        place = (row.plant or "", row.flow, row.target)
        if row.due_at is not None:
            self.count(Measure.OWED, place, row.due_at, -1)
        self.count(Measure.OWED, place, due_at)

    def step(
        self,
        connection: Connection,
        row: Any,
        event: Event,
        before: Status,
        status: Status,
        changes: dict[str, Any],
        micros: int,
    ) -> dict[str, Any]:
        """A transaction takes a step of its life.

        Args:
            row: as it was.
            changes: columns that the step sets.
            micros: when.

        Returns:
            further columns to set.
        """
        if event in _NEVER_COUNTS or (row.idempotency_key.startswith(OURS) and _is_ours(connection, row.id)):
            return {}
        place = (row.plant or "", row.flow, row.target)
        self._outcome(row, event, before, place, micros)
        had, has = before in HAS, status in HAS
        if had != has:
            self.count(Measure.APPLIED, place, row.created_at, 1 if has else -1)
            if before is not Status.COMPENSATION_FAILED:  # it had been in time or not before it was to be reversed
                self._in_time(connection, row, event, place, has, micros)
            if row.flow in FOLLOWED:
                self._reached(connection, row, has, micros)
        if (before in WRITTEN_OFF) != (status in WRITTEN_OFF):
            self.count(Measure.WRITTEN_OFF, place, row.created_at, 1 if status in WRITTEN_OFF else -1)
        if before in OPEN:
            self.count(Measure.OPEN, place, row.failed_at or row.created_at, -1)
        if status in OPEN:
            self.count(Measure.OPEN, place, changes.get("failed_at", row.failed_at) or row.created_at)
        return self._trouble(row, event, before, status, place, micros)

    def _outcome(self, row: Any, event: Event, before: Status, place: Place, micros: int) -> None:
        outcome = _OUTCOMES.get(event)
        if outcome is not None:
            self.count(outcome, place, micros)
            if event is Event.PROCESSED:
                self.span(Span.POSTED, place, micros, micros - row.created_at)
            if row.claimed_by and row.status_before:
                self.count(Measure.REPLAY_POSTED if event in _GOOD else Measure.REPLAY_FAILED, place, micros)
        if event in _FIRST_OUTCOMES and row.attempts == 1 and before in _UNDER_WAY and row.claimed_by is None:
            self.count(Measure.FIRST_TRIED, place, micros)
            if event is Event.PROCESSED:
                self.count(Measure.FIRST_PASSED, place, micros)
        if event in _BY_PEOPLE:
            self.count(Measure.TOUCHED, place, micros)
            if event is Event.RUN:
                self.count(Measure.REPLAYED, place, micros)

    def _in_time(self, connection: Connection, row: Any, event: Event, place: Place, has: bool, micros: int) -> None:
        if row.due_at is None:
            return
        if has:
            self._posted_at[row.id] = micros
        if has and micros <= row.due_at:
            self.count(Measure.IN_TIME, place, row.due_at)
        elif event is Event.REOPEN:  # it had been taken for posted, and was not
            posted_at = self._posted_at.get(row.id) or connection.execute(_POSTED_AT, {"id": row.id}).scalar()
            if posted_at is not None and posted_at <= row.due_at:
                self.count(Measure.IN_TIME, place, row.due_at, -1)

    def _reached(self, connection: Connection, row: Any, has: bool, micros: int) -> None:
        """The last target of a document has it, or one of them has it no more."""
        asked = {
            "process": row.correlation_id,
            "of_flow": row.flow,
            "of_source": row.source,
            "at": row.created_at,
            "but": row.id,
        }
        others = connection.execute(_OTHERS, asked).scalars().all()
        if any(Status(other) not in HAS for other in others):
            return
        place = (row.plant or "", row.flow, "")
        self.count(Measure.REACHED, place, row.created_at, 1 if has else -1)
        if has:
            self.span(Span.REACHED, place, row.created_at, micros - row.created_at)

    def _trouble(
        self, row: Any, event: Event, before: Status, status: Status, place: Place, micros: int
    ) -> dict[str, Any]:
        """Since when it needs somebody, and how long it did once it is closed."""
        if status in OPEN:
            return {} if row.troubled_at is not None else {"troubled_at": micros}
        if status not in CLOSED or row.troubled_at is None:
            return {}
        by_itself = before is Status.IN_DOUBT and event is Event.PROCESSED and row.claimed_by is None
        if not by_itself:
            self.count(Measure.RESOLVED, place, micros)
            self.span(Span.RESOLVED, place, micros, micros - row.troubled_at)
        return {"troubled_at": None}

    def write(self, connection: Connection) -> None:
        """Add it to the tables, by the minute, the hour and the day."""
        dialect = connection.dialect.name
        if self.counts:
            connection.execute(adding_counts(dialect), self.count_rows())
        if self.spans:
            connection.execute(adding(dialect, kpi_spans), self.span_rows())

    def count_rows(self) -> list[dict[str, Any]]:
        """The counts as rows of ``kpi_counts``, one for each grain, moment and place."""
        rows: dict[tuple[int, int, str, str, str], dict[str, Any]] = {}
        for (at, plant, flow, target, measure), number in self.counts.items():
            if not number:
                continue
            for grain in GRAINS:
                key = (grain, at // grain * grain, plant, flow, target)
                row = rows.get(key)
                if row is None:
                    row = rows[key] = {**_NOTHING, **dict(zip(_KEYS, key, strict=True))}
                row[measure.value] += number
        return list(rows.values())

    def span_rows(self) -> list[dict[str, Any]]:
        """The spans as rows of ``kpi_spans``."""
        rows: Counter[tuple[int, int, str, str, str, str, int]] = Counter()
        for (at, plant, flow, target, span, slot), times in self.spans.items():
            for grain in GRAINS:
                rows[grain, at // grain * grain, plant, flow, target, span.value, slot] += times
        names = (*_KEYS, "span", "slot")
        return [{**dict(zip(names, key, strict=True)), "count": n} for key, n in rows.items() if n]


_KEYS = ("grain", "at", "plant", "flow", "target")
_NOTHING = {measure.value: 0 for measure in Measure}
SUMS = {
    Span.POSTED: Measure.POSTED_MS,
    Span.RESOLVED: Measure.RESOLVED_MS,
    Span.REACHED: Measure.REACHED_MS,
}


def _is_ours(connection: Connection, tx_id: str) -> bool:
    """Whether the hub made this transaction, to reverse or to correct another."""
    asked = {"id": tx_id}
    return any(connection.execute(question, asked).first() is not None for question in (_REVERSAL, _CORRECTION))


@lru_cache(maxsize=4)
def adding_counts(dialect: str) -> Any:
    """Add to the numbers of a row of ``kpi_counts``."""
    statement = upsert(dialect, kpi_counts)
    old, new = kpi_counts.c, statement.excluded
    return statement.on_conflict_do_update(
        index_elements=list(_KEYS), set_={measure.value: old[measure.value] + new[measure.value] for measure in Measure}
    )
