"""What has one cause is one cause, and what has two is two."""

from __future__ import annotations

from datetime import timedelta

import pytest

from transactions.causes.diagnosis import diagnose
from transactions.causes.kinds import CauseKind
from transactions.causes.model import Doing
from transactions.causes.symptoms import Evidence
from transactions.model import Status


def named(evidence: Evidence, around) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return sorted((one.kind, tuple(one.targets), tuple(one.plants)) for one in diagnose(evidence, around).items)


def test_an_expired_certificate_makes_five_groups_and_is_one_cause(symptom, around) -> None:
    flows = ("production-order-release", "material-consumption", "production-confirmation")
    five = [symptom("certificate", "client-certificate", flow=flow, target="ERP") for flow in flows]
    five += [symptom("certificate", "client-certificate", target=target) for target in ("MES", "WMS")]
    (cause,) = diagnose(Evidence(symptoms=five), around).items
    assert (cause.kind, len(cause.groups), cause.count) == (CauseKind.CERTIFICATE, 5, 5)
    assert "5 groups of 3 flows have this in common." in cause.evidence


def test_a_missing_material_is_one_cause_at_every_target_of_its_plant(symptom, around) -> None:
    at = [
        symptom(flow="production-order-release", target="WMS", code="MATERIAL_NOT_FOUND", objects={"material": ["A"]}),
        symptom(flow="material-consumption", target="ERP", code="M3351", objects={"material": ["A"]}),
        symptom(flow="goods-receipt", target="ERP", code="M3351", objects={"material": ["A"]}),
    ]
    (cause,) = diagnose(Evidence(symptoms=at), around).items
    assert cause.title == "Material A is not in plant P02 (ERP and WMS of plant P02)"
    assert cause.owner == "mdm-team"


def test_materials_of_two_plants_at_two_targets_are_two_causes(symptom, around) -> None:
    at = [symptom(plant="P01", target="ERP"), symptom(plant="P03", target="WMS", code="MATERIAL_NOT_FOUND")]
    assert len(diagnose(Evidence(symptoms=at), around).items) == 2
    at.append(symptom(plant="P03", target="ERP"))
    assert len(diagnose(Evidence(symptoms=at), around).items) == 1, "a third one joins them"


def test_several_materials_are_named_and_counted(symptom, around) -> None:
    at = [symptom(objects={"material": ["A", "B", "C", "D", "E"]}, count=9)]
    (cause,) = diagnose(Evidence(symptoms=at), around).items
    assert cause.title == "5 materials (A, B, C and 2 more) are not in plant P02 (ERP)"


def test_one_system_that_is_down_at_every_plant_is_one_cause(symptom, around) -> None:
    down = [symptom("unreachable", "connection-refused", target="MES", plant=plant) for plant in ("P01", "P02", "P03")]
    (cause,) = diagnose(Evidence(symptoms=down), around).items
    assert cause.title == "MES of plants P01, P02 and P03 cannot be reached"


@pytest.mark.parametrize(
    ("answering", "title"),
    [
        ({}, "MES of plants P01 and P02 cannot be reached"),
        ({"MES/P01": 1}, "MES of plants P01 and P02 cannot be reached"),
        ({"MES/P01": 1, "MES/P02": -1}, "MES of plants P01 and P02 cannot be reached"),
        ({"MES/P01": 1, "MES/P02": 2}, "MES of plants P01 and P02 could not be reached, and answers again"),
    ],
)
def test_a_system_that_answers_again_everywhere_is_not_said_to_be_away(symptom, around, answering, title) -> None:
    down = [symptom("unreachable", "connection-refused", target="MES", plant=plant) for plant in ("P01", "P02")]
    assert down[0].last_seen is not None
    answers = {name: down[0].last_seen + timedelta(minutes=minutes) for name, minutes in answering.items()}
    (cause,) = diagnose(Evidence(symptoms=down, answering=answers), around).items
    assert cause.title == title
    again = title.endswith("again")
    assert ("There were answers after the last of these failures." in cause.evidence) is again
    assert cause.first[0].text == (
        "Ask whether MES of plants P01 and P02 will stay up, before much is sent."
        if again
        else "Get MES of plants P01 and P02 to answer again, or the line to it."
    )


