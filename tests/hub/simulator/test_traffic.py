"""Healthy traffic: every document is taken by every target, in any order, and the books agree."""

from __future__ import annotations

import hashlib
import random
import re
from decimal import Decimal
from typing import Any

import msgspec


async def test_every_document_is_posted_and_the_books_agree(sixty: Any) -> None:
    assert await sixty.deliver_all() == []
    ledger = await sixty.settled()
    assert ledger.double == ledger.mismatched == ledger.missing == []
    assert {row.flow for row in ledger.flows} == set(sixty.ingress.catalogue.flow)
    assert all(row.owed == row.agreed for row in ledger.flows)


async def test_lanes_may_arrive_in_any_order(sixty: Any) -> None:
    random.Random(5).shuffle(sixty.ingress.received)
    assert await sixty.deliver_all() == []
    ledger = await sixty.settled()
    assert not ledger.double
    assert not ledger.mismatched


async def test_business_effects(sixty: Any) -> None:
    await sixty.deliver_all()
    await sixty.settled()
    orders = {order["id"]: order for order in await sixty.book("ERP", "orders")}
    first = orders["1000000"]
    assert Decimal(first["received"]) > 0
    assert first["confirmation"] == "CNF"
    stock = {row["lot"]: row for row in await sixty.book("ERP", "stock")}
    assert Decimal(stock["R01-000001"]["quantity"]) < 5000
    assert stock["P01-000001"]["quantity"] == first["received"]
    assert (await sixty.book("MES", "orders"))[0]["released"] == "yes"
    holds = {row["id"]: row["state"] for row in await sixty.book("ERP", "holds")}
    assert holds["QH-1000001"] == "released"
    assert {row["disposition"] for row in await sixty.book("WMS", "lots")} == {"UnRestricted"}
    assert all(row["events"] for row in await sixty.book("CRM", "shipments"))
    assert await sixty.book("ERP", "labor")
    assert await sixty.book("ERP", "maintenance-orders")
    assert await sixty.book("QMS", "inspections")


async def test_the_same_key_twice_is_posted_once(sixty: Any) -> None:
    document = sixty.first("shipment-release")
    status, first, _ = await sixty.deliver(document, "TMS")
    while status == 202:
        found = await sixty.lookup("TMS", document.transactions["TMS"])
        status, first = (201, found) if found["status"] == "applied" else (202, found)
    again = await sixty.deliver(document, "TMS")
    assert again[0] == 200
    assert again[1] == {"status": "duplicate", "document": first["document"]}


async def test_the_same_key_with_other_content_is_a_conflict(sixty: Any) -> None:
    document = sixty.first("master-data")
    await sixty.deliver(document, "APS", "key-1")
    other = sixty.first("production-order-release")
    status, body, _ = await sixty.deliver(sixty.first("downtime-event"), "APS", "key-1")
    assert status == 500
    assert "KEY_REUSED" in body
    assert other.flow == "production-order-release"


async def test_a_target_without_keys_posts_twice(sixty: Any) -> None:
    document = sixty.first("shipment-status")
    answers = [await sixty.deliver(document, "customer-portal") for _ in range(2)]
    assert [status for status, _, _ in answers] == [201, 201]
    assert answers[0][1]["document"] != answers[1][1]["document"]
    async with sixty.session.get(sixty.url("customer-portal") + "/postings/x") as response:
        assert response.status == 404


async def test_lookup(sixty: Any) -> None:
    document = sixty.first("labor-time")
    key = document.transactions["ERP"]
    assert await sixty.lookup("ERP", key) == {"status": "absent"}
    await sixty.deliver(document, "ERP")

    async def applied() -> bool:
        return (await sixty.lookup("ERP", key))["status"] == "applied"

    await sixty.wait_for(applied)
    found = await sixty.lookup("ERP", key)
    assert found["sha256"] == hashlib.sha256(document.body).hexdigest()
    assert found["document"].startswith("51")


async def test_some_postings_are_made_a_moment_later(sixty: Any) -> None:
    statuses = set()
    for document in sixty.ingress.received:
        if "ERP" in document.transactions and document.flow == "material-consumption":
            statuses.add((await sixty.deliver(document, "ERP"))[0])
    assert statuses == {201, 202}


async def test_keys_with_slashes_and_escapes(sixty: Any) -> None:
    document = sixty.first("maintenance-order")
    assert (await sixty.deliver(document, "ERP", "MES/P01:a|b%2525"))[0] == 201
    assert (await sixty.lookup("ERP", "MES%2FP01%3Aa%7Cb%2525"))["status"] == "applied"


