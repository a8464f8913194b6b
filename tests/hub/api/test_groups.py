"""Groups over the admin API: what fails for one cause, together, as far as one's rights reach."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import Connection, text
from starlette.requests import ClientDisconnect, Request

from hub.api.leaving import ask_while_there
from transactions.people import Limits, Principal, Role


async def closed(_request: web.Request, _body: bytes) -> web.StreamResponse:
    return web.json_response({"error": {"code": "M7053", "message": "Period 10 is closed"}}, status=422)


async def done(_request: web.Request, _body: bytes) -> web.StreamResponse:
    return web.json_response({"status": "applied", "document": "1"}, status=201)


async def missing(_request: web.Request, _body: bytes) -> web.StreamResponse:
    return web.json_response({"error": {"code": "M3351", "message": "Material 4711 not maintained"}}, status=422)


async def failing(local: Any, target: Any, answer: Any, event: str, flow: str = "report", **more: str) -> str:
    """The id of a transaction that fails with ``answer``."""
    target.deliver = answer
    document = {"event": event, "order": more.pop("order", event), "material": "M1"}
    sent = await local.post("ingress", params={"flow": flow, **more}, json=document)
    assert sent.status_code == 202, sent.text
    tx_id = str(sent.json()["items"][0]["id"])
    await local.settled(tx_id)
    return tx_id


async def listed(local: Any, **params: str) -> list[dict[str, Any]]:
    answer = await local.get("groups", params=params)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_what_fails_alike_is_one_group_and_the_largest_comes_first(local, target) -> None:
    first = await failing(local, target, closed, "e1", plant="P01")
    second = await failing(local, target, closed, "e2", plant="P02")
    await failing(local, target, missing, "e3")
    groups = await listed(local)
    assert [(group["code"], group["count"], group["plants"]) for group in groups] == [
        ("M7053", 2, {"P01": 1, "P02": 1}),
        ("M3351", 1, {"P01": 1}),
    ]
    one = groups[0]
    assert {one[name] for name in ("flow", "target", "kind", "help", "owner")} == {
        "report", "ERP", "period-closed", "decision", "mes-team",
    }  # fmt: skip
    assert one["template"] == "Period <n> is closed"
    assert one["sample"] == second
    assert (one["overdue"], one["blocked"], one["replayed"], one["repeated"]) == (0, 0, 0, 0)
    assert sum(one["trend"]) == 2
    transaction = (await local.get(f"transactions/{first}")).json()
    assert transaction["group"] == one["fingerprint"]
    assert one["oldest_failed_at"] == transaction["failed_at"]


async def test_a_filter_says_of_which_transactions(local, target) -> None:
    await failing(local, target, closed, "e1")
    tx_id = await failing(local, target, closed, "e2", plant="P02")
    await failing(local, target, missing, "e3", flow="consumption")
    counts = {
        "plant:P02": [1],
        "flow:consumption": [1],
        "kind:period-closed": [2],
        "help:decision,data": [2, 1],
        "owner:erp-team": [1],
        "status:processed": [],
        "age<1h": [2, 1],
        "order:e2": [1],
        "age>1h": [],
    }
    for filter_text, expected in counts.items():
        assert [group["count"] for group in await listed(local, filter=filter_text)] == expected, filter_text
    await local.run(await local.plan("discard", tx_id))
    assert [group["count"] for group in await listed(local, filter="kind:period-closed")] == [1]
    assert [group["count"] for group in await listed(local, filter="status:discarded")] == [1]
    assert [group["count"] for group in await listed(local, filter="status:discarded,failed")] == [2, 1]


async def test_how_replays_ended_is_counted(local, target) -> None:
    ids = [await failing(local, target, closed, f"e{n}") for n in range(3)]
    await local.run(await local.plan("replay", ids[0]))
    one = (await listed(local))[0]
    assert (one["count"], one["replayed"], one["repeated"]) == (3, 1, 1)
    target.deliver = missing  # another cause is no repetition
    await local.run(await local.plan("replay", ids[1]))
    groups = {group["code"]: group for group in await listed(local)}
    assert [groups["M7053"][name] for name in ("count", "replayed", "repeated")] == [2, 2, 1]
    assert [groups["M3351"][name] for name in ("count", "replayed", "repeated")] == [1, 0, 0]
    target.deliver = done
    await local.run(await local.plan("replay", ids[2]))
    one = (await local.get(f"groups/{one['fingerprint']}")).json()
    assert [one[name] for name in ("count", "replayed", "repeated")] == [1, 3, 1]


async def test_what_waits_behind_is_counted_through_others(local, target) -> None:
    await failing(local, target, closed, "e1", flow="consumption", order="4711")
    await failing(local, target, closed, "e2", flow="consumption", order="4711")
    await failing(local, target, closed, "e3", flow="receipt", order="4711")
    await failing(local, target, closed, "e4", flow="consumption", order="4712")
    groups = await listed(local, sort="-blocked")
    assert [(group["flow"], group["count"], group["blocked"]) for group in groups] == [("consumption", 2, 2)]


async def test_pages_go_on_and_questions_that_make_no_sense_are_refused(local, target, problem) -> None:
    await failing(local, target, closed, "e1")
    await failing(local, target, missing, "e2")
    page = (await local.get("groups", params={"limit": "1", "sort": "first_seen"})).json()
    assert [group["code"] for group in page["items"]] == ["M7053"]
    rest = await local.get("groups", params={"limit": "1", "sort": "first_seen", "cursor": page["next_cursor"]})
    assert [group["code"] for group in rest.json()["items"]] == ["M3351"]
    assert rest.json()["next_cursor"] is None
    other = await local.get("groups", params={"sort": "count", "cursor": page["next_cursor"]})
    problem(other, 400, "bad-cursor")
    assert "cannot be sorted by 'code'" in problem(
        await local.get("groups", params={"sort": "code"}), 422, "invalid-request"
    )
    problem(await local.get("groups", params={"limit": "0"}), 422, "invalid-request")
    problem(await local.get("groups", params={"status": "failed"}), 422, "invalid-request")
    bad = await local.get("groups", params={"filter": "colour:red"})
    assert bad.json()["type"] == "urn:andon:problem:bad-filter"
    assert bad.json()["column"] == 1


async def test_one_by_the_beginning_of_its_fingerprint_and_why_two_are_two(local, target, problem) -> None:
    await failing(local, target, closed, "e1")
    await failing(local, target, missing, "e2")
    one, other = await listed(local, sort="first_seen")
    for name in (one["fingerprint"], one["fingerprint"][:12]):
        assert (await local.get(f"groups/{name}")).json() == one
    problem(await local.get(f"groups/{one['fingerprint'][:3]}"), 422, "invalid-request")
    problem(await local.get("groups/zzzzzzzz"), 404, "not-found")
    path = f"groups/{one['fingerprint']}/difference"
    told = (await local.get(path, params={"other": other["fingerprint"]})).json()
    assert [part["name"] for part in told["parts"]] == ["kind", "code", "template"]
    assert told["because"].startswith("They differ in kind ")
    assert (await local.get(path, params={"other": one["fingerprint"]})).json()["because"] == "They are one group."
    problem(await local.get(path), 422, "invalid-request")
    problem(await local.get(path, params={"other": "zzzzzzzz"}), 404, "not-found")


PEOPLE = {"one": Limits(plants=["P01"]), "low": Limits(risks=["low"]), "none": Limits(plants=[])}


async def test_what_is_out_of_reach_is_in_no_number(local, target, problem) -> None:
    for n, (flow, plant) in enumerate(
        [("report", "P01"), ("report", "P02"), ("report", "P02"), ("consumption", "P02")]
    ):
        await failing(local, target, closed, f"e{n}", flow=flow, plant=plant)
    for token, limits in PEOPLE.items():
        roles = (Role.OPERATOR,)
        local.hub.access.accept(token, Principal(subject=token, kind="user", roles=roles, limits=limits))
    report, consumption = await listed(local)

    async def get(token: str, path: str, **params: str) -> Any:
        return await local.client.get(path, params=params, headers={"Authorization": f"Bearer {token}"})

    seen = (await get("one", "groups")).json()["items"]
    assert [(group["flow"], group["count"], group["plants"]) for group in seen] == [("report", 1, {"P01": 1})]
    assert sum(seen[0]["trend"]) == 1
    assert seen[0]["sample"] != report["sample"]
    for words in ("plant:P01 or plant:P02", "-plant:P99", "status:failed or flow:consumption", "age<1h or plant:P02"):
        assert [group["count"] for group in (await get("one", "groups", filter=words)).json()["items"]] == [1], words
    assert [group["count"] for group in (await get("low", "groups")).json()["items"]] == [3]
    assert (await get("none", "groups")).json()["items"] == []
    assert (await get("one", f"groups/{report['fingerprint']}")).json()["count"] == 1
    for token, group in (("one", consumption), ("low", consumption), ("none", report)):
        problem(await get(token, f"groups/{group['fingerprint']}"), 404, "not-found")
        path = f"groups/{group['fingerprint']}/difference"
        problem(await get(token, path, other=report["fingerprint"]), 404, "not-found")


class Leaver:
    """Somebody who asks and leaves."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}


FOREVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


async def test_a_question_ends_when_nobody_waits_for_its_answer(local) -> None:
    leaver, begun = Leaver(), asyncio.Event()
    loop = asyncio.get_running_loop()
    ended: list[BaseException] = []

    def question(connection: Connection) -> Any:
        loop.call_soon_threadsafe(begun.set)
        try:
            return connection.execute(text(FOREVER)).scalar()
        except BaseException as error:
            ended.append(error)
            raise

    request = Request({"type": "http", "method": "GET", "headers": []}, leaver.receive)  # type: ignore[arg-type]
    database = local.hub.database
    asking = asyncio.create_task(ask_while_there(database, request, question))
    await begun.wait()
    leaver.gone.set()
    with pytest.raises(ClientDisconnect):
        await asyncio.wait_for(asking, 30)
    assert len(ended) == 1
    # its connection goes on
    for _ in range(8):
        assert await database.read(lambda c: c.execute(text("SELECT 1")).scalar()) == 1


async def test_an_answer_comes_before_its_asker_leaves_and_errors_are_told(local) -> None:
    request = Request({"type": "http", "method": "GET", "headers": []}, Leaver().receive)  # type: ignore[arg-type]
    database = local.hub.database
    assert await ask_while_there(database, request, lambda c: c.execute(text("SELECT 7")).scalar()) == 7

    def wrong(_connection: Connection) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ask_while_there(database, request, wrong)


async def test_a_question_whose_asker_is_ended_ends_too(local) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def question(connection: Connection) -> Any:
        loop.call_soon_threadsafe(begun.set)
        return connection.execute(text(FOREVER)).scalar()

    request = Request({"type": "http", "method": "GET", "headers": []}, Leaver().receive)  # type: ignore[arg-type]
    asking = asyncio.create_task(ask_while_there(local.hub.database, request, question))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asking, 30)
    assert await local.hub.database.read(lambda c: c.execute(text("SELECT 1")).scalar()) == 1