def test_what_its_breaker_still_holds_is_away(symptom, around) -> None:
    held = symptom("unreachable", "breaker-open", status=Status.HELD, target="ERP", last_seen=None)
    soon = {"ERP": held.first_seen + timedelta(days=1)}
    (cause,) = diagnose(Evidence(symptoms=[held], answering=soon), around).items
    assert cause.title == "ERP cannot be reached"


def test_a_line_that_was_cut_and_is_back_is_told_as_that(symptom, around) -> None:
    down = [symptom("unreachable", "connection-refused", target=target, plant="P02") for target in ("MES", "WMS")]
    soon = down[0].first_seen + timedelta(days=1)
    (cause,) = diagnose(Evidence(symptoms=down, answering={"MES/P02": soon, "WMS/P02": soon}), around).items
    assert cause.title == "The line to plant P02 was cut: MES and WMS could not be reached, and answer again"


def test_all_systems_of_a_plant_that_are_down_are_its_line(symptom, around) -> None:
    down = [symptom("unreachable", "connection-refused", target=target, plant="P02") for target in ("MES", "WMS")]
    (cause,) = diagnose(Evidence(symptoms=down), around).items
    assert cause.title == "The line to plant P02 is cut: MES and WMS cannot be reached"


def test_a_plant_that_is_cut_off_and_a_system_that_is_down_are_told_apart(symptom, around) -> None:
    down = [symptom("unreachable", "connection-refused", target=target, plant="P02") for target in ("MES", "WMS")]
    down.append(symptom("unreachable", "connection-refused", target="ERP", plant="P01"))
    assert named(Evidence(symptoms=down), around) == [
        ("unreachable", ("ERP",), ("P01",)),
        ("unreachable", ("MES", "WMS"), ("P02",)),
    ]


@pytest.mark.parametrize(
    ("losses", "kind"),
    [
        ({"read-timeout": 5}, "slow"),
        ({"connection-lost": 5, "read-timeout": 1}, "dropped"),
        ({"connection-refused": 5}, "unreachable"),
        ({"connection-refused": 2, "read-timeout": 2}, "unreachable"),
        ({}, "unreachable"),
    ],
)
def test_an_open_breaker_is_what_opened_it(symptom, around, losses, kind) -> None:
    waiting = [symptom("unreachable", "breaker-open"), symptom("unreachable", "breaker-open", status=Status.HELD)]
    (cause,) = diagnose(Evidence(symptoms=waiting, losses={"ERP": losses}), around).items
    assert (cause.kind, cause.count) == (kind, 2)


def test_an_open_breaker_and_refused_connections_are_one_cause(symptom, around) -> None:
    at = [symptom("unreachable", "connection-refused"), symptom("unreachable", "breaker-open", flow="goods-receipt")]
    (cause,) = diagnose(Evidence(symptoms=at, losses={"ERP": {"connection-refused": 5}}), around).items
    assert cause.kind == "unreachable"


def test_what_is_in_doubt_at_a_silent_target_is_a_symptom(symptom, around) -> None:
    at = [
        symptom("unreachable", "breaker-open"),
        symptom("unknown-outcome", "cannot-be-asked", status=Status.IN_DOUBT, count=3),
    ]
    (cause,) = diagnose(Evidence(symptoms=at, losses={"ERP": {"connection-lost": 5}}), around).items
    assert (cause.kind, cause.count) == ("dropped", 4)
    assert any("symptoms" in sentence for sentence in cause.evidence)


def test_a_deficit_of_a_lot_whose_receipt_failed_is_a_symptom_of_that(symptom, around) -> None:
    receipt = symptom("locked", "CO469", flow="goods-receipt", lots=frozenset({"L1"}))
    deficit = symptom("business-rule", "M7021", flow="shipment-release", lots=frozenset({"L1"}), count=20)
    other = symptom("business-rule", "M7021", flow="shipment-release", lots=frozenset({"L9"}))
    assert [one.kind for one in diagnose(Evidence(symptoms=[deficit, receipt]), around).items] == ["locked"]
    kinds = [one.kind for one in diagnose(Evidence(symptoms=[other, receipt]), around).items]
    assert sorted(kinds) == ["business-rule", "locked"]


