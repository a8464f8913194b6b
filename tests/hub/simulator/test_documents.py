"""Documents as the sources write them, byte for byte, and the keys that the hub finds in them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from hub.declarations import shipped_catalogue
from hub.documents import extract_keys, read_document
from hub.simulator.documents import B2MML, JSON, XML, Pen, Written, material_line, quantity
from hub.simulator.reading import Reader
from hub.simulator.story import Step, block_steps, moment

CATALOGUE = shipped_catalogue()
PLANTS = list(CATALOGUE.plant)
LINES = {name: plant.lines for name, plant in CATALOGUE.plant.items()}
AT = datetime(2026, 3, 2, 5, 0, 0, 500_000, tzinfo=UTC)


def story(seed: int, blocks: range = range(12)) -> list[tuple[Step, Written]]:
    steps = [step for block in blocks for step in block_steps(seed, block, PLANTS, LINES)]
    return [(step, step.write(Pen(step.source, moment(n), str(n)))) for n, step in enumerate(steps)]


STORY = story(1)


def of(flow: str) -> list[tuple[Step, Written]]:
    return [(step, written) for step, written in STORY if step.flow == flow]


def test_the_bytes_of_a_seed_never_change() -> None:
    """A seed told today is the seed told tomorrow: runbooks and counts are made from it."""
    told = hashlib.sha256(b"".join(written.body for _, written in STORY[:60])).hexdigest()
    assert told == "61a6c09584e506ab30e3294688c162e9db054ac5d51bcd48cfd10d24df5809a3"


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31), st.integers(0, 500))
def test_a_block_is_a_function_of_seed_and_number(seed: int, block: int) -> None:
    one, two = (story(seed, range(block, block + 1)) for _ in range(2))
    assert [written for _, written in one] == [written for _, written in two]
    assert [(step.source, step.plant, step.flow, step.process) for step, _ in one] == [
        (step.source, step.plant, step.flow, step.process) for step, _ in two
    ]


def test_a_document_written_twice_is_the_same_document() -> None:
    """Writing rolls no dice: a document resent after a crash has the same bytes."""
    for step in block_steps(3, 1, PLANTS, LINES):
        pen = Pen("MES/P01", AT, "7")
        assert step.write(pen) == step.write(pen)


@pytest.mark.parametrize("flow", list(CATALOGUE.flow))
def test_the_hub_finds_every_key_that_identity_lane_and_version_want(flow: str) -> None:
    declared, told = CATALOGUE.flow[flow], of(flow)
    assert told
    wanted = {*declared.identity, *(declared.order_by or "").split("+")} - {""}
    wanted |= {name for name in (declared.object, declared.version) if name}
    # A routing is a definition like a material, and says of which material it is.
    wanted |= {need.key for need in declared.requires} if flow != "goods-receipt" else set()
    for _, written in told:
        keys = extract_keys(read_document(written.body, written.content_type), declared.keys)
        assert wanted <= set(keys), written.body
        assert all(value == value.strip() != "" for value in keys.values())


@pytest.mark.parametrize("flow", list(CATALOGUE.flow))
def test_the_targets_read_the_same_keys_as_the_hub(flow: str) -> None:
    reader, declared = Reader(CATALOGUE), CATALOGUE.flow[flow]
    for _, written in of(flow):
        keys = extract_keys(read_document(written.body, written.content_type), declared.keys)
        assert reader.read(flow, written.body).keys == keys


@pytest.mark.parametrize("flow", list(CATALOGUE.flow))
def test_every_declared_key_is_found_in_some_document(flow: str) -> None:
    declared = CATALOGUE.flow[flow].keys
    forms = {written.content_type for _, written in of(flow)}
    found: set[str] = set()
    for _, written in of(flow):
        found |= set(extract_keys(read_document(written.body, written.content_type), CATALOGUE.flow[flow].keys))
    declared_here = {
        name for form, paths in ((JSON, declared.json), (XML, declared.xml)) if form in forms for name in paths
    }
    assert declared_here == found


def test_keys_of_one_document_in_full() -> None:
    [written] = [written for step, written in of("production-order-release") if step.process == "PO-1000000"]
    assert written.content_type == XML
    keys = extract_keys(
        read_document(written.body, written.content_type), CATALOGUE.flow["production-order-release"].keys
    )
    assert keys["order"] == "1000000"
    assert keys["version"] == "1"
    assert keys["material"].startswith("FG-1")
    assert keys["lot"] == "P01-000001"
    assert keys["line"] in LINES["P01"]
    assert keys["quantity"].endswith(".000")


def test_the_document_is_the_one_the_catalogue_names() -> None:
    nouns: dict[str, set[str]] = {}
    for step, written in STORY:
        if written.content_type == JSON:
            [noun] = set(msgspec.json.decode(written.body)) - {"ApplicationArea"}
        else:
            root = etree.fromstring(written.body)
            [noun] = [etree.QName(child).localname for child in root.find(f"{{{B2MML}}}DataArea")][1:]
            assert etree.QName(root).localname == f"Sync{noun}"
        nouns.setdefault(step.flow, set()).add(noun)
    extra = {"goods-receipt": {"MaterialReceipt"}, "master-data": {"OperationsDefinition"}}
    assert nouns == {name: {flow.document} | extra.get(name, set()) for name, flow in CATALOGUE.flow.items()}


def test_every_document_says_who_wrote_it_when_and_as_what() -> None:
    for n, (step, written) in enumerate(STORY):
        if written.content_type == JSON:
            area = msgspec.json.decode(written.body)["ApplicationArea"]
            said = (area["Sender"]["LogicalID"], area["CreationDateTime"], area["BODID"])
        else:
            found = etree.fromstring(written.body).find(f"{{{B2MML}}}ApplicationArea")
            names = ("Sender/{*}LogicalID", "CreationDateTime", "BODID")
            said = tuple(found.findtext(f"{{{B2MML}}}{name}") for name in names)
        at = moment(n).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment(n).microsecond // 1000:03d}Z"
        assert said == (step.source, at, str(n))


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1).filter(
    lambda text: text == text.strip()
)


@settings(deadline=None, max_examples=40)
@given(texts, texts)
def test_any_words_survive_both_forms(sender: str, words: str) -> None:
    pen = Pen(sender, AT, words)
    plain = msgspec.json.decode(pen.json("Thing", {"ID": words}).body)
    assert plain["Thing"]["ID"] == plain["ApplicationArea"]["BODID"] == words
    root = etree.fromstring(pen.xml("SyncThing", "Thing", {"ID": words, "Part": [{"ID": words}, {"ID": "2"}]}).body)
    assert root.findtext(".//{*}Thing/{*}ID") == words
    assert root.findtext(".//{*}Sender/{*}LogicalID") == sender
    assert [part.findtext("{*}ID") for part in root.iterfind(".//{*}Part")] == [words, "2"]


def test_lines_and_quantities() -> None:
    assert quantity("1.5", "KG") == {"QuantityString": "1.5", "DataType": "decimal", "UnitOfMeasure": "KG"}
    line = material_line("10", "FG", "L", "1.5", "KG", MaterialUse="Consumed")
    assert line["Quantity"] == quantity("1.5", "KG")
    assert (line["ID"], line["MaterialUse"], line["MaterialLotID"]) == ("10", "Consumed", "L")


def test_the_plant_clock_moves_half_a_second_a_document() -> None:
    assert [moment(n).isoformat() for n in (0, 1, 120)] == [
        "2026-03-02T05:00:00+00:00",
        "2026-03-02T05:00:00.500000+00:00",
        "2026-03-02T05:01:00+00:00",
    ]


@pytest.mark.parametrize("plants", [[], ["A"], ["A", "B", "C", "D", "E"]])
def test_a_team_s_own_plants(plants: list[str]) -> None:
    steps = [step for block in range(6) for step in block_steps(1, block, plants, {})]
    assert {step.plant for step in steps} == set(plants)
    reader = Reader(CATALOGUE)
    identities = [reader.read(one.flow, one.write(Pen("X", AT, "1")).body).identity for one in steps]
    assert len(set(identities)) == len(identities)


def test_processes_follow_one_order() -> None:
    flows: dict[str, list[str]] = {}
    for step, _ in STORY:
        flows.setdefault(step.process, []).append(step.flow)
    made = flows["PO-1000000"]
    order = ["production-order-release", "material-consumption", "production-confirmation", "goods-receipt"]
    order += ["inspection-result", "lot-disposition", "shipment-release", "shipment-status"]
    assert [made.index(flow) for flow in order] == sorted(made.index(flow) for flow in order)


def test_held_lots_are_released_and_not_shipped(workshop: Any) -> None:
    told: dict[str, list[str]] = {}
    for step, _ in STORY:
        told.setdefault(step.process, []).append(step.flow)
    held = [flows for flows in told.values() if "quality-hold" in flows]
    assert held
    for flows in held:
        assert flows.count("quality-hold") == 2
        assert "shipment-release" not in flows