async def test_reversal(sixty: Any) -> None:
    document = sixty.first("goods-receipt")
    key = document.transactions["ERP"]
    await sixty.deliver(document, "ERP")

    async def applied() -> bool:
        return (await sixty.lookup("ERP", key))["status"] == "applied"

    await sixty.wait_for(applied)
    posted = (await sixty.lookup("ERP", key))["document"]
    url = f"{sixty.url('ERP')}/postings/{key}/reversal"
    async with sixty.session.post(url) as response:
        assert response.status == 201
        reversal = (await response.json())["document"]
    assert reversal != posted
    async with sixty.session.post(url) as response:
        assert (response.status, await response.json()) == (200, {"status": "duplicate", "document": reversal})
    stock = {row["lot"]: row["quantity"] for row in await sixty.book("ERP", "stock")}
    assert Decimal(next(iter(stock.values()))) == 0
    async with sixty.session.post(f"{sixty.url('ERP')}/postings/none/reversal") as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "NOT_FOUND"
    entry = next(one for one in (await sixty.child.ledger()).missing if one.transaction == key)
    assert entry.flow == "goods-receipt"


async def test_search(sixty: Any) -> None:
    document = sixty.first("goods-receipt")
    await sixty.deliver(document, "ERP")

    async def found() -> bool:
        async with sixty.session.get(sixty.url("ERP") + "/postings", params={"order": "1000000"}) as response:
            return bool((await response.json())["items"])

    if document.plant == "P01":
        await sixty.wait_for(found)
    async with sixty.session.get(sixty.url("ERP") + "/postings", params={"colour": "red"}) as response:
        assert response.status == 400
        assert "colour" in (await response.json())["error"]["message"]["value"]


async def test_real_rules_refuse(sixty: Any) -> None:
    document = sixty.first("material-consumption")

    def changed(pattern: bytes, by: bytes) -> Any:
        return msgspec.structs.replace(document, body=re.sub(pattern, by, document.body))

    cases = [
        (rb'"QuantityString":"[0-9.]+"', b'"QuantityString":"99999"', "M7021"),
        (rb'"UnitOfMeasure":"KG"', b'"UnitOfMeasure":"KIL"', "BM311"),
        (rb"R0(\d)-0", rb"R0\1-O", "LOT_UNKNOWN"),
        (rb"QuantityString", b"QuantityValue", "SCHEMA_VIOLATION"),
        (rb'"QuantityString":"[0-9.]+"', b'"QuantityString":"many"', "SCHEMA_VIOLATION"),
        (rb"R0\d-\d+", b"SOMEWHERE-ELSE", "M7021"),
    ]
    for pattern, by, code in cases:
        status, body, _ = await sixty.deliver(changed(pattern, by), "ERP")
        assert (status, body["error"]["code"]) == (422, code)
    assert (await sixty.deliver(document, "ERP"))[0] in (201, 202)


async def test_a_restricted_lot_is_not_shipped(sixty: Any) -> None:
    shipment = next(one for one in sixty.ingress.received if one.flow == "shipment-release")
    keys = msgspec.json.decode(shipment.body)["Delivery"]["Item"][0]
    hold = {
        "MaterialLot": {"ID": keys["MaterialLotID"], "QualityHold": {"ID": "QH-X", "Version": "1", "State": "active"}}
    }
    held = msgspec.structs.replace(sixty.first("quality-hold"), body=msgspec.json.encode(hold), plant=shipment.plant)
    held.headers["content-type"] = "application/json"
    await sixty.deliver(held, "TMS", "hold-1")

    async def restricted() -> bool:
        return any(row["id"] == "QH-X" for row in await sixty.book("TMS", "holds"))

    await sixty.wait_for(restricted)
    status, body, _ = await sixty.deliver(shipment, "TMS")
    assert (status, body["code"]) == (409, "LOT_RESTRICTED")


async def test_wrong_requests_are_answered_in_the_dialect(sixty: Any) -> None:
    erp, wms, cmms = sixty.url("ERP"), sixty.url("WMS"), sixty.url("CMMS")
    async with sixty.session.post(erp + "/documents/nothing", data=b"{}") as response:
        assert (response.status, (await response.json())["error"]["code"]) == (404, "NOT_FOUND")
    async with sixty.session.post(wms + "/documents/master-data", data=b"<open>") as response:
        assert response.content_type == "application/problem+json"
        assert (await response.json(content_type=None))["code"] == "UNREADABLE"
    async with sixty.session.post(cmms + "/documents/downtime-event", data=b"{") as response:
        assert (response.status, response.content_type) == (500, "text/xml")
        assert "<faultcode>soap:Client</faultcode>" in await response.text()
    async with sixty.session.delete(erp + "/probe") as response:
        assert response.status == 405
    async with sixty.session.get(erp + "/probe") as response:
        assert await response.json() == {"status": "ok", "system": "ERP"}
