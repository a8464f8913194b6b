"""Plans and batches over the admin API: what is stored, listed, run and refused."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web
from sqlalchemy import update

from hub.store.schema import plans
from transactions.clock import to_micros


@pytest.fixture
def rejecting(target):
    async def reject(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response({"error": {"code": "M7053", "message": "closed"}}, status=422)

    usual, target.deliver = target.deliver, reject
    yield target
    target.deliver = usual


async def failed(local, count: int = 1) -> list[str]:
    ids = [await local.send("report", event=f"e{n}") for n in range(count)]
    for tx in ids:
        assert (await local.settled(tx))["status"] == "failed"
    return ids


async def test_a_plan_is_made_shown_and_run_once(local, rejecting, problem) -> None:
    (tx,) = await failed(local)
    answer = await local.post("plans", json={"action": "discard", "reason": "obsolete", "ids": [tx]})
    plan = answer.json()
    assert answer.headers["location"] == f"/admin/v1/plans/{plan['hash']}"
    assert plan["requested_by"] == "ann"
    assert plan["platform"] == "test"
    assert plan["verdicts"]["send"] == 1
    assert (await local.get(f"plans/{plan['hash']}")).json() == plan
    batch = await local.run(plan)
    assert (batch["state"], batch["counts"]["processed"], batch["started_by"]) == ("done", 1, "ann")
    stored = (await local.get(f"plans/{plan['hash'][:12]}")).json()
    assert (stored["state"], stored["batch"]) == ("run", batch["id"])
    assert batch["id"] in problem(await local.post(f"plans/{plan['hash']}/run"), 412, "stale")


async def test_making_a_plan_changes_no_transaction(local, rejecting) -> None:
    (tx,) = await failed(local)
    before = (await local.get(f"transactions/{tx}")).json()
    await local.plan("discard", tx)
    assert (await local.get(f"transactions/{tx}")).json() == before


async def test_plans_are_listed_by_state_newest_first(local, rejecting) -> None:
    (tx,) = await failed(local)
    first, second, third = [await local.plan("discard", tx) for _ in range(3)]
    await local.run(second)
    now = local.hub.clock.now()
    await local.hub.database.write(
        lambda c: c.execute(
            update(plans).where(plans.c.hash == third["hash"]).values(expires_at=to_micros(now - timedelta(1)))
        )
    )

    async def hashes(**params: object) -> list[str]:
        return [plan["hash"] for plan in (await local.get("plans", params=params)).json()["items"]]

    assert await hashes(state="planned") == [first["hash"]]
    assert await hashes(state="run") == [second["hash"]]
    assert await hashes(state="expired") == [third["hash"]]
    assert await hashes(state="rejected") == []
    assert await hashes() == [third["hash"], second["hash"], first["hash"]]
    assert (await local.get("plans?state=finished")).status_code == 422


async def test_plans_and_batches_come_in_pages(local) -> None:
    for _ in range(5):
        body = {"action": "replay", "reason": "none", "filter": "status:compensated"}
        await local.run((await local.post("plans", json=body)).json())
    for path in ("plans", "batches"):
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            page = (await local.get(path, params=params)).json()
            seen += [item.get("hash") or item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
        assert len(seen) == len(set(seen)) == 5
        other = {"plans": "batches", "batches": "plans"}[path]
        cursor = (await local.get(path, params={"limit": 1})).json()["next_cursor"]
        assert (await local.get(other, params={"cursor": cursor})).status_code == 400


async def test_the_items_of_a_batch_say_what_became_of_each(local, rejecting, target) -> None:
    one, two, three = await failed(local, 3)
    await local.run(await local.plan("discard", two))
    plan = await local.plan("replay", one, two, three, canary=0)
    assert [item["verdict"] for item in plan["items"]] == ["send", "refused", "send"]
    await local.run(await local.plan("discard", three))
    batch = await local.run(plan)
    items = (await local.get(f"batches/{batch['id']}/items")).json()["items"]
    assert [item["n"] for item in items] == [1, 2, 3]
    assert [item["state"] for item in items] == ["failed", "skipped", "skipped"]
    assert items[0]["reason"] == "closed"
    assert items[1]["reason"].startswith("refused: discarded")
    assert items[2]["reason"].startswith("drifted")
    assert (await local.get(f"batches/{batch['id']}/items?limit=2")).json()["next_cursor"]


async def test_a_batch_is_cancelled_once(local, rejecting, target, problem) -> None:
    (tx,) = await failed(local)
    arrived, gate = asyncio.Event(), asyncio.Event()

    async def wait(_request: web.Request, _body: bytes) -> web.StreamResponse:
        arrived.set()
        await gate.wait()
        return web.json_response({"status": "applied"}, status=201)

    target.deliver = wait
    plan = await local.plan("replay", tx)
    batch = (await local.post(f"plans/{plan['hash']}/run")).json()
    await asyncio.wait_for(arrived.wait(), 5)
    cancelled = await local.post(f"batches/{batch['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    problem(await local.post(f"batches/{batch['id']}/cancel"), 409, "refused")
    gate.set()
    assert (await local.settled(tx))["status"] == "processed"  # what was under way is followed to its end


async def test_what_is_not_there_is_named(local, problem) -> None:
    for method, path in (
        ("GET", "plans/0123456789abcdef"),
        ("POST", "plans/0123456789abcdef/run"),
        ("GET", "plans/short"),
        ("GET", "batches/nope"),
        ("GET", "batches/nope/items"),
        ("POST", "batches/nope/cancel"),
    ):
        assert path.split("/")[1] in problem(await local.request(method, path), 404, "not-found")
    body = {"action": "replay", "reason": "x", "ids": ["01NOPE"]}
    assert "01NOPE" in problem(await local.post("plans", json=body), 404, "not-found")


async def test_options_a_run_could_not_keep_are_refused(local, problem) -> None:
    for options in ({"rate": 0}, {"concurrency": 0}, {"canary": -1}, {"drain_rate": 1}):
        body = {"action": "replay", "reason": "x", "filter": "status:failed", "options": options}
        assert next(iter(options)) in problem(await local.post("plans", json=body), 422, "invalid-request")


async def test_hold_and_release_are_plans(local, problem) -> None:
    plan = await local.plan("hold", target="ERP")
    assert (plan["items"], (await local.get("holds")).json()["items"]) == ([], [])  # stored, and nothing is held yet
    await local.run(plan)
    tx = await local.send(event="e1")
    assert (await local.settled(tx))["status"] == "held"
    (hold,) = (await local.get("holds")).json()["items"]
    assert (hold["target"], hold["placed_by"], hold["held"]) == ("ERP", "ann", 1)
    system = next(item for item in (await local.get("systems")).json()["items"] if item["name"] == "ERP")
    assert (system["health"], system["held"]) == ("held", 1)
    body = {"action": "release", "reason": "x", "options": {"target": "EDI"}}
    problem(await local.post("plans", json=body), 404, "not-found")
    await local.run(await local.plan("release", target="ERP"))
    async with asyncio.timeout(5):
        while (await local.settled(tx))["status"] == "held":
            await asyncio.sleep(0.005)
    assert (await local.get("holds")).json()["items"] == []


async def test_there_is_no_way_to_act_but_a_plan(local) -> None:
    """Besides plans there are only the running of one, what a second person says of it, the end of a batch, documents
    that come in, a look at what is masked, and words to the next shift."""
    document = (await local.get("openapi.json")).json()
    acting = {
        f"{method.upper()} {path.removeprefix('/admin/v1/')}"
        for path, methods in document["paths"].items()
        for method in methods
        if method != "get"
    }
    people = {name for name in acting if "users" in name}  # who may act, which acts on nothing
    drafts = {"PATCH transactions/{id}/payload"}  # stored, and sent by a plan alone
    words = {f"POST transactions/{{id}}/{word}" for word in ("assign", "note", "payload/reveal")}
    words.add("POST handover/remarks")
    words |= {"POST gateway/trial", "DELETE gateway/trial"}  # what policies would refuse, counted
    words.add("POST gateway/changes")  # policies, which have plans of their own
    words.add("POST gateway/usage/imports")  # what another gateway has counted
    words.add("POST gateway/consumers/{name}/token")  # to try what a consumer may do, which is on record
    assert acting - people - drafts - words == {
        *("POST plans", "POST plans/{hash}/run", "POST plans/{hash}/approve", "POST plans/{hash}/reject"),
        *("POST batches/{id}/cancel", "POST batches/{id}/pause", "POST batches/{id}/resume"),
        *("POST batches/{id}/retry-failed", "POST stop", "POST ingress"),
    }


async def test_everything_done_is_in_the_audit(local, rejecting) -> None:
    (tx,) = await failed(local)
    plan = await local.plan("discard", tx)
    batch = await local.run(plan)
    page = (await local.get("audit?limit=2")).json()
    rest = (await local.get("audit", params={"cursor": page["next_cursor"]})).json()
    entries = page["items"] + rest["items"]
    assert [entry["seq"] for entry in entries] == list(range(len(entries), 0, -1))
    told = {entry["action"]: entry for entry in entries}
    assert set(told) == {"document.sent", "plan.discard", "batch.discard", "transaction.discarded"}
    assert told["plan.discard"]["subject"] == plan["hash"]
    assert told["batch.discard"]["subject"] == batch["id"]
    gone = told["transaction.discarded"]
    assert (gone["actor"], gone["reason"], gone["before"]["status"], gone["after"]["status"]) == (
        "ann",
        "test",
        "failed",
        "discarded",
    )


@pytest.mark.parametrize("override", ["force_superseded", "force_schema", "force_maybe_posted"])
async def test_overriding_a_guard_is_in_the_audit_by_its_name_and_reason(local, rejecting, override) -> None:
    (tx,) = await failed(local)
    await local.run(await local.plan("replay", tx, **{override: True}))
    await local.run(await local.plan("replay", tx))
    entries = (await local.get("audit")).json()["items"]
    told = [entry for entry in entries if entry["action"] in ("plan.replay", "batch.replay")]
    assert [entry["after"].get("overrides") for entry in reversed(told)] == [[override], [override], None, None]
    assert {entry["reason"] for entry in told} == {"test"}
