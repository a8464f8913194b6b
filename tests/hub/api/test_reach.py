"""Limits by plant, flow and risk: what is out of reach is not there, whichever way one asks."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec
import pytest
from aiohttp import web

from transactions.people import Limits, Principal, Role

ROLES = (Role.OPERATOR, Role.APPROVER)
PEOPLE = {
    "one": Limits(plants=["P01"]),
    "two": Limits(plants=["P02"]),
    "mail": Limits(flows=["notice", "report"]),
    "low": Limits(risks=["low"]),
    "none": Limits(plants=[]),
}


@pytest.fixture
async def plants(local, target) -> Any:
    """A failed and a held transaction in each of two plants, and people who may see one each."""

    async def reject(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response({"error": {"code": "M7053", "message": "closed"}}, status=422)

    target.deliver = reject
    for token, limits in PEOPLE.items():
        local.hub.access.accept(token, Principal(subject=token, kind="user", roles=ROLES, limits=limits))
    ids = {}
    for plant in ("P01", "P02"):
        for flow in ("consumption", "report"):
            body = {"event": f"{plant}{flow}", "order": "1", "material": "M1"}
            answer = await local.post("ingress", params={"flow": flow, "plant": plant}, json=body)
            ids[plant, flow] = str(answer.json()["items"][0]["id"])
            assert (await local.settled(ids[plant, flow]))["status"] == "failed"
    return ids


async def get(local: Any, token: str, path: str, **more: Any) -> httpx.Response:
    answer: httpx.Response = await local.client.get(path, headers={"Authorization": f"Bearer {token}"}, **more)
    return answer


async def post(local: Any, token: str, path: str, **more: Any) -> httpx.Response:
    answer: httpx.Response = await local.client.post(path, headers={"Authorization": f"Bearer {token}"}, **more)
    return answer


async def seen(local: Any, token: str, **params: str) -> set[str]:
    answer = await get(local, token, "transactions", params=params)
    return {item["id"] for item in answer.json()["items"]}


async def test_lists_counts_and_single_ones(local, plants, problem) -> None:
    expected = {
        "one": {plants["P01", "consumption"], plants["P01", "report"]},
        "two": {plants["P02", "consumption"], plants["P02", "report"]},
        "mail": {plants["P01", "report"], plants["P02", "report"]},
        "low": {plants["P01", "report"], plants["P02", "report"]},
        "none": set(),
    }
    for token, ids in expected.items():
        assert await seen(local, token) == ids
        # no filter talks its way out
        for text in ("plant:P01 or plant:P02", "-plant:P99", "(status:failed or flow:consumption)", "closed"):
            assert await seen(local, token, filter=text) <= ids
        count = (await get(local, token, "transactions/count", params={"filter": "status:failed"})).json()
        assert count["count"] == len(ids)
        assert (await get(local, token, "transactions/count")).json()["count"] == len(ids)
        for tx in plants.values():
            for tail in ("", "/timeline", "/payload"):
                answer = await get(local, token, f"transactions/{tx}{tail}")
                if tx in ids:
                    assert answer.status_code == 200
                else:
                    # the same as for one that does not exist, so that nobody learns that it does
                    other = await get(local, token, f"transactions/{tx[:-1]}Z{tail}")
                    detail = problem(answer, 404, "not-found")
                    assert detail.replace(tx, "X") == problem(other, 404, "not-found").replace(f"{tx[:-1]}Z", "X")


async def test_the_board_the_status_and_the_landscape(local, plants) -> None:
    for token, plant in (("one", "P01"), ("two", "P02")):
        board = (await get(local, token, "board")).json()
        assert {lamp["plant"] for lamp in board["lamps"]} == {plant}
        assert board["counts"]["failed"] == 2
        assert sum(cause["count"] for cause in board["causes"]) == 2
        assert {name for cause in board["causes"] for name in cause["plants"]} == {plant}
        status = (await get(local, token, "status")).json()
        assert (status["transactions"], status["counts"]["failed"]) == (2, 2)
        assert [each["name"] for each in (await get(local, token, "plants")).json()["items"]] == [plant]
        systems = (await get(local, token, "systems")).json()["items"]
        assert {system["plant"] for system in systems} <= {None, plant}
        assert sum(system["open"] for system in systems) == 2
        assert {system["last_failure"] for system in systems} == {None}
    assert {each["name"] for each in (await get(local, "low", "flows")).json()["items"]} == {"report", "notice"}
    assert (await get(local, "none", "board")).json()["lamps"] == []


async def test_acting_ends_where_the_rights_end(local, plants, problem) -> None:
    def body(action: str, **more: Any) -> dict[str, Any]:
        return {"action": action, "reason": "test", **more}

    theirs = plants["P02", "report"]
    mine = plants["P01", "report"]
    problem(await post(local, "one", "plans", json=body("discard", ids=[theirs])), 404, "not-found")
    problem(await post(local, "one", "plans", json=body("discard", ids=[mine, theirs])), 404, "not-found")
    plan = (await post(local, "one", "plans", json=body("discard", filter="flow:report"))).json()
    assert [item["id"] for item in plan["items"]] == [mine]

    for place in ({"target": "ERP"}, {"plant": "P02"}, {"flow": "report"}):
        problem(await post(local, "one", "plans", json=body("hold", options=place)), 403, "forbidden")
    assert (await post(local, "one", "plans", json=body("hold", options={"plant": "P01"}))).status_code == 201
    # a flow that is theirs in one plant that is not
    problem(await post(local, "mail", "plans", json=body("hold", options={"plant": "P01"})), 403, "forbidden")
    assert (await post(local, "mail", "plans", json=body("hold", options={"flow": "report"}))).status_code == 201


async def test_plans_and_batches_of_others(local, plants, problem) -> None:
    both = [plants["P01", "report"], plants["P02", "report"]]
    made = {}
    for name, ids in (("P01", both[:1]), ("P02", both[1:]), ("both", both)):
        plan = await local.plan("replay", *ids)
        made[name] = (plan["hash"], (await local.run(plan))["id"])

    for token, visible in (("one", {"P01"}), ("two", {"P02"}), ("low", {"P01", "P02", "both"}), ("none", set())):
        listed = {item["hash"] for item in (await get(local, token, "plans")).json()["items"]}
        assert listed == {made[name][0] for name in visible}
        listed = {item["id"] for item in (await get(local, token, "batches")).json()["items"]}
        assert listed == {made[name][1] for name in visible}
        for name, (digest, batch) in made.items():
            for path in (f"plans/{digest}", f"plans/{digest[:16]}", f"batches/{batch}", f"batches/{batch}/items"):
                assert (await get(local, token, path)).status_code == (200 if name in visible else 404), path
            if name not in visible:
                problem(await post(local, token, f"plans/{digest}/run"), 404, "not-found")
                problem(await post(local, token, f"batches/{batch}/cancel"), 404, "not-found")


async def test_holds_show_where_they_matter(local, plants) -> None:
    for place in ({"plant": "P01"}, {"plant": "P02"}, {"target": "ERP"}, {"flow": "consumption"}):
        await local.run(await local.plan("hold", **place))

    async def holds(token: str) -> set[tuple[str | None, ...]]:
        items = (await get(local, token, "holds")).json()["items"]
        return {(item["target"], item["plant"], item["flow"]) for item in items}

    everywhere = ("ERP", None, None)
    assert await holds("one") == {(None, "P01", None), everywhere, (None, None, "consumption")}
    assert await holds("low") == {(None, "P01", None), (None, "P02", None), everywhere}


async def test_a_document_is_sent_by_hand_within_reach_only(local, plants, problem) -> None:
    async def send(token: str, flow: str, plant: str | None) -> httpx.Response:
        params = {"flow": flow} | ({"plant": plant} if plant else {})
        event = f"{token}{flow}{plant}"
        return await post(local, token, "ingress", params=params, json={"event": event, "order": "9", "material": "M"})

    before = (await local.get("transactions/count")).json()
    problem(await send("one", "report", "P02"), 403, "forbidden")
    problem(await send("mail", "consumption", "P01"), 403, "forbidden")
    problem(await send("low", "consumption", None), 403, "forbidden")
    assert (await local.get("transactions/count")).json() == before
    assert (await send("one", "report", "P01")).status_code == 202
    assert (await send("mail", "report", "P02")).status_code == 202


async def test_the_stream_tells_what_is_within_reach(local, plants) -> None:
    """Everything that happened so far, resumed from the first event."""

    async def told(token: str, enough: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        done = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await done.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            lines = message.get("body", b"").decode().splitlines()
            found.extend(msgspec.json.decode(line[6:]) for line in lines if line.startswith("data: "))
            if len([each for each in found if each["type"] == "transaction"]) >= enough:
                done.set()

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/admin/v1/events",
            "raw_path": b"/admin/v1/events",
            "query_string": b"",
            "headers": [
                (b"authorization", b"Bearer " + token.encode()),
                (b"last-event-id", b"0"),
                (b"host", b"127.0.0.1"),
            ],
            "http_version": "1.1",
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "root_path": "",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
        }
        async with asyncio.timeout(30):
            await local.app(scope, receive, send)
        return found

    await local.plan("replay", plants["P02", "report"])
    await local.plan("replay", plants["P01", "report"])
    all_of_it = await told("admin-token", 8)
    mine = await told("one", 4)
    assert {each["data"]["plant"] for each in all_of_it if each["type"] == "transaction"} == {"P01", "P02"}
    assert {each["data"]["plant"] for each in mine if each["type"] == "transaction"} == {"P01"}
    assert len([each for each in mine if each["type"] == "plan"]) == 1
    assert len([each for each in all_of_it if each["type"] == "plan"]) == 2


async def test_a_plan_of_nothing_is_not_for_everybody(local, plants, problem) -> None:
    """What somebody looked for, and why, is told by a plan even where it found nothing."""
    asked = {"action": "discard", "reason": "customer Okonkwo complained", "filter": "order:7777"}
    plan = (await post(local, "one", "plans", json=asked)).json()
    assert plan["items"] == []
    await post(local, "one", f"plans/{plan['hash']}/run")
    for token in ("two", "mail", "low"):
        problem(await get(local, token, f"plans/{plan['hash']}"), 404, "not-found")
        for path in ("plans", "batches"):
            assert "Okonkwo" not in (await get(local, token, path)).text
    assert (await get(local, "one", f"plans/{plan['hash']}")).status_code == 200
    assert len((await get(local, "one", "batches")).json()["items"]) == 1
    of_all = (await local.post("plans", json=asked)).json()
    problem(await get(local, "one", f"plans/{of_all['hash']}"), 404, "not-found")
