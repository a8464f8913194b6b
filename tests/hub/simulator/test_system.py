"""The HTTP API of a simulated system, in this process: faults, rules, answers in its dialect."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from hub.declarations import shipped_catalogue
from hub.simulator import arrival
from hub.simulator.arrival import Arrivals
from hub.simulator.effects import BOOKS
from hub.simulator.fault_kinds import FAULTS, Where
from hub.simulator.system import SystemApi
from transactions.books import FaultChange

CATALOGUE = shipped_catalogue()
RAW = ("RM-1101", "R01-000001", "10.000")
OTHER = ("RM-1102", "R01-000001", "1.500")


class Systems:
    """Systems over one workshop, each on a port of its own once somebody speaks with it."""

    def __init__(self, workshop: Any) -> None:
        self.workshop = workshop
        self.promises = 0
        self.arrivals = Arrivals(CATALOGUE, workshop.switchboard, workshop.postings, self._promised)
        self._clients: dict[str, TestClient[Any, Any]] = {}

    def _promised(self) -> None:
        self.promises += 1

    async def client(self, system: str, plant: str = "P01") -> TestClient[Any, Any]:
        instance = self.workshop.instance(system, plant)
        if instance.name not in self._clients:
            account = self.workshop.account(system, plant)
            api = SystemApi(instance, CATALOGUE, self.arrivals, self.workshop.postings, account, self.workshop.path)
            client = self._clients[instance.name] = TestClient(TestServer(api.application()))
            await client.start_server()
        return self._clients[instance.name]

    async def deliver(self, system: str, document: Any, **headers: str) -> tuple[int, str, str]:
        """Status, code (of a refusal) or status (of an answer), content type."""
        client = await self.client(system, document.plant)
        sent = {"Idempotency-Key": document.key or "", "ce-plant": document.plant, **headers}
        async with client.post(f"/documents/{document.flow}", data=document.body, headers=sent) as response:
            text = await response.text()
            return response.status, text, response.content_type

    def fault(self, name: str, **where: Any) -> None:
        self.workshop.switchboard.change(FaultChange(on=True, name=name, **where))

    def heal(self) -> None:
        self.workshop.switchboard.change(FaultChange(on=False))

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()


@pytest.fixture
async def systems(workshop: Any) -> AsyncIterator[Systems]:
    made = Systems(workshop)
    yield made
    await made.close()


def story(workshop: Any, hit: Callable[[Any, str], bool]) -> list[tuple[Any, str]]:
    """Every document of the story with every target, where ``hit`` says so."""
    return [
        (one, target) for one in workshop.story(1) for target in CATALOGUE.flow[one.flow].targets if hit(one, target)
    ]


REFUSALS = {
    # fault: status, code by system (None: any other)
    "target-throttling": (429, {None: "TOO_MANY_REQUESTS"}),
    "locked": (423, {"ERP": "CO469", None: "LOCKED"}),
    "missing-material": (None, {"ERP": "M3351", None: "MATERIAL_NOT_FOUND"}),
    "expired-credentials": (401, {None: "TOKEN_EXPIRED"}),
    "missing-scope": (403, {None: "INSUFFICIENT_SCOPE"}),
    "retired-version": (410, {None: "VERSION_RETIRED"}),
    "late-approval": (None, {None: "APPROVAL_PENDING"}),
    "closed-period": (400, {None: "M7053 F5201"}),
}
TYPES = {"rest": "application/problem+json", "odata": "application/json", "soap": "text/xml"}


@pytest.mark.parametrize("fault", list(REFUSALS))
async def test_every_target_refuses_in_its_dialect_and_heals(systems: Systems, workshop: Any, fault: str) -> None:
    kind, (status, codes) = FAULTS[fault], REFUSALS[fault]

    def hit(one: Any, target: str) -> bool:
        return (kind.systems is None or target in kind.systems) and (kind.flows is None or one.flow in kind.flows)

    seen = set()
    systems.fault(fault)
    for document, target in story(workshop, hit):
        if (document.flow, target) in seen:
            continue
        seen.add((document.flow, target))
        got, text, content_type = await systems.deliver(target, document)
        assert status in (None, got), (document.flow, target)
        assert got >= 400
        assert any(code in text for code in codes.get(target, codes[None]).split())
        assert content_type == TYPES[CATALOGUE.system[target].dialect]
        assert workshop.postings.lookup(workshop.instance(target, document.plant), document.key) == {"status": "absent"}
    assert {target for _, target in seen} == {
        target
        for name, flow in CATALOGUE.flow.items()
        for target in flow.targets
        if (kind.flows is None or name in kind.flows) and (kind.systems is None or target in kind.systems)
    }
    systems.heal()
    for document, target in story(workshop, lambda one, target: (one.flow, target) in seen)[:12]:
        assert (await systems.deliver(target, document))[0] in (201, 202)


def test_every_fault_of_arrival_is_seen_here() -> None:
    here = {"target-slow", "expired-certificate", "drop-after-posting", "parked", "partial", "lying-target",
            "hand-posted"}  # fmt: skip
    assert here | set(REFUSALS) == {name for name, kind in FAULTS.items() if kind.where is Where.ARRIVAL}


async def test_healthy_traffic_is_taken_by_every_target(systems: Systems, workshop: Any) -> None:
    for document, target in story(workshop, lambda *_: True):
        status, text, content_type = await systems.deliver(target, document)
        assert status in (201, 202), (document.flow, target, text)
        assert content_type == "application/json"


async def test_the_proxy_answers_before_the_system(systems: Systems, workshop: Any) -> None:
    for name in ("expired-certificate", "locked", "expired-credentials"):
        systems.fault(name)
    status, text, content_type = await systems.deliver("ERP", workshop.consumption(RAW))
    assert (status, content_type) == (400, "text/html")
    assert "The SSL certificate error" in text


async def test_access_comes_before_business_and_business_before_rules(systems: Systems, workshop: Any) -> None:
    bad = workshop.consumption(("RM-1101", "R01-000001", "many"))
    said = []
    for name in ("closed-period", "locked", "retired-version", "missing-scope"):
        said.append((await systems.deliver("ERP", bad))[1])
        systems.fault(name)
    said.append((await systems.deliver("ERP", bad))[1])
    order = ["SCHEMA_VIOLATION", "M7053", "CO469", "VERSION_RETIRED", "INSUFFICIENT_SCOPE"]
    assert [code in text for code, text in zip(order, said, strict=True)] == [True] * 5


async def test_a_known_key_is_answered_whatever_business_says(systems: Systems, workshop: Any) -> None:
    document = workshop.consumption(RAW)
    assert (await systems.deliver("ERP", document))[0] in (201, 202)
    workshop.postings.settle(1e12)
    for name in ("locked", "closed-period", "parked", "lying-target", "drop-after-posting"):
        systems.fault(name)
    status, text, _ = await systems.deliver("ERP", document)
    assert (status, "duplicate" in text) == (200, True)


async def test_slow_posts_while_its_caller_waits(
    systems: Systems, workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        there = workshop.postings.lookup(workshop.instance("QMS"), "k1")["status"]
        slept.append(seconds if there == "absent" else -seconds)

    monkeypatch.setattr(arrival.asyncio, "sleep", sleep)
    systems.fault("target-slow", system="QMS")
    request = workshop.consumption(RAW)
    hit = workshop.document("goods-receipt", request.body)
    assert (await systems.deliver("QMS", hit))[0] in (201, 202)
    before, after = [one for one in slept if one > 0], [-one for one in slept if one < 0]
    assert sum(before) < CATALOGUE.system["QMS"].settle_seconds(), "it lands within settle_after"
    assert sum(before) + sum(after) == pytest.approx(arrival.SLOW_SECONDS), "after the caller has given up"


async def test_a_dropped_answer_was_posted(systems: Systems, workshop: Any) -> None:
    systems.fault("drop-after-posting")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await systems.deliver("ERP", workshop.consumption(RAW))
    assert workshop.postings.lookup(workshop.instance("ERP"), "k1")["status"] == "applied"


async def test_half_of_what_is_parked_says_so_only_when_asked(systems: Systems, workshop: Any) -> None:
    systems.fault("parked")
    said: dict[str, set[str]] = {"ERP": set(), "customer-portal": set()}
    for n in range(12):
        document = workshop.consumption(RAW, key=f"k{n}", event=f"MC-{n}")
        said["ERP"].add("parked" if "parked" in (await systems.deliver("ERP", document))[1] else "applied")
    status_event = [one for one in workshop.story(3) if one.flow == "shipment-status"]
    for one in status_event:
        said["customer-portal"].add("parked" if "parked" in (await systems.deliver("customer-portal", one))[1] else "x")
    assert said == {"ERP": {"parked", "applied"}, "customer-portal": {"parked"}}
    erp = workshop.instance("ERP")
    assert {workshop.postings.lookup(erp, f"k{n}")["status"] for n in range(12)} == {"parked"}


async def test_part_lies_and_hands(systems: Systems, workshop: Any) -> None:
    systems.fault("partial")
    status, text, _ = await systems.deliver("ERP", workshop.consumption(RAW, OTHER))
    assert (status, '"line":"20"' in text) == (207, True)
    systems.heal()
    systems.fault("lying-target")
    status, text, _ = await systems.deliver("ERP", workshop.consumption(RAW, key="k2", event="MC-2"))
    assert (status, "applied" in text) == (201, True)
    assert workshop.postings.lookup(workshop.instance("ERP"), "k2") == {"status": "absent"}
    systems.heal()
    systems.fault("hand-posted")
    promised = systems.promises
    for _ in range(2):
        assert (await systems.deliver("ERP", workshop.consumption(RAW, key="k3", event="MC-3")))[0] == 423
    assert systems.promises == promised + 2
    assert workshop.postings.settle(1e12) == 1


async def test_lookup_reversal_and_search_over_http(systems: Systems, workshop: Any) -> None:
    client = await systems.client("ERP")
    document = workshop.consumption(RAW, key="MES/P01:a b|%25/ü")
    workshop.post("ERP", document)
    quoted = "MES%2FP01%3Aa%20b%7C%2525%2F%C3%BC"
    async with client.get(f"/postings/{quoted}", skip_auto_headers=()) as response:
        found = await response.json()
    assert (found["status"], found["sha256"]) == ("applied", hashlib.sha256(document.body).hexdigest())
    async with client.post(f"/postings/{quoted}/reversal") as response:
        assert (response.status, (await response.json())["status"]) == (201, "reversed")
    async with client.get("/postings", params={"order": "1000001", "quantity": "10.000"}) as response:
        [item] = (await response.json())["items"]
    assert item["reversal"] is not None
    async with client.get("/postings", params={"colour": "red"}) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "UNKNOWN_PARAMETER")
    async with client.post("/postings/none/reversal") as response:
        assert response.status == 404


@pytest.mark.parametrize("system", ["customer-portal", "EDI", "analytics"])
async def test_a_system_that_cannot_be_asked_says_so(systems: Systems, system: str) -> None:
    async with (await systems.client(system)).get("/postings/k1") as response:
        assert response.status == 404
        assert "cannot be asked" in await response.text()


@pytest.mark.parametrize("system", sorted(CATALOGUE.system))
async def test_each_system_shows_its_books_and_no_others(systems: Systems, system: str) -> None:
    client = await systems.client(system)
    for book in {book for books in BOOKS.values() for book in books}:
        async with client.get(f"/{book}") as response:
            assert (response.status == 200) == (book in BOOKS.get(system, ())), book
            if response.status == 200:
                assert await response.json() == {"items": []}
    async with client.get("/probe") as response:
        assert (await response.json())["status"] == "ok"


@pytest.mark.parametrize("system", ["ERP", "WMS", "CMMS"])
async def test_what_is_no_document_is_refused_in_the_dialect(systems: Systems, system: str) -> None:
    client, flow = await systems.client(system), "downtime-event" if system == "CMMS" else "inventory-movement"
    soap = system == "CMMS"
    cases = [
        ("POST", f"/documents/{flow}", b"<open>", 500 if soap else 400, "UNREADABLE"),
        ("POST", f"/documents/{flow}", b'{"a":' * 20_000, 500 if soap else 400, "UNREADABLE"),
        ("POST", f"/documents/{flow}", b"x" * (16 * 1024 * 1024 + 1), 413, "TOO_LARGE"),
        ("POST", "/documents/shipment-status-2", b"{}", 404, "NOT_FOUND"),
        ("POST", "/documents/production-plan" if system != "ERP" else "/documents/master-data", b"{}", 404, "takes no"),
        ("GET", "/nothing", b"", 404, "NOT_FOUND"),
        ("DELETE", "/probe", b"", 405, "METHOD"),
    ]
    for method, path, body, status, said in cases:
        async with client.request(method, path, data=io.BytesIO(body) if body else None) as response:
            assert (response.status, response.content_type) == (status, TYPES[CATALOGUE.system[system].dialect]), path
            assert said in await response.text()


async def test_a_document_that_names_no_plant_belongs_to_the_instance_s(systems: Systems, workshop: Any) -> None:
    for system, plant, expected in (("MES", "P02", "P02"), ("ERP", "P01", "P01")):
        client = await systems.client(system, plant)
        hold = workshop.hold("P01-000001")
        async with client.post("/documents/quality-hold", data=hold.body) as response:
            assert response.status in (201, 202)
        workshop.postings.settle(1e12)
        [entry] = workshop.account(system, plant).entries("holds")
        assert entry["plant"] == expected
