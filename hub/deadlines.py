"""By when documents should be processed, by the flows, plants and calendar that are declared."""

from __future__ import annotations

import hashlib
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct

from hub.declarations import CalendarDeclaration, Catalogue, FlowDeclaration, LineDown, PlantDeclaration
from transactions.deadlines import Due, PlantClock, due_of
from transactions.durations import parse_duration
from transactions.model import DueBecause
from transactions.period_close import read_period_close
from transactions.shifts import read_shift


class _FlowClocks(Struct, frozen=True):
    slo: int
    clocks: tuple[DueBecause, ...]
    expiry: str | None
    line_down: LineDown | None


class Deadlines:
    """Says when a document is due, and whether it says that a line is down.

    Attributes:
        digest: changes when what is declared gives other answers.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._flows = {name: _flow_clocks(flow) for name, flow in catalogue.flow.items()}
        calendar = catalogue.calendar or CalendarDeclaration()
        self._plants = {name: _plant_clock(plant, calendar) for name, plant in catalogue.plant.items()}
        declared = msgspec.json.encode(
            [sorted(self._flows.items()), sorted(catalogue.plant.items()), calendar], order="sorted"
        )
        self.digest = hashlib.sha256(declared).hexdigest()[:16]

    def due(self, flow: str, plant: str | None, keys: dict[str, str], created: int) -> Due | None:
        """When a document is due.

        Args:
            flow, plant: its own.
            keys: its business keys.
            created: when it came in, in microseconds since 1970-01-01 UTC.

        Returns:
            None for a flow that is not declared any more.
        """
        found = self._flows.get(flow)
        if found is None:
            return None
        if not found.clocks:
            return Due(created + found.slo, DueBecause.SLO)
        expiry = None if found.expiry is None else keys.get(found.expiry)
        clock = None if plant is None else self._plants.get(plant)
        return due_of(created, found.slo, found.clocks, clock, expiry)

    def says_line_down(self, flow: str, keys: dict[str, str]) -> bool:
        """Whether a document says that a production line is down."""
        found = self._flows.get(flow)
        down = None if found is None else found.line_down
        return down is not None and all(keys.get(name) == value for name, value in down.when.items())


def _flow_clocks(flow: FlowDeclaration) -> _FlowClocks:
    slo = int(parse_duration(flow.slo).total_seconds() * 1_000_000)
    return _FlowClocks(
        slo, tuple(clock for clock in flow.clocks if clock is not DueBecause.SLO), flow.expiry, flow.line_down
    )


def _plant_clock(plant: PlantDeclaration, calendar: CalendarDeclaration) -> PlantClock | None:
    try:
        zone = ZoneInfo(plant.timezone)
        company = zone if calendar.timezone is None or plant.period_close is not None else ZoneInfo(calendar.timezone)
    except ZoneInfoNotFoundError:
        return None  # this machine has no time zones at all, which serving says; the SLO counts all the same
    declared = plant.period_close if plant.period_close is not None else calendar.period_close
    close = None if declared is None else read_period_close(declared)
    return PlantClock(zone, [read_shift(shift) for shift in plant.shifts], close, company)
