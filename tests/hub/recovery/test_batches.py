"""Plans run as durable batches: once, what they named, in sequence, and what changed since is left alone."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from aiohttp import web
from sqlalchemy import select

from hub.recovery import batches, building
from hub.store.rows import to_audit
from hub.store.schema import audit
from transactions.audit import verify
from transactions.batches import BatchState
from transactions.errors import Invalid, NotFound, Refused, Stale
from transactions.model import Status
from transactions.plans import Action, PlanRequest


def says(status: int, body: object = None):
    async def answer(_request: web.Request, _body: bytes) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


REJECTED = says(422, {"error": {"code": "M7053", "message": "closed"}})
APPLIED = says(201, {"status": "applied", "document": "1"})


async def failed(bench, target, count: int, flow: str = "report", **same: str) -> list[str]:
    """So many failed transactions."""
    target.deliver = REJECTED
    ids = [await bench.send(flow, event=f"e{n}", **{"order": f"o{n}", **same}) for n in range(count)]
    for tx in ids:
        await bench.until(tx, Status.FAILED)
    target.deliver = APPLIED
    target.received.clear()
    return ids


async def test_a_replay_goes_under_the_same_key_once_each(bench, target) -> None:
    ids = await failed(bench, target, 5)
    batch = await bench.act(Action.REPLAY, *ids)
    assert batch.state is BatchState.DONE
    assert batch.counts["processed"] == 5
    assert sorted(target.keys_sent()) == sorted(f"MES:P01:report:e{n}:ERP" for n in range(5))


async def test_a_replay_keeps_the_sequence_of_its_lane(bench, target) -> None:
    target.deliver = REJECTED
    first = await bench.send("plan", plan="A", version="1")
    await bench.until(first, Status.FAILED)
    second = await bench.send("plan", plan="A", version="2")
    await bench.until(second, Status.FAILED)
    target.deliver = APPLIED
    target.received.clear()
    batch = await bench.act(Action.REPLAY, second, first)
    assert batch.counts["processed"] == 2
    assert [key.split(":")[4] for key in target.keys_sent()] == ["1", "2"]


async def test_a_plan_is_used_once_and_says_by_what(bench, target) -> None:
    (tx,) = await failed(bench, target, 1)
    plan = await bench.plan(Action.REPLAY, tx)
    batch = await bench.run(plan)
    with pytest.raises(Stale, match=batch.id):
        await bench.run(plan)
    await bench.finished(batch.id)
    assert len(target.received) == 1


async def test_what_changed_since_the_plan_is_left_alone(bench, target) -> None:
    first, second = await failed(bench, target, 2)
    plan = await bench.plan(Action.REPLAY, first, second)
    await bench.act(Action.DISCARD, second)
    batch = await bench.finished((await bench.run(plan)).id)
    assert (batch.counts["processed"], batch.counts["skipped"]) == (1, 1)
    items = await bench.items(batch.id)
    assert items[1].reason.startswith("drifted")
    assert len(target.received) == 1


async def test_two_batches_never_send_one_transaction_twice(bench, target) -> None:
    (tx,) = await failed(bench, target, 1)
    plans = [await bench.plan(Action.REPLAY, tx, reason=f"person {n}") for n in range(3)]
    ran = [await bench.run(plan) for plan in plans]
    ended = [await bench.finished(batch.id) for batch in ran]
    assert sum(batch.counts["processed"] for batch in ended) == 1
    assert sum(batch.counts["skipped"] for batch in ended) == 2
    assert len(target.received) == 1


async def test_what_fails_again_is_failed_in_the_batch_and_holds_its_lane(bench, target) -> None:
    target.deliver = REJECTED
    first = await bench.send("consumption", event="a", order="1")
    await bench.until(first, Status.FAILED)
    behind = await bench.send("consumption", event="b", order="1")
    await bench.until(behind, Status.HELD)
    batch = await bench.act(Action.REPLAY, first)
    assert batch.counts["failed"] == 1
    assert (await bench.row(behind)).status == Status.HELD


async def test_what_waits_behind_something_outside_the_plan_is_not_sent(bench, target) -> None:
    """Both failed, in one lane: possible when the first was restored after the second had gone."""
    target.deliver = REJECTED
    first = await bench.send("consumption", event="a", order="1")
    await bench.until(first, Status.FAILED)
    await bench.act(Action.DISCARD, first)
    second = await bench.send("consumption", event="b", order="1")
    await bench.until(second, Status.FAILED)
    await bench.act(Action.RESTORE, first)
    target.deliver = APPLIED
    target.received.clear()
    plan = await bench.plan(Action.REPLAY, second)
    assert plan.items[0].verdict == "held-behind"
    batch = await bench.finished((await bench.run(plan)).id)
    assert batch.counts["skipped"] == 1
    assert target.received == []


async def test_a_processed_one_is_refused(bench, target) -> None:
    tx = await bench.send("report", event="e1")
    await bench.until(tx, Status.PROCESSED)
    plan = await bench.plan(Action.REPLAY, tx)
    assert plan.items[0].verdict == "refused"
    assert plan.items[0].because == "already processed"


async def test_discard_and_restore_lead_back(bench, target) -> None:
    (tx,) = await failed(bench, target, 1)
    before = await bench.row(tx)
    await bench.act(Action.DISCARD, tx)
    assert (await bench.row(tx)).status == Status.DISCARDED
    refused = await bench.plan(Action.REPLAY, tx)
    assert refused.items[0].verdict == "refused"
    await bench.act(Action.RESTORE, tx)
    after = await bench.row(tx)
    assert after.status == Status.FAILED
    assert after.failure_code == before.failure_code
    assert target.received == []


async def test_a_batch_stops_by_itself_when_the_same_failure_recurs(bench, target) -> None:
    ids = await failed(bench, target, 8)
    target.deliver = REJECTED
    batch = await bench.act(Action.REPLAY, *ids, concurrency=1, stop_after_failures=3, canary=0)
    assert batch.state is BatchState.STOPPED
    assert batch.counts["failed"] == 3
    assert batch.counts["cancelled"] == 5
    assert "M7053" in batch.because


async def test_cancel_gives_back_what_has_not_left(bench, target) -> None:
    ids = await failed(bench, target, 6)
    gate, arrived = asyncio.Event(), asyncio.Event()

    async def wait(_request: web.Request, _body: bytes) -> web.StreamResponse:
        arrived.set()
        await gate.wait()
        return web.json_response({"status": "applied"}, status=201)

    target.deliver = wait
    bench.profile = bench.profile
    batch = await bench.run(await bench.plan(Action.REPLAY, *ids, concurrency=1))
    await asyncio.wait_for(arrived.wait(), 5)
    now = bench.clock.now()
    cancelled = await bench.database.write(lambda c: batches.cancel(c, batch.id, "ann", now))
    assert cancelled.state is BatchState.CANCELLED
    gate.set()
    rows = [await bench.until(tx, Status.FAILED, Status.PROCESSED, Status.IN_DOUBT) for tx in ids]
    assert len(target.received) == 1
    assert sum(row.status == Status.FAILED for row in rows) >= 5
    with pytest.raises(Refused):
        await bench.database.write(lambda c: batches.cancel(c, batch.id, "ann", now))


async def test_a_rate_is_kept(bench, target) -> None:
    ids = await failed(bench, target, 5)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await bench.act(Action.REPLAY, *ids, rate=20.0)
    assert loop.time() - began >= 4 / 20.0


async def test_a_batch_goes_on_after_a_restart(bench, target) -> None:
    ids = await failed(bench, target, 6)
    gate, arrived = asyncio.Event(), asyncio.Event()

    async def wait(_request: web.Request, _body: bytes) -> web.StreamResponse:
        arrived.set()
        await gate.wait()
        return web.json_response({"status": "applied"}, status=201)

    target.deliver = wait
    batch = await bench.run(await bench.plan(Action.REPLAY, *ids, concurrency=2))
    await asyncio.wait_for(arrived.wait(), 5)
    for outlet in list(bench.engine._outlets.values()):
        await outlet.close(patience=0.0)
    await bench.stop()
    gate.set()
    target.deliver = APPLIED
    bench.make()
    await bench.start()
    ended = await bench.finished(batch.id)
    assert ended.state is BatchState.DONE
    assert ended.counts["planned"] == ended.counts["intended"] == 0
    assert len(target.keys_sent()) == len(set(target.keys_sent()))


async def test_hold_and_release_are_plans_and_keep_the_order(bench, target) -> None:
    await bench.act(Action.HOLD, target="ERP", reason="inventory count")
    ids = [await bench.send("report", event=f"e{n}") for n in range(3)]
    for tx in ids:
        row = await bench.until(tx, Status.HELD)
        assert "inventory count" in row.waiting_on
    assert target.received == []
    await bench.act(Action.RELEASE, target="ERP")
    for tx in ids:
        await bench.until(tx, Status.PROCESSED)


async def test_releasing_what_is_not_held_is_told_so(bench) -> None:
    with pytest.raises(NotFound, match="Nothing is held"):
        await bench.plan(Action.RELEASE, target="ERP")


async def test_an_id_that_does_not_exist_plans_nothing(bench, target) -> None:
    (tx,) = await failed(bench, target, 1)
    with pytest.raises(NotFound, match="nope"):
        await bench.plan(Action.REPLAY, tx, "nope")


async def test_actions_without_a_reason_are_refused(bench) -> None:
    request = PlanRequest(action=Action.REPLAY, reason="  ", ids=[])
    with pytest.raises(Invalid, match="reason"):
        building.check_request(request, bench.landscape)


async def test_an_expired_plan_is_stale(bench, target) -> None:
    (tx,) = await failed(bench, target, 1)
    plan = await bench.plan(Action.REPLAY, tx)
    later = plan.expires_at.replace(year=plan.expires_at.year + 1)
    with pytest.raises(Stale, match="expired"):
        await bench.begin(plan, later)
    assert target.received == []


async def test_everything_a_person_does_is_in_the_audit_chain_and_the_chain_holds(bench, target) -> None:
    ids = await failed(bench, target, 3)
    await bench.act(Action.REPLAY, *ids[:2], reason="ticket 7")
    await bench.act(Action.DISCARD, ids[2], reason="obsolete")
    rows = await bench.database.read(lambda c: c.execute(select(audit).order_by(audit.c.seq)).all())
    entries = [to_audit(row) for row in rows]
    assert verify(entries) is None
    told = [(entry.action, entry.subject) for entry in entries]
    assert [action for action, _ in told].count("transaction.replayed") == 2
    assert ("transaction.discarded", ids[2]) in told
    assert any(entry.reason == "ticket 7" and entry.actor == "ann" for entry in entries)
    forged = [*entries[:2], msgspec.structs.replace(entries[2], actor="somebody"), *entries[3:]]
    broken = verify(forged)
    assert broken is not None
    assert broken.seq == 3


async def test_what_was_discarded_before_it_was_sent_is_failed_and_findable_after_restore(bench, target) -> None:
    await bench.act(Action.HOLD, target="ERP", reason="stocktaking")
    tx = await bench.send("report", event="e1")
    await bench.until(tx, Status.HELD)
    await bench.act(Action.DISCARD, tx)
    await bench.act(Action.RELEASE, target="ERP")
    await bench.act(Action.RESTORE, tx)
    row = await bench.row(tx)
    assert row.status == Status.FAILED
    assert (row.failure_code, row.failed_at is not None, row.fingerprint is not None) == ("restored", True, True)
    assert target.received == []
    await bench.act(Action.REPLAY, tx)
    assert (await bench.row(tx)).status == Status.PROCESSED


async def test_the_audit_of_a_release_says_why_it_was_released(bench) -> None:
    await bench.act(Action.HOLD, target="ERP", reason="stocktaking")
    await bench.act(Action.RELEASE, target="ERP", reason="counted")
    rows = await bench.database.read(lambda c: c.execute(select(audit).where(audit.c.action == "hold.released")).all())
    (entry,) = [to_audit(row) for row in rows]
    assert entry.reason == "counted"
    assert entry.before is not None
    assert entry.before["reason"] == "stocktaking"
