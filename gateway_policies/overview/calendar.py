"""When versions of APIs come and go: phases day by day, what comes next, and the bars of a calendar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, timedelta
from enum import StrEnum

from msgspec import Struct

from gateway_policies.model import Lifecycle, Version


class Phase(StrEnum):
    """Where a version stands on a day. From ``sunset`` on callers were told that it is gone; ``retired`` is gone."""

    DRAFT = "draft"
    ACTIVE = "active"
    DEPRECATED = "deprecated"
    SUNSET = "sunset"
    RETIRED = "retired"


class What(StrEnum):
    """What happens to a version on a day."""

    DEPRECATED = "deprecated"
    BROWNOUT = "brownout"
    SUNSET = "sunset"


class Turn(Struct, frozen=True, order=True):
    """Something that a version's dates say."""

    on: date
    what: What


class Span(Struct, frozen=True):
    """A phase from one day on, up to another one that is not part of it; None where no end is known."""

    phase: Phase
    begin: date | None
    until: date | None


_ORDER = {each: place for place, each in enumerate(Phase)}
_LEAST = {
    Lifecycle.ACTIVE: Phase.ACTIVE,
    Lifecycle.DEPRECATED: Phase.DEPRECATED,
    Lifecycle.BROWNOUT: Phase.DEPRECATED,
    Lifecycle.RETIRED: Phase.RETIRED,
}
FIRST = {
    Phase.SUNSET: 0,
    Phase.DEPRECATED: 1,
    Phase.ACTIVE: 2,
    Phase.DRAFT: 3,
    Phase.RETIRED: 4,
}
"""The order in which versions are looked at that have no date: what should be gone comes first."""


def phase_on(version: Version, day: date, today: date) -> Phase:
    """The phase of a version on a day, by its dates and by what its lifecycle says that it is today.

    It never goes back from one day to a later one: who says ``deprecated`` today and an announcement for tomorrow has
    a version that is deprecated today.
    """
    if version.lifecycle is Lifecycle.DRAFT:
        return Phase.DRAFT
    said, least = _by_dates(version, day), _LEAST[version.lifecycle]
    if version.lifecycle is Lifecycle.RETIRED:
        if day >= today or version.sunset_on is None or day >= version.sunset_on:
            return Phase.RETIRED
        return said
    if day < today and not (least is Phase.DEPRECATED and version.deprecated_on is None):
        return said
    return max(said, least, key=_ORDER.__getitem__)


def _by_dates(version: Version, day: date) -> Phase:
    # The day of the end is not part of the version's life.
    if version.sunset_on is not None and day >= version.sunset_on:
        return Phase.SUNSET
    if version.deprecated_on is not None and day >= version.deprecated_on:
        return Phase.DEPRECATED
    return Phase.ACTIVE


def spans(version: Version, today: date) -> tuple[Span, ...]:
    """The phases of a version, one behind the other, from before anybody knows until for ever."""
    days = sorted({each for each in (version.deprecated_on, version.sunset_on, today) if each is not None})
    found: list[tuple[Phase, date | None]] = [(phase_on(version, days[0] - timedelta(days=1), today), None)]
    for day in days:
        phase = phase_on(version, day, today)
        if phase is not found[-1][0]:
            found.append((phase, day))
    ends = [begin for _, begin in found[1:]]
    return tuple(Span(phase, begin, until) for (phase, begin), until in zip(found, [*ends, None], strict=True))


def turns(version: Version) -> tuple[Turn, ...]:
    """What the dates of a version say, in order. A draft and a retired one have nothing before them."""
    found = set()
    if version.deprecated_on is not None:
        found.add(Turn(version.deprecated_on, What.DEPRECATED))
    if version.sunset_on is not None:
        found.add(Turn(version.sunset_on, What.SUNSET))
    found |= {Turn(each.from_.astimezone(UTC).date(), What.BROWNOUT) for each in version.brownouts}
    return tuple(sorted(found))


