"""Business keys and lines, from JSON by JSONPath and from XML by XPath."""

from __future__ import annotations

import msgspec
import pytest

from hub.declarations import KeyPaths, shipped_catalogue
from hub.simulator.reading import Reader, number
from transactions.errors import Unreadable

SCHEDULE = b"""\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>
<SyncProductionSchedule xmlns="http://www.wbf.org/xml/B2MML-V0401"><DataArea><ProductionSchedule><ProductionRequest>
<ID>258456</ID><SegmentRequirement><ID>0010</ID>
<MaterialRequirement><MaterialDefinitionID>SO1215</MaterialDefinitionID><MaterialUse>Produced</MaterialUse>
<Quantity><QuantityString>1.000</QuantityString><UnitOfMeasure>KG</UnitOfMeasure></Quantity></MaterialRequirement>
<MaterialRequirement><MaterialDefinitionID>CRBN0001</MaterialDefinitionID><MaterialLotID>CRBN0001_LOT01</MaterialLotID>
<Quantity><QuantityString>199.910</QuantityString><UnitOfMeasure>KG</UnitOfMeasure></Quantity></MaterialRequirement>
</SegmentRequirement></ProductionRequest></ProductionSchedule></DataArea></SyncProductionSchedule>"""

INVENTORY = b"""<SyncMaterialInformation xmlns="http://www.wbf.org/xml/B2MML-V0401"><DataArea><MaterialInformation>
<ID>CRBN0001</ID><MaterialLot><ID>CRBN0001_LOT01</ID><MaterialSubLot><ID>CRBN0001_LOT01_01</ID>
<Quantity><QuantityString>24.910</QuantityString></Quantity></MaterialSubLot></MaterialLot>
</MaterialInformation></DataArea></SyncMaterialInformation>"""


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(shipped_catalogue())


def test_an_older_b2mml_schedule_gives_its_keys(reader: Reader) -> None:
    reading = reader.read("production-order-release", SCHEDULE)
    assert reading.keys == {"order": "258456", "material": "SO1215", "lot": "CRBN0001_LOT01", "quantity": "1.000"}
    assert [line.material for line in reading.lines] == ["SO1215", "CRBN0001"]
    assert reading.identity is None  # it has no version: no identity by recipe


def test_an_inventory_synchronisation_gives_its_keys(reader: Reader) -> None:
    keys = reader.read("inventory-movement", INVENTORY).keys
    assert keys["material"] == "CRBN0001"
    assert keys["lot"] == "CRBN0001_LOT01"
    assert keys["quantity"] == "24.910"


def test_a_list_of_paths_is_tried_in_order(reader: Reader) -> None:
    body = b'{"MaterialReceipt":{"ID":"GR-1","PurchaseOrderID":"45","PurchaseOrderItem":"10"}}'
    reading = reader.read("goods-receipt", body)
    assert reading.identity == "goods-receipt|GR-1|10"
    assert reading.keys["order"] == "45"


def test_a_path_that_is_not_plain_goes_through_jsonpath() -> None:
    catalogue = shipped_catalogue()
    flow = catalogue.flow["labor-time"]
    paths = KeyPaths(json={**flow.keys.json, "person": "$..PersonID"})
    changed = msgspec.structs.replace(flow, keys=paths)
    reader = Reader(msgspec.structs.replace(catalogue, flow={"labor-time": changed}))
    assert reader.read("labor-time", b'{"PersonnelActual":{"PersonID":"10002"}}').keys == {"person": "10002"}


def test_numbers_are_keys_and_truths_are_not(reader: Reader) -> None:
    keys = reader.read("labor-time", b'{"PersonnelActual":{"ID":17,"ItemID":true}}').keys
    assert keys == {"booking": "17"}


def test_the_essence_does_not_depend_on_the_bytes(reader: Reader) -> None:
    line = b'{"ID":"1","MaterialDefinitionID":"M","Quantity":{"QuantityString":"5.0","UnitOfMeasure":"KG"}}'
    tight = b'{"SegmentResponse":{"ID":"1","MaterialActual":[' + line + b"]}}"
    loose = tight.replace(b":{", b": { ")
    other = tight.replace(b'"5.0"', b'"6.0"')
    essences = [reader.read("production-confirmation", body).essence for body in (tight, loose, other)]
    assert essences[0] == essences[1] != essences[2]


@pytest.mark.parametrize("body", [b"<open>", b"{", b"[]", b"", b"\xff\xfe", b'"text"'])
def test_what_cannot_be_read_is_refused(reader: Reader, body: bytes) -> None:
    with pytest.raises(Unreadable):
        reader.read("labor-time", body)


def test_entities_are_not_resolved(reader: Reader) -> None:
    body = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a><MaterialDefinition><ID>&x;</ID></MaterialDefinition></a>'
    assert reader.read("master-data", body).keys == {}


@pytest.mark.parametrize(("text", "good"), [("1.50", True), ("x", False), (None, False), ("NaN", False), ("1e3", True)])
def test_number(text: str | None, good: bool) -> None:
    assert (number(text) is not None) is good
