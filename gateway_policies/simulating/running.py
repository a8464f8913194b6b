"""Traffic run through throttles: those that are live and those that are proposed, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from gateway_policies.model import Resource
from gateway_policies.simulating.limits import Limits
from gateway_policies.simulating.model import Held, Refused, Simulation, Spell

_MINUTE = 60
_APART = 60.0
_SPELLS = 5
PARTS = 60
"""Of the time, at most."""


class Group(NamedTuple):
    """Calls of a second by one consumer at one API, by their names."""

    consumer: str
    api: str
    calls: int


class _Subject:
    """What is counted of one address."""

    __slots__ = ("calls", "cells", "minutes", "refused", "spells", "turned", "unit", "who")

    def __init__(self, unit: int) -> None:
        self.unit = unit
        self.calls = 0
        self.refused = 0
        self.who: Counter[str] = Counter()
        self.minutes: Counter[int] = Counter()
        self.cells: Counter[int] = Counter()
        self.turned: Counter[int] = Counter()
        self.spells: list[list[float]] = []

    def came(self, at: float, count: int = 1) -> None:
        self.calls += count
        self.minutes[int(at) // _MINUTE] += count
        self.cells[int(at) // self.unit] += count

    def turn_away(self, at: float, consumer: str) -> None:
        self.refused += 1
        self.who[consumer] += 1
        self.turned[int(at) // self.unit] += 1
        if self.spells and at - self.spells[-1][1] <= _APART:
            self.spells[-1][1] = max(self.spells[-1][1], at)
            self.spells[-1][2] += 1
        else:
            self.spells.append([at, at, 1])


class _Side:
    """Traffic under one set of throttles."""

    def __init__(self, resources: Mapping[str, Resource], began: float, unit: int) -> None:
        self.limits, self.unit = Limits(resources, began), unit
        self.subjects: dict[str, _Subject] = {}
        self.refused = 0

    def call(self, consumer: str, api: str, at: float, name: str) -> None:
        by = self.limits.refuses(consumer, api, at)
        self._came(consumer, at)
        if by != consumer:
            self._came(api, at)
        if by is not None:
            self.refused += 1
            self.subjects[by].turn_away(at, name)

    def second(self, begin: float, wanted: Mapping[str, int]) -> bool:
        """A second in which nobody is refused; False where that is not plain."""
        if not self.limits.roomy(wanted, begin):
            return False
        self.limits.take_even(wanted, begin)
        for address, count in wanted.items():
            self._came(address, begin, count)
        return True

    def _came(self, address: str, at: float, count: int = 1) -> None:
        subject = self.subjects.get(address)
        if subject is None:
            subject = self.subjects[address] = _Subject(self.unit)
        subject.came(at, count)


class Run:
    """Traffic that goes by, in the order of its time.

    Args:
        live: what the gateway has now, by address.
        proposed: what it would have.
        began: when it begins, in seconds since 1970: all buckets are full then.
        unit: seconds that the time is told in parts of; parts are whole multiples.
    """

    def __init__(
        self, live: Mapping[str, Resource], proposed: Mapping[str, Resource], began: float, unit: int = _MINUTE
    ) -> None:
        self._before, self._after = _Side(live, began, unit), _Side(proposed, began, unit)
        self._unit = unit
        self._first: float | None = None
        self._last = began
        self._calls = 0
        self._by_second = False

    def call(self, at: float, consumer: str, api: str) -> None:
        """A call.

        Args:
            at: seconds since 1970.
            consumer, api: their names.
        """
        self._note(at, at, 1)
        for side in (self._before, self._after):
            side.call(f"consumer.{consumer}", f"api.{api}", at, consumer)

    def second(self, begin: int, groups: Sequence[Group]) -> None:
        """The calls of a second, spread evenly over it."""
        total = sum(each.calls for each in groups)
        if not total:
            return
        self._by_second = True
        self._note(begin, begin + 1.0 - 1e-6, total)
        wanted: Counter[str] = Counter()
        for each in groups:
            wanted[f"consumer.{each.consumer}"] += each.calls
            wanted[f"api.{each.api}"] += each.calls
        spread: list[tuple[float, str, str]] | None = None
        for side in (self._before, self._after):
            if side.second(begin, wanted):
                continue
            spread = spread or _spread(begin, groups)
            for at, consumer, api in spread:
                side.call(f"consumer.{consumer}", f"api.{api}", at, consumer)

    def result(self) -> Simulation:
        """What came of it."""
        begin = int(self._first or 0.0) // self._unit
        units = int(self._last) // self._unit - begin + 1
        step = -(-units // PARTS)
        parts = -(-units // step)
        addresses = {*self._before.limits.throttles, *self._after.limits.throttles}
        held = [self._held(each, begin, step, parts) for each in sorted(addresses)]
        return Simulation(
            since=None if self._first is None else _moment(self._first),
            until=None if self._first is None else _moment(self._last),
            by_second=self._by_second,
            step=step * self._unit,
            calls=self._calls,
            refused=self._after.refused,
            refused_before=self._before.refused,
            held=tuple(sorted(held, key=lambda each: (-each.refused, -each.refused_before, -each.calls, each.address))),
        )

    def _note(self, first: float, last: float, calls: int) -> None:
        if self._first is None:
            self._first = first
        self._last = max(self._last, last)
        self._calls += calls

    def _held(self, address: str, begin: int, step: int, parts: int) -> Held:
        found = self._after.subjects.get(address) or _Subject(self._unit)
        before = self._before.subjects.get(address) or _Subject(self._unit)
        busiest = max(found.minutes.items(), key=lambda each: (each[1], -each[0]), default=None)
        spells = sorted(found.spells, key=lambda each: (-each[2], each[0]))
        return Held(
            address=address,
            throttle=self._after.limits.throttles.get(address),
            before=self._before.limits.throttles.get(address),
            calls=found.calls,
            refused=found.refused,
            refused_before=before.refused,
            busiest=busiest[1] if busiest else 0,
            busiest_at=_moment(busiest[0] * _MINUTE) if busiest else None,
            who=tuple(
                Refused(consumer=name, refused=count)
                for name, count in sorted(found.who.items(), key=lambda each: (-each[1], each[0]))
            ),
            spells=tuple(
                Spell(begin=_moment(first), until=_moment(last), refused=int(count))
                for first, last, count in spells[:_SPELLS]
            ),
            spells_left_off=max(0, len(spells) - _SPELLS),
            came=_parts(found.cells, begin, step, parts),
            turned_away=_parts(found.turned, begin, step, parts),
        )


def _spread(begin: int, groups: Iterable[Group]) -> list[tuple[float, str, str]]:
    return sorted(
        (begin + (number + 0.5) / each.calls, each.consumer, each.api)
        for each in groups
        for number in range(each.calls)
    )


def _parts(units: Mapping[int, int], begin: int, step: int, parts: int) -> tuple[int, ...]:
    found = [0] * parts
    for unit, count in units.items():
        found[min(parts - 1, max(0, (unit - begin) // step))] += count
    return tuple(found)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
