"""Simulations and impact as people read them: what presses first, many things counted, colours where they may be."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from commands.policy_impact_view import describe as describe_impact
from commands.policy_simulate_view import describe as describe_simulation
from commands.terminal import Look
from gateway_policies.impact.model import Denied, Ending, ImpactReport, LeavingVersion, UnusedGrant, What
from gateway_policies.planning.model import Caller
from gateway_policies.simulating.model import Held, Refused, Simulation, Spell

AT = datetime(2026, 11, 20, 10, tzinfo=UTC)
PLAIN = Look(width=None, colour=False, now=AT + timedelta(hours=1))
COLOURED = Look(width=80, colour=True, now=AT + timedelta(hours=1))


def held(name: str = "consumer.mes", refused: int = 5, **more: Any) -> Held:
    told: dict[str, Any] = {
        "throttle": "tight", "before": "tight", "calls": 20, "refused_before": 1, "busiest": 12, "busiest_at": AT,
        "who": (Refused(consumer="mes", refused=refused),) if refused else (),
        "spells": (Spell(begin=AT, until=AT, refused=refused),) if refused else (), "spells_left_off": 0,
        "came": (10, 10), "turned_away": (refused, 0),
    }  # fmt: skip
    return Held(address=name, refused=refused, **{**told, **more})


def simulation(*subjects: Held, **more: Any) -> Simulation:
    told: dict[str, Any] = {
        "since": AT, "until": AT + timedelta(minutes=2), "by_second": False, "step": 60, "calls": 20,
        "refused": sum(each.refused for each in subjects), "refused_before": 1,
    }  # fmt: skip
    return Simulation(held=subjects, **{**told, **more})


def test_a_simulation_in_plain_text() -> None:
    head, *lines = describe_simulation(simulation(held()), PLAIN).splitlines()
    assert head.startswith("20 calls: 5 would be refused (25.00 %), 1 with the live throttles  ")
    assert head.endswith("  2026-11-20 10:00:00 to 2026-11-20 10:02:00Z")
    assert lines == [
        "",
        "consumer.mes  throttle tight: 5 of 20 refused, 1 with the live one",
        "  busiest minute 12 calls at 2026-11-20 10:00",
        "  2026-11-20 10:00:00: 5",
        "  10 x#",
        "     x#",
        "     x#",
        "     x#",
        "     ##",
        "     ##",
        "     ##",
        "   0 ##",
        "     +-",
        "     10:00 to 10:02",
        "  # passed  x refused  (calls in 1 min)",
    ]


def test_with_colours_there_are_blocks() -> None:
    said = describe_simulation(simulation(held()), COLOURED)
    assert "\x1b[31m▓\x1b[0m\x1b[32m█\x1b[0m" in said
    assert "#" not in said


@pytest.mark.parametrize(
    ("throttle", "before", "said"),
    [
        ("tight", "wide", "throttle tight (now wide): "),
        ("tight", None, "throttle tight (now none): "),
        (None, "wide", "no throttle (now wide): "),
    ],
)
def test_which_throttle_it_was_is_said(throttle: str | None, before: str | None, said: str) -> None:
    assert said in describe_simulation(simulation(held(throttle=throttle, before=before)), PLAIN)


def test_of_many_the_worst_are_shown_and_the_rest_named() -> None:
    many = [held(f"consumer.c{number}", 9 - number) for number in range(8)]
    said = describe_simulation(simulation(*many), PLAIN)
    assert "consumer.c2  throttle" in said
    assert "consumer.c3  throttle" not in said
    assert "5 more are refused: consumer.c3, consumer.c4, consumer.c5, consumer.c6, consumer.c7; --verbose" in said
    assert "consumer.c7  throttle" in describe_simulation(simulation(*many), PLAIN, full=True)


def test_of_an_api_it_says_whom_it_refuses() -> None:
    who = tuple(Refused(consumer=f"c{number}", refused=9 - number) for number in range(7))
    said = describe_simulation(simulation(held("api.orders", who=who)), PLAIN)
    assert "  of c0 9, c1 8, c2 7, c3 6, c4 5, 2 more" in said


def test_times_over_midnight_and_more_of_them() -> None:
    spells = tuple(Spell(begin=AT, until=AT + timedelta(days=1), refused=5) for _ in range(5))
    said = describe_simulation(simulation(held(spells=spells, spells_left_off=4)), PLAIN)
    assert said.count("2026-11-20 10:00:00 to 2026-11-21 10:00:00: 5") == 3
    assert "and 4 times more" in said


def test_who_is_never_refused_is_one_line() -> None:
    quiet = [held(f"consumer.q{number}", 0, refused_before=0) for number in range(7)]
    silent = held("consumer.silent", 0, refused_before=0, calls=0, busiest=0, busiest_at=None)
    said = describe_simulation(simulation(*quiet, silent), PLAIN)
    assert "Never refused: consumer.q0 (busiest 12/min), " in said
    assert "2 more, 1 without calls" in said
    assert "consumer.q6" in describe_simulation(simulation(*quiet, silent), PLAIN, full=True)


def impact(**more: Any) -> ImpactReport:
    told: dict[str, Any] = {
        "gateway": "plant-gateway", "on": date(2026, 11, 21), "since": AT - timedelta(days=30), "until": AT,
        "unused": (), "unknown": (), "denied": (), "denied_left_off": 0, "leaving": (), "ending": (),
    }  # fmt: skip
    return ImpactReport(**{**told, **more})


def ending(days: int, **more: Any) -> Ending:
    told: dict[str, Any] = {
        "what": What.GRANT, "address": "consumer.mes.grant.a", "consumer": "mes", "scope": "a", "within": 1,
        "calls": 3, "last_seen": AT,
    }  # fmt: skip
    return Ending(expires_on=date(2026, 11, 21) + timedelta(days=days), days=days, **{**told, **more})


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (-2, "ended on 2026-11-19  grant consumer.mes.grant.a  3 calls, last on 2026-11-20"),
        (0, "ends today  grant consumer.mes.grant.a"),
        (1, "ends in 1 day, on 2026-11-22  grant"),
        (30, "ends in 30 days, on 2026-12-21  grant"),
    ],
)
def test_when_something_ends(days: int, said: str) -> None:
    assert f"  {said}" in describe_impact(impact(ending=(ending(days),)), PLAIN)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"calls": None, "last_seen": None}, "use unknown"),
        ({"calls": 0, "last_seen": None}, "not used"),
        ({"calls": 1}, "1 call, last on 2026-11-20"),
    ],
)
def test_whether_what_ends_is_used(more: dict[str, Any], said: str) -> None:
    assert describe_impact(impact(ending=(ending(3, **more),)), PLAIN).rstrip().endswith(said)


@pytest.mark.parametrize(
    ("days", "said"),
    [(None, "deprecated, no sunset"), (-1, "sunset was 1 day ago"), (1, "1 day to sunset"), (40, "40 days to sunset")],
)
def test_when_a_version_goes_and_who_is_on_it(days: int | None, said: str) -> None:
    callers = tuple(Caller(consumer=f"c{number}", calls=9 - number, last_seen=AT) for number in range(5))
    version = LeavingVersion(
        address="api.orders.version.v1", lifecycle="deprecated", sunset_on=None, days=days, successor="v2", calls=35,
        callers=callers,
    )  # fmt: skip
    told = describe_impact(impact(leaving=(version,)), PLAIN)
    assert f"  {said}  api.orders.version.v1: c0 9, c1 8, c2 7, 2 more  go to v2\n" in told


def test_refused_calls_of_nobody_at_nothing() -> None:
    call = Denied(
        consumer=None, client=None, api=None, version=None, operation=None, scope=None, outcome="no-such-route",
        meaning="a path that no API has", policy=None, calls=1_234, last_seen=AT,
    )  # fmt: skip
    told = describe_impact(impact(denied=(call,)), PLAIN)
    assert "  (nobody known) at no API: 1,234 no-such-route (a path that no API has), last 1h ago" in told


def test_ten_of_a_kind_are_told_and_the_rest_counted() -> None:
    grants = tuple(
        UnusedGrant(address=f"consumer.c.grant.s{number}", consumer="c", scope="s", since=AT) for number in range(14)
    )
    told = describe_impact(impact(unused=grants), PLAIN)
    assert "Grants that nobody used (14)" in told
    assert "4 more; --verbose tells them all" in told
    assert "consumer.c.grant.s13" in describe_impact(impact(unused=grants), PLAIN, full=True)


def test_names_cannot_steer_the_terminal() -> None:
    grant = UnusedGrant(address="consumer.\x1b[31mevil.grant.a", consumer="x", scope="a", since=AT)
    assert "\x1b" not in describe_impact(impact(unused=(grant,)), PLAIN)
    assert "\x1b" not in describe_simulation(simulation(held("consumer.\x1b[31mevil")), PLAIN)
