"""Windows that key figures are told of: the last hour, a shift, a week, or from one moment to another."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from transactions.durations import parse_duration
from transactions.moments import parse_moment

LENGTHS = ("1h", "8h", "24h", "7d")
"""Those that are offered by name; any other duration can be asked for."""

SHIFT = "shift"
LONGEST = timedelta(days=400)
MINUTES_KEPT = timedelta(days=2)
"""For so long numbers are kept by the minute as well."""
HOURS_KEPT = timedelta(days=100)
"""For so long numbers are kept by the hour as well; by the day for good."""

MINUTE, HOUR, DAY = 60, 3_600, 86_400
_STEPS = (MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 7 * DAY, 28 * DAY)
_MOST_STEPS = 25
_WEEK = re.compile(r"(\d{4})-?W(\d{2})")


class Window(Struct, frozen=True, kw_only=True):
    """A span of time. ``begin`` is in it, ``until`` is the first moment after it (UTC)."""

    label: str
    begin: datetime
    until: datetime

    @property
    def hours(self) -> float:
        """How long it is."""
        return (self.until - self.begin).total_seconds() / HOUR

    def before(self) -> Window:
        """The window of the same length just before."""
        return Window(label=f"{self.label} before", begin=self.begin - (self.until - self.begin), until=self.begin)

    def aligned(self, now: datetime) -> Window:
        """The window on the edges that numbers are kept by at ``now``: whole minutes, further back whole hours, then
        whole days; it never loses any of its time."""
        begin = _floor(self.begin, _grain(self.begin, now))
        grain = _grain(self.until, now)
        until = _floor(self.until, grain)
        if until < self.until:
            until += timedelta(seconds=grain)
        return Window(label=self.label, begin=begin, until=until)

    def step(self, now: datetime) -> int:
        """Seconds of a slice when the window is told as a line of slices."""
        least = _grain(self.begin, now)
        length = (self.until - self.begin).total_seconds()
        fitting = (step for step in _STEPS if step >= least and length / step <= _MOST_STEPS)
        return next(fitting, _STEPS[-1])

    def slices(self, now: datetime) -> list[float]:
        """The hours of the window in each slice. Slices begin at whole multiples of the step, as what is kept does, so
        that the first and the last may be shorter."""
        step, begin, until = self.step(now), int(self.begin.timestamp()), int(self.until.timestamp())
        edges = range(begin // step * step, until, step)
        return [(min(until, edge + step) - max(begin, edge)) / HOUR for edge in edges]


def minutes_from(now: datetime) -> datetime:
    """The first moment whose minute is still kept."""
    return _floor(now - MINUTES_KEPT, HOUR)


def hours_from(now: datetime) -> datetime:
    """The first moment whose hour is still kept."""
    return _floor(now - HOURS_KEPT, DAY)


def parse_window(text: str, now: datetime) -> Window:
    """Read ``8h``, or ``FROM..TO`` with two moments (``2026-11-20..2026-11-21T06:00``, ``3d..2d``).

    Raises:
        ValueError: not a window; the message says what one looks like.
    """
    if ".." in text:
        first, _, last = text.partition("..")
        begin, until = parse_moment(first, now), parse_moment(last, now) if last.strip() else now
    else:
        try:
            length = parse_duration(text)
        except ValueError as error:
            raise ValueError(
                f"{text[:60]!r} is not a window: write 1h, 8h, 24h, 7d, shift, or FROM..TO "
                "like 2026-11-20..2026-11-21T06:00"
            ) from error
        if length > LONGEST:
            raise ValueError(f"{text[:60]!r} is longer than {LONGEST.days} days: write a shorter window")
        begin, until = now - length, now
    if begin == until:
        raise ValueError(f"{text[:60]!r} spans no time: write a longer window")
    if begin > until:
        raise ValueError(f"{text[:60]!r} ends before it begins: write the earlier moment first")
    if until - begin > LONGEST:
        raise ValueError(f"{text[:60]!r} is longer than {LONGEST.days} days: write a shorter window")
    if begin > now:
        raise ValueError(f"{text[:60]!r} has not begun yet: write moments that have passed")
    return Window(label=text, begin=begin, until=until)


def parse_week(text: str, now: datetime) -> Window:
    """Read ``2026-W47`` (ISO 8601), a week from Monday to Monday in UTC; or ``last`` and ``this``.

    Raises:
        ValueError: not a week, or one that has not begun.
    """
    monday = _floor(now, DAY) - timedelta(days=now.astimezone(UTC).weekday())
    if text == "this":
        begin = monday
    elif text == "last":
        begin = monday - timedelta(days=7)
    else:
        begin = _monday_of(text)
        if begin > now:
            raise ValueError(f"the week {text} has not begun yet: write one that has, or this")
    return Window(label=week_of(begin), begin=begin, until=begin + timedelta(days=7))


def week_of(moment: datetime) -> str:
    """The week of a moment, as ISO 8601 writes it."""
    year, week, _ = moment.astimezone(UTC).isocalendar()
    return f"{year:04d}-W{week:02d}"


def _monday_of(text: str) -> datetime:
    found = _WEEK.fullmatch(text)
    wrong = f"{text[:40]!r} is not a week: write one like 2026-W47, last or this"
    if found is None:
        raise ValueError(wrong)
    try:
        monday = datetime.fromisocalendar(int(found[1]), int(found[2]), 1).replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(wrong) from error
    if monday.year >= 9_999:
        raise ValueError(wrong)
    return monday


def _grain(moment: datetime, now: datetime) -> int:
    if moment >= minutes_from(now):
        return MINUTE
    return HOUR if moment >= hours_from(now) else DAY


def _floor(moment: datetime, seconds: int) -> datetime:
    """The last whole minute, hour or day (UTC) that is not after the moment."""
    at = int(moment.timestamp() // seconds * seconds)
    return datetime.fromtimestamp(at, UTC)
