"""When documents are due, by what is declared: the shipped catalogue, and a team's own calendar."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from hub.deadlines import Deadlines
from hub.declarations import CalendarDeclaration, Catalogue, shipped_catalogue
from hub.errors import SettingsError
from hub.settings import read_settings
from transactions.clock import from_micros, to_micros
from transactions.model import DueBecause

SHIPPED = shipped_catalogue()
CURES = {"expiry": "2026-11-21T10:12"}
OWN = '[plant.P03]\ntitle = "Three"\ntimezone = "America/Chicago"\nperiod_close = "month-end 20:00"'


def due(catalogue: Catalogue, flow: str, plant: str | None, at: str, **keys: str) -> tuple[str, DueBecause]:
    """When a document that came in at a local time of the plant is due, in its local time, and why."""
    zone = ZoneInfo(catalogue.plant[plant].timezone) if plant in catalogue.plant else UTC
    created = to_micros(datetime.fromisoformat(at).replace(tzinfo=zone).astimezone(UTC))
    found = Deadlines(catalogue).due(flow, plant, keys, created)
    assert found is not None
    return from_micros(found.at).astimezone(zone).strftime("%m-%d %H:%M"), found.because


@pytest.mark.parametrize(
    ("flow", "plant", "at", "keys", "expected"),
    [
        ("labor-time", "P01", "2026-11-21T10:00", {}, ("11-21 14:00", DueBecause.SHIFT_END)),
        ("labor-time", "P03", "2026-11-21T10:00", {}, ("11-21 19:00", DueBecause.SHIFT_END)),
        ("labor-time", "P01", "2026-11-30T15:00", {}, ("11-30 18:00", DueBecause.PERIOD_CLOSE)),
        ("material-consumption", "P01", "2026-11-30T17:50", {}, ("11-30 18:00", DueBecause.PERIOD_CLOSE)),
        ("material-consumption", "P01", "2026-11-21T13:55", {}, ("11-21 14:10", DueBecause.SLO)),
        ("goods-receipt", "P02", "2026-11-21T10:00", CURES, ("11-21 10:12", DueBecause.LOT_EXPIRY)),
        ("goods-receipt", "P02", "2026-11-21T10:00", {"expiry": "2028-11-21"}, ("11-21 10:15", DueBecause.SLO)),
        ("goods-receipt", "P02", "2026-11-21T10:00", {}, ("11-21 10:15", DueBecause.SLO)),
        ("quality-hold", "P02", "2026-11-30T17:59", {"expiry": "2026-11-30T17:59:30"}, ("11-30 18:00", DueBecause.SLO)),
        ("labor-time", None, "2026-11-21T10:00", {}, ("11-21 22:00", DueBecause.SLO)),
        ("labor-time", "P99", "2026-11-21T10:00", {}, ("11-21 22:00", DueBecause.SLO)),
    ],
)  # fmt: skip
def test_the_shipped_flows_go_by_the_clocks_of_the_shipped_plants(flow, plant, at, keys, expected) -> None:
    assert due(SHIPPED, flow, plant, at, **keys) == expected


def test_a_flow_that_nobody_declares_is_not_due() -> None:
    assert Deadlines(SHIPPED).due("no-such-flow", "P01", {}, 0) is None
    assert not Deadlines(SHIPPED).says_line_down("no-such-flow", {})


def test_a_downtime_that_begins_says_that_a_line_is_down_and_one_that_ends_does_not() -> None:
    deadlines = Deadlines(SHIPPED)
    assert deadlines.says_line_down("downtime-event", {"phase": "start", "line": "P01-L1"})
    assert not deadlines.says_line_down("downtime-event", {"phase": "end", "line": "P01-L1"})
    assert not deadlines.says_line_down("downtime-event", {})
    assert not deadlines.says_line_down("maintenance-order", {"phase": "start"})


def settings(tmp_path: Path, text: str) -> Catalogue:
    path = tmp_path / "andon.toml"
    path.write_text(text)
    return read_settings(path).catalogue


@pytest.mark.parametrize(
    ("text", "plant", "expected"),
    [
        ('[calendar]\nperiod_close = "workday 2 12:00"', "P01", "12-02 12:00"),
        ('[calendar]\nperiod_close = ["2026-11-27 18:00", "2026-12-25 18:00"]', "P01", "11-27 18:00"),
        # the company's time is seven hours ahead of Chicago's
        ('[calendar]\nperiod_close = "month-end 18:00"\ntimezone = "Europe/Berlin"', "P03", "11-30 11:00"),
        (OWN, "P03", "11-30 20:00"),
    ],
)  # fmt: skip
def test_a_team_declares_its_calendar(tmp_path: Path, text: str, plant: str, expected: str) -> None:
    catalogue = settings(tmp_path, text)
    long = msgspec.structs.replace(catalogue.flow["labor-time"], slo="9w", clocks=[DueBecause.PERIOD_CLOSE])
    catalogue = msgspec.structs.replace(catalogue, flow={"labor-time": long})
    assert due(catalogue, "labor-time", plant, "2026-11-21T08:00") == (expected, DueBecause.PERIOD_CLOSE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[calendar]\nperiod_close = "sometime"', "calendar.period_close: 'sometime' says no close"),
        ('[calendar]\ntimezone = "Mars/Base"', "calendar.timezone: 'Mars/Base' is no time zone"),
        ("[calendar]\nclose = 3", "calendar: .*close"),
        ("calendar = 3", "calendar"),
        ('[plant.P01]\ntitle = "One"\nperiod_close = "day 31 12:00"', "plant.P01.period_close: .* from 1 to 28"),
        ('[flow.f]\ntitle = "F"\nclocks = ["sunset"]', "flow.f"),
    ],
)
def test_a_calendar_that_cannot_be_read_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        settings(tmp_path, text)
    assert re.search(said, error.value.detail)


@pytest.mark.parametrize(
    "more", ['clocks = ["lot-expiry"]', 'expiry = "event"', 'clocks = ["lot-expiry"]\nexpiry = "best_before"']
)
def test_the_clock_of_a_lot_wants_the_key_that_it_reads(tmp_path: Path, more: str) -> None:
    flow = """[flow.f]
title = "F"
sources = ["MES"]
targets = ["ERP"]
document = "D"
identity = ["event"]
semantics = "event"
slo = "15m"
risk = "low"
owner = "o"
keys = { json = { event = "$.event" } }
"""
    with pytest.raises(SettingsError, match=r"flow\.f: (the clock lot-expiry|business key 'best_before')"):
        settings(tmp_path, flow + more)


def test_the_digest_changes_with_the_answers_and_with_nothing_else() -> None:
    same = Deadlines(shipped_catalogue()).digest
    assert Deadlines(SHIPPED).digest == same
    titled = msgspec.structs.replace(SHIPPED.flow["labor-time"], title="Working time", owner="somebody-else")
    assert Deadlines(msgspec.structs.replace(SHIPPED, flow={**SHIPPED.flow, "labor-time": titled})).digest == same
    quicker = msgspec.structs.replace(SHIPPED.flow["labor-time"], slo="1h")
    assert Deadlines(msgspec.structs.replace(SHIPPED, flow={**SHIPPED.flow, "labor-time": quicker})).digest != same
    calendar = CalendarDeclaration(period_close="day 3 12:00")
    assert Deadlines(msgspec.structs.replace(SHIPPED, calendar=calendar)).digest != same