def test_mistyped_lots_are_the_cause_of_their_source_at_every_target(symptom, around) -> None:
    at = [
        symptom(code="LOT_UNKNOWN", target=target, plant=plant, objects={"lot": ["P01-O00001"]})
        for target, plant in (("ERP", "P01"), ("WMS", "P01"), ("ERP", "P03"))
    ]
    told = diagnose(Evidence(symptoms=at, alike={"P01-O00001": "P01-000001"}), around)
    (cause,) = told.items
    assert (cause.kind, cause.sources, cause.owner) == ("unknown-lot", ["MES"], "plant-it")
    assert any("P01-O00001 looks like P01-000001" in step.text for step in cause.first)


def test_lots_that_were_mistyped_are_mended_one_after_the_other(symptom, around) -> None:
    # An edit sets one value: of several lots it would put the first one's number on the goods of all.
    several = symptom(code="LOT_UNKNOWN", objects={"lot": ["X 9", "P01-O00002", "P01-O00001"]}, count=3)
    (cause,) = diagnose(Evidence(symptoms=[several], alike={"P01-O00002": "P01-000002"}), around).items
    (edit,) = [step for step in cause.first if step.do is Doing.EDIT]
    assert edit.text == (
        "Mend 3 documents of material consumption, one lot after the other: P01-O00002 looks like P01-000002."
    )
    assert edit.filter is not None
    assert "lot:" not in edit.filter
    assert edit.command is not None
    assert "lot:P01-O00002' --set" in edit.command


def test_one_lot_that_was_mistyped_is_mended_and_nothing_that_comes_meanwhile(symptom, around) -> None:
    one = symptom(code="LOT_UNKNOWN", objects={"lot": ["P01-O00001"]}, count=3)
    (cause,) = diagnose(Evidence(symptoms=[one], alike={"P01-O00001": "P01-000001"}), around).items
    (edit,) = [step for step in cause.first if step.do is Doing.EDIT]
    assert edit.text == "Mend 3 documents of material consumption: P01-O00001 looks like P01-000001."
    assert edit.command is not None
    assert "lot:P01-O00001' --set" in edit.command


def test_what_is_mended_at_the_target_is_one_cause_for_each_target(symptom, around) -> None:
    for kind, code in (("locked", "CO469"), ("throttled", "TOO_MANY_REQUESTS"), ("unauthorized", "TOKEN_EXPIRED")):
        at = [symptom(kind, code, target="ERP"), symptom(kind, code, target="WMS")]
        assert len(diagnose(Evidence(symptoms=at), around).items) == 2, kind


def test_a_code_says_more_than_a_kind(symptom, around) -> None:
    at = [
        symptom("conflict", "maybe-posted"),
        symptom("conflict", "VERSION_CONFLICT"),
        symptom("conflict", "superseded", target="WMS"),
    ]
    kinds = {one.kind for one in diagnose(Evidence(symptoms=at), around).items}
    assert kinds == {"hand-posted", "conflict", "superseded"}


def test_old_versions_that_a_slow_target_let_be_overtaken_are_a_symptom_of_that(symptom, around) -> None:
    at = [symptom("unreachable", "breaker-open"), symptom("conflict", "superseded", flow="goods-receipt")]
    (cause,) = diagnose(Evidence(symptoms=at, losses={"ERP": {"read-timeout": 5}}), around).items
    assert cause.kind == "slow"
    assert [step.do for step in cause.first] == ["mend", "replay", "discard"]


def test_what_was_overtaken_at_a_target_that_loses_connections_is_told_as_that(symptom, around) -> None:
    at = [symptom("conflict", "superseded", count=2)]
    (cause,) = diagnose(Evidence(symptoms=at, losses={"ERP": {"connection-lost": 5}}), around).items
    assert (cause.kind, cause.blocks.transactions) == ("dropped", 0)
    assert [step.do for step in cause.first] == ["mend", "discard"]
    assert "Before that: connection lost before the answer (5)." in cause.evidence
