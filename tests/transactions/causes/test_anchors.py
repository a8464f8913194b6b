"""By what a cause is known for as long as it lasts: the same symptoms, in any order, are the same causes."""

from __future__ import annotations

import random

import pytest

from transactions.causes.joining import bundles
from transactions.causes.kinds import CauseKind
from transactions.causes.symptoms import Evidence
from transactions.model import Status


def anchors(at, around, **more) -> list[tuple[str, str]]:
    found = bundles(Evidence(symptoms=at, **more), around)
    return sorted((str(one.kind), one.anchor) for one in found)


def refused(symptom, target: str, plant: str | None = "P02", **more):
    return symptom("unreachable", "connection-refused", target=target, plant=plant, **more)


@pytest.mark.parametrize(
    ("places", "known_by"),
    [
        ([("ERP", "P01"), ("ERP", "P02")], ["ERP"]),
        ([("MES", "P01")], ["MES"]),
        ([("MES", "P01"), ("MES", "P02")], ["MES"]),
        ([("MES", "P02"), ("WMS", "P02")], ["plant P02"]),
        # as many places on either line: a plant whose line is cut is the simpler story
        ([("MES", "P01"), ("MES", "P02"), ("WMS", "P02")], ["MES", "plant P02"]),
        ([("MES", "P01"), ("MES", "P02"), ("MES", "P03"), ("WMS", "P02")], ["MES", "WMS"]),
        ([("MES", "P01"), ("WMS", "P01"), ("MES", "P02"), ("WMS", "P02")], ["plant P01", "plant P02"]),
        ([("ERP", "P01"), ("MES", "P01")], ["ERP", "MES"]),
        ([("made-up", "P01"), ("made-up", "P02")], ["made-up"]),
    ],
)
def test_what_is_down_is_known_by_the_line_that_covers_most(symptom, around, places, known_by) -> None:
    at = [refused(symptom, target, plant) for target, plant in places]
    assert [anchor for _, anchor in anchors(at, around)] == known_by
    for turn in range(5):
        shuffled = at[:]
        random.Random(turn).shuffle(shuffled)
        assert [anchor for _, anchor in anchors(shuffled, around)] == known_by


def test_a_plant_is_only_cut_off_where_more_than_one_of_its_systems_is_down(symptom, around) -> None:
    (one,) = bundles(Evidence(symptoms=[refused(symptom, "MES")]), around)
    assert one.cut is None
    (line,) = bundles(Evidence(symptoms=[refused(symptom, "MES"), refused(symptom, "WMS")]), around)
    assert line.cut == "P02"


def test_two_causes_at_one_system_are_known_by_their_plants_as_well(symptom, around) -> None:
    lines = [("MES", "P01"), ("WMS", "P01"), ("MES", "P02"), ("WMS", "P02"), ("MES", "P03"), ("MES", None)]
    found = anchors([refused(symptom, target, plant) for target, plant in lines], around)
    assert len(found) == len(set(found)), "no two causes have one name"


@pytest.mark.parametrize(
    ("places", "known_by"),
    [
        ([("ERP", "P01"), ("ERP", "P02")], ["ERP"]),
        ([("ERP", "P01"), ("WMS", "P01")], ["P01"]),
        ([("ERP", "P01"), ("WMS", "P01"), ("WMS", "P03")], [""]),
        ([("ERP", "P01"), ("WMS", "P03")], ["ERP", "WMS"]),
        ([("ERP", None), ("WMS", None)], [""]),
    ],
)
def test_a_missing_material_is_known_by_what_its_symptoms_have_in_common(symptom, around, places, known_by) -> None:
    at = [symptom(target=target, plant=plant, objects={"material": ["A"]}) for target, plant in places]
    assert [anchor for kind, anchor in anchors(at, around) if kind == CauseKind.MATERIAL] == known_by


def test_a_cause_that_is_explained_whole_goes_with_all_that_it_had_explained(symptom, around) -> None:
    receipt = symptom("locked", "CO469", flow="goods-receipt", lots=frozenset({"L1"}))
    deficit = symptom("business-rule", "M7021", flow="shipment-release", lots=frozenset({"L1"}))
    (found,) = bundles(Evidence(symptoms=[deficit, receipt]), around)
    assert found.kind is CauseKind.LOCKED
    assert found.symptoms == [receipt]
    assert found.carried == [deficit]
    assert found.all == [receipt, deficit]


@pytest.mark.parametrize(
    "apart",
    [
        {"plant": "P01"},
        {"target": "WMS"},
        {"flow": "goods-receipt"},
        {"lots": frozenset({"L2"})},
    ],
    ids=lambda each: next(iter(each)),
)
def test_a_deficit_elsewhere_is_a_cause_of_its_own(symptom, around, apart) -> None:
    receipt = symptom("locked", "CO469", flow="goods-receipt", lots=frozenset({"L1"}))
    there = {"flow": "shipment-release", "lots": frozenset({"L1"}), **apart}
    deficit = symptom("business-rule", "M7021", **there)
    assert len(bundles(Evidence(symptoms=[deficit, receipt]), around)) == 2


@pytest.mark.parametrize(("orders", "causes"), [({"4711"}, 1), ({"4712"}, 2)])
def test_an_order_that_a_release_failed_to_bring_is_missing_for_that_reason(symptom, around, orders, causes) -> None:
    release = symptom("locked", "CO469", flow="production-order-release", orders=frozenset({"4711"}))
    missing = symptom("business-rule", "ORDER_NOT_FOUND", orders=frozenset(orders))
    assert len(bundles(Evidence(symptoms=[missing, release]), around)) == causes


def test_what_a_breaker_holds_belongs_to_whatever_made_its_target_silent(symptom, around) -> None:
    held = symptom("unknown-outcome", "cannot-be-asked", status=Status.HELD)
    lost = symptom("unreachable", "breaker-open")
    (found,) = bundles(Evidence(symptoms=[held, lost], losses={"ERP": {"connection-lost": 3}}), around)
    assert (found.kind, found.carried) == (CauseKind.DROPPED, [held])
    alone = symptom("unknown-outcome", "cannot-be-asked", status=Status.IN_DOUBT, target="WMS", plant="P01")
    assert len(bundles(Evidence(symptoms=[alone, lost]), around)) == 2
