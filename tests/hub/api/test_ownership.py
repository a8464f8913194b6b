"""Who works on a transaction, its ticket, what people wait for, and notes: no plan, but audited and within reach."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from aiohttp import web

from transactions.people import Limits, Principal, Role


@pytest.fixture
async def failed(local, target) -> str:
    """A failed transaction."""

    async def reject(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response({"error": {"code": "M7053", "message": "closed"}}, status=422)

    target.deliver = reject
    tx = await local.send(event="e1", order="4711")
    assert (await local.settled(tx))["status"] == "failed"
    return str(tx)


async def applied(_request: web.Request, _body: bytes) -> web.StreamResponse:
    return web.json_response({"status": "applied", "document": "49"}, status=201)


async def assign(local: Any, tx: str, headers: dict[str, str] | None = None, **body: Any) -> Any:
    return await local.client.post(f"transactions/{tx}/assign", json=body, headers=headers)


async def story(local: Any, tx: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await local.client.get(f"transactions/{tx}/timeline")).json()["items"]
    return items


async def audited(local: Any, action: str) -> list[dict[str, Any]]:
    items = (await local.client.get("audit")).json()["items"]
    return [item for item in items if item["action"] == action]


async def test_me_is_whoever_asks_and_what_is_left_out_stays(local, failed) -> None:
    answer = await assign(local, failed, assignee="me", ticket="INC-1")
    assert (answer.status_code, answer.headers["etag"]) == (200, f'"{answer.json()["etag"]}"')
    assert (answer.json()["assignee"], answer.json()["ticket"]) == ("ann", "INC-1")
    shown = (await assign(local, failed, waiting_on="  finance\n to reopen  ")).json()
    assert (shown["assignee"], shown["ticket"], shown["waiting_on"]) == ("ann", "INC-1", "finance to reopen")
    shown = (await assign(local, failed, assignee=None, ticket=None)).json()
    assert (shown["assignee"], shown["ticket"], shown["waiting_on"]) == (None, None, "finance to reopen")


async def test_it_is_in_the_timeline_and_in_the_audit_with_before_and_after(local, failed) -> None:
    await assign(local, failed, assignee="kim", ticket="INC-1")
    await local.second("POST", f"transactions/{failed}/assign", json={"assignee": "me"})
    last = (await story(local, failed))[-1]
    assert (last["kind"], last["by"], last["text"]) == ("action", "bob", "Assigned to bob (was kim)")
    newest, first = await audited(local, "transaction.assigned")
    assert (newest["actor"], newest["subject"]) == ("bob", failed)
    assert (newest["before"], newest["after"]) == ({"assignee": "kim"}, {"assignee": "bob"})
    assert first["after"] == {"assignee": "kim", "ticket": "INC-1"}


async def test_what_is_so_already_leaves_no_trace(local, failed) -> None:
    first = (await assign(local, failed, assignee="me")).json()
    again = (await assign(local, failed, assignee="ann")).json()
    assert again["etag"] == first["etag"]
    assert len(await audited(local, "transaction.assigned")) == 1


async def test_if_match_lets_the_first_claim_win(local, failed, problem) -> None:
    etag = (await local.client.get(f"transactions/{failed}")).headers["etag"]
    assert (await assign(local, failed, {"If-Match": etag}, assignee="me")).status_code == 200
    late = await local.client.post(
        f"transactions/{failed}/assign",
        json={"assignee": "me"},
        headers={"If-Match": etag, "Authorization": "Bearer second-token"},
    )
    assert "ann works on it now" in problem(late, 412, "stale")
    assert (await assign(local, failed, {"If-Match": "*"}, ticket="INC-2")).status_code == 200


async def test_a_frozen_plan_stays_good_though_the_etag_is_another(local, failed, target) -> None:
    before = (await local.client.get(f"transactions/{failed}")).json()["etag"]
    plan = await local.plan("replay", failed)
    assert (await assign(local, failed, assignee="me", ticket="INC-1")).json()["etag"] != before
    target.deliver = applied
    batch = await local.run(plan)
    assert batch["counts"]["processed"] == 1
    shown = (await local.client.get(f"transactions/{failed}")).json()
    assert (shown["status"], shown["ticket"], shown["assignee"]) == ("processed", "INC-1", "ann")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("assignee:me", True),
        ("assignee:ME", True),
        ("assignee:ann", True),
        ("-assignee:me", False),
        ("assignee:bob,me", True),
        ("assignee:none", False),
        ("ticket:INC-*", True),
        ("ticket:none", False),
        ("order:4711 (assignee:me or ticket:none)", True),
    ],
)
async def test_filters(local, failed, text, found) -> None:
    etag = (await assign(local, failed, assignee="me", ticket="INC-1")).json()["etag"]
    for asked in (text, f"etag:{etag} ({text})"):
        ids = [
            item["id"] for item in (await local.client.get("transactions", params={"filter": asked})).json()["items"]
        ]
        assert ids == ([failed] if found else [])
    assert (await local.client.get("transactions/count", params={"filter": text})).json()["count"] == int(found)


async def test_me_is_another_one_for_somebody_else_in_plans_too(local, failed) -> None:
    await assign(local, failed, assignee="me")
    body = {"action": "replay", "reason": "r", "filter": "assignee:me"}
    assert len((await local.client.post("plans", json=body)).json()["items"]) == 1
    assert (await local.second("POST", "plans", json=body)).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "Nothing is to be changed"),
        ({"assignee": "  "}, "assignee is empty"),
        ({"assignee": "None"}, "Give null"),
        ({"ticket": "x" * 101}, "100 is the most"),
        ({"waiting_on": 7}, "does not fit"),
        ({"owner": "me"}, "does not fit"),
    ],
)
async def test_bad_bodies(local, failed, problem, body, said) -> None:
    assert said in problem(await local.client.post(f"transactions/{failed}/assign", json=body), 422, "invalid-request")


async def test_what_the_hub_waits_for_is_not_overwritten(local, target, problem) -> None:
    target.deliver = applied
    await local.run(await local.plan("hold", target="ERP"))
    held = await local.send(event="e2", order="4712")
    assert (await local.settled(held))["status"] == "held"
    assert "is held" in problem(await assign(local, held, waiting_on="people"), 409, "refused")
    shown = (await assign(local, held, assignee="me")).json()
    assert shown["waiting_on"].startswith("hold by ann")
    await local.run(await local.plan("release", target="ERP"))
    answer = (await local.client.get(f"transactions/{held}")).json()
    assert (answer["status"] != "held", answer["assignee"]) == (True, "ann")


async def test_notes_stay_with_their_author(local, failed) -> None:
    text = "called the plant: \x1b[31mred\x1b[0m lamp\nlot 7 is on the floor"
    answer = await local.second("POST", f"transactions/{failed}/note", json={"text": f"  {text} "})
    assert answer.status_code == 200
    note = answer.json()["items"][-1]
    assert (note["kind"], note["by"], note["text"]) == ("note", "bob", text)
    await local.run(await local.plan("discard", failed))
    await local.run(await local.plan("restore", failed))
    assert note in await story(local, failed)


async def test_the_audit_has_the_hash_of_a_note_and_not_its_words(local, failed) -> None:
    await local.client.post(f"transactions/{failed}/note", json={"text": "ask Kim"})
    (entry,) = await audited(local, "transaction.noted")
    assert entry["after"] == {"sha256": hashlib.sha256(b"ask Kim").hexdigest(), "characters": 7}


@pytest.mark.parametrize(("text", "said"), [(" \n", "empty"), ("x" * 4001, "4,000 is the most")])
async def test_bad_notes(local, failed, problem, text, said) -> None:
    answer = await local.client.post(f"transactions/{failed}/note", json={"text": text})
    assert said in problem(answer, 422, "invalid-request")


@pytest.mark.parametrize(("word", "body"), [("assign", {"assignee": "me"}), ("note", {"text": "hello"})])
async def test_out_of_reach_is_not_there_and_nothing_is_told(local, failed, problem, word, body) -> None:
    other = Principal(subject="eve", kind="user", roles=(Role.OPERATOR,), limits=Limits(flows=["notice"]))
    local.hub.access.accept("eve", other)
    before = await story(local, failed)
    answer = await local.client.post(
        f"transactions/{failed}/{word}", json=body, headers={"Authorization": "Bearer eve"}
    )
    assert "that you may see" in problem(answer, 404, "not-found")
    assert await story(local, failed) == before
