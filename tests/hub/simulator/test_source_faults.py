"""What goes wrong with a document before it leaves, seen in what a target reads of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hub.declarations import shipped_catalogue
from hub.simulator.fault_kinds import FAULTS, Where
from hub.simulator.postings import Document
from hub.simulator.reading import Reading
from hub.simulator.refusals import Refusal
from hub.simulator.source_faults import DAMAGE, damaged

CATALOGUE = shipped_catalogue()


def hits(*names: str) -> Any:
    return lambda name: name in names


def told(workshop: Any, *names: str) -> list[tuple[Document, Document]]:
    """Each document of the story with the damaged one, where the fault hits its flow."""
    pairs = []
    for one in workshop.story():
        hit = [name for name in names if FAULTS[name].flows is None or one.flow in (FAULTS[name].flows or ())]
        if hit:
            pairs.append((one, workshop.document(one.flow, damaged(one.body, hits(*hit)), one.key, one.plant)))
    return pairs


def identity_and_order(reading: Reading) -> tuple[str | None, str | None]:
    return reading.identity, reading.keys.get("order")


def test_every_damage_is_a_fault_of_emission() -> None:
    emission = {name for name, kind in FAULTS.items() if kind.where is Where.EMISSION}
    assert set(DAMAGE) | {"duplicate-messages", "late-messages"} == emission
    for name in DAMAGE:
        assert FAULTS[name].heals == ("care" if name == "wrong-master-data" else "document")


def test_without_a_fault_nothing_changes(workshop: Any) -> None:
    for one in workshop.story():
        assert damaged(one.body, hits()) is one.body


@pytest.mark.parametrize("name", list(DAMAGE))
def test_a_damaged_document_is_still_about_the_same_thing(workshop: Any, name: str) -> None:
    pairs = told(workshop, name)
    assert {whole.flow for whole, _ in pairs} == set(FAULTS[name].flows or ())
    for whole, broken in pairs:
        assert identity_and_order(broken.reading) == identity_and_order(whole.reading), whole.flow
        assert len(broken.reading.lines) == len(whole.reading.lines)


@pytest.mark.parametrize(
    ("name", "code"), [("invalid-lot", "LOT_UNKNOWN"), ("schema-drift", "SCHEMA_VIOLATION"), ("unit-mapping", "BM311")]
)
def test_every_document_it_hits_is_refused_by_every_target_with_the_fault_s_code(
    workshop: Any, name: str, code: str
) -> None:
    for whole, broken in told(workshop, name):
        for target in CATALOGUE.flow[whole.flow].targets:
            with pytest.raises(Refusal) as caught:
                workshop.post(target, broken)
            assert caught.value.code == code, whole.flow


def test_mending_what_was_damaged_gives_the_document_back(workshop: Any) -> None:
    for whole, broken in told(workshop, "schema-drift"):
        assert broken.body.replace(b"QuantityValue", b"QuantityString") == whole.body
    for whole, broken in told(workshop, "invalid-lot"):
        assert broken.body.replace(b"-O0", b"-00") == whole.body


def test_units_nobody_has_mapped(workshop: Any) -> None:
    foreign = {"KG": "KIL", "EA": "STK", "H": "STD"}
    for whole, broken in told(workshop, "unit-mapping"):
        for before, after in zip(whole.reading.lines, broken.reading.lines, strict=True):
            assert after.unit == foreign[before.unit]
            assert (after.quantity, after.lot, after.material) == (before.quantity, before.lot, before.material)


def test_wrong_master_data_is_taken_and_off_by_a_thousand(workshop: Any) -> None:
    for whole, broken in told(workshop, "wrong-master-data"):
        for before, after in zip(whole.reading.lines, broken.reading.lines, strict=True):
            assert Decimal(after.quantity or "") * 1000 == Decimal(before.quantity or "")
            assert after.unit == before.unit
        assert broken.reading.essence != whole.reading.essence
        for target in CATALOGUE.flow[whole.flow].targets:
            assert workshop.post(target, broken).status == 201


def test_several_faults_hit_one_document_together(workshop: Any) -> None:
    [pair, *_] = [pair for pair in told(workshop, "invalid-lot", "unit-mapping") if pair[0].flow == "goods-receipt"]
    [line, *_] = pair[1].reading.lines
    assert "-O" in line.lot
    assert line.unit in ("KIL", "STK", "STD")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("invalid-lot", b"<ID>P01-000001</ID>", b"<ID>P01-O00001</ID>"),
        ("invalid-lot", b'"P01-0000011" "XP01-000001"', b'"P01-0000011" "XP01-000001"'),
        ("unit-mapping", b"<UnitOfMeasure>KG</UnitOfMeasure>", b"<UnitOfMeasure>KIL</UnitOfMeasure>"),
        ("unit-mapping", b'"UnitOfMeasure":"KGM"', b'"UnitOfMeasure":"KGM"'),
        ("wrong-master-data", b"<QuantityString>2</QuantityString>", b"<QuantityString>0.002</QuantityString>"),
        ("wrong-master-data", b'"QuantityString":"many"', b'"QuantityString":"many"'),
        ("schema-drift", b"<QuantityString>2</QuantityString>", b"<QuantityValue>2</QuantityValue>"),
    ],
)
def test_what_bytes_become(name: str, before: bytes, after: bytes) -> None:
    assert DAMAGE[name](before) == after
