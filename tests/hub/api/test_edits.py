"""Editing over the API: drafts that send nothing, locked and masked fields, the first editor, and plans that send what
was looked at."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from transactions.edits import PATCH_MEDIA, SET_MEDIA


def says(status: int, body: object):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


REJECTED = says(422, {"error": {"code": "BM311", "message": "Unit of measure KIL is not defined"}})
APPLIED = says(201, {"status": "applied", "document": "4900000007"})


async def failed(local, target, flow: str = "consumption", **document: str) -> dict:
    target.deliver = REJECTED
    found = await local.settled(await local.send(flow, **{"event": "e1", "order": "o1", "unit": "KIL", **document}))
    assert found["status"] == "failed"
    target.deliver = APPLIED
    target.received.clear()
    return found


async def edit(local, tx, content: bytes | str, media: str = "application/json", **params):
    return await local.patch(
        f"transactions/{tx['id']}/payload",
        params={"reason": "unit is KG", **params},
        content=content,
        headers={"content-type": media, "if-match": f'"{tx["etag"]}"'},
    )


async def test_a_draft_is_stored_and_nothing_is_sent(local, target) -> None:
    tx = await failed(local, target)
    answer = await edit(local, tx, json.dumps({"set": {"$.unit": "KG"}}), SET_MEDIA)
    assert answer.status_code == 200, answer.text
    draft = answer.json()
    assert draft["difference"] == [{"path": "$.unit", "before": "KIL", "after": "KG"}]
    assert answer.headers["etag"] == f'"{draft["etag"]}"'
    now = (await local.get(f"transactions/{tx['id']}")).json()
    assert (now["status"], now["revision"], now["payload_sha256"]) == ("failed", 1, tx["payload_sha256"])
    assert now["etag"] == draft["etag"] != tx["etag"]
    assert target.received == []
    payload = (await local.get(f"transactions/{tx['id']}/payload")).json()
    assert json.loads(payload["content"])["unit"] == "KIL"
    assert payload["draft"]["sha256"] == draft["sha256"]
    shown = (await local.get(f"transactions/{tx['id']}/payload", params={"revision": "draft"})).json()
    assert json.loads(shown["content"])["unit"] == "KG"
    differs = (await local.get(f"transactions/{tx['id']}/payload/diff")).json()
    assert (differs["from"], differs["to"], differs["same"]) == ("1", "draft", False)
    assert differs["differences"] == draft["difference"]


async def test_a_plan_sends_the_draft_under_the_same_key_as_a_new_revision(local, target) -> None:
    tx = await failed(local, target)
    draft = (await edit(local, tx, json.dumps([{"op": "replace", "path": "/unit", "value": "KG"}]), PATCH_MEDIA)).json()
    plan = await local.plan("edit", tx["id"])
    (planned,) = plan["edits"]
    assert (planned["sha256"], planned["base"], planned["made_by"]) == (draft["sha256"], 1, "ann")
    assert plan["items"][0]["payload_sha256"] == tx["payload_sha256"]
    assert plan["second_person"]  # consumption is financial
    assert (await local.run(plan))["counts"]["processed"] == 1
    (sent,) = target.received
    assert sent[0] == tx["idempotency_key"]
    assert json.loads(sent[1]) == {"event": "e1", "order": "o1", "unit": "KG"}
    now = (await local.get(f"transactions/{tx['id']}")).json()
    assert (now["status"], now["revision"], now["payload_sha256"]) == ("processed", 2, draft["sha256"])
    payload = (await local.get(f"transactions/{tx['id']}/payload")).json()
    assert [(one["revision"], one["created_by"], one["reason"]) for one in payload["revisions"]][1] == (
        2,
        "ann",
        "test",
    )
    assert payload["draft"] is None
    first = (await local.get(f"transactions/{tx['id']}/payload", params={"revision": 1})).json()
    assert json.loads(first["content"])["unit"] == "KIL"
    story = [line["text"] for line in (await local.get(f"transactions/{tx['id']}/timeline")).json()["items"]]
    assert any("stored a draft" in text for text in story)
    assert any("Edited: revision 2 by ann is in use" in text for text in story)
    audited = [line["action"] for line in (await local.get("audit")).json()["items"]]
    assert {"payload.drafted", "payload.edited"} <= set(audited)


async def test_the_first_editor_wins(local, target, problem) -> None:
    tx = await failed(local, target)
    assert (await edit(local, tx, json.dumps({"set": {"$.unit": "KG"}}), SET_MEDIA)).status_code == 200
    late = await edit(local, tx, json.dumps({"set": {"$.unit": "G"}}), SET_MEDIA)
    assert "somebody may have edited it first" in problem(late, 412, "stale")


async def test_an_edit_wants_the_etag_and_a_reason(local, target, problem) -> None:
    tx = await failed(local, target)
    path = f"transactions/{tx['id']}/payload"
    problem(await local.patch(path, params={"reason": "x"}, json={}), 422, "invalid-request")
    problem(await local.patch(path, json={}, headers={"if-match": "x"}), 422, "invalid-request")
    problem(await edit(local, tx, b"{}", reason="  "), 422, "invalid-request")


@pytest.mark.parametrize(
    ("content", "media", "status", "kind", "said"),
    [
        (b'{"event": "e1", "order": "o1", "unit": "KG"', "application/json", 409, "refused", "cannot be read: line 1"),
        (b"", "application/json", 409, "refused", "empty"),
        (b'{"event": "e2", "order": "o1", "unit": "KG"}', "application/json", 409, "refused", "'event' makes the idem"),
        (
            b'{"event": "e1", "order": "o2", "unit": "KG"}',
            "application/json",
            409,
            "refused",
            "'order' makes the order",
        ),
        (b'{"event": "e1", "order": "o1", "unit": "KIL"}', "application/json", 200, "", ""),
        (b"<a/>", "application/xml", 415, "unsupported-media-type", PATCH_MEDIA),
        (b'{"set": {"$.nothing[0]": 1}}', SET_MEDIA, 409, "refused", "finds nothing"),
        (b'{"set": {}}', SET_MEDIA, 422, "invalid-request", "no steps"),
        (b'{"set": {"$.unit": "a", "$.unit": "b"}}', SET_MEDIA, 422, "invalid-request", "twice"),
        (b'[{"op": "set", "path": "$.unit", "value": 1}]', PATCH_MEDIA, 422, "invalid-request", "no 'set'"),
        (b'[{"op": "test", "path": "/unit", "value": "G"}]', PATCH_MEDIA, 409, "refused", "not what the test wants"),
        (b'[{"op": "remove", "path": "/nothing"}]', PATCH_MEDIA, 409, "refused", "finds nothing"),
        (b'[{"op": "replace", "path": "/unit"}]', PATCH_MEDIA, 422, "invalid-request", "wants a value"),
        (b"not json", PATCH_MEDIA, 422, "invalid-request", "cannot be read"),
        (b'{"set": {"$.unit": 9007199254740993}}', SET_MEDIA, 422, "invalid-request", "not every system"),
    ],
)
async def test_what_cannot_be_stored_says_why(local, target, problem, content, media, status, kind, said) -> None:
    tx = await failed(local, target)
    answer = await edit(local, tx, content, media)
    if status == 200:  # written differently, and that is an edit
        assert answer.json()["difference"] == []
        return
    assert said in problem(answer, status, kind)
    assert (await local.get(f"transactions/{tx['id']}")).json()["etag"] == tx["etag"]


async def test_only_failed_ones_are_edited(local, target, problem) -> None:
    done = await local.settled(await local.send("report", event="r1", order="o1"))
    assert "corrected, not edited" in problem(await edit(local, done, b'{"event":"r1"}'), 409, "refused")

    async def silent(_request: web.Request, _body: bytes) -> web.StreamResponse:
        raise web.HTTPGatewayTimeout

    target.deliver, target.lookup = says(504, {}), says(503, {})
    doubtful = await local.send("notice", event="n1")
    found = await local.settled(doubtful)
    assert found["status"] == "in-doubt"
    assert "resolve it first" in problem(await edit(local, found, b'{"event":"n1","x":1}'), 409, "refused")
    plan = await local.plan("edit", doubtful, patch=[{"op": "set", "path": "$.event", "value": "x"}])
    assert plan["items"][0]["verdict"] == "refused"


async def test_a_group_is_patched_with_a_difference_for_each(local, target) -> None:
    found = [await failed(local, target, event=f"g{n}", order=f"og{n}") for n in range(3)]
    other = await failed(local, target, event="g9", order="og9", unit="LB")
    patch = [{"op": "test", "path": "/unit", "value": "KIL"}, {"op": "replace", "path": "/unit", "value": "KG"}]
    plan = await local.plan("edit", *(tx["id"] for tx in found), other["id"], patch=patch)
    assert plan["verdicts"]["send"] == 3
    refused = next(item for item in plan["items"] if item["id"] == other["id"])
    assert refused["because"] == "step 1: what stands at '/unit' is not what the test wants"
    assert [edit["difference"] for edit in plan["edits"]] == [
        [{"path": "$.unit", "before": "KIL", "after": "KG"}] for _ in range(3)
    ]
    assert target.received == []
    batch = await local.run(plan)
    assert (batch["counts"]["processed"], batch["counts"]["skipped"]) == (3, 1)
    assert {json.loads(body)["unit"] for _, body, _ in target.received} == {"KG"}


async def test_what_was_edited_after_the_plan_was_made_is_left_out(local, target) -> None:
    tx = await failed(local, target)
    draft = (await edit(local, tx, json.dumps({"set": {"$.unit": "KG"}}), SET_MEDIA)).json()
    plan = await local.plan("edit", tx["id"])
    again = await edit(local, {**tx, "etag": draft["etag"]}, json.dumps({"set": {"$.unit": "T"}}), SET_MEDIA)
    assert again.status_code == 200
    batch = await local.run(plan)
    assert batch["counts"]["skipped"] == 1
    assert target.received == []


async def test_without_a_draft_and_without_a_patch_there_is_nothing_to_send(local, target) -> None:
    tx = await failed(local, target)
    plan = await local.plan("edit", tx["id"])
    assert "no draft" in plan["items"][0]["because"]
    same = await local.plan("edit", tx["id"], patch=[{"op": "set", "path": "$.unit", "value": "KIL"}])
    assert "changes nothing" in same["items"][0]["because"]


async def test_a_replay_after_an_edit_keeps_the_revision(local, target) -> None:
    tx = await failed(local, target)
    target.deliver = REJECTED
    await local.run(await local.plan("edit", tx["id"], patch=[{"op": "set", "path": "$.unit", "value": "KGS"}]))
    now = await local.settled(tx["id"])
    assert (now["status"], now["revision"]) == ("failed", 2)
    target.deliver = APPLIED
    target.received.clear()
    await local.run(await local.plan("replay", tx["id"]))
    assert json.loads(target.received[0][1])["unit"] == "KGS"
    assert len((await local.get(f"transactions/{tx['id']}/payload")).json()["revisions"]) == 2


async def test_search_finds_what_the_edit_wrote(local, target) -> None:
    tx = await failed(local, target, material="M-O1")
    await local.run(await local.plan("edit", tx["id"], patch=[{"op": "set", "path": "$.material", "value": "M-01"}]))
    assert (await local.get(f"transactions/{tx['id']}")).json()["business_keys"]["material"] == "M-01"
    found = (await local.get("transactions", params={"filter": "material:M-01"})).json()["items"]
    assert [one["id"] for one in found] == [tx["id"]]


async def test_the_right_document_instead_of_a_posted_one_is_a_draft_as_well(local, target, problem) -> None:
    target.deliver = APPLIED
    tx = await local.settled(await local.send("consumption", event="e9", order="o9", unit="KIL"))
    assert tx["status"] == "processed"
    values = json.dumps({"set": {"$.unit": "KG"}})
    told = problem(await edit(local, tx, values, SET_MEDIA), 409, "refused")
    assert "andon tx correct" in told
    target.received.clear()
    answer = await edit(local, tx, values, SET_MEDIA, correction="true")
    assert answer.status_code == 200, answer.text
    assert answer.json()["difference"] == [{"path": "$.unit", "before": "KIL", "after": "KG"}]
    now = (await local.get(f"transactions/{tx['id']}")).json()
    assert (now["status"], now["payload_sha256"]) == ("processed", tx["payload_sha256"])
    assert target.received == []
    story = (await local.get(f"transactions/{tx['id']}/timeline")).json()["items"]
    assert any("stored the right document as a draft, with 1 difference: unit is KG" in one["text"] for one in story)


async def test_what_failed_is_edited_and_not_corrected(local, target, problem) -> None:
    tx = await failed(local, target)
    values = json.dumps({"set": {"$.unit": "KG"}})
    told = problem(await edit(local, tx, values, SET_MEDIA, correction="true"), 409, "refused")
    assert "Only what was posted is corrected" in told
