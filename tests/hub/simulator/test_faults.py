"""Every fault, on and off, seen over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from hub.simulator.fault_kinds import FAULTS, Where
from transactions.books import FaultChange
from transactions.errors import Invalid

REFUSED = [
    # fault, flow, target, status, content type, what the body says, header
    ("target-throttling", "material-consumption", "ERP", 429, "application/json", "TOO_MANY_REQUESTS", "Retry-After"),
    ("target-throttling", "downtime-event", "CMMS", 429, "text/xml", "TOO_MANY_REQUESTS", "Retry-After"),
    ("locked", "material-consumption", "ERP", 423, "application/json", "CO469", None),
    ("locked", "shipment-release", "TMS", 423, "application/problem+json", "LOCKED", None),
    ("closed-period", "goods-receipt", "ERP", 400, "application/json", "M7053", None),
    ("closed-period", "labor-time", "ERP", 400, "application/json", "F5201", None),
    ("missing-material", "inspection-result", "ERP", 400, "application/json", "M3351", None),
    ("missing-material", "material-consumption", "WMS", 422, "application/problem+json", "MATERIAL_NOT_FOUND", None),
    (
        "expired-credentials",
        "quality-hold",
        "WMS",
        401,
        "application/problem+json",
        "TOKEN_EXPIRED",
        "WWW-Authenticate",
    ),
    ("expired-certificate", "quality-hold", "ERP", 400, "text/html", "The SSL certificate error", "Server"),
    ("missing-scope", "maintenance-order", "APS", 403, "text/xml", "INSUFFICIENT_SCOPE", "WWW-Authenticate"),
    ("retired-version", "shipment-status", "CRM", 410, "application/problem+json", "VERSION_RETIRED", None),
    ("late-approval", "maintenance-order", "APS", 500, "text/xml", "APPROVAL_PENDING", None),
    ("late-approval", "lot-disposition", "ERP", 409, "application/json", "APPROVAL_PENDING", None),
]


async def test_refusals_and_their_healing(sixty: Any) -> None:
    for fault, flow, target, status, kind, said, header in REFUSED:
        document = sixty.first(flow)
        key = f"{fault}-{target}-{flow}"
        await sixty.fault(fault, system=target)
        for _ in range(2):
            got, body, headers = await sixty.deliver(document, target, key)
            assert got == status, key
            assert headers["Content-Type"].startswith(kind)
            assert said in str(body)
            assert header is None or headers[header]
        await sixty.heal(fault)
        assert (await sixty.deliver(document, target, key))[0] in (201, 202), key


def test_every_fault_is_tested_here() -> None:
    own = {
        "target-down", "plant-offline", "target-slow", "drop-after-posting", "parked", "partial", "lying-target",
        "hand-posted", "invalid-lot", "schema-drift", "unit-mapping", "duplicate-messages", "late-messages",
        "wrong-master-data",
    }  # fmt: skip
    assert own | {row[0] for row in REFUSED} == set(FAULTS)


CLOSED: list[tuple[str, dict[str, str], list[tuple[str, str]], list[tuple[str, str]]]] = [
    ("target-down", {"system": "ERP"}, [("ERP", "P01")], [("WMS", "P01"), ("QMS", "P01")]),
    ("target-down", {"system": "MES", "plant": "P02"}, [("MES", "P02")], [("MES", "P01")]),
    ("plant-offline", {"plant": "P03"}, [("MES", "P03"), ("WMS", "P03")], [("ERP", "P03"), ("MES", "P01")]),
]


async def test_a_closed_port_refuses(sixty: Any) -> None:
    async def probe(target: str, plant: str) -> int:
        async with sixty.session.get(sixty.url(target, plant) + "/probe") as response:
            return int(response.status)

    for fault, where, closed, open_ in CLOSED:
        for target, plant in closed:
            assert await probe(target, plant) == 200  # a connection that is kept alive must break, too
        await sixty.fault(fault, **where)
        for target, plant in closed:
            with pytest.raises(aiohttp.ClientConnectionError):
                await probe(target, plant)
            with pytest.raises(aiohttp.ClientConnectorError):
                await probe(target, plant)
        for target, plant in open_:
            assert await probe(target, plant) == 200
        await sixty.heal()
        for target, plant in closed:
            assert await probe(target, plant) == 200


async def test_a_slow_target_posts_after_its_caller_has_gone(sixty: Any) -> None:
    document = sixty.first("goods-receipt")
    await sixty.fault("target-slow", system="QMS")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2.0):
            await sixty.deliver(document, "QMS")
    key = document.transactions["QMS"]
    found = await sixty.lookup("QMS", key)
    assert found["status"] == "applied", "it lands within settle_after"
    await sixty.heal()
    assert (await sixty.deliver(document, "QMS"))[1] == {"status": "duplicate", "document": found["document"]}


async def test_a_dropped_answer_was_posted(sixty: Any) -> None:
    document = sixty.first("material-consumption")
    await sixty.fault("drop-after-posting", system="ERP")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await sixty.deliver(document, "ERP")
    assert (await sixty.lookup("ERP", document.transactions["ERP"]))["status"] == "applied"
    assert (await sixty.deliver(document, "ERP"))[1]["status"] == "duplicate"


async def test_parked_until_its_people_post_it(sixty: Any) -> None:
    await sixty.fault("parked", system="ERP")
    consumptions = [one for one in sixty.ingress.received if one.flow == "material-consumption"]
    answers = [await sixty.deliver(one, "ERP") for one in consumptions]
    assert {answer[1]["status"] for answer in answers} == {"parked", "applied"}, "half say so only when asked"
    for one in consumptions:
        found = await sixty.lookup("ERP", one.transactions["ERP"])
        assert (found["status"], found["code"]) == ("parked", "COGI")
        assert found["document"].startswith("49")
    assert (await sixty.deliver(consumptions[0], "ERP"))[1]["status"] == "parked"
    assert not await sixty.book("ERP", "stock")
    await sixty.heal("parked")
    for one in consumptions:
        assert (await sixty.lookup("ERP", one.transactions["ERP"]))["status"] == "applied"
    assert await sixty.book("ERP", "stock")


async def test_a_part_is_posted_and_the_rest_later(sixty: Any) -> None:
    document = next(
        one
        for one in sixty.ingress.received
        if one.flow == "material-consumption" and one.body.count(b'"Consumed"') == 2
    )
    key = document.transactions["ERP"]
    await sixty.fault("partial", system="ERP")
    status, body, _ = await sixty.deliver(document, "ERP")
    assert (status, body["status"]) == (207, "partial")
    assert [line["line"] for line in body["rejected"]] == ["20"]
    assert len(await sixty.book("ERP", "stock")) == 1
    assert (await sixty.lookup("ERP", key))["status"] == "unknown"
    assert key in {entry.transaction for entry in (await sixty.child.ledger()).missing}
    assert (await sixty.deliver(document, "ERP"))[0] == 207, "the same key again, and the fault still bites"
    await sixty.fault("partial", system="WMS")
    await sixty.child.set_fault(FaultChange(on=False, name="partial", system="ERP"))
    assert (await sixty.lookup("ERP", key))["status"] == "applied"
    assert len(await sixty.book("ERP", "stock")) == 2
    ledger = await sixty.child.ledger()
    assert key not in {entry.transaction for entry in ledger.missing}
    assert not ledger.mismatched


async def test_the_rest_of_a_part_is_posted_by_the_target_s_people(sixty: Any) -> None:
    await sixty.fault("partial", system="ERP", flow="material-consumption")
    documents = [one for one in sixty.ingress.received if one.flow == "material-consumption"]
    for one in documents:
        assert (await sixty.deliver(one, "ERP"))[0] == 207
    await sixty.heal("partial")
    for one in documents:
        found = await sixty.lookup("ERP", one.transactions["ERP"])
        assert found["status"] == "applied"
        assert (await sixty.deliver(one, "ERP"))[1] == {"status": "duplicate", "document": found["document"]}
    stock = {row["id"]: row["quantity"] for row in await sixty.book("ERP", "stock")}
    await sixty.heal()
    assert {row["id"]: row["quantity"] for row in await sixty.book("ERP", "stock")} == stock


async def test_a_lying_target_posts_nothing(sixty: Any) -> None:
    document = sixty.first("labor-time")
    key = document.transactions["ERP"]
    await sixty.fault("lying-target", system="ERP")
    status, body, _ = await sixty.deliver(document, "ERP")
    assert (status, body["status"]) == (201, "applied")
    assert await sixty.lookup("ERP", key) == {"status": "absent"}
    await sixty.heal("lying-target")
    assert (await sixty.deliver(document, "ERP"))[1]["status"] != "duplicate"


async def test_posted_by_hand_without_the_key(sixty: Any) -> None:
    document = sixty.first("labor-time")
    key = document.transactions["ERP"]
    await sixty.fault("hand-posted", system="ERP")
    for _ in range(3):
        assert (await sixty.deliver(document, "ERP"))[0] == 423
    url = sixty.url("ERP") + "/postings"
    found: list[dict[str, Any]] = []

    async def by_hand() -> bool:
        async with sixty.session.get(url) as response:
            found[:] = (await response.json())["items"]
        return bool(found)

    await sixty.wait_for(by_hand)
    assert [(one["key"], one["flow"]) for one in found] == [(None, "labor-time")]
    assert await sixty.lookup("ERP", key) == {"status": "absent"}
    assert key not in {entry.transaction for entry in (await sixty.child.ledger()).missing}, "it counts as the one owed"
    await sixty.heal("hand-posted")
    await sixty.deliver(document, "ERP")

    async def double() -> bool:
        return [entry.transaction for entry in (await sixty.child.ledger()).double] == [key]

    await sixty.wait_for(double)


async def test_faulty_documents_stay_faulty(plant: Any) -> None:
    faulty = [
        ("invalid-lot", "material-consumption", "LOT_UNKNOWN"),
        ("schema-drift", "production-order-release", "SCHEMA_VIOLATION"),
        ("unit-mapping", "goods-receipt", "BM311"),
    ]
    await plant.start(documents=60, paused=True)
    for fault, flow, _ in faulty:
        await plant.fault(fault, flow=flow)
    await plant.child.resume()
    await plant.emitted(60)
    await plant.heal()
    for _, flow, code in faulty:
        document = plant.first(flow)
        target = next(iter(document.transactions))
        status, body, _ = await plant.deliver(document, target)
        assert status == 422
        assert code in str(body)
    flows = {flow for _, flow, _ in faulty}
    assert await plant.deliver_all(skip=lambda one, _target: one.flow in flows) == []


async def test_wrong_master_data_only_shows_in_the_books(plant: Any) -> None:
    await plant.start(documents=60, paused=True)
    await plant.fault("wrong-master-data", flow="goods-receipt")
    await plant.child.resume()
    await plant.emitted(60)
    assert await plant.deliver_all() == []
    ledger = await plant.settled()
    assert ledger.mismatched
    assert {entry.flow for entry in ledger.mismatched} == {"goods-receipt"}


async def test_duplicate_messages_post_twice(plant: Any) -> None:
    await plant.start(documents=60, paused=True)
    await plant.fault("duplicate-messages", flow="labor-time")
    await plant.child.resume()
    await plant.quiet()
    twins = [one for one in plant.ingress.received if one.flow == "labor-time"]
    assert len(twins) % 2 == 0
    assert twins[0].body == twins[1].body
    assert twins[0].headers.get("ce-id") != twins[1].headers["ce-id"]
    await plant.deliver_all()
    ledger = await plant.settled()
    assert len(ledger.double) == len(twins) / 2
    assert sum(row.owed for row in ledger.flows if row.flow == "labor-time") == len(twins) / 2


async def test_late_messages_come_after_their_successors(plant: Any) -> None:
    await plant.start(documents=60, paused=True)
    await plant.fault("late-messages", flow="production-order-release")
    await plant.child.resume()
    await plant.emitted(60)
    flows = [one.flow for one in plant.ingress.received]
    assert set(flows[-flows.count("production-order-release") :]) == {"production-order-release"}


async def test_the_same_share_at_every_attempt(sixty: Any) -> None:
    await sixty.fault("locked", system="ERP", probability=0.5)
    statuses = []
    for _ in range(2):
        documents = [one for one in sixty.ingress.received if "ERP" in one.transactions]
        statuses.append([(await sixty.deliver(one, "ERP"))[0] == 423 for one in documents])
    assert statuses[0] == statuses[1]
    assert 0.2 < sum(statuses[0]) / len(statuses[0]) < 0.8


async def test_a_fault_keeps_to_its_place(sixty: Any) -> None:
    await sixty.fault("locked", system="WMS", plant="P02", flow="material-consumption")
    for one in sixty.ingress.received:
        if "WMS" in one.transactions:
            locked = (await sixty.deliver(one, "WMS"))[0] == 423
            assert locked == (one.flow == "material-consumption" and one.plant == "P02")


async def test_a_fault_that_ends_by_itself(sixty: Any) -> None:
    await sixty.fault("target-down", system="ERP", for_seconds=0.3)
    with pytest.raises(aiohttp.ClientConnectorError):
        await sixty.book("ERP", "orders")

    async def back() -> bool:
        try:
            await sixty.book("ERP", "orders")
        except aiohttp.ClientConnectionError:
            return False
        return True

    await sixty.wait_for(back)
    assert all(not fault.active for fault in await sixty.child.faults())


async def test_off_clears_everywhere(sixty: Any) -> None:
    await sixty.fault("locked", system="ERP")
    await sixty.fault("locked", system="WMS", plant="P01")
    await sixty.fault("parked")
    active = {fault.name: len(fault.active) for fault in await sixty.child.faults() if fault.active}
    assert active == {"locked": 2, "parked": 1}
    await sixty.heal("locked")
    assert {fault.name for fault in await sixty.child.faults() if fault.active} == {"parked"}
    await sixty.heal()
    assert not any(fault.active for fault in await sixty.child.faults())


async def test_what_cannot_be_switched_is_refused(sixty: Any) -> None:
    for change, named in (
        ({"name": "gremlins"}, "target-down"),
        ({"name": "closed-period", "system": "WMS"}, "ERP"),
        ({"name": "locked", "for_seconds": 0}, "0 seconds"),
    ):
        with pytest.raises(Invalid) as caught:
            await sixty.fault(**change)
        assert named in caught.value.detail
    assert not any(fault.active for fault in await sixty.child.faults())


def test_every_fault_says_what_it_does() -> None:
    for name, kind in FAULTS.items():
        assert kind.heals in ("target", "document", "care"), name
        assert kind.description.endswith("."), name
    assert {name for name, kind in FAULTS.items() if kind.where is Where.SOCKET} == {"target-down", "plant-offline"}
