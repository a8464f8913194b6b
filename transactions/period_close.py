"""When a posting period closes, as it is declared: ``month-end 18:00``, ``workday 2 12:00``, ``day 3 18:00``, or days.

What is posted after it goes into the next period, or not at all. Every rule answers for a document that came in at a
moment: ``month-end`` is the end of that month, or of the next one where that has passed. ``workday`` and ``day`` are
days of the month that follows, in which the books of the month are closed: what comes in on the first belongs to the
new month, and has until the close of that.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Protocol

from msgspec import Struct

from transactions.shifts import local_moment

_RULE = re.compile(r"(month-end|workday (\d{1,2})|day (\d{1,2})) ((?:[01]\d|2[0-3]):[0-5]\d)")
_DAY = re.compile(r"(\d{4}-\d\d-\d\d) ((?:[01]\d|2[0-3]):[0-5]\d)")
_LAST_WORKDAY, _LAST_DAY = 15, 28
_SATURDAY = 5


class Close(Struct, frozen=True):
    """The close for a document, and until when the same answer holds for those that come after it.

    Attributes:
        at: None where no close is declared any more.
        until: None for good.
    """

    at: datetime | None
    until: datetime | None


class PeriodClose(Protocol):
    """A rule that says when a period closes."""

    def close_for(self, moment: datetime, zone: tzinfo) -> Close:
        """The close of the period that a document of ``moment`` belongs to, with its times in ``zone``."""
        ...


class MonthEnd(Struct, frozen=True):
    """The last day of every month, at a time."""

    at: time

    def close_for(self, moment: datetime, zone: tzinfo) -> Close:
        """This month's close, or the next one's where that has passed."""
        first = moment.astimezone(zone).date().replace(day=1)
        close = self._of(first, zone)
        if close <= moment:
            close = self._of(next_month(first), zone)
        return Close(close, close)

    def _of(self, first: date, zone: tzinfo) -> datetime:
        return local_moment(first.replace(day=calendar.monthrange(first.year, first.month)[1]), self.at, zone)


class NextMonth(Struct, frozen=True):
    """A day of the month that follows, at a time: the nth of it, or the nth from Monday to Friday."""

    n: int
    at: time
    workday: bool

    def close_for(self, moment: datetime, zone: tzinfo) -> Close:
        """The close of this month, which is in the next one."""
        following = next_month(moment.astimezone(zone).date().replace(day=1))
        day = nth_workday(following, self.n) if self.workday else following.replace(day=self.n)
        return Close(local_moment(day, self.at, zone), local_moment(following, time(), zone))


class Days(Struct, frozen=True):
    """The closes themselves, as calendars of four and five weeks have them."""

    days: tuple[tuple[date, time], ...]

    def close_for(self, moment: datetime, zone: tzinfo) -> Close:
        """The first of them that is still to come."""
        coming = [close for close in (local_moment(day, at, zone) for day, at in self.days) if close > moment]
        first = min(coming, default=None)
        return Close(first, first)


def read_period_close(declared: str | list[str]) -> PeriodClose:
    """Read a rule, or a list of days like ``2026-12-31 18:00``.

    Raises:
        ValueError: it is none; the message says what one looks like.
    """
    if isinstance(declared, list):
        if not declared:
            raise ValueError("the list of closes is empty: write days like '2026-12-31 18:00'")
        return Days(tuple(sorted(_read_day(day) for day in declared)))
    found = _RULE.fullmatch(declared)
    if found is None:
        raise ValueError(
            f"{declared!r} says no close of a period: write 'month-end 18:00', 'workday 2 12:00' or 'day 3 18:00', "
            "or a list of days like '2026-12-31 18:00'"
        )
    at = time.fromisoformat(found[4])
    if found[2] is None and found[3] is None:
        return MonthEnd(at)
    n, last = int(found[2] or found[3]), _LAST_WORKDAY if found[2] else _LAST_DAY
    if not 1 <= n <= last:
        raise ValueError(f"{declared!r} is in no month: {'workdays' if found[2] else 'days'} go from 1 to {last}")
    return NextMonth(n, at, workday=bool(found[2]))


def _read_day(text: str) -> tuple[date, time]:
    found = _DAY.fullmatch(text)
    try:
        if found is not None:
            return date.fromisoformat(found[1]), time.fromisoformat(found[2])
    except ValueError as error:
        raise ValueError(f"{text!r} is no day of the calendar: write one like '2026-12-31 18:00'") from error
    raise ValueError(f"{text!r} is no day with a time: write one like '2026-12-31 18:00'")


def next_month(first: date) -> date:
    """The first of the month after the one that begins on ``first``."""
    return (first + timedelta(days=31)).replace(day=1)


def nth_workday(first: date, n: int) -> date:
    """The nth day from Monday to Friday of the month that begins on ``first``; holidays are not known."""
    day = first
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    for _ in range(n - 1):
        day += timedelta(days=3 if day.weekday() == _SATURDAY - 1 else 1)
    return day
