"""Shifts: which one runs at a plant, and when it ends, by the plant's own clock.

Local times become moments one by one, so that a shift is an hour shorter or longer in the nights in which the clocks
change. A time that a clock passes over (02:30 in spring) is the moment at which it would have been without the change;
of one that comes twice (02:30 in autumn) the first counts (RFC 5545, 3.3.5, says the same of both).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from msgspec import Struct

_SHIFT = re.compile(r"((?:[01]\d|2[0-3]):[0-5]\d) (\S.*)")


class ShiftStart(Struct, frozen=True):
    """A shift as it is declared: the local time at which it begins, and its name."""

    at: time
    name: str


class Shift(Struct, frozen=True, kw_only=True):
    """A shift of one day. ``begins_at`` is in it, ``ends_at`` is the first moment of the next one (UTC)."""

    name: str
    begins_at: datetime
    ends_at: datetime


def read_shift(text: str) -> ShiftStart:
    """Read ``06:00 early``.

    Raises:
        ValueError: it is no shift; the message says what one looks like.
    """
    found = _SHIFT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no shift: write when it begins and its name, like '06:00 early'")
    return ShiftStart(time.fromisoformat(found[1]), found[2])


def shift_at(moment: datetime, zone: tzinfo, starts: Sequence[ShiftStart]) -> Shift:
    """The shift that runs at ``moment``.

    Args:
        moment: aware.
        zone: the plant's.
        starts: of the plant's shifts; at least one.
    """
    today = moment.astimezone(zone).date()
    days = [today + timedelta(days=away) for away in (-2, -1, 0, 1, 2)]
    begun = sorted((local_moment(day, start.at, zone), start.name) for day in days for start in starts)
    running = max(place for place, (begins, _) in enumerate(begun) if begins <= moment)
    begins, name = begun[running]
    return Shift(name=name, begins_at=begins, ends_at=next(at for at, _ in begun if at > moment))


def local_moment(day: date, at: time, zone: tzinfo) -> datetime:
    """A local time of a day as a moment in UTC."""
    return datetime.combine(day, at, zone).astimezone(UTC)