def next_turn(version: Version, today: date) -> Turn | None:
    """What comes next to a version: today or later; None where nothing does."""
    if version.lifecycle is Lifecycle.RETIRED:
        return None
    done = {What.DEPRECATED} if _LEAST.get(version.lifecycle) is Phase.DEPRECATED else set()
    return next((each for each in turns(version) if each.on >= today and each.what not in done), None)


def overdue(version: Version, today: date) -> int:
    """For how many days a version is served after the day that callers were told; 0 where it is not."""
    if version.lifecycle in (Lifecycle.DRAFT, Lifecycle.RETIRED) or version.sunset_on is None:
        return 0
    return max(0, (today - version.sunset_on).days)


def soonest_first(versions: Iterable[Version], today: date) -> list[Version]:
    """Versions by what comes first: those that should be gone, then by their next day, then those that have none."""

    def place(version: Version) -> tuple[int, date, int, str, str]:
        late, turn = overdue(version, today), next_turn(version, today)
        phase = FIRST[phase_on(version, today, today)]
        group = 0 if late else 1 if turn is not None else 2
        day = version.sunset_on if late else turn.on if turn is not None else None
        return group, day or date.max, phase, version.api, version.name

    return sorted(versions, key=place)


class Slot(Struct, frozen=True):
    """A cell of a bar.

    Attributes:
        phase: on its first day.
        turn: what happens within it; of several the one that weighs most.
        today: whether today is in it.
        past: whether it begins before today.
    """

    phase: Phase
    turn: What | None
    today: bool
    past: bool


class Frame(Struct, frozen=True):
    """The time that a calendar shows: whole months, drawn in so many cells."""

    begin: date
    until: date
    width: int

    def days(self, cell: int) -> tuple[date, date]:
        """The first day of a cell, and the first day of the one after it; a cell may have no day of its own."""
        length = (self.until - self.begin).days
        first, after = cell * length // self.width, (cell + 1) * length // self.width
        return self.begin + timedelta(days=first), self.begin + timedelta(days=after)

    def cell_of(self, day: date) -> int | None:
        """The cell that has a day; None where the day does not show."""
        length, passed = (self.until - self.begin).days, (day - self.begin).days
        if not 0 <= passed < length:
            return None
        # The last cell that begins on or before it: of cells without a day of their own the last one has it.
        return ((passed + 1) * self.width - 1) // length

    def months(self) -> Iterator[tuple[int, date]]:
        """The months that show, each with the cell that it begins in."""
        month = self.begin
        while month < self.until:
            cell = self.cell_of(month)
            assert cell is not None
            yield cell, month
            month = months_on(month, 1)


def frame(today: date, before: int, length: int, width: int) -> Frame:
    """A frame that begins ``before`` months before today's and is ``length`` months long."""
    begin = months_on(today.replace(day=1), -before)
    return Frame(begin, months_on(begin, length), max(1, width))


def months_on(day: date, by: int) -> date:
    """The first day of the month that is so many months later."""
    number = min(max(day.year * 12 + day.month - 1 + by, 12), 9999 * 12 + 11)
    return date(number // 12, number % 12 + 1, 1)


_WEIGHT = {What.BROWNOUT: 0, What.DEPRECATED: 1, What.SUNSET: 2}


def bar(version: Version, shown: Frame, today: date) -> list[Slot]:
    """A version's bar, cell by cell."""
    marks: dict[int, What] = {}
    for turn in turns(version):
        cell = shown.cell_of(turn.on)
        if cell is not None and (cell not in marks or _WEIGHT[turn.what] > _WEIGHT[marks[cell]]):
            marks[cell] = turn.what
    now, found = shown.cell_of(today), []
    for cell in range(shown.width):
        first = shown.days(cell)[0]
        found.append(Slot(phase_on(version, first, today), marks.get(cell), cell == now, first < today))
    return found
