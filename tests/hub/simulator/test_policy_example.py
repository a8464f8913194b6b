"""The contracts of the example's policies, held against what the simulated systems really say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from importlib import resources
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from jsonschema import Draft202012Validator

from hub.declarations import shipped_catalogue
from hub.simulator.arrival import Arrivals
from hub.simulator.system import SystemApi
from transactions.books import FaultChange

CATALOGUE = shipped_catalogue()
CONTRACTS = resources.files("gateway_policies") / "example" / "contracts"
SYSTEMS = sorted({target for flow in CATALOGUE.flow.values() for target in flow.targets})


def contract(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CONTRACTS / f"{name}.openapi.json").read_text(encoding="utf-8"))
    return found


def contracts_of(system: str) -> list[dict[str, Any]]:
    return [
        json.loads(each.read_text(encoding="utf-8"))
        for each in CONTRACTS.iterdir()
        if each.name.startswith(f"{system.lower()}-documents-")
    ]


class Talk:
    """A system, spoken with by its contract: whatever it says has to be in it."""

    def __init__(self, client: TestClient[Any, Any], document: dict[str, Any]) -> None:
        self.client = client
        self.document = document
        self.statuses: set[int] = set()

    async def ask(self, method: str, path: str, ask: str | None = None, **more: Any) -> tuple[int, str]:
        operation = self.document["paths"][path][method.lower()]
        async with self.client.request(method, ask or path, **more) as response:
            text = await response.text()
            said = operation["responses"].get(str(response.status)) or operation["responses"]["default"]
            if "$ref" in said:
                said = self.document["components"]["responses"][said["$ref"].rpartition("/")[2]]
            if response.status < 300:
                assert str(response.status) in operation["responses"], (path, response.status, text)
            content = said["content"][response.content_type]
            body = json.loads(text) if response.content_type.endswith("json") else text
            whole = {"components": self.document["components"], **content["schema"]}
            assert not list(Draft202012Validator(whole).iter_errors(body)), (path, response.status, text)
            self.statuses.add(response.status)
            return response.status, text


@pytest.fixture
async def talks(workshop: Any, request: pytest.FixtureRequest) -> AsyncIterator[list[Talk]]:
    """With one system, by each of its contracts."""
    system = request.param
    arrivals = Arrivals(CATALOGUE, workshop.switchboard, workshop.postings, lambda: None)
    instance = workshop.instance(system)
    api = SystemApi(instance, CATALOGUE, arrivals, workshop.postings, workshop.account(system), workshop.path)
    async with TestClient(TestServer(api.application())) as client:
        yield [Talk(client, each) for each in contracts_of(system)]


@pytest.mark.parametrize(("talks", "system"), [(each, each) for each in SYSTEMS], indirect=["talks"])
async def test_a_system_says_what_its_contract_says(talks: list[Talk], system: str, workshop: Any) -> None:
    assert talks
    local = CATALOGUE.system[system].local
    story = [
        each
        for each in workshop.story(2)
        if system in CATALOGUE.flow[each.flow].targets and (not local or each.plant == "P01")
    ][:25]
    assert story
    for number, talk in enumerate(talks):
        paths = talk.document["paths"]
        taken = next(p for p in paths["/documents/{flow}"]["post"]["parameters"] if p["name"] == "flow")
        assert taken["schema"]["enum"] == [n for n, flow in CATALOGUE.flow.items() if system in flow.targets]
        for one in story:
            key = f"{one.key}-{number}"
            for _ in range(2):  # the second time it is known
                await talk.ask(
                    "POST",
                    "/documents/{flow}",
                    f"/documents/{one.flow}",
                    data=one.body,
                    headers={"Idempotency-Key": key, "ce-plant": one.plant},
                )
            for path in ("/postings/{key}", "/postings/{key}/follows"):
                if path in paths:
                    await talk.ask("GET", path, path.replace("{key}", key))
            if "/postings/{key}/reversal" in paths:
                for _ in range(2):
                    await talk.ask(
                        "POST",
                        "/postings/{key}/reversal",
                        f"/postings/{key}/reversal",
                        headers={"Idempotency-Key": f"{key}-back"},
                    )
        if "/inquiries/{kind}" in paths:
            kinds = next(p for p in paths["/inquiries/{kind}"]["get"]["parameters"] if p["name"] == "kind")
            for kind in kinds["schema"]["enum"]:
                assert (await talk.ask("GET", "/inquiries/{kind}", f"/inquiries/{kind}?limit=2"))[0] == 200
            assert (await talk.ask("GET", "/inquiries/{kind}", "/inquiries/orders?limit=none"))[0] >= 400
        if "/postings/{key}" in paths:
            assert (await talk.ask("GET", "/postings/{key}", "/postings/never"))[0] == 200
        assert talk.statuses & {200, 201}
        for fault in ("partial", "parked", "target-throttling", "expired-credentials", "missing-scope"):
            workshop.switchboard.change(FaultChange(on=True, name=fault))
            one = story[0]
            await talk.ask(
                "POST", "/documents/{flow}", f"/documents/{one.flow}", data=one.body,
                headers={"Idempotency-Key": f"{fault}-{number}", "ce-plant": one.plant},
            )  # fmt: skip
            workshop.switchboard.change(FaultChange(on=False))
        assert {401, 403, 429} <= talk.statuses


@pytest.mark.parametrize("talks", ["TMS"], indirect=True)
async def test_shipments_are_tracked_as_their_contract_says(talks: list[Talk], workshop: Any) -> None:
    talk = Talk(talks[0].client, contract("shipment-tracking-v1"))
    assert (await talk.ask("GET", "/inquiries/shipments", "/inquiries/shipments?limit=5"))[0] == 200
    assert (await talk.ask("GET", "/inquiries/shipments", "/inquiries/shipments?colour=red"))[0] == 400
