"""Places and objects in words, as the titles of causes have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.causes.kinds import CauseKind
from transactions.causes.places import (
    Places,
    flows_in_words,
    in_order,
    listed,
    objects_in_words,
    places_of,
    plants_in_words,
    sources_in_words,
    systems_in_words,
    times,
)


def places(**more) -> Places:
    return Places(**{"targets": ["ERP"], "plants": [], "flows": [], "sources": [], "objects": {}, **more})


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["A"], "A"),
        (["A", "B"], "A and B"),
        (["A", "B", "C"], "A, B and C"),
        (["A", "B", "C", "D"], "A, B, C and D"),
        (["A", "B", "C", "D", "E"], "A, B, C and 2 more"),
        (["A", "B", "C", "D", "E", "F"], "A, B, C and 3 more"),
    ],
)
def test_a_list_is_read_aloud(names: list[str], text: str) -> None:
    assert listed(names) == text


@given(st.lists(st.text("abc", min_size=1, max_size=3), max_size=30))
def test_a_list_never_hides_how_many_there_are(names: list[str]) -> None:
    text = listed(names)
    more = text.rpartition(" and ")[2]
    hidden = int(more.split()[0]) if more.endswith(" more") else 0
    shown = text.rpartition(" and ")[0] if hidden else text
    assert sum(len(part.split(" and ")) for part in shown.split(", ") if part) + hidden == len(names)


@pytest.mark.parametrize(
    ("targets", "plants", "text"),
    [
        (["ERP"], ["P01"], "ERP"),
        (["MES"], [], "MES"),
        (["MES"], ["P02"], "MES of plant P02"),
        (["MES", "WMS"], ["P01", "P02"], "MES and WMS of plants P01 and P02"),
        (["ERP", "MES"], ["P02"], "ERP and MES of plant P02"),
        (["made-up"], ["P02"], "made-up"),
    ],
)
def test_only_systems_that_each_plant_has_are_named_with_plants(around, targets, plants, text) -> None:
    assert systems_in_words(places(targets=targets, plants=plants), around) == text


@pytest.mark.parametrize(
    ("sources", "plants", "text"),
    [
        (["ERP"], ["P01"], "ERP"),
        (["MES"], ["P01"], "MES of plant P01"),
        (["MES"], [], "MES"),
        (["made-up"], ["P01"], "made-up"),
    ],
)
def test_sources_are_named_with_the_plants_they_stand_in(around, sources, plants, text) -> None:
    assert sources_in_words(places(sources=sources, plants=plants), around) == text


def test_flows_stand_in_the_order_in_which_they_are_sent_and_unknown_ones_last(around) -> None:
    flows = {"zz-made-up", "aa-made-up", "shipment-release", "quality-hold", "goods-receipt"}
    in_turn = ["quality-hold", "goods-receipt", "shipment-release", "aa-made-up", "zz-made-up"]
    assert in_order(flows, around) == in_turn
    assert flows_in_words(in_turn[:2]) == "quality hold and goods receipt"


def test_plants_are_one_or_many() -> None:
    assert plants_in_words(["P01"]) == "plant P01"
    assert plants_in_words(["P01", "P02"]) == "plants P01 and P02"


def test_places_are_gathered_from_all_and_each_is_named_once(symptom, around) -> None:
    found = places_of(
        [
            symptom(objects={"material": ["B", "A"], "lot": ["L"]}, plant=None),
            symptom(objects={"material": ["A", "C"]}, flow="goods-receipt", target="WMS", source="ERP"),
            symptom(flow="quality-hold"),
        ],
        around,
    )
    assert found == Places(
        targets=["ERP", "WMS"],
        plants=["P02"],
        flows=["quality-hold", "material-consumption", "goods-receipt"],
        sources=["ERP", "MES"],
        objects={"lot": ["L"], "material": ["A", "B", "C"]},
    )


@pytest.mark.parametrize(
    ("kind", "objects", "text"),
    [
        (CauseKind.MATERIAL, {"material": ["A"], "lot": ["L"]}, "material A"),
        (CauseKind.MATERIAL, {"lot": ["L"]}, "what its documents name"),
        (CauseKind.LOT, {"material": ["A"], "lot": ["L", "M"]}, "2 lots (L and M)"),
        (CauseKind.LOCKED, {"order": ["1"], "lot": ["L"], "material": ["A"]}, "order 1"),
        (CauseKind.APPROVAL, {"shipment": ["S"], "material": ["A"]}, "shipment S"),
        (CauseKind.RULE, {"shipment": ["S"], "material": ["A"]}, "material A"),
        (CauseKind.RULE, {"order": [], "shipment": ["S"]}, "shipment S"),
        (CauseKind.RULE, {}, "what its documents name"),
    ],
)
def test_what_it_is_about_is_what_its_kind_is_about(kind, objects, text) -> None:
    assert objects_in_words(kind, places(objects=objects)) == text


@pytest.mark.parametrize(("factor", "text"), [("1000", "1,000"), ("10", "10"), ("0.001", "0.001")])
def test_factors_are_read_as_they_are_said(factor: str, text: str) -> None:
    assert times(factor) == text
