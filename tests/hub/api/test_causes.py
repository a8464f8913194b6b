"""Causes over HTTP: from what targets said to what lies behind it, within somebody's reach."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from hub.causes.repeats import Repeats
from transactions.people import EVERYTHING, Limits, Principal, Role


@pytest.fixture
def says(target) -> Any:
    """Lets the target refuse everything with a code."""

    def say(code: str | None, status: int = 422, message: str = "no") -> None:
        async def refuse(_request: web.Request, _body: bytes) -> web.StreamResponse:
            if code is None:
                return web.json_response({"status": "applied", "document": "1"}, status=201)
            return web.json_response({"error": {"code": code, "message": message}}, status=status)

        target.deliver = refuse

    return say


async def told(local: Any, **params: Any) -> dict[str, Any]:
    """The causes, asked for with a filter where none is given, so that none is told as it was a second ago."""
    answer = await local.get("causes", params={"filter": "risk:low,operational,quality,financial", **params})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_nothing_is_wrong(local) -> None:
    found = (await local.get("causes")).json()
    assert (found["items"], found["next_cursor"], found["order"], found["looked_at"]) == ([], None, [], 0)


async def test_two_groups_of_one_cause_are_one_with_what_waits_behind_them(local, says) -> None:
    says("M3351")
    first = await local.send("consumption", event="1", order="A", material="M-1")
    await local.settled(first)
    await local.settled(await local.send("report", event="2", order="B"))
    for event, flow in (("3", "consumption"), ("4", "receipt")):
        held = await local.send(flow, event=event, order="A")
        assert (await local.settled(held))["status"] == "held"
    (cause,) = (await local.get("causes")).json()["items"]
    assert (cause["kind"], cause["count"], len(cause["groups"])) == ("missing-material", 2, 2)
    assert cause["objects"] == {"material": ["M-1"], "order": ["A", "B"]}
    assert cause["blocks"] == {
        "transactions": 4,
        "held": 2,
        "overdue": 0,
        "orders": 2,
        "lots": 0,
        "risk": "financial",
    }


async def test_through_any_number_of_steps(local, says) -> None:
    says("M7053")
    await local.settled(await local.send("consumption", event="1", order="A"))
    for n in range(5):
        await local.settled(await local.send("consumption", event=f"later {n}", order="A"))
    await local.settled(await local.send("receipt", event="r", order="A"))
    (cause,) = (await local.get("causes")).json()["items"]
    assert (cause["blocks"]["held"], cause["blocks"]["orders"]) == (6, 1)


async def test_the_filter_of_a_cause_finds_its_transactions(local, says) -> None:
    says("M7053")
    ids = {await local.send("consumption", event=str(n), order=str(n)) for n in range(3)}
    for tx_id in ids:
        await local.settled(tx_id)
    (cause,) = (await local.get("causes")).json()["items"]
    found = (await local.get("transactions", params={"filter": cause["filter"]})).json()["items"]
    assert {one["id"] for one in found} == ids
    sent = next(step for step in cause["first"] if step["do"] == "replay")
    says(None)
    plan = (await local.post("plans", json={"action": "replay", "reason": "r", "filter": sent["filter"]})).json()
    assert {item["id"] for item in plan["items"]} == ids
    await local.run(plan)
    assert (await told(local))["items"] == []


async def test_a_filter_cuts_down_what_is_looked_at(local, says) -> None:
    says("M7053")
    await local.settled(await local.send("consumption", event="1", order="A"))
    says("CO469", status=423)
    await local.settled(await local.send("report", event="2", order="B"))
    assert [one["kind"] for one in (await told(local, filter="flow:report"))["items"]] == ["locked"]
    assert [one["kind"] for one in (await told(local, filter="order:A"))["items"]] == ["closed-period"]
    assert len((await told(local))["items"]) == 2
    assert (await told(local, filter="order:none-such"))["items"] == []


async def test_a_filter_that_cannot_be_read_is_refused(local, problem) -> None:
    problem(await local.get("causes", params={"filter": "flow:("}), 400, "bad-filter")


async def test_nobody_learns_of_what_is_out_of_reach(local, says) -> None:
    says("M3351")
    for plant, material in (("P01", "OURS"), ("P02", "THEIRS")):
        body = {"event": plant, "order": plant, "material": material}
        answer = await local.post("ingress", params={"flow": "consumption", "plant": plant}, json=body)
        await local.settled(answer.json()["items"][0]["id"])
    one = Principal(subject="cay", kind="user", roles=(Role.VIEWER,), limits=Limits(plants=["P01"]))
    local.hub.access.accept("one-plant", one)
    answer = await local.client.get("causes", headers={"Authorization": "Bearer one-plant"})
    (cause,) = answer.json()["items"]
    assert (cause["count"], cause["plants"], cause["objects"]["material"]) == (1, ["P01"], ["OURS"])
    assert "THEIRS" not in answer.text
    board = await local.client.get("board", headers={"Authorization": "Bearer one-plant"})
    assert "THEIRS" not in board.text


async def test_the_board_shows_the_causes_that_block_most(local, says) -> None:
    says("M7053")
    await local.settled(await local.send("consumption", event="1", order="A"))
    board = (await local.get("board")).json()
    assert [cause["title"] for cause in board["causes"]] == ["The posting period is closed in ERP"]


async def test_an_event_that_is_told_twice_under_two_keys_is_found(local, says) -> None:
    says(None)
    ids = []
    for key in ("k1", "k2", "k3"):
        ids.append(await local.send("report", {"Idempotency-Key": key}, event="same", order="A"))
        await local.settled(ids[-1])
    await local.settled(await local.send("report", {"Idempotency-Key": "k4"}, event="other", order="A"))
    (cause,) = (await local.get("causes")).json()["items"]
    assert (cause["kind"], cause["count"], cause["blocks"]["transactions"]) == ("repeated", 2, 0)
    undo = next(step for step in cause["first"] if step["do"] == "compensate")
    assert undo["ids"] == ids[:0:-1], "the later ones, newest first; the first one stays"


async def test_of_an_event_told_twice_what_was_posted_stays(local, says) -> None:
    says("M7053")
    first = await local.send("report", {"Idempotency-Key": "k1"}, event="same", order="A")
    await local.settled(first)
    says(None)
    await local.settled(await local.send("report", {"Idempotency-Key": "k2"}, event="same", order="A"))
    causes = (await local.get("causes")).json()["items"]
    again = next(one for one in causes if one["kind"] == "repeated")
    closed = next(step for step in again["first"] if step["do"] == "discard")
    assert closed["ids"] == [first]
    await local.run(await local.plan("discard", first))
    assert (await told(local))["items"] == []


async def test_repeats_are_found_over_any_number_of_looks(local, says, catalogue) -> None:
    says(None)
    repeats, hub = Repeats(catalogue), local.hub
    for n in range(3):
        await local.settled(await local.send("report", {"Idempotency-Key": f"k{n}"}, event=f"e{n}", order="A"))
        assert await hub.database.read(lambda c: repeats.twins(c, EVERYTHING)) == []
    again = await local.send("report", {"Idempotency-Key": "late"}, event="e1", order="A")
    await local.settled(again)
    (twin,) = await hub.database.read(lambda c: repeats.twins(c, EVERYTHING))
    assert (twin.id, twin.source) == (again, "MES")


async def test_what_a_newer_version_replaced_is_owed_to_nobody(local, says) -> None:
    says("M7053")
    old = await local.send("plan", plan="P", version="1")
    await local.settled(old)
    says(None)
    await local.settled(await local.send("plan", plan="P", version="2"))
    (cause,) = (await local.get("causes")).json()["items"]
    assert (cause["kind"], cause["blocks"]["transactions"]) == ("superseded", 0)
    (step,) = cause["first"]
    assert (step["do"], step["ids"]) == ("discard", [old])


async def test_a_target_that_breaks_off_is_told_as_that_whatever_became_of_the_document(local, target) -> None:
    async def break_off(request: web.Request, _body: bytes) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    target.deliver = break_off
    await local.settled(await local.send("notice", event="1"))
    # In doubt, or already known not to be there: the question is on its way while the causes are asked for.
    (cause,) = (await local.get("causes")).json()["items"]
    assert (cause["kind"], cause["count"]) == ("dropped", 1)


async def test_failures_that_outlive_an_outage_do_not_say_that_the_target_is_away(local, says) -> None:
    says("UNAVAILABLE", status=503)
    await local.settled(await local.send("report", event="1", order="1"))
    (cause,) = (await told(local))["items"]
    assert (cause["kind"], cause["title"]) == ("unreachable", "ERP cannot be reached")
    says(None)
    assert (await local.settled(await local.send("report", event="2", order="2")))["status"] == "processed"
    (cause,) = (await told(local))["items"]
    assert (cause["kind"], cause["title"]) == ("unreachable", "ERP could not be reached, and answers again")


async def test_a_target_that_is_away_is_one_cause_for_what_failed_and_what_waits(local, target) -> None:
    await target.stop()
    ids = [await local.send("report", event=str(n), order=str(n)) for n in range(8)]
    for tx_id in ids:
        await local.settled(tx_id)
    (cause,) = (await local.get("causes")).json()["items"]
    assert (cause["kind"], cause["title"]) == ("unreachable", "ERP cannot be reached")
    assert cause["count"] == len(ids)
