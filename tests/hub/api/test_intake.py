"""Documents come in over HTTP: durable before they are answered, and each refusal says that nothing was taken."""

from __future__ import annotations

import asyncio
import json

import pytest

from hub.documents import DEFAULT_LIMITS

SOURCE = {"Authorization": "Bearer source-token"}


async def test_a_source_is_told_one_item_per_target(local) -> None:
    answer = await local.post("http://hub/ingress/report?plant=P02", json={"event": "e1"}, headers=SOURCE)
    assert answer.status_code == 202
    (item,) = answer.json()["items"]
    assert item["target"] == "ERP"
    found = await local.settled(item["id"])
    assert (found["plant"], found["source"]) == ("P02", "MES")


async def test_a_person_is_told_the_whole_transaction_and_is_in_the_audit(local) -> None:
    answer = await local.post("ingress", params={"flow": "report"}, json={"event": "e1"})
    (item,) = answer.json()["items"]
    assert (item["flow"], item["business_keys"]) == ("report", {"event": "e1"})
    (entry,) = (await local.get("audit")).json()["items"]
    assert (entry["actor"], entry["action"], entry["subject"]) == ("ann", "document.sent", item["id"])


async def test_the_same_again_is_answered_the_same_and_audited_once(local, target) -> None:
    answers = [await local.post("ingress?flow=report", json={"event": "e1"}) for _ in range(3)]
    ids = {answer.json()["items"][0]["id"] for answer in answers}
    assert len(ids) == 1
    await local.settled(ids.pop())
    assert len(target.received) == 1
    assert len((await local.get("audit")).json()["items"]) == 1


async def test_many_at_once_with_one_key_become_one(local, target) -> None:
    headers = {**SOURCE, "Idempotency-Key": "k1"}
    answers = await asyncio.gather(
        *(local.post("http://hub/ingress/report", json={"event": "e1"}, headers=headers) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {202}
    ids = {answer.json()["items"][0]["id"] for answer in answers}
    assert len(ids) == 1
    await local.settled(ids.pop())
    assert target.keys_sent() == ["k1"]


async def test_other_content_under_a_key_is_refused_and_the_first_stays(local, problem) -> None:
    headers = {**SOURCE, "Idempotency-Key": "k1"}
    await local.post("http://hub/ingress/report", json={"event": "e1"}, headers=headers)
    answer = await local.post("http://hub/ingress/report", json={"event": "e2"}, headers=headers)
    assert "not taken" in problem(answer, 409, "key-reused")
    assert (await local.get("transactions/count")).json()["count"] == 1


@pytest.mark.parametrize("place", ["http://hub/ingress/{flow}", "ingress?flow={flow}"])
async def test_what_cannot_be_taken_says_so_and_nothing_is(local, problem, place) -> None:
    async def refused(flow: str, status: int, kind: str, content: bytes = b"{}", **headers: str) -> str:
        given = {"Content-Type": "application/json", **headers}
        answer = await local.post(place.format(flow=flow), content=content, headers=given)
        return problem(answer, status, kind)

    assert "consumption" in await refused("nothing", 404, "not-found")
    await refused("report", 422, "unreadable-document", b"{")
    await refused("report", 422, "unreadable-document", b"")
    await refused("report", 415, "unsupported-media-type", **{"Content-Type": "image/png"})
    await refused("report", 415, "unsupported-media-type", **{"Content-Type": ""})
    await refused("report", 413, "too-large", b" " * (DEFAULT_LIMITS.max_bytes + 1))
    await refused("report", 422, "invalid-request", b"{}", **{"Idempotency-Key": "k" * 256})
    await refused("report", 422, "invalid-request", b"{}", **{"ce-plant": "P99"})
    assert (await local.get("transactions/count")).json()["count"] == 0
    assert (await local.get("audit")).json()["items"] == []


async def test_the_flow_is_known_before_the_body_is_read(local, problem) -> None:
    async def endless():
        raise AssertionError("the body was read")
        yield b""

    answer = await local.post("ingress?flow=nothing", content=endless(), headers={"Content-Type": "application/json"})
    problem(answer, 404, "not-found")


async def test_a_body_that_grows_is_cut_off_at_the_limit(local, problem) -> None:
    sent = 0

    async def growing():
        nonlocal sent
        while True:
            sent += 1_000_000
            assert sent < 2 * DEFAULT_LIMITS.max_bytes, "it was read on"
            yield b" " * 1_000_000

    headers = {"Content-Type": "application/json"}
    answer = await local.post("ingress?flow=report", content=growing(), headers=headers)
    problem(answer, 413, "too-large")


async def test_parameters_of_documents(local, problem) -> None:
    problem(await local.post("ingress", json={}), 422, "invalid-request")
    problem(await local.post("ingress?flow=", json={}), 422, "invalid-request")
    problem(await local.post("http://hub/ingress/report?colour=red", json={}), 422, "invalid-request")
    problem(await local.get("http://hub/ingress/report"), 405, "method-not-allowed")


async def test_a_document_is_durable_before_it_is_answered(local, own_hub) -> None:
    """What was answered is there for whoever opens the store next, whatever becomes of this process."""
    import sqlite3

    answer = await local.post("ingress?flow=report", json={"event": "e1"})
    tx = answer.json()["items"][0]["id"]
    with sqlite3.connect(f"file:{own_hub.database.engine.url.database}?mode=ro", uri=True) as other:
        rows = other.execute("select t.id, p.content from transactions t join payloads p on p.sha256 = payload_sha256")
        ((found, content),) = rows.fetchall()
    other.close()
    assert (found, json.loads(content)) == (tx, {"event": "e1"})
