"""A process as a tree and what shares a key, over HTTP: as it happened, page by page, and within reach only."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import Connection, update

from hub.store import lineage as stored
from hub.store.schema import corrections, reversals, transactions
from transactions.people import Limits, Principal, Role


async def reject(_request: web.Request, _body: bytes) -> web.StreamResponse:
    return web.json_response({"error": {"code": "M7053", "message": "closed"}}, status=422)


async def send(
    local: Any, name: str, cause: str | None = None, flow: str = "report", plant: str = "P01", **more: str
) -> str:
    headers = {"ce-id": name, "ce-source": "/mes", "ce-correlationid": "process-1"}
    if cause is not None:
        headers["ce-causationid"] = cause
    answer = await local.post(
        "ingress", params={"flow": flow, "plant": plant}, json={"event": name, "order": "4711", **more}, headers=headers
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["items"][0]["id"])


async def lineage(local: Any, tx_id: str, **params: Any) -> dict[str, Any]:
    answer = await local.get(f"transactions/{tx_id}/lineage", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
async def process(local, target) -> dict[str, str]:
    """A release that was applied, a consumption that failed, a receipt that waits for it, and a report from P02."""
    ids = {"first": await send(local, "first")}
    await local.settled(ids["first"])
    target.deliver = reject
    ids["failed"] = await send(local, "failed", "first", "consumption", material="M1")
    await local.settled(ids["failed"])
    ids["waits"] = await send(local, "waits", "failed", "receipt")
    await local.settled(ids["waits"])
    ids["away"] = await send(local, "away", "failed", plant="P02")
    await local.settled(ids["away"])
    ids["later"] = await send(local, "later", "away")
    await local.settled(ids["later"])
    return ids


async def test_a_process_is_a_tree_with_times_and_what_each_waits_for(local, process) -> None:
    found = await lineage(local, process["waits"])
    names = {tx_id: name for name, tx_id in process.items()}
    assert [(names[each["id"]], each["depth"]) for each in found["items"]] == [
        ("first", 0),
        ("failed", 1),
        ("waits", 2),
        ("away", 2),
        ("later", 3),
    ]
    assert (found["process"], found["of"], found["total"]) == ("process-1", process["waits"], 5)
    assert (found["beyond"], found["left_out"], found["next_cursor"]) == (0, 0, None)
    first, failed, waits = found["items"][:3]
    assert first["closed_at"] >= first["created_at"]
    assert first["failed_at"] is None
    assert failed["failed_at"] >= failed["created_at"]
    assert failed["closed_at"] is None
    assert "M7053" in failed["failure"]
    assert failed["holds_back"] == 1
    assert failed["parent"] == first["id"]
    assert waits["status"] == "held"
    assert (waits["waiting"]["kind"], waits["waiting"]["id"]) == ("requires", process["failed"])
    assert waits["waiting"]["text"].startswith("requires consumption")


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 9])
async def test_its_pages_together_are_the_tree(local, process, limit) -> None:
    whole = await lineage(local, process["failed"])
    seen: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await lineage(local, process["failed"], limit=limit, **cursor)
        assert page["total"] == 5
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        assert len(page["items"]) == limit
        cursor = {"cursor": page["next_cursor"]}
    assert seen == whole["items"]


async def test_what_came_between_pages_moves_nothing_twice(local, process) -> None:
    page = await lineage(local, process["failed"], limit=3)
    await local.settled(await send(local, "new", "first"))
    rest = await lineage(local, process["failed"], limit=9, cursor=page["next_cursor"])
    ids = [each["id"] for each in [*page["items"], *rest["items"]]]
    assert len(ids) == len(set(ids)) == 6


async def test_out_of_reach_is_only_counted_and_what_it_caused_moves_up(local, process, problem) -> None:
    for token, limits in {"one": Limits(plants=["P01"]), "low": Limits(risks=["low"])}.items():
        local.hub.access.accept(token, Principal(subject=token, kind="user", roles=(Role.VIEWER,), limits=limits))

    async def ask(token: str, name: str) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return await local.client.get(f"transactions/{process[name]}/lineage", headers=headers)

    found = (await ask("one", "first")).json()
    assert (found["total"], found["beyond"]) == (4, 1)
    later = found["items"][-1]
    assert (later["id"], later["parent"], later["depth"]) == (process["later"], process["failed"], 2)
    assert process["away"] not in {each["id"] for each in found["items"]}
    found = (await ask("low", "first")).json()
    assert (found["total"], found["beyond"]) == (3, 2)
    assert [(each["parent"], each["depth"]) for each in found["items"][1:]] == [
        (process["first"], 1),
        (process["away"], 2),
    ]
    problem(await ask("one", "away"), 404, "not-found")


async def test_a_process_too_large_to_show_is_shown_around_the_one_that_is_asked_about(
    local, process, monkeypatch
) -> None:
    monkeypatch.setattr(stored, "MOST", 2)
    found = await lineage(local, process["waits"])
    assert [each["id"] for each in found["items"]] == [process["waits"], process["away"]]
    assert (found["total"], found["left_out"]) == (2, 3)
    found = await lineage(local, process["later"])
    assert [each["id"] for each in found["items"]] == [process["away"], process["later"]]
    found = await lineage(local, process["first"])
    assert process["first"] in {each["id"] for each in found["items"]}


async def test_who_has_it_and_who_holds_it_is_said(local, process) -> None:
    await local.post(f"transactions/{process['failed']}/assign", json={"assignee": "me"})
    hold = await local.plan("hold", flow="notice")
    await local.run(hold)
    held = await send(local, "held", "first", "notice")
    await local.settled(held)
    found = {each["id"]: each for each in (await lineage(local, held))["items"]}
    assert found[process["failed"]]["assignee"] == "ann"
    waiting = found[held]["waiting"]
    assert (waiting["kind"], waiting["by"], waiting["id"]) == ("people", "ann", None)


async def test_what_reverses_and_corrects_is_linked_from_both_sides_within_reach(local, process) -> None:
    def link(connection: Connection) -> None:
        reversal = {"original_key": "k", "by_hand": "in ERP", "batch": "b"}
        connection.execute(reversals.insert(), {"tx_id": process["later"], "original": process["first"], **reversal})
        correction = {"tx_id": process["away"], "original": process["first"], "batch": "b"}
        connection.execute(corrections.insert(), correction)

    await local.hub.database.write(link)
    links = {each["id"]: each["links"] for each in (await lineage(local, process["first"]))["items"]}
    assert links[process["first"]] == [
        {"kind": "reversed-by", "id": process["later"]},
        {"kind": "corrected-by", "id": process["away"]},
    ]
    assert links[process["later"]] == [{"kind": "reverses", "id": process["first"]}]
    assert links[process["away"]] == [{"kind": "corrects", "id": process["first"]}]
    limits = Limits(plants=["P01"])
    local.hub.access.accept("one", Principal(subject="one", kind="user", roles=(Role.VIEWER,), limits=limits))
    path = f"transactions/{process['first']}/lineage"
    answer = await local.client.get(path, headers={"Authorization": "Bearer one"})
    assert answer.json()["items"][0]["links"] == [{"kind": "reversed-by", "id": process["later"]}]


async def test_a_cause_in_a_circle_and_one_that_is_not_there_are_shown_all_the_same(local) -> None:
    one = await send(local, "one", "two")
    two = await send(local, "two", "one")
    lost = await send(local, "three", "nowhere")
    found = await lineage(local, lost)
    assert [(each["id"], each["depth"]) for each in found["items"]] == [(one, 0), (two, 1), (lost, 0)]


async def test_a_cursor_of_another_process_is_refused(local, process, problem) -> None:
    page = await lineage(local, process["first"], limit=1)
    other = await local.send("report", event="other")
    answer = await local.get(f"transactions/{other}/lineage", params={"cursor": page["next_cursor"]})
    problem(answer, 400, "bad-cursor")
    problem(await local.get(f"transactions/{other}/lineage", params={"cursor": "x"}), 400, "bad-cursor")
    problem(await local.get("transactions/nothing/lineage"), 404, "not-found")
    problem(await local.get(f"transactions/{other}/lineage", params={"limit": 0}), 422, "invalid-request")


# related


async def related(local: Any, tx_id: str, token: str = "admin-token", **params: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = await local.client.get(f"transactions/{tx_id}/related", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_what_shares_a_key_is_grouped_by_it_newest_first(local, process) -> None:
    other = await local.send("consumption", event="e9", order="9999", material="M1")
    found = await related(local, process["failed"])
    assert [(group["by"], group["value"], group["count"]) for group in found["items"]] == [
        ("order", "4711", 4),
        ("material", "M1", 1),
    ]
    orders = [each["id"] for each in found["items"][0]["items"]]
    assert orders == [process[name] for name in ("later", "away", "waits", "first")]
    assert [each["id"] for each in found["items"][1]["items"]] == [other]
    assert not any(group["more"] for group in found["items"])


@pytest.mark.parametrize("limit", [1, 2, 4])
async def test_a_key_is_read_to_its_end_while_more_come(local, process, limit) -> None:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        (group,) = (await related(local, process["failed"], by="order", limit=limit, **cursor))["items"]
        seen += [each["id"] for each in group["items"]]
        await local.send("report", event=f"new{len(seen)}", order="4711")
        if group["next_cursor"] is None:
            break
        cursor = {"cursor": group["next_cursor"]}
    assert seen == [process[name] for name in ("later", "away", "waits", "first")]


async def test_nothing_out_of_reach_is_counted_or_shown(local, process) -> None:
    limits = Limits(plants=["P01"])
    local.hub.access.accept("one", Principal(subject="one", kind="user", roles=(Role.VIEWER,), limits=limits))
    (group,) = (await related(local, process["failed"], "one", by="order"))["items"]
    assert group["count"] == 3
    assert process["away"] not in {each["id"] for each in group["items"]}


async def test_a_key_that_it_does_not_have_is_refused_with_those_it_has(local, process, problem) -> None:
    path = f"transactions/{process['failed']}/related"
    for by in ("lot", "quantity", ""):
        said = problem(await local.get(path, params={"by": by}), 422, "invalid-request")
        assert "order, material" in said
    problem(await local.get(path, params={"cursor": "x"}), 422, "invalid-request")
    problem(await local.get(path, params={"by": "order", "cursor": "x"}), 400, "bad-cursor")
    problem(await local.get("transactions/nothing/related"), 404, "not-found")


async def test_a_masked_value_relates_nothing(local, process) -> None:
    """A document whose value stood inside a mask has the mask in its place: that is no value to share."""
    await local.hub.database.write(
        lambda c: c.execute(
            update(transactions)
            .where(transactions.c.id == process["failed"])
            .values(business_keys='{"event":"failed","order":"▒▒▒","material":"M1"}')
        )
    )
    found = await related(local, process["failed"])
    assert "order" not in {group["by"] for group in found["items"]}
