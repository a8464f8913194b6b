"""Handovers from a store: what came in, what was done, what is left, within reach and behind masks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from transactions.people import Limits, Principal, Role


async def refuse(_request: web.Request, _body: bytes) -> web.StreamResponse:
    return web.json_response({"code": "M7053", "message": "period closed"}, status=422)


def lately() -> dict[str, str]:
    """A span that is not a shift: tests run at any time of the day."""
    return {"from": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}


async def told(local: Any, **params: str) -> dict[str, Any]:
    answer = await local.get("handover", params=lately() | params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
async def failed(local: Any, target: Any) -> str:
    target.deliver = refuse
    tx = str(await local.send(number="1", order="4711"))
    await local.settled(tx)
    return tx


async def test_what_came_in_failed_and_was_tried(local: Any, failed: str) -> None:
    plan = await local.plan("replay", failed)
    batch = await local.run(plan)
    found = await told(local)
    (flow,) = found["came_in"]
    assert (flow["flow"], flow["received"], flow["processed"], flow["open"]) == ("report", 1, 0, 1)
    assert found["counts"]["failed"] == 1
    assert [one["id"] for one in found["batches"]] == [batch["id"]]
    assert [one["id"] for one in found["urgent"]] == [failed]
    assert found["taken"] == []
    assert found["running"] == []
    assert {(one["who"], one["action"]) for one in found["deeds"]} >= {("ann", "batch.replay")}
    assert "ERP" not in {one["who"] for one in found["deeds"]}
    (again,) = found["comes_back"]
    assert (again["replayed"], again["repeated"]) == (1, 1)
    (cause,) = found["causes"]
    assert cause["count"] == 1


async def test_what_somebody_took_is_not_among_what_nobody_has(local: Any, failed: str) -> None:
    await local.post(f"transactions/{failed}/assign", json={"assignee": "me", "ticket": "INC-7", "waiting_on": "mdm"})
    await local.post(f"transactions/{failed}/note", json={"text": "called them"})
    found = await told(local)
    assert found["urgent"] == []
    (one,) = found["taken"]
    assert (one["assignee"], one["ticket"], one["waiting_on"]) == ("ann", "INC-7", "mdm")
    (note,) = found["notes"]
    assert (note["id"], note["by"], note["text"]) == (failed, "ann", "called them")


async def test_a_remark_stays_and_is_on_record(local: Any, problem: Any) -> None:
    kept = await local.post("handover/remarks", json={"text": "  look at ERP first "})
    assert kept.status_code == 201
    await local.post("handover/remarks", json={"text": "of one plant", "plant": "P01"})
    assert [one["text"] for one in (await told(local))["remarks"]] == ["look at ERP first", "of one plant"]
    before = {"to": (datetime.now(UTC) - timedelta(minutes=30)).isoformat()}
    assert (await told(local, **before))["remarks"] == []
    entries = (await local.get("audit", params={"action": "handover.remarked"})).json()["items"]
    assert {(one["actor"], one["subject"], one["reason"]) for one in entries} == {
        ("ann", "all", "look at ERP first"),
        ("ann", "P01", "of one plant"),
    }
    problem(await local.post("handover/remarks", json={"text": "   "}), 422, "invalid-request")
    problem(await local.post("handover/remarks", json={"text": ""}), 422, "invalid-request")
    problem(await local.post("handover/remarks", json={"text": "x", "plant": "P99"}), 404, "not-found")


async def test_the_range_of_the_audit_is_what_an_export_shows(local: Any, failed: str) -> None:
    await local.run(await local.plan("replay", failed))
    found = (await told(local))["audit"]
    newest = (await local.get("audit", params={"limit": "1"})).json()["items"][0]
    assert found == {"first": 1, "last": newest["seq"], "head": newest["hash"]}


async def test_holds_and_breakers_that_are_open_are_watched(local: Any) -> None:
    body = {"action": "hold", "reason": "patching", "options": {"target": "ERP"}}
    plan = (await local.post("plans", json=body)).json()
    await local.run(plan)
    found = await told(local)
    assert [(one["target"], one["reason"]) for one in found["holds"]] == [("ERP", "patching")]
    assert found["breakers"] == {}


async def test_nobody_is_told_of_what_is_beyond_their_reach(local: Any, failed: str) -> None:
    await local.post("handover/remarks", json={"text": "of one plant", "plant": "P01"})
    far = Principal(subject="kim", kind="user", roles=(Role.APPROVER,), limits=Limits(flows=["nothing"]))
    local.hub.access.accept("far-token", far)
    answer = await local.get("handover", params=lately(), headers={"Authorization": "Bearer far-token"})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    for part in ("came_in", "batches", "deeds", "notes", "causes", "taken", "urgent", "comes_back"):
        assert found[part] == [], part
    assert found["audit"] is None
    assert sum(found["counts"].values()) == 0


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"shift": "next"}, 422),
        ({"shift": "current", "from": "2026-01-01T00:00:00Z"}, 422),
        ({"from": "2026-01-01"}, 422),
        ({"from": "2999-01-01T00:00:00Z"}, 422),
        ({"from": "2020-01-01T00:00:00Z"}, 422),
        ({"to": "2020-01-01T00:00:00Z"}, 422),
        ({"plant": "P99"}, 404),
    ],
)
async def test_a_question_that_cannot_be_is_refused(
    local: Any, problem: Any, params: dict[str, str], status: int
) -> None:
    problem(await local.get("handover", params=params), status, "not-found" if status == 404 else "invalid-request")


async def test_the_running_shift_and_the_one_before_follow_each_other(local: Any) -> None:
    current = (await local.get("handover")).json()
    before = (await local.get("handover", params={"shift": "previous"})).json()
    assert before["until"] == current["begin"]
    assert before["begin"] < before["until"] < current["until"]
