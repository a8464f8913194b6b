"""Faults on and off: where they act, whom they hit, how long."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.declarations import shipped_catalogue
from hub.simulator.fault_kinds import FAULTS, Where
from hub.simulator.faults import Switchboard, acts_on
from transactions.books import FaultChange, FaultSetting
from transactions.errors import Invalid

CATALOGUE = shipped_catalogue()
MESSAGES = [f"labor-time|LB-{n}" for n in range(400)]


def on(workshop: Any, name: str, **where: Any) -> list[str]:
    changed: list[str] = workshop.switchboard.change(FaultChange(on=True, name=name, **where))
    return changed


def off(workshop: Any, name: str | None = None, **where: Any) -> list[str]:
    changed: list[str] = workshop.switchboard.change(FaultChange(on=False, name=name, **where))
    return changed


def active(workshop: Any) -> dict[str, list[FaultSetting]]:
    return {fault.name: fault.active for fault in workshop.switchboard.faults() if fault.active}


def hit(workshop: Any, name: str, system: str = "ERP", flow: str = "labor-time", plant: str | None = "P01") -> bool:
    answer: bool = workshop.switchboard.hits(name, system, plant, flow, MESSAGES[0])
    return answer


def test_every_fault_is_listed_off(workshop: Any) -> None:
    listed = workshop.switchboard.faults()
    assert [fault.name for fault in listed] == list(FAULTS)
    assert not active(workshop)
    assert not any(hit(workshop, name) for name in FAULTS)


@pytest.mark.parametrize("name", list(FAULTS))
def test_every_fault_can_be_switched_on_and_off_everywhere(workshop: Any, name: str) -> None:
    assert on(workshop, name) == [name]
    assert active(workshop) == {name: [FaultSetting()]}
    assert off(workshop, name) == [name]
    assert not active(workshop)


@pytest.mark.parametrize("name", [name for name, kind in FAULTS.items() if kind.where is not Where.SOCKET])
def test_a_fault_hits_its_flows_at_its_systems_and_no_others(workshop: Any, name: str) -> None:
    on(workshop, name)
    kind = FAULTS[name]
    for flow_name in CATALOGUE.flow:
        for system in CATALOGUE.system:
            expected = acts_on(kind, CATALOGUE, system) and (kind.flows is None or flow_name in kind.flows)
            assert hit(workshop, name, system, flow_name) == expected, (flow_name, system)
    ends = {system for flow in CATALOGUE.flow.values() for system in (*flow.sources, *flow.targets)}
    assert any(acts_on(kind, CATALOGUE, system) for system in ends)


def test_place_narrows(workshop: Any) -> None:
    on(workshop, "locked", system="WMS", plant="P02", flow="goods-receipt")
    assert hit(workshop, "locked", "WMS", "goods-receipt", "P02")
    assert not hit(workshop, "locked", "WMS", "goods-receipt", "P01")
    assert not hit(workshop, "locked", "WMS", "material-consumption", "P02")
    assert not hit(workshop, "locked", "ERP", "goods-receipt", "P02")
    assert not hit(workshop, "locked", "WMS", "goods-receipt", None)


def test_several_places_add_up_and_one_place_is_replaced(workshop: Any) -> None:
    on(workshop, "locked", system="ERP", probability=0.001)
    on(workshop, "locked", system="WMS")
    on(workshop, "locked", system="ERP")
    assert active(workshop) == {"locked": [FaultSetting(system="ERP"), FaultSetting(system="WMS")]}
    assert off(workshop, "locked", system="ERP") == ["locked"]
    assert active(workshop) == {"locked": [FaultSetting(system="WMS")]}


def test_off_without_a_name_is_off_for_all_and_says_which(workshop: Any) -> None:
    for name in ("parked", "locked"):
        on(workshop, name, system="ERP")
    on(workshop, "target-down", system="MES", plant="P01")
    assert off(workshop) == ["locked", "parked", "target-down"]
    assert not active(workshop)
    assert off(workshop) == []


def test_off_in_one_system_leaves_the_others(workshop: Any) -> None:
    for system in ("ERP", "QMS"):
        on(workshop, "parked", system=system)
        on(workshop, "locked", system=system)
    off(workshop, system="ERP")
    assert active(workshop) == {"locked": [FaultSetting(system="QMS")], "parked": [FaultSetting(system="QMS")]}


@settings(deadline=None, max_examples=25)
@given(st.integers(), st.sampled_from(sorted(FAULTS)), st.floats(0.05, 0.95))
def test_a_share_is_a_share_and_grows_with_the_probability(
    workshops: Any, seed: int, name: str, probability: float
) -> None:
    """The messages a smaller share hits are among those of a larger one, at every attempt."""
    with workshops() as workshop:
        board = Switchboard(workshop.connection, CATALOGUE, seed)
        kind = FAULTS[name]
        if kind.where is Where.SOCKET:
            return
        flow = (kind.flows or ("labor-time",))[0]
        system = "ERP" if acts_on(kind, CATALOGUE, "ERP") else "MES"
        found = []
        for share in (probability / 2, probability, 1.0):
            board.change(FaultChange(on=True, name=name, probability=share))
            found.append({one for one in MESSAGES if board.hits(name, system, "P01", flow, one)})
            assert found[-1] == {one for one in MESSAGES if board.hits(name, system, "P01", flow, one)}
        assert found[0] <= found[1] <= found[2]
        assert found[2] == set(MESSAGES)
        assert abs(len(found[1]) / len(MESSAGES) - probability) < 0.2


def test_faults_hit_different_messages(workshop: Any) -> None:
    for name in ("locked", "parked"):
        on(workshop, name, probability=0.5)
    sets = [
        {one for one in MESSAGES if workshop.switchboard.hits(name, "ERP", "P01", "labor-time", one)}
        for name in ("locked", "parked")
    ]
    assert sets[0] != sets[1]
    assert sets[0] & sets[1]


def test_settings_survive(workshop: Any) -> None:
    on(workshop, "locked", system="WMS", plant="P01", flow="goods-receipt", probability=0.25, for_seconds=30)
    again = Switchboard(workshop.connection, CATALOGUE, 7, now=lambda: workshop.now)
    assert again.faults() == workshop.switchboard.faults()
    assert again.timed
    workshop.now += 31
    assert again.expire() == ["locked"]


def test_a_timed_fault_ends_by_itself_and_others_stay(workshop: Any) -> None:
    on(workshop, "locked", for_seconds=10)
    on(workshop, "parked", for_seconds=20)
    on(workshop, "partial")
    workshop.now += 9.9
    assert workshop.switchboard.expire() == []
    workshop.now += 0.1
    assert workshop.switchboard.expire() == ["locked"]
    assert set(active(workshop)) == {"parked", "partial"}
    workshop.now += 100
    assert workshop.switchboard.expire() == ["parked"]
    assert not workshop.switchboard.timed
    assert workshop.switchboard.expire() == []


def test_switched_on_again_it_runs_anew(workshop: Any) -> None:
    on(workshop, "locked", for_seconds=10)
    workshop.now += 8
    on(workshop, "locked", for_seconds=10)
    workshop.now += 8
    assert workshop.switchboard.expire() == []


@pytest.mark.parametrize(
    ("name", "where", "down"),
    [
        ("target-down", {}, {"ERP", "MES/P01", "MES/P02", "PLM"}),
        ("target-down", {"system": "ERP"}, {"ERP"}),
        ("target-down", {"system": "MES"}, {"MES/P01", "MES/P02"}),
        ("target-down", {"plant": "P01"}, {"MES/P01"}),
        ("target-down", {"system": "MES", "plant": "P02"}, {"MES/P02"}),
        ("plant-offline", {}, {"MES/P01", "MES/P02"}),
        ("plant-offline", {"plant": "P02"}, {"MES/P02"}),
        ("locked", {}, set()),
    ],
)
def test_closed_ports(workshop: Any, name: str, where: dict[str, str], down: set[str]) -> None:
    on(workshop, name, **where)
    instances = [("ERP", None), ("MES", "P01"), ("MES", "P02"), ("PLM", None)]
    found = {
        system if plant is None else f"{system}/{plant}"
        for system, plant in instances
        if workshop.switchboard.down(system, plant)
    }
    assert found == down


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, "Say which fault to switch on: target-down, "),
        ({"name": "gremlins"}, "There is no fault 'gremlins'"),
        ({"name": "locked", "system": "SAP"}, "There is no system 'SAP'. There are: ERP, "),
        ({"name": "locked", "plant": "P09"}, "There is no plant 'P09'. There are: P01, P02, P03."),
        ({"name": "locked", "flow": "x"}, "There is no flow 'x'"),
        ({"name": "locked", "probability": 0.0}, "The probability 0 must be above 0"),
        ({"name": "locked", "probability": float("nan")}, "The probability nan"),
        ({"name": "locked", "for_seconds": -1}, "longer than 0 seconds"),
        ({"name": "closed-period", "system": "WMS"}, "does not act on WMS. It acts on: ERP."),
        ({"name": "plant-offline", "system": "ERP"}, "It acts on: MES, WMS, historian."),
        ({"name": "invalid-lot", "system": "PLM"}, "invalid-lot does not act on PLM"),
        ({"name": "closed-period", "flow": "quality-hold"}, "closed-period does not hit quality-hold"),
        ({"name": "target-down", "flow": "labor-time"}, "neither a flow nor a probability"),
        ({"name": "target-down", "probability": 0.5}, "neither a flow nor a probability"),
        ({"name": "target-down", "system": "ERP", "plant": "P01"}, "ERP has no instance of its own in P01"),
    ],
)
def test_what_cannot_be_switched_on_says_why(workshop: Any, change: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid) as caught:
        workshop.switchboard.change(FaultChange(on=True, **change))
    assert says in caught.value.detail
    assert not active(workshop)


def test_switching_off_what_is_nowhere_is_refused_and_what_is_not_on_is_not(workshop: Any) -> None:
    with pytest.raises(Invalid):
        off(workshop, "gremlins")
    with pytest.raises(Invalid):
        off(workshop, "locked", plant="P09")
    assert off(workshop, "locked") == ["locked"]
