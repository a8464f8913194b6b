"""By when a transaction should be processed, and why: the flow's SLO, the end of the shift, the expiry of the lot, or
the close of the period, whichever comes first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo

from msgspec import Struct

from transactions.clock import to_micros
from transactions.model import DueBecause, Transaction
from transactions.period_close import PeriodClose
from transactions.shifts import ShiftStart, shift_at

_DATE = re.compile(r"\d{4}-?\d\d-?\d\d")

BECAUSE: dict[DueBecause, str] = {
    DueBecause.SLO: "the flow's SLO",
    DueBecause.SHIFT_END: "the shift ends",
    DueBecause.LOT_EXPIRY: "the lot expires",
    DueBecause.PERIOD_CLOSE: "the period closes",
}
"""Why, in words that follow a time."""


class Due(Struct, frozen=True):
    """When it is due, in microseconds since 1970-01-01 UTC, and which clock says so."""

    at: int
    because: DueBecause


class PlantClock:
    """The clocks of one plant. What they answered is kept for as long as the answer holds: most documents come in
    between the same two shifts, and before the same close.

    Args:
        zone: of the plant.
        shifts: as declared, at least one.
        close: when periods close for it; None where nobody declares it.
        close_zone: whose times those are.
    """

    def __init__(
        self, zone: tzinfo, shifts: list[ShiftStart], close: PeriodClose | None, close_zone: tzinfo | None = None
    ) -> None:
        self.zone, self._shifts = zone, shifts
        self._close, self._close_zone = close, close_zone or zone
        self._shift_known = self._close_known = _Known(0, 0, None)

    def shift_end(self, moment: int) -> int | None:
        """When the shift of ``moment`` ends."""
        if not self._shift_known.holds(moment):
            shift = shift_at(_at(moment), self.zone, self._shifts)
            ends = to_micros(shift.ends_at)
            self._shift_known = _Known(to_micros(shift.begins_at), ends, ends)
        return self._shift_known.answer

    def period_close(self, moment: int) -> int | None:
        """When the period of ``moment`` closes."""
        if self._close is None:
            return None
        if not self._close_known.holds(moment):
            close = self._close.close_for(_at(moment), self._close_zone)
            until = None if close.until is None else to_micros(close.until)
            self._close_known = _Known(moment, until, None if close.at is None else to_micros(close.at))
        return self._close_known.answer


class _Known(Struct, frozen=True):
    """An answer, and from when to when it holds; ``until`` None for good."""

    since: int
    until: int | None
    answer: int | None

    def holds(self, moment: int) -> bool:
        return self.since <= moment and (self.until is None or moment < self.until)


def due_of(
    created: int,
    slo: int,
    clocks: Iterable[DueBecause],
    plant: PlantClock | None,
    expiry: str | None,
) -> Due:
    """When a document is due.

    Args:
        created: when it came in, in microseconds since 1970-01-01 UTC.
        slo: of its flow, in microseconds.
        clocks: those that its flow goes by, besides the SLO.
        plant: the clocks of its plant; None for a document without one, which has an SLO only.
        expiry: what it says of the expiry of its lot, as it says it.
    """
    found = Due(created + slo, DueBecause.SLO)
    for clock in clocks:
        at = _ANSWERS[clock](created, plant, expiry)
        # A clock that had run out when the document came in is nothing that it can still be in time for.
        if at is not None and created < at < found.at:
            found = Due(at, clock)
    return found


def expiry_of(text: str, zone: tzinfo) -> int | None:
    """When a lot expires, in microseconds since 1970-01-01 UTC: a day means all of that day at the plant, a time
    without a zone is the plant's. None for what is neither: the target refuses it for what it is."""
    try:
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text) + timedelta(days=1)
            return to_micros(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC))
        at = datetime.fromisoformat(text)
        return to_micros((at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC))
    except (ValueError, OverflowError):  # no time, or one at the edge of the calendar: 9999-12-31 is "never"
        return None


_ANSWERS: dict[DueBecause, Callable[[int, PlantClock | None, str | None], int | None]] = {
    DueBecause.SLO: lambda _created, _plant, _expiry: None,
    DueBecause.SHIFT_END: lambda created, plant, _: None if plant is None else plant.shift_end(created),
    DueBecause.PERIOD_CLOSE: lambda created, plant, _: None if plant is None else plant.period_close(created),
    DueBecause.LOT_EXPIRY: lambda _, plant, expiry: (
        None if expiry is None else expiry_of(expiry, UTC if plant is None else plant.zone)
    ),
}


def why_due(transaction: Transaction) -> str:
    """Which clock says by when it should be processed, in words: ``the lot expires``; empty where none does."""
    return "" if transaction.due_because is None else BECAUSE[transaction.due_because]


def _at(micros: int) -> datetime:
    return datetime.fromtimestamp(micros // 1_000_000, UTC)
