"""Key figures from history: what a store that is older than them can still say, to upgrade it and to prove the counts.

Every transaction's life is told once more from its timeline, one after the other. What left no trace there is not
known: documents that a source sent again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, exists, func, or_, select, update

from hub.kpis.counting import HAS, OURS, SECOND, WRITTEN_OFF, KpiCounts, Place
from hub.store.schema import corrections, reversals, timeline, transactions
from transactions.kpis.counts import Measure, Span
from transactions.kpis.definitions import FOLLOWED
from transactions.kpis.windows import HOUR, MINUTES_KEPT
from transactions.model import Status
from transactions.states import CLOSED, OPEN

_T, _L = transactions.c, timeline.c
_MINUTES_KEPT = int(MINUTES_KEPT.total_seconds()) * SECOND
_AT_ONCE = 5_000
_UNDER_WAY = frozenset({Status.DELIVERING, Status.SENT})
_STUCK = frozenset({Status.PARKED, Status.PARTLY_PROCESSED})
_UNCLEAR = frozenset({Status.FAILED, Status.IN_DOUBT, Status.PARKED, Status.PARTLY_PROCESSED})
_FIRST = frozenset({Status.PROCESSED, Status.RETRYING, Status.IN_DOUBT, *_STUCK})
_TROUBLE = update(transactions).where(_T.seq == bindparam("of_seq")).values(troubled_at=bindparam("since"))


def fill(connection: Connection, now: int) -> KpiCounts:
    """Count everything that is stored, as it would have been counted had it been counted then.

    Args:
        now: microseconds; what is older than the minutes that are kept is counted at the hour.

    Returns:
        the counts, not written yet. Since when transactions need somebody is written down.
    """
    counts = _Coarse(now)
    _count_stock(connection, counts)
    _count_documents(connection, counts)
    troubled = []
    lives = groupby(_entries(connection), key=lambda entry: entry.seq)
    for seq, entries in lives:
        since = _Life(counts).live(list(entries))
        if since is not None:
            troubled.append({"of_seq": seq, "since": since})
    if troubled:
        connection.execute(_TROUBLE, troubled)
    return counts


class _Coarse(KpiCounts):
    """Counts by the hour what is too old for minutes, so that a store of years does not fill the memory."""

    def __init__(self, now: int) -> None:
        super().__init__()
        self._fine_from = now - _MINUTES_KEPT - HOUR * SECOND

    def count(self, measure: Measure, place: Place, micros: int, number: int = 1) -> None:
        super().count(measure, place, self._at(micros), number)

    def span(self, span: Span, place: Place, micros: int, length: int, times: int = 1) -> None:
        super().span(span, place, self._at(micros), length, times)

    def _at(self, micros: int) -> int:
        return micros if micros >= self._fine_from else micros // SECOND // HOUR * HOUR * SECOND


def _not_ours() -> Any:
    """Transactions that the hub did not make itself."""
    made = or_(
        exists(select(reversals.c.tx_id).where(reversals.c.tx_id == _T.id)),
        exists(select(corrections.c.tx_id).where(corrections.c.tx_id == _T.id)),
    )
    named = or_(*(_T.idempotency_key.startswith(prefix, autoescape=True) for prefix in OURS))
    return ~and_(named, made)


def _count_stock(connection: Connection, counts: KpiCounts) -> None:
    """What came in, what is owed, what is open: the rows themselves say it."""
    minute = 60 * SECOND
    at = case((_T.status.in_(sorted(OPEN)), func.coalesce(_T.failed_at, _T.created_at)), else_=_T.created_at)
    columns = (
        func.coalesce(_T.plant, "").label("plant"),
        _T.flow,
        _T.target,
        _T.status,
        (_T.created_at // minute * minute).label("created"),
        (_T.due_at // minute * minute).label("due"),
        (at // minute * minute).label("failed"),
    )
    question = select(*columns, func.count().label("n")).where(_not_ours()).group_by(*columns)
    for row in connection.execute(question.execution_options(yield_per=_AT_ONCE)):
        place, status, n = (row.plant, row.flow, row.target), Status(row.status), int(row.n)
        counts.count(Measure.RECEIVED, place, row.created, n)
        if row.due is not None:
            counts.count(Measure.OWED, place, row.due, n)
        if status in HAS:
            counts.count(Measure.APPLIED, place, row.created, n)
        if status in WRITTEN_OFF:
            counts.count(Measure.WRITTEN_OFF, place, row.created, n)
        if status in OPEN:
            counts.count(Measure.OPEN, place, row.failed, n)


def _count_documents(connection: Connection, counts: KpiCounts) -> None:
    """Documents of the flows that are followed, and when the last of their targets had them."""
    # joined one by one, so that targets without such an entry are counted as well
    got = (
        select(func.max(_L.at))
        .where(_L.tx_id == _T.id, _L.status.in_(sorted(HAS)))
        .correlate(transactions)
        .scalar_subquery()
    )
    document = (_T.correlation_id, _T.flow, _T.source, _T.created_at)
    question = (
        select(
            func.coalesce(_T.plant, "").label("plant"),
            *document,
            func.sum(case((_T.status.in_(sorted(HAS)), 0), else_=1)).label("without"),
            func.max(got).label("last"),
        )
        .where(_T.flow.in_(sorted(FOLLOWED)), _not_ours())
        .group_by(_T.plant, *document)
    )
    for row in connection.execute(question).all():
        place = (row.plant, row.flow, "")
        counts.count(Measure.DOCUMENTS, place, row.created_at)
        if not row.without:
            counts.count(Measure.REACHED, place, row.created_at)
            if row.last is not None:
                counts.span(Span.REACHED, place, row.created_at, int(row.last) - row.created_at)


def _entries(connection: Connection) -> Iterator[Any]:
    """Every change of status that was written down, transaction by transaction, in order."""
    failed = _L.text.startswith("Failed:").label("failed")
    question = (
        select(
            _T.seq,
            func.coalesce(_T.plant, "").label("plant"),
            _T.flow,
            _T.target,
            _T.created_at,
            _T.due_at,
            _T.attempts,
            _L.at,
            _L.status,
            _L.before,
            failed,
        )
        .join(transactions, _T.id == _L.tx_id)
        .where(_L.status.is_not(None), _L.before.is_not(None), _not_ours())
        .order_by(_L.tx_id, _L.seq)
    )
    yield from connection.execute(question.execution_options(yield_per=_AT_ONCE))


class _Life:
    """One transaction's life, told from its timeline."""

    def __init__(self, counts: KpiCounts) -> None:
        self._counts = counts
        self._again = False  # a plan sent it again, and nothing came of that yet
        self._first = True  # its first delivery has come to nothing yet
        self._troubled: int | None = None
        self._posted_at: int | None = None

    def live(self, entries: list[Any]) -> int | None:
        """Count what happened; returns since when it needs somebody."""
        for entry in entries:
            before, status = Status(entry.before), Status(entry.status)
            place = (entry.plant, entry.flow, entry.target)
            self._outcome(entry, before, status, place)
            self._timeliness(entry, before, status, place)
            self._trouble(entry, before, status, place)
            if status in HAS or status in _STUCK or status is Status.FAILED:
                self._again = False
        return self._troubled

    def _outcome(self, entry: Any, before: Status, status: Status, place: Place) -> None:
        count, at = self._counts.count, entry.at
        outcome = _outcome_of(entry, before, status)
        if outcome is not None:
            count(outcome, place, at)
            if outcome is Measure.POSTED:
                self._counts.span(Span.POSTED, place, at, at - entry.created_at)
            if self._again:
                good = outcome in (Measure.POSTED, Measure.DUPLICATES)
                count(Measure.REPLAY_POSTED if good else Measure.REPLAY_FAILED, place, at)
        if before in _UNDER_WAY and status not in _UNDER_WAY:
            if self._first and entry.attempts and (status in _FIRST or outcome is Measure.FAILED):
                count(Measure.FIRST_TRIED, place, at)
                if status is Status.PROCESSED:
                    count(Measure.FIRST_PASSED, place, at)
            self._first = False
        if _by_people(entry, before, status):
            count(Measure.TOUCHED, place, at)
        if status is Status.PENDING and before in (Status.FAILED, Status.PARTLY_PROCESSED):
            count(Measure.REPLAYED, place, at)
            self._again, self._first = True, False

    def _timeliness(self, entry: Any, before: Status, status: Status, place: Place) -> None:
        if entry.due_at is None or before is Status.COMPENSATION_FAILED:
            return
        if status in HAS and before not in HAS:
            self._posted_at = entry.at
            if entry.at <= entry.due_at:
                self._counts.count(Measure.IN_TIME, place, entry.due_at)
        elif before is Status.PROCESSED and status is Status.FAILED:  # reopened: it had not been posted
            if self._posted_at is None or self._posted_at > entry.due_at:
                return
            self._counts.count(Measure.IN_TIME, place, entry.due_at, -1)

    def _trouble(self, entry: Any, before: Status, status: Status, place: Place) -> None:
        if status in OPEN:
            self._troubled = entry.at if self._troubled is None else self._troubled
        elif status in CLOSED and self._troubled is not None:
            if not (before is Status.IN_DOUBT and status is Status.PROCESSED and not self._again):
                self._counts.count(Measure.RESOLVED, place, entry.at)
                self._counts.span(Span.RESOLVED, place, entry.at, entry.at - self._troubled)
            self._troubled = None


def _outcome_of(entry: Any, before: Status, status: Status) -> Measure | None:
    if status is Status.PROCESSED:
        return Measure.POSTED
    if status is Status.DUPLICATE:
        return Measure.DUPLICATES
    if status in _STUCK and before in (Status.DELIVERING, Status.SENT, Status.IN_DOUBT):
        return Measure.STUCK
    return Measure.FAILED if status is Status.FAILED and entry.failed else None


def _by_people(entry: Any, before: Status, status: Status) -> bool:
    match status:
        case Status.PENDING:
            return before in (Status.FAILED, Status.PARTLY_PROCESSED)
        case Status.DISCARDED | Status.RESOLVED | Status.COMPENSATING:
            return True
        case Status.FAILED if not entry.failed:  # resolved as not applied, or reopened; or a batch was cancelled
            return before in _UNCLEAR or before in (Status.PROCESSED, Status.DISCARDED)
        case _:
            return before is Status.DISCARDED
